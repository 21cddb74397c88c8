#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>

#include <atomic>
#include <cstdint>

namespace warpbeam {

/// Counts what the library takes from another allocator, and can cap it.
///
/// Thread-safety: any thread may call any function at any time, if the other allocator allows that. Numbers
/// read while other threads allocate may belong to slightly different moments.
class WARPBEAM_API AccountingAllocator final : public Allocator {
public:
    /// Statistics for one kind of memory.
    struct Usage {
        uint64_t live = 0;  ///< bytes in use now
        uint64_t peak = 0;  ///< the maximum in use at any time
        uint64_t calls = 0; ///< the number of requests, successful or not
    };

    /// `source` must outlive it. Blocks and committed bytes together never exceed `limit` bytes: a request
    /// that would exceed it fails, as if the system had no more memory.
    explicit AccountingAllocator(Allocator& source = Allocator::standard(),
                                 uint64_t limit = UINT64_MAX) noexcept
        : source_{source}, limit_{limit} {}
    AccountingAllocator(const AccountingAllocator&) = delete;
    AccountingAllocator& operator=(const AccountingAllocator&) = delete;

    /// Blocks from `allocate`.
    [[nodiscard]] Usage blocks() const noexcept { return blocks_.read(); }
    /// Address space, committed or not. It costs no memory.
    [[nodiscard]] Usage reserved() const noexcept { return reserved_.read(); }
    /// The committed part of it, in whole host pages; the system provides memory for a page when it is first
    /// touched.
    [[nodiscard]] Usage committed() const noexcept { return committed_.read(); }

    [[nodiscard]] void* allocate(size_t size, size_t alignment) noexcept override;
    void deallocate(void* block, size_t size, size_t alignment) noexcept override;
    [[nodiscard]] void* reserve(size_t size) noexcept override;
    [[nodiscard]] bool commit(void* base, size_t from, size_t to) noexcept override;
    [[nodiscard]] bool map_file(void* base, size_t from, size_t to, int file) noexcept override;
    [[nodiscard]] bool restore(void* base, size_t from, size_t to) noexcept override;
    [[nodiscard]] bool has_private_pages() const noexcept override { return source_.has_private_pages(); }
    [[nodiscard]] bool decommit(void* base, size_t from, size_t to) noexcept override;
    void release(void* base, size_t size, size_t committed) noexcept override;

private:
    class Counter {
    public:
        void add(uint64_t bytes) noexcept;
        void remove(uint64_t bytes) noexcept { live_.fetch_sub(bytes, std::memory_order_relaxed); }
        void count_call() noexcept { calls_.fetch_add(1, std::memory_order_relaxed); }
        [[nodiscard]] Usage read() const noexcept {
            return {live_.load(std::memory_order_relaxed), peak_.load(std::memory_order_relaxed),
                    calls_.load(std::memory_order_relaxed)};
        }

    private:
        std::atomic<uint64_t> live_ = 0;
        std::atomic<uint64_t> peak_ = 0;
        std::atomic<uint64_t> calls_ = 0;
    };

    [[nodiscard]] bool take(uint64_t bytes) noexcept;
    void give_back(uint64_t bytes) noexcept { taken_.fetch_sub(bytes, std::memory_order_relaxed); }

    Allocator& source_;
    const uint64_t limit_;
    std::atomic<uint64_t> taken_ = 0; ///< counted against the limit
    Counter blocks_;
    Counter reserved_;
    Counter committed_;
};

} // namespace warpbeam
