#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstdint>

namespace warpbeam::vm {

/// Memory for the tables of one function's lowering: most are small, and all are freed together. Small blocks
/// are taken from larger ones and not used again before the end; others come from another allocator.
class Scratch final : public Allocator {
public:
    explicit Scratch(Allocator& parent) noexcept : parent_{parent} {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() override {
        while (last_ != nullptr) {
            Chunk* const chunk = std::exchange(last_, last_->before);
            parent_.deallocate(chunk, sizeof(Chunk), alignof(Chunk));
        }
    }

    [[nodiscard]] void* allocate(size_t size, size_t alignment) noexcept override {
        if (!is_small(size, alignment))
            return parent_.allocate(size, alignment);
        const size_t taken = (size + granule - 1) / granule * granule;
        if (taken > left_) {
            void* const memory = parent_.allocate(sizeof(Chunk), alignof(Chunk));
            if (memory == nullptr)
                return nullptr;
            Chunk* const chunk = ::new (memory) Chunk;
            chunk->before = last_;
            last_ = chunk;
            left_ = sizeof chunk->bytes;
        }
        left_ -= taken;
        return last_->bytes + left_;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        if (!is_small(size, alignment))
            parent_.deallocate(block, size, alignment);
    }

private:
    static constexpr size_t granule = 16;
    struct Chunk {
        Chunk* before;
        alignas(granule) uint8_t bytes[6 * 1024 - granule];
    };
    static bool is_small(size_t size, size_t alignment) noexcept {
        return size <= 1024 && alignment <= granule;
    }

    Allocator& parent_;
    Chunk* last_ = nullptr;
    size_t left_ = 0;
};

} // namespace warpbeam::vm
