#include "functions.hpp"

#include <algorithm>

/// Waiting for clocks and descriptors together.

namespace warpbeam::wasi {

namespace {

/// The layouts of `subscription` and `event`, with fields at fixed offsets.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#subscription
constexpr uint64_t event_size = 32;
enum class EventType : uint8_t { clock, fd_read, fd_write };
constexpr uint16_t absolute_time = 1;
constexpr uint16_t hangup = 1;
/// One for each descriptor and some more; looking at them takes time that nothing interrupts.
constexpr uint64_t max_subscriptions = 100'000;
constexpr size_t monotonic = static_cast<size_t>(Clock::monotonic);
constexpr size_t clock_count = 2; ///< that one can wait for: CPU time does not pass meanwhile
/// How long at a time one waits for a moment of the realtime clock, which may be set forward: a second.
constexpr uint64_t longest_until_moment = 1'000'000'000;

uint64_t subscription_size(const Abi& abi) noexcept { return abi.is_unstable ? 56 : 48; }

/// A subscription, read from an address that has been checked.
struct Subscription {
    uint64_t user_data;
    uint8_t type;
    uint32_t subject; ///< the clock, or the file descriptor
    uint64_t timeout;
    uint16_t flags;

    static Subscription read(const Call& call, Ptr address) noexcept {
        const auto type = call.get<uint8_t>(address + 8);
        // The older structure gives each clock a number before it.
        const bool has_number = call.abi.is_unstable && type == static_cast<uint8_t>(EventType::clock);
        const Ptr body = address + (has_number ? 24 : 16);
        return {call.get<uint64_t>(address), type, call.get<uint32_t>(body), call.get<uint64_t>(body + 8),
                call.get<uint16_t>(body + 24)};
    }
};

/// What is known of a subscription: when it is due, and what its event says then.
struct Due {
    Errno error = Errno::success;
    uint64_t delay = 0; ///< nanoseconds from now
    Ready ready;
};
constexpr Due never{Errno::success, UINT64_MAX, {}};

class Poll {
public:
    Poll(Call& call, Ptr subscriptions, Size count, Ptr events) noexcept
        : call_{call}, subscriptions_{subscriptions}, count_{count.value}, events_{events},
          streams_{call.context.allocator()}, kept_{call.context.allocator()} {
        read_clocks(now_);
        std::ranges::copy(now_, start_);
    }

    /// The times from which relative timeouts count.
    [[nodiscard]] std::span<Result<uint64_t>, clock_count> start() noexcept { return start_; }

    /// Writes the events that are due; returns how many. Otherwise `wait` waits for the first.
    uint64_t collect() noexcept {
        const uint64_t written = look();
        if (written != 0 || shortest_ != UINT64_MAX || !streams_.empty() || call_.may_suspend())
            return written;
        // Nothing can end the wait: the program learns from the streams themselves that they have nothing.
        is_stuck_ = true;
        return look();
    }

    /// False if the execution is to stop.
    [[nodiscard]] bool wait() noexcept {
        const uint64_t time = waits_for_moment_ ? std::min(shortest_, longest_until_moment) : shortest_;
        const bool waited = call_.wait({streams_.data(), streams_.size()}, lacks_streams_ ? 0 : time);
        read_clocks(now_);
        return waited;
    }

private:
    uint64_t look() noexcept {
        uint64_t written = 0;
        shortest_ = UINT64_MAX;
        waits_for_moment_ = false;
        streams_.clear();
        kept_.clear();
        for (uint64_t i = 0; i < count_; ++i) {
            const auto subscription =
                Subscription::read(call_, subscriptions_ + i * subscription_size(call_.abi));
            const Due when = due(subscription);
            shortest_ = std::min(shortest_, when.delay);
            if (when.delay == 0)
                write_event(events_ + event_size * written++, subscription, when);
        }
        return written;
    }

    void read_clocks(Result<uint64_t> (&clocks)[clock_count]) const noexcept {
        clocks[0] = call_.context.host().now(Clock::realtime);
        clocks[1] = call_.context.host().now(Clock::monotonic);
    }

    Due due(const Subscription& subscription) noexcept {
        switch (static_cast<EventType>(subscription.type)) {
        case EventType::clock:
            return clock_due(subscription);
        case EventType::fd_read:
            return stream_due(subscription.subject, Readiness::read);
        case EventType::fd_write:
            return stream_due(subscription.subject, Readiness::write);
        }
        return {Errno::inval, 0, {}};
    }

    Due clock_due(const Subscription& subscription) noexcept {
        if (subscription.subject >= clock_count)
            return {subscription.subject > static_cast<uint32_t>(Clock::thread_cpu) ? Errno::inval
                                                                                    : Errno::notsup,
                    0,
                    {}};
        const Result<uint64_t>& now = now_[subscription.subject];
        const Result<uint64_t>& start = start_[subscription.subject];
        if (!now || !start)
            return {now ? start.error() : now.error(), 0, {}};
        const uint64_t timeout = subscription.timeout;
        if ((subscription.flags & absolute_time) != 0) {
            waits_for_moment_ |= subscription.subject == static_cast<uint32_t>(Clock::realtime);
            return {Errno::success, timeout - std::min(timeout, *now), {}};
        }
        // That the clock is set meanwhile has no effect on the length of a wait, as in POSIX.
        const bool steady = now_[monotonic] && start_[monotonic];
        return {Errno::success,
                left_of(timeout, steady ? *start_[monotonic] : *start, steady ? *now_[monotonic] : *now),
                {}};
    }

    static uint64_t left_of(uint64_t timeout, uint64_t start, uint64_t now) noexcept {
        const uint64_t end = timeout > UINT64_MAX - start ? UINT64_MAX : timeout + start;
        return end - std::min(end, now);
    }

    Due stream_due(uint32_t fd, Readiness which) noexcept {
        const Descriptor* const descriptor = call_.context.descriptors().find(fd);
        if (descriptor == nullptr)
            return {Errno::badf, 0, {}};
        if (!descriptor->allows(rights::poll_fd_readwrite))
            return {Errno::notcapable, 0, {}};
        if (descriptor->file->is_seekable()) {
            const Result<Filestat> stat = descriptor->file->stat();
            const uint64_t size = stat ? stat->size : 0;
            return {Errno::success, 0, {true, false, size - std::min(size, descriptor->offset)}};
        }
        const Result<Ready> ready = descriptor->file->ready(which);
        if (!ready)
            return {ready.error(), 0, {}};
        if (ready->now)
            return {Errno::success, 0, *ready};
        const int stream = descriptor->file->native_descriptor();
        if (stream < 0)
            return is_stuck_ ? Due{Errno::success, 0, *ready} : never;
        // Another thread may close the descriptor during the wait.
        const bool is_kept = !call_.context.is_shared() || kept_.push(descriptor->file);
        if (!is_kept || !streams_.push({stream, which}))
            lacks_streams_ = true;
        return never;
    }

    void write_event(Ptr address, const Subscription& subscription, const Due& when) const noexcept {
        if (const auto place = call_.bytes(address, event_size)) {
            std::ranges::fill(*place, uint8_t{0});
            call_.note_output(*place);
        }
        (void)call_.put(address, subscription.user_data);
        (void)call_.put(address + 8, static_cast<uint16_t>(when.error));
        (void)call_.put(address + 10, subscription.type);
        if (subscription.type == static_cast<uint8_t>(EventType::clock) || when.error != Errno::success)
            return;
        (void)call_.put(address + 16, when.ready.bytes);
        (void)call_.put(address + 24, when.ready.hangup ? hangup : uint16_t{0});
    }

    Call& call_;
    Ptr subscriptions_;
    uint64_t count_;
    Ptr events_;
    Vec<WaitFor> streams_; ///< those that are not ready
    Vec<Ref<File>> kept_;  ///< in a shared context, their files
    bool lacks_streams_ = false;
    bool waits_for_moment_ = false; ///< whether some subscription is for a moment of the realtime clock
    bool is_stuck_ = false;         ///< streams that can't be waited for count as ready
    Result<uint64_t> now_[clock_count];
    Result<uint64_t> start_[clock_count];
    uint64_t shortest_ = UINT64_MAX;
};

} // namespace

Errno poll_oneoff(Call& call, Ptr subscriptions, Ptr events, Size count, Ptr result) noexcept {
    if (count.value == 0 || count.value > UINT32_MAX)
        return Errno::inval;
    if (!call.has(subscriptions, count.value * subscription_size(call.abi)) ||
        !call.has(events, count.value * event_size) || !call.has_pointer(result))
        return Errno::fault;
    if (count.value > max_subscriptions)
        return Errno::inval;
    call.note_input(*call.bytes(subscriptions, count.value * subscription_size(call.abi)));
    Poll poll{call, subscriptions, count, events};
    // A call that is made again has begun earlier.
    PollStarts& starts = call.context.poll_starts();
    starts.recall(subscriptions.value, poll.start());
    for (;;) {
        if (const uint64_t written = poll.collect(); written != 0) {
            call.take_fuel(count.value * event_size);
            return call.put_pointer(result, written);
        }
        if (!poll.wait()) {
            if (call.caller.can_suspend())
                starts.remember(subscriptions.value, poll.start());
            return call.stop();
        }
    }
}

} // namespace warpbeam::wasi
