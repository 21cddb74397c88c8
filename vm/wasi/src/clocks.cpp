#include "functions.hpp"

#include <algorithm>
#include <optional>

namespace warpbeam::wasi {

namespace {

std::optional<Clock> clock_of(uint32_t number) noexcept {
    return number <= static_cast<uint32_t>(Clock::thread_cpu) ? std::optional{static_cast<Clock>(number)}
                                                              : std::nullopt;
}

/// The layouts of `subscription` and `event`, with fields at fixed offsets.
/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#subscription
constexpr uint64_t subscription_size = 48;
constexpr uint64_t event_size = 32;
enum class EventType : uint8_t { clock, fd_read, fd_write };
constexpr uint16_t absolute_time = 1;

/// A subscription, read from an address that has been checked.
struct Subscription {
    uint64_t user_data;
    uint8_t type;
    uint32_t subject; ///< the clock, or the file descriptor
    uint64_t timeout;
    uint16_t flags;

    static Subscription read(const MemoryView& memory, uint64_t address) noexcept {
        return {*memory.read<uint64_t>(address), *memory.read<uint8_t>(address + 8),
                *memory.read<uint32_t>(address + 16), *memory.read<uint64_t>(address + 24),
                *memory.read<uint16_t>(address + 40)};
    }
};

/// When a subscription is fulfilled: immediately with an error, or after a number of nanoseconds.
struct Due {
    Errno error = Errno::success;
    uint64_t delay = 0;
};

/// The clocks that a program can wait for, read once, so that everything in a call uses the same time.
struct Times {
    std::expected<uint64_t, Errno> now[2];
    explicit Times(const Host& host) noexcept : now{host.now(Clock::realtime), host.now(Clock::monotonic)} {}
};

Due due(const Context& context, const Times& times, const Subscription& subscription) noexcept {
    switch (static_cast<EventType>(subscription.type)) {
    case EventType::clock: {
        // CPU time does not pass while waiting for it.
        if (subscription.subject > static_cast<uint32_t>(Clock::monotonic))
            return {subscription.subject > static_cast<uint32_t>(Clock::thread_cpu) ? Errno::inval
                                                                                    : Errno::notsup};
        if ((subscription.flags & absolute_time) == 0)
            return {Errno::success, subscription.timeout};
        const auto& now = times.now[subscription.subject];
        if (!now)
            return {now.error()};
        return {Errno::success, subscription.timeout - std::min(subscription.timeout, *now)};
    }
    // As with files, reading and writing are always possible, if only to learn that the caller must wait.
    case EventType::fd_read:
    case EventType::fd_write:
        return {context.is_open(subscription.subject) ? Errno::success : Errno::badf};
    }
    return {Errno::inval};
}

void write_event(const MemoryView& memory, uint64_t address, const Subscription& subscription,
                 Errno error) noexcept {
    std::ranges::fill(*memory.at(address, event_size), uint8_t{0});
    (void)memory.write(address, subscription.user_data);
    (void)memory.write(address + 8, static_cast<uint16_t>(error));
    (void)memory.write(address + 10, subscription.type);
}

} // namespace

Errno clock_res_get(Context& context, const MemoryView& memory, uint32_t clock, uint32_t result) noexcept {
    const auto known = clock_of(clock);
    if (!known)
        return Errno::inval;
    const auto resolution = context.host().resolution(*known);
    return resolution ? write_result(memory, result, *resolution) : resolution.error();
}

Errno clock_time_get(Context& context, const MemoryView& memory, uint32_t clock, uint64_t /*precision*/,
                     uint32_t result) noexcept {
    const auto known = clock_of(clock);
    if (!known)
        return Errno::inval;
    const auto now = context.host().now(*known);
    return now ? write_result(memory, result, *now) : now.error();
}

Errno poll_oneoff(Context& context, const MemoryView& memory, uint32_t subscriptions, uint32_t events,
                  uint32_t count, uint32_t result) noexcept {
    if (count == 0)
        return Errno::inval;
    if (!memory.at(subscriptions, count * subscription_size) || !memory.at(events, count * event_size) ||
        !memory.at(result, sizeof(uint32_t)))
        return Errno::fault;
    const Times times{context.host()};
    uint64_t shortest = UINT64_MAX;
    for (uint64_t i = 0; i < count; ++i) {
        const auto subscription = Subscription::read(memory, subscriptions + i * subscription_size);
        shortest = std::min(shortest, due(context, times, subscription).delay);
    }
    if (shortest > 0)
        context.host().sleep(shortest);
    uint32_t written = 0;
    for (uint64_t i = 0; i < count; ++i) {
        const auto subscription = Subscription::read(memory, subscriptions + i * subscription_size);
        const Due when = due(context, times, subscription);
        if (when.delay <= shortest)
            write_event(memory, events + event_size * written++, subscription, when.error);
    }
    return write_result(memory, result, written);
}

} // namespace warpbeam::wasi
