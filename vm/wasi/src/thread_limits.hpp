#pragma once

#include <warpbeam/vm/growth_policy.hpp>
#include <warpbeam/wasi/threads.hpp>

#include <algorithm>
#include <atomic>

/// The limits of a program's threads: those of one store hold for all of them together.

namespace warpbeam::wasi {

/// How much of something all threads have. Thread-safe.
class SharedAmount {
public:
    explicit SharedAmount(uint64_t limit) noexcept : limit_{limit} {}

    /// Takes more of it; false if that would exceed the limit.
    [[nodiscard]] bool take(uint64_t more) noexcept {
        uint64_t before = used_.load(std::memory_order_relaxed);
        do {
            if (more > limit_ - before)
                return false;
        } while (!used_.compare_exchange_weak(before, before + more, std::memory_order_relaxed));
        return true;
    }
    void give(uint64_t amount) noexcept { used_.fetch_sub(amount, std::memory_order_relaxed); }

private:
    const uint64_t limit_;
    std::atomic<uint64_t> used_ = 0;
};

/// What all threads have in memories that are not shared, and in tables.
struct SharedAmounts {
    explicit SharedAmounts(const StoreLimits& limits) noexcept
        : memory_bytes{limits.memory_bytes}, table_elements{limits.table_elements} {}
    SharedAmount memory_bytes;
    SharedAmount table_elements;
};

/// The part of it that one thread has; given back at its end, also what it was allowed but did not get.
class ThreadShare final : public GrowthPolicy {
public:
    /// `next` is asked, too, unless it is null.
    ThreadShare(SharedAmounts& all, GrowthPolicy* next) noexcept : all_{all}, next_{next} {}
    ThreadShare(const ThreadShare&) = delete;
    ThreadShare& operator=(const ThreadShare&) = delete;
    ~ThreadShare() override {
        all_.memory_bytes.give(memory_bytes_);
        all_.table_elements.give(table_elements_);
    }

    bool allow_memory(const Store& store, const MemoryType& type, uint64_t from,
                      uint64_t to) noexcept override {
        if (next_ != nullptr && !next_->allow_memory(store, type, from, to))
            return false;
        // A shared memory is there once, whatever the number of threads.
        return type.shared || take(all_.memory_bytes, memory_bytes_, to - from);
    }
    bool allow_table(const Store& store, const TableType& type, uint64_t from,
                     uint64_t to) noexcept override {
        if (next_ != nullptr && !next_->allow_table(store, type, from, to))
            return false;
        return take(all_.table_elements, table_elements_, to - from);
    }

    /// The limits of one thread's store. Nothing can be asked when an object is made, or a stack grows: each
    /// thread has an equal part of that.
    [[nodiscard]] StoreLimits limits(const ThreadSettings& settings) noexcept {
        const uint64_t threads = std::max<uint64_t>(settings.max_threads, 1);
        StoreLimits limits = settings.limits;
        limits.heap_bytes /= threads;
        limits.execution_bytes /= threads;
        limits.growth = this;
        return limits;
    }

private:
    [[nodiscard]] static bool take(SharedAmount& from, uint64_t& mine, uint64_t more) noexcept {
        if (!from.take(more))
            return false;
        mine += more;
        return true;
    }

    SharedAmounts& all_;
    GrowthPolicy* next_;
    uint64_t memory_bytes_ = 0;
    uint64_t table_elements_ = 0;
};

} // namespace warpbeam::wasi
