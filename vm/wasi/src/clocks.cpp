#include "functions.hpp"

#include <optional>

namespace warpbeam::wasi {

namespace {

std::optional<Clock> clock_of(uint32_t number) noexcept {
    return number <= static_cast<uint32_t>(Clock::thread_cpu) ? std::optional{static_cast<Clock>(number)}
                                                              : std::nullopt;
}

} // namespace

Errno clock_res_get(Call& call, uint32_t clock, Ptr result) noexcept {
    const auto known = clock_of(clock);
    if (!known)
        return Errno::inval;
    if (!call.has(result, sizeof(uint64_t)))
        return Errno::fault;
    const auto resolution = call.context.host().resolution(*known);
    return resolution ? call.put(result, *resolution) : resolution.error();
}

Errno clock_time_get(Call& call, uint32_t clock, uint64_t /*precision*/, Ptr result) noexcept {
    const auto known = clock_of(clock);
    if (!known)
        return Errno::inval;
    if (!call.has(result, sizeof(uint64_t)))
        return Errno::fault;
    const auto now = call.context.host().now(*known);
    return now ? call.put(result, *now) : now.error();
}

} // namespace warpbeam::wasi
