#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>

#include <atomic>
#include <cstdint>

namespace warpbeam {

/// Counts what the library takes from another allocator, and caps it if asked to.
///
/// Thread-safety: every function may be called from any thread at any time, if that holds for the other
/// allocator. Numbers read while other threads allocate belong to slightly different moments.
class WARPBEAM_API AccountingAllocator final : public Allocator {
public:
    /// Of one kind of memory.
    struct Usage {
        uint64_t live = 0;  ///< bytes that are out now
        uint64_t peak = 0;  ///< the most that were out at a time
        uint64_t calls = 0; ///< how often more was asked for, with or without success
    };

    /// `source` must outlive it. Blocks and committed bytes together never exceed `limit` bytes: what would
    /// is refused, as if the system had no more memory.
    explicit AccountingAllocator(Allocator& source = Allocator::standard(),
                                 uint64_t limit = UINT64_MAX) noexcept
        : source_{source}, limit_{limit} {}
    AccountingAllocator(const AccountingAllocator&) = delete;
    AccountingAllocator& operator=(const AccountingAllocator&) = delete;

    /// Blocks of `allocate`.
    [[nodiscard]] Usage blocks() const noexcept { return blocks_.read(); }
    /// Address space, whether or not it is committed. It costs no memory.
    [[nodiscard]] Usage reserved() const noexcept { return reserved_.read(); }
    /// The part of it that is committed, in whole host pages; the system finds memory for each page when it
    /// is touched first.
    [[nodiscard]] Usage committed() const noexcept { return committed_.read(); }

    [[nodiscard]] void* allocate(size_t size, size_t alignment) noexcept override;
    void deallocate(void* block, size_t size, size_t alignment) noexcept override;
    [[nodiscard]] void* reserve(size_t size) noexcept override;
    [[nodiscard]] bool commit(void* base, size_t from, size_t to) noexcept override;
    [[nodiscard]] bool map_file(void* base, size_t from, size_t to, int file) noexcept override;
    [[nodiscard]] bool restore(void* base, size_t to) noexcept override;
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
    std::atomic<uint64_t> taken_ = 0; ///< of the limit
    Counter blocks_;
    Counter reserved_;
    Counter committed_;
};

} // namespace warpbeam
