#pragma once

#include "handlers/instance_data.hpp"

#include <algorithm>

/// Fuel (Store::set_fuel), and instructions that work on many bytes or elements at once. They work in
/// portions; before the next one, the operands in the frame describe the rest and the code stands at the
/// instruction, so it can stop there. Without Config::fuel there is always enough fuel.

namespace warpbeam::vm {

/// Fuel is counted in bytes. This many make a unit.
inline constexpr int64_t fuel_unit = 64;

/// How many bytes a portion has.
inline constexpr uint64_t portion_bytes = 64 * 1024;

/// Takes fuel for all of it, if it is one portion and there is enough.
[[nodiscard]] [[gnu::always_inline]] inline bool take_all(const Regs& r, uint64_t count,
                                                          uint64_t bytes) noexcept {
    int64_t& fuel = r.inst->execution->fuel;
    if (count > portion_bytes / bytes || fuel < static_cast<int64_t>(count * bytes)) [[unlikely]]
        return false;
    fuel -= static_cast<int64_t>(count * bytes);
    return true;
}

/// Takes fuel for the next portion of `count` elements of `bytes` each, and returns how many it has. `exit`
/// is why the rest, if there is one, can't follow at once.
[[nodiscard]] inline uint64_t take_portion(const Regs& r, uint64_t count, uint64_t bytes,
                                           Exit& exit) noexcept {
    Execution& execution = *r.inst->execution;
    const uint64_t left = static_cast<uint64_t>(std::max<int64_t>(execution.fuel, 0)) / bytes;
    const uint64_t part = std::min({count, portion_bytes / bytes, left});
    execution.fuel -= static_cast<int64_t>(part * bytes);
    if (part == left && part != count)
        exit = Exit::out_of_fuel;
    else if (execution.must_stop())
        exit = Exit::interrupted;
    return part;
}

/// An instruction whose operands are a position in the destination, one in the source, and a count:
/// `copy(to, from, count)`. Copies backwards if `overlaps` and the source would otherwise be overwritten. An
/// element takes `from_step` positions of the source.
template <typename In, typename Copy>
[[gnu::always_inline]] inline Exit copy_in_portions(Regs& r, Slot* to, Slot* from, Slot* count,
                                                    uint64_t bytes, bool overlaps, Copy copy,
                                                    uint64_t from_step = 1) noexcept {
    if (take_all(r, *count, bytes)) [[likely]] {
        if (*count != 0)
            copy(*to, *from, *count);
        return In::proceed(r);
    }
    const bool backwards = overlaps && *to > *from;
    for (;;) {
        Exit exit = Exit::none;
        const uint64_t part = take_portion(r, *count, bytes, exit);
        const uint64_t start = backwards ? *count - part : 0;
        if (part != 0)
            copy(*to + start, *from + start * from_step, part);
        if (part == *count)
            return In::proceed(r);
        *count -= part;
        if (!backwards) {
            *to += part;
            *from += part * from_step;
        }
        if (exit != Exit::none)
            return exit;
    }
}

/// The same for a fill.
template <typename In, typename Fill>
[[gnu::always_inline]] inline Exit fill_in_portions(Regs& r, Slot* to, Slot* count, uint64_t bytes,
                                                    Fill fill) noexcept {
    if (take_all(r, *count, bytes)) [[likely]] {
        fill(*to, *count);
        return In::proceed(r);
    }
    for (;;) {
        Exit exit = Exit::none;
        const uint64_t part = take_portion(r, *count, bytes, exit);
        fill(*to, part);
        if (part == *count)
            return In::proceed(r);
        *to += part;
        *count -= part;
        if (exit != Exit::none)
            return exit;
    }
}

/// For work that is not split: takes the fuel; false, and nothing taken, when there is not enough.
[[nodiscard]] inline bool charge(int64_t& fuel, uint64_t bytes) noexcept {
    if (fuel < 0 || bytes > static_cast<uint64_t>(fuel))
        return false;
    fuel -= static_cast<int64_t>(bytes);
    return true;
}

} // namespace warpbeam::vm
