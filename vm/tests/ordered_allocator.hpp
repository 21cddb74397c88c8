#pragma once

#include <warpbeam/memory/allocator.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <new>

namespace warpbeam {

/// Gives the lowest place that is large enough, in one region: the heap orders its blocks by their addresses,
/// so that other orders would make other numbers.
class OrderedAllocator final : public Allocator {
public:
    OrderedAllocator() {
        base_ = static_cast<uint8_t*>(standard().reserve(size));
        if (base_ == nullptr)
            throw std::bad_alloc{};
        if (!standard().commit(base_, 0, size)) {
            standard().release(base_, size, 0);
            throw std::bad_alloc{};
        }
        // Where a block of the heap may be, which is the same in each run.
        const size_t begin = alignment - reinterpret_cast<uintptr_t>(base_) % alignment;
        free_[begin] = size - begin;
    }
    ~OrderedAllocator() { standard().release(base_, size, size); }
    OrderedAllocator(const OrderedAllocator&) = delete;
    OrderedAllocator& operator=(const OrderedAllocator&) = delete;

    void* allocate(size_t bytes, size_t aligned) noexcept override {
        if (aligned != alignment)
            return standard().allocate(bytes, aligned);
        for (auto at = free_.begin(); at != free_.end(); ++at) {
            uint8_t* const place = base_ + at->first;
            const size_t skipped = (alignment - reinterpret_cast<uintptr_t>(place) % alignment) % alignment;
            if (skipped + bytes > at->second)
                continue;
            const size_t end = at->first + skipped + bytes, rest = at->second - skipped - bytes;
            if (skipped != 0)
                at->second = skipped;
            else
                free_.erase(at);
            if (rest != 0)
                free_[end] = rest;
            return place + skipped;
        }
        return nullptr;
    }
    void deallocate(void* block, size_t bytes, size_t aligned) noexcept override {
        if (aligned != alignment)
            return standard().deallocate(block, bytes, aligned);
        const auto begin = static_cast<size_t>(static_cast<uint8_t*>(block) - base_);
        auto at = free_.emplace(begin, bytes).first;
        if (const auto next = std::next(at); next != free_.end() && at->first + at->second == next->first) {
            at->second += next->second;
            free_.erase(next);
        }
        if (at != free_.begin())
            if (const auto before = std::prev(at); before->first + before->second == at->first) {
                before->second += at->second;
                free_.erase(at);
            }
    }

private:
    static constexpr size_t size = size_t{64} << 20;
    static constexpr size_t alignment = 65536; ///< of blocks of the heap, and of nothing else
    uint8_t* base_;
    std::map<size_t, size_t> free_; ///< sizes by their beginning
};

} // namespace warpbeam
