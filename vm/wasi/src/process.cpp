#include "functions.hpp"

#include <algorithm>
#include <thread>

/// What concerns the program itself.

namespace warpbeam::wasi {

/// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#signal
Errno proc_raise(Call& call, uint32_t signal) noexcept {
    constexpr uint32_t last_signal = 30;
    if (signal > last_signal)
        return Errno::inval;
    // As there are no handlers, each does what it does by default: nothing, ...
    constexpr uint32_t ignored = 1u << 0 /* none */ | 1u << 16 /* chld */ | 1u << 17 /* cont */ |
                                 1u << 22 /* urg */ | 1u << 27 /* winch */;
    if ((ignored >> signal & 1) != 0)
        return Errno::success;
    // ... stop the program until somebody lets it go on, which nobody could do; ...
    constexpr uint32_t stopping =
        1u << 18 /* stop */ | 1u << 19 /* tstp */ | 1u << 20 /* ttin */ | 1u << 21 /* ttou */;
    if ((stopping >> signal & 1) != 0)
        return Errno::notsup;
    // ... or end it, with the status that shells show.
    call.stopped = Trap::exit(static_cast<int32_t>(128 + signal));
    return Errno::success;
}

Errno random_get(Call& call, Ptr buffer, Size size) noexcept {
    const auto bytes = call.bytes(buffer, size.value);
    if (!bytes)
        return Errno::fault;
    // Gigabytes take seconds: an interrupt ends the call in between, and it begins anew if it is made again.
    // So it takes fuel when it is done.
    constexpr size_t max_slice = 1 << 20;
    if (bytes->size() > max_slice && call.may_suspend() && !call.context.host().has_time()) {
        call.context.set_waits({}, 0);
        return call.stop();
    }
    for (std::span<uint8_t> left = *bytes; !left.empty();) {
        const std::span<uint8_t> slice = left.first(std::min(left.size(), max_slice));
        left = left.subspan(slice.size());
        if (const Result<> filled = call.context.host().random(slice); !filled)
            return filled.error();
        if (!left.empty() && call.caller.is_interrupted())
            return call.stop();
    }
    call.take_fuel(size.value);
    call.note_output(*bytes);
    return Errno::success;
}

Errno sched_yield(Call&) noexcept {
    std::this_thread::yield();
    return Errno::success;
}

} // namespace warpbeam::wasi
