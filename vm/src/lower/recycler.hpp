#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <new>
#include <utility>

namespace warpbeam::vm {

/// Keeps what is freed: for the lowering of functions one after the other, which need blocks of the same
/// sizes again and again. Sizes are powers of two, so that a block fits the next one who needs about as much.
/// Thread-safety: none; one thread at a time.
class Recycler final : public Allocator {
public:
    explicit Recycler(Allocator& parent) noexcept : parent_{parent} {}
    Recycler(const Recycler&) = delete;
    Recycler& operator=(const Recycler&) = delete;
    ~Recycler() override {
        for (size_t i = 0; i < free_.size(); ++i)
            while (free_[i] != nullptr)
                parent_.deallocate(std::exchange(free_[i], free_[i]->next), size_t{1} << i, alignment_of_all);
    }

    [[nodiscard]] void* allocate(size_t size, size_t alignment) noexcept override {
        if (!is_kept(size, alignment))
            return parent_.allocate(size, alignment);
        const size_t list = list_of(size);
        if (free_[list] == nullptr)
            return parent_.allocate(size_t{1} << list, alignment_of_all);
        return std::exchange(free_[list], free_[list]->next);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        if (!is_kept(size, alignment))
            return parent_.deallocate(block, size, alignment);
        Free*& first = free_[list_of(size)];
        first = ::new (block) Free{first};
    }

private:
    struct Free {
        Free* next;
    };
    static constexpr size_t alignment_of_all = alignof(std::max_align_t);
    static constexpr size_t lists = 21; ///< one for each size up to a megabyte
    static bool is_kept(size_t size, size_t alignment) noexcept {
        return size < size_t{1} << (lists - 1) && alignment <= alignment_of_all;
    }
    static size_t list_of(size_t size) noexcept {
        return static_cast<size_t>(std::bit_width(size < sizeof(Free) ? sizeof(Free) - 1 : size - 1));
    }

    Allocator& parent_;
    std::array<Free*, lists> free_{};
};

} // namespace warpbeam::vm
