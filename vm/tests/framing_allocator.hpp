#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace warpbeam {

/// Puts other bytes after each block, and counts blocks after whose end something was written.
class FramingAllocator final : public Allocator {
public:
    void* allocate(size_t bytes, size_t alignment) noexcept override {
        auto* const memory = static_cast<uint8_t*>(standard().allocate(bytes + frame, alignment));
        if (memory != nullptr)
            std::memset(memory + bytes, 0x11, frame);
        return memory;
    }
    void deallocate(void* memory, size_t bytes, size_t alignment) noexcept override {
        if (memory != nullptr) {
            const auto* const end = static_cast<const uint8_t*>(memory) + bytes;
            damaged += std::all_of(end, end + frame, [](uint8_t byte) { return byte == 0x11; }) ? 0 : 1;
        }
        standard().deallocate(memory, bytes + frame, alignment);
    }

    size_t damaged = 0;

private:
    static constexpr size_t frame = 64;
};

} // namespace warpbeam
