#pragma once

#include "handlers/instance_data.hpp"

#include <algorithm>

/// Fuel for instructions that work on many bytes or elements at once (Store::set_fuel). They do as much as
/// the fuel allows, then trap. The operands in the frame then describe the rest, and the code stands at the
/// instruction. Without Config::fuel there is always enough.

namespace warpbeam::vm {

/// The bytes per unit of fuel. A rest, and so an instruction on fewer bytes, is free.
inline constexpr uint64_t bytes_per_unit = 64;

/// The fuel for `count` elements of `bytes` each.
[[nodiscard]] constexpr uint64_t cost_of(uint64_t count, uint64_t bytes) noexcept {
    return count / bytes_per_unit * bytes + count % bytes_per_unit * bytes / bytes_per_unit;
}

/// Takes fuel for up to `count` elements of `bytes` each; returns how many it is enough for.
[[nodiscard]] inline uint64_t take_fuel(const Regs& r, uint64_t count, uint64_t bytes) noexcept {
    int64_t& fuel = r.inst->execution->fuel;
    const auto left = static_cast<uint64_t>(std::max<int64_t>(fuel, 0));
    const uint64_t cost = cost_of(count, bytes);
    fuel -= static_cast<int64_t>(std::min(cost, left));
    return cost <= left ? count : left * bytes_per_unit / bytes;
}

/// Does part of an instruction whose operands are a position in the destination, one in the source, and a
/// count: `copy(to, from, count)`. Copies backwards if `overlaps` and the source would otherwise be
/// overwritten. An element takes `from_step` positions of the source.
template <typename In, typename Copy>
[[gnu::always_inline]] inline Exit copy_for_fuel(Regs& r, Slot* to, Slot* from, Slot* count, uint64_t bytes,
                                                 bool overlaps, Copy copy, uint64_t from_step = 1) noexcept {
    const uint64_t part = take_fuel(r, *count, bytes);
    const bool backwards = overlaps && *to > *from;
    const uint64_t start = backwards ? *count - part : 0;
    if (part != 0)
        copy(*to + start, *from + start * from_step, part);
    if (part == *count) [[likely]]
        return In::proceed(r);
    *count -= part;
    if (!backwards) {
        *to += part;
        *from += part * from_step;
    }
    return Exit::out_of_fuel;
}

/// The same for a fill.
template <typename In, typename Fill>
[[gnu::always_inline]] inline Exit fill_for_fuel(Regs& r, Slot* to, Slot* count, uint64_t bytes,
                                                 Fill fill) noexcept {
    const uint64_t part = take_fuel(r, *count, bytes);
    fill(*to, part);
    if (part == *count) [[likely]]
        return In::proceed(r);
    *to += part;
    *count -= part;
    return Exit::out_of_fuel;
}

/// For work that is not split: takes the fuel; false, and nothing taken, when there is not enough.
[[nodiscard]] inline bool charge(const Regs& r, uint64_t count, uint64_t bytes) noexcept {
    int64_t& fuel = r.inst->execution->fuel;
    const uint64_t cost = cost_of(count, bytes);
    if (cost != 0 && (fuel < 0 || cost > static_cast<uint64_t>(fuel)))
        return false;
    fuel -= static_cast<int64_t>(cost);
    return true;
}

} // namespace warpbeam::vm
