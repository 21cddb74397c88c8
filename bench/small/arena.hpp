#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstddef>

/// An allocator for programs without a heap.

namespace small {

/// Memory from an array of 128 KB, in which the first gap that is large enough is used. No address space is
/// reserved, so linear memories lie in the array, too. For one thread.
class Arena final : public warpbeam::Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        size = rounded(size);
        size_t at = 0;
        for (size_t i = 0; i <= count_; ++i) {
            const size_t begin = (at + alignment - 1) / alignment * alignment;
            const size_t end = i < count_ ? blocks_[i].begin : sizeof memory_;
            if (begin <= end && size <= end - begin && count_ < max_blocks) {
                for (size_t later = count_++; later > i; --later)
                    blocks_[later] = blocks_[later - 1];
                blocks_[i] = {begin, size};
                used_ += size;
                peak_ = used_ > peak_ ? used_ : peak_;
                return memory_ + begin;
            }
            at = i < count_ ? blocks_[i].begin + blocks_[i].size : at;
        }
        return nullptr;
    }
    void deallocate(void* block, size_t, size_t) noexcept override {
        const auto begin = static_cast<size_t>(static_cast<unsigned char*>(block) - memory_);
        size_t i = 0;
        while (blocks_[i].begin != begin)
            ++i;
        used_ -= blocks_[i].size;
        for (--count_; i < count_; ++i)
            blocks_[i] = blocks_[i + 1];
    }
    void* reserve(size_t) noexcept override { return nullptr; }

    /// How many bytes are allocated now.
    [[nodiscard]] size_t used() const noexcept { return used_; }
    /// How many were at most.
    [[nodiscard]] size_t peak() const noexcept { return peak_; }

private:
    struct Block {
        size_t begin;
        size_t size;
    };
    static constexpr size_t max_blocks = 256;
    static constexpr size_t rounded(size_t size) noexcept { return (size + 15) / 16 * 16; }

    alignas(64) unsigned char memory_[128 * 1024];
    Block blocks_[max_blocks] = {};
    size_t count_ = 0;
    size_t used_ = 0;
    size_t peak_ = 0;
};

} // namespace small
