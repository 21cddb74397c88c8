#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace warpbeam::fuzz {

/// Counts what is allocated, and fails beyond `limit` bytes, and once where it is told to.
class BoundedAllocator final : public Allocator {
public:
    explicit BoundedAllocator(size_t limit) noexcept : limit_{limit} {}

    void* allocate(size_t size, size_t alignment) noexcept override {
        if (size > limit_ - live_ || --left_ == 0) {
            refused_ = true;
            return nullptr;
        }
        void* const block = Allocator::standard().allocate(size, alignment);
        if (block != nullptr) {
            live_ += size;
            peak_ = std::max(peak_, live_);
        }
        return block;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        live_ -= size;
        Allocator::standard().deallocate(block, size, alignment);
    }

    /// The `count`th allocation from now on fails, once; 0 takes that back.
    void fail_at(uint64_t count) noexcept { left_ = count == 0 ? UINT64_MAX : count; }

    [[nodiscard]] size_t live() const noexcept { return live_; }
    [[nodiscard]] size_t peak() const noexcept { return peak_; }
    [[nodiscard]] bool refused() const noexcept { return refused_; }

private:
    size_t limit_;
    size_t live_ = 0;
    size_t peak_ = 0;
    uint64_t left_ = UINT64_MAX; ///< allocations until one fails
    bool refused_ = false;
};

/// The memory that loading a module of this size may take: the stacks of validation, which have their own
/// limit, and a multiple of the input.
constexpr size_t memory_bound(size_t input_size) noexcept { return (size_t{1} << 20) + 200 * input_size; }

} // namespace warpbeam::fuzz
