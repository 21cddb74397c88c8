#pragma once

#include <gtest/gtest.h>
#include <warpbeam/memory/allocator.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace warpbeam {

/// Gives blocks that are full of other bytes, has such bytes after each, too, and looks whether they stay.
class FramingAllocator final : public Allocator {
public:
    FramingAllocator() = default;
    FramingAllocator(const FramingAllocator&) = delete;
    FramingAllocator& operator=(const FramingAllocator&) = delete;
    ~FramingAllocator() { EXPECT_EQ(damaged_, 0u) << "blocks after whose end something was written"; }

    void* allocate(size_t bytes, size_t alignment) noexcept override {
        auto* const memory = static_cast<uint8_t*>(standard().allocate(bytes + frame, alignment));
        if (memory != nullptr)
            std::memset(memory, 0x11, bytes + frame);
        return memory;
    }
    void deallocate(void* memory, size_t bytes, size_t alignment) noexcept override {
        if (memory != nullptr) {
            const auto* const end = static_cast<const uint8_t*>(memory) + bytes;
            damaged_ += std::all_of(end, end + frame, [](uint8_t byte) { return byte == 0x11; }) ? 0 : 1;
        }
        standard().deallocate(memory, bytes + frame, alignment);
    }

private:
    static constexpr size_t frame = 64;
    size_t damaged_ = 0;
};

} // namespace warpbeam
