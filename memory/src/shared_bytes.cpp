#include <warpbeam/memory/atomic_ref.hpp>
#include <warpbeam/memory/little_endian.hpp>
#include <warpbeam/memory/shared_bytes.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace warpbeam {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t shared_alignment = 64;
constexpr std::chrono::milliseconds interrupt_interval{10};

} // namespace

SharedBytes::SharedBytes(const LinearMemory::Options& options, Allocator& allocator) noexcept
    : allocator_{allocator}, max_pages_{options.max_pages}, page_size_log2_{options.page_size_log2} {}

SharedBytes::~SharedBytes() {
    if (reservation_.size() == 0 && data_ != nullptr)
        allocator_.deallocate(data_, capacity_, shared_alignment);
}

Ref<SharedBytes> SharedBytes::create(const LinearMemory::Options& options) noexcept {
    if (options.initial_pages > options.max_pages || options.max_pages > UINT64_MAX >> options.page_size_log2)
        return {};
    Allocator& allocator = options.allocator != nullptr ? *options.allocator : Allocator::standard();
    auto shared =
        Ref<SharedBytes>::adopt(warpbeam::create<SharedBytes, const LinearMemory::Options&, Allocator&>(
            allocator, options, allocator));
    if (!shared || !shared->reserve(options.max_pages << options.page_size_log2, options.guarded) ||
        !shared->commit(options.initial_pages << options.page_size_log2))
        return {};
    return shared;
}

bool SharedBytes::reserve(uint64_t bytes, bool guarded) noexcept {
    if (bytes > SIZE_MAX / 2) // no object can be larger
        return false;
    capacity_ = static_cast<size_t>(bytes);
    if (guarded && LinearMemory::guarded_size <= SIZE_MAX)
        reservation_ = Reservation::reserve(static_cast<size_t>(LinearMemory::guarded_size), allocator_);
    if (bytes == 0 && reservation_.size() == 0)
        return true;
    if (reservation_.size() == 0)
        reservation_ = Reservation::reserve(capacity_, allocator_);
    if (reservation_.size() != 0) {
        data_ = reservation_.base();
        return true;
    }
    data_ = static_cast<uint8_t*>(allocator_.allocate(capacity_, shared_alignment));
    if (data_ != nullptr)
        std::memset(data_, 0, capacity_);
    return data_ != nullptr;
}

bool SharedBytes::commit(uint64_t bytes) noexcept {
    if (reservation_.size() != 0 && !reservation_.commit(static_cast<size_t>(bytes)))
        return false;
    size_.store(bytes, std::memory_order_release);
    return true;
}

std::optional<uint64_t> SharedBytes::grow(uint64_t pages) noexcept {
    const std::lock_guard lock{growth_};
    const uint64_t old = size() >> page_size_log2_;
    if (pages > max_pages_ - old || !commit((old + pages) << page_size_log2_))
        return std::nullopt;
    return old;
}

template <typename T>
WaitResult SharedBytes::wait(uint64_t address, T expected, int64_t timeout,
                             const std::atomic<uint64_t>* interrupt) noexcept {
    // A thread that changes the value and then notifies either finds us on the list, or we see the change.
    std::unique_lock lock{waiting_};
    if (AtomicRef<T>{*reinterpret_cast<T*>(data_ + address)}.load() != little_endian(expected))
        return WaitResult::not_equal;
    Waiter self{.address = address, .wake = {}};
    *end_ = &self;
    end_ = &self.next;
    const WaitResult result = sleep(lock, self, timeout, interrupt);
    if (result != WaitResult::notified)
        forget(self);
    return result;
}
template WaitResult SharedBytes::wait(uint64_t, uint32_t, int64_t, const std::atomic<uint64_t>*) noexcept;
template WaitResult SharedBytes::wait(uint64_t, uint64_t, int64_t, const std::atomic<uint64_t>*) noexcept;

WaitResult SharedBytes::sleep(std::unique_lock<Mutex>& lock, Waiter& self, int64_t timeout,
                              const std::atomic<uint64_t>* interrupt) noexcept {
    const Clock::time_point start = Clock::now();
    // A deadline beyond the clock's range never comes.
    const bool endless = timeout < 0 || std::chrono::nanoseconds{timeout} > Clock::time_point::max() - start;
    const Clock::time_point end =
        endless ? Clock::time_point::max() : start + std::chrono::nanoseconds{timeout};
    for (Clock::time_point now = start; !self.notified; now = Clock::now()) {
        if (interrupt != nullptr && (interrupt->load(std::memory_order_relaxed) & 1) != 0)
            return WaitResult::interrupted;
        if (now >= end)
            return WaitResult::timed_out;
        if (interrupt != nullptr)
            self.wake.wait_until(lock, std::min(end, now + interrupt_interval));
        else if (endless)
            self.wake.wait(lock);
        else
            self.wake.wait_until(lock, end);
    }
    return WaitResult::notified;
}

void SharedBytes::forget(const Waiter& waiter) noexcept {
    Waiter** at = &first_;
    while (*at != &waiter)
        at = &(*at)->next;
    *at = waiter.next;
    if (*at == nullptr)
        end_ = at;
}

uint32_t SharedBytes::notify(uint64_t address, uint32_t count) noexcept {
    const std::lock_guard lock{waiting_};
    uint32_t woken = 0;
    Waiter** at = &first_;
    while (*at != nullptr && woken < count) {
        Waiter& waiter = **at;
        if (waiter.address != address) {
            at = &waiter.next;
            continue;
        }
        *at = waiter.next;
        waiter.notified = true;
        // While holding the lock, since the condition is destroyed with its thread's frame.
        waiter.wake.notify_one();
        ++woken;
    }
    if (*at == nullptr)
        end_ = at;
    return woken;
}

} // namespace warpbeam
