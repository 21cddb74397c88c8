#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/linear_memory.hpp>
#include <warpbeam/memory/locks.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/reservation.hpp>
#include <warpbeam/memory/wait_result.hpp>

#include <atomic>
#include <cstdint>
#include <optional>

namespace warpbeam {

/// The bytes of a shared memory, and the threads that wait at its addresses. It counts its owners (see Ref).
/// The maximum size is reserved in advance, so the bytes never move; where the platform has no reservations
/// they are all allocated at once.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md
///
/// Thread-safety: any thread may call any function at any time.
class WARPBEAM_API SharedBytes {
public:
    /// A memory of `initial_pages` pages of zeros; null if memory runs out, if there is no address space for
    /// `options.max_pages`, or if these are fewer. `options.reservation` is ignored; `options.guarded` is a
    /// request that may fail.
    [[nodiscard]] static Ref<SharedBytes> create(const LinearMemory::Options& options) noexcept;
    SharedBytes(const SharedBytes&) = delete;
    SharedBytes& operator=(const SharedBytes&) = delete;

    /// Adds an owner.
    void retain() const noexcept { owners_.add(); }
    /// Removes an owner; without owners the memory is freed.
    void release() const noexcept {
        if (owners_.drop())
            destroy(allocator_, this);
    }

    /// The first byte. May be null if the maximum size is 0.
    [[nodiscard]] uint8_t* data() const noexcept { return data_; }
    /// The current size in bytes; it never shrinks.
    [[nodiscard]] uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }

    /// Whether it lies in a reservation of LinearMemory::guarded_size bytes.
    [[nodiscard]] bool is_guarded() const noexcept {
        return uint64_t{reservation_.size()} >= LinearMemory::guarded_size;
    }

    /// Adds `pages` pages of zeros at the end and returns the previous size in pages. Returns nothing and
    /// changes nothing if that would exceed the maximum size or memory runs out.
    [[nodiscard]] std::optional<uint64_t> grow(uint64_t pages) noexcept;

    /// If the T (uint32_t or uint64_t) at `address` is `expected`, waits for a notification at this address,
    /// for `timeout` nanoseconds, or forever if that is negative. It checks the lowest bit of `interrupt`,
    /// unless that is null, every 10 ms: a signal handler may set it, but could not wake a thread.
    /// Precondition: `address` is aligned, and the T lies within the size.
    template <typename T>
    [[nodiscard]] WaitResult wait(uint64_t address, T expected, int64_t timeout,
                                  const std::atomic<uint64_t>* interrupt = nullptr) noexcept;

    /// Wakes up to `count` threads that wait at `address`, in order of arrival; returns the number of threads
    /// woken.
    uint32_t notify(uint64_t address, uint32_t count) noexcept;

private:
    /// A waiting thread, in its own stack frame.
    struct Waiter {
        const uint64_t address;
        Waiter* next = nullptr;
        bool notified = false;
        Condition wake;
    };

    explicit SharedBytes(const LinearMemory::Options& options, Allocator& allocator) noexcept;
    ~SharedBytes();
    friend SharedBytes* warpbeam::create<SharedBytes>(Allocator&, const LinearMemory::Options&, Allocator&);
    friend void warpbeam::destroy<const SharedBytes>(Allocator&, const SharedBytes*) noexcept;

    [[nodiscard]] bool reserve(uint64_t bytes, bool guarded) noexcept;
    [[nodiscard]] bool commit(uint64_t bytes) noexcept;
    [[nodiscard]] WaitResult sleep(std::unique_lock<Mutex>& lock, Waiter& self, int64_t timeout,
                                   const std::atomic<uint64_t>* interrupt) noexcept;
    void forget(const Waiter& waiter) noexcept;

    mutable RefCount owners_;
    Allocator& allocator_;
    const uint64_t max_pages_;
    const uint8_t page_size_log2_;
    Reservation reservation_;
    /// In reservation_ unless that is empty, else an allocator block of capacity_ bytes.
    uint8_t* data_ = nullptr;
    size_t capacity_ = 0;
    std::atomic<uint64_t> size_ = 0;
    Mutex growth_;
    /// Guards the list of waiting threads, the longest waiting first.
    Mutex waiting_;
    Waiter* first_ = nullptr;
    Waiter** end_ = &first_;
};

} // namespace warpbeam
