#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstddef>

namespace warpbeam::test {

/// Has memory for a limited number of allocations, and counts the live ones.
class ScarceAllocator final : public Allocator {
public:
    explicit ScarceAllocator(size_t successes) : successes_{successes} {}
    void* allocate(size_t size, size_t alignment) noexcept override {
        if (successes_ == 0)
            return nullptr;
        --successes_;
        ++live;
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        --live;
        standard().deallocate(block, size, alignment);
    }
    int live = 0;

private:
    size_t successes_;
};

} // namespace warpbeam::test
