#pragma once

#include <warpbeam/memory/arena.hpp>

#include <cstddef>

namespace warpbeam::vm {

/// Memory for the tables of one function's lowering: most are small, and all are freed together. Small blocks
/// come from an arena, and are not used again before the end; large ones are freed when a table grows out of
/// them.
class Scratch final : public Allocator {
public:
    explicit Scratch(Allocator& parent) noexcept : parent_{parent}, arena_{parent} {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    [[nodiscard]] void* allocate(size_t size, size_t alignment) noexcept override {
        if (!is_small(size, alignment))
            return parent_.allocate(size, alignment);
        const auto block = arena_.array<Granule>((size + sizeof(Granule) - 1) / sizeof(Granule));
        return block ? block->data() : nullptr;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        if (!is_small(size, alignment))
            parent_.deallocate(block, size, alignment);
    }

private:
    struct alignas(std::max_align_t) Granule {
        std::byte bytes[alignof(std::max_align_t)];
    };
    static bool is_small(size_t size, size_t alignment) noexcept {
        return size <= 1024 && alignment <= alignof(Granule);
    }

    Allocator& parent_;
    Arena arena_;
};

} // namespace warpbeam::vm
