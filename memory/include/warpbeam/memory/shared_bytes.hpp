#pragma once

#include <warpbeam/memory/allocator.hpp>
#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/linear_memory.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/memory/reservation.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace warpbeam {

/// How waiting for a notification ended. The first three are the results of the instructions
/// memory.atomic.wait.
enum class WaitResult : uint8_t {
    notified,
    not_equal, ///< the memory did not hold what was expected, so there was no wait
    timed_out,
    interrupted,
};

/// The bytes of a shared memory, and the threads that wait at its addresses. It counts its owners itself (see
/// Ref). Room for the largest size is reserved from the start, so the bytes never move; where the platform
/// has no reservations they are all allocated at once.
/// https://github.com/WebAssembly/threads/blob/main/proposals/threads/Overview.md
///
/// Thread-safety: every function may be called from any thread at any time.
class WARPBEAM_API SharedBytes {
public:
    /// `options.initial_pages` pages of zeros; null when there is no memory, or no address space for
    /// `options.max_pages`, or these are fewer. `options.reservation` is not looked at; `options.guarded` is
    /// a wish.
    [[nodiscard]] static Ref<SharedBytes> create(const LinearMemory::Options& options) noexcept;
    SharedBytes(const SharedBytes&) = delete;
    SharedBytes& operator=(const SharedBytes&) = delete;

    void retain() const noexcept { owners_.add(); }
    void release() const noexcept {
        if (owners_.drop())
            destroy(allocator_, this);
    }

    /// The first byte. May be null when the largest size is 0.
    [[nodiscard]] uint8_t* data() const noexcept { return data_; }
    /// The present size in bytes; it never shrinks.
    [[nodiscard]] uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }

    /// Whether it lies in a reservation of LinearMemory::guarded_size bytes.
    [[nodiscard]] bool is_guarded() const noexcept {
        return reservation_.size() >= LinearMemory::guarded_size;
    }

    /// Adds `pages` pages of zeros at the end and returns the size in pages before; none, and nothing
    /// changed, when the largest size would be exceeded or there is no memory.
    [[nodiscard]] std::optional<uint64_t> grow(uint64_t pages) noexcept;

    /// If the T (uint32_t or uint64_t) at `address` is `expected`, waits until a notification at this
    /// address, for `timeout` nanoseconds, or without an end if that is negative. It looks at `interrupt`,
    /// unless that is null, every 10 ms: it may be set in a signal handler, which could not wake anybody.
    /// Precondition: `address` is aligned, and the T lies within the size.
    template <typename T>
    [[nodiscard]] WaitResult wait(uint64_t address, T expected, int64_t timeout,
                                  const std::atomic<bool>* interrupt = nullptr) noexcept;

    /// Wakes up to `count` threads that wait at `address`, in the order in which they came; how many there
    /// were.
    uint32_t notify(uint64_t address, uint32_t count) noexcept;

private:
    /// A thread that waits, in its own frame.
    struct Waiter {
        const uint64_t address;
        Waiter* next = nullptr;
        bool notified = false;
        std::condition_variable wake;
    };

    explicit SharedBytes(const LinearMemory::Options& options, Allocator& allocator) noexcept;
    ~SharedBytes();
    friend SharedBytes* warpbeam::create<SharedBytes>(Allocator&, const LinearMemory::Options&, Allocator&);
    friend void warpbeam::destroy<const SharedBytes>(Allocator&, const SharedBytes*) noexcept;

    [[nodiscard]] bool reserve(uint64_t bytes, bool guarded) noexcept;
    [[nodiscard]] bool commit(uint64_t bytes) noexcept;
    [[nodiscard]] WaitResult sleep(std::unique_lock<std::mutex>& lock, Waiter& self, int64_t timeout,
                                   const std::atomic<bool>* interrupt) noexcept;
    void forget(const Waiter& waiter) noexcept;

    mutable RefCount owners_;
    Allocator& allocator_;
    const uint64_t max_pages_;
    const uint8_t page_size_log2_;
    Reservation reservation_;
    /// Of reservation_ if that is not empty, else a block of the allocator with capacity_ bytes.
    uint8_t* data_ = nullptr;
    size_t capacity_ = 0;
    std::atomic<uint64_t> size_ = 0;
    std::mutex growth_;
    /// Guards the list of those who wait, the longest waiting first.
    std::mutex waiting_;
    Waiter* first_ = nullptr;
    Waiter** end_ = &first_;
};

} // namespace warpbeam
