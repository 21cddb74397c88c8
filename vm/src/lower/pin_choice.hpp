#pragma once

#include "lower/kind.hpp"

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// The locals that live in l0, l1 and f0 in a region of a function. Parameters of loops count as locals:
/// their numbers follow those of all others.
struct PinSet {
    static constexpr uint32_t none = UINT32_MAX;
    uint32_t l0 = none;
    uint32_t l1 = none;
    uint32_t f0 = none;
    friend bool operator==(const PinSet&, const PinSet&) = default;
};

/// Chooses the locals to pin: one set for the function outside loops (the first), and one for each loop in
/// the order of their beginnings. Uses count eight times as much for each enclosing loop. A loop keeps the
/// enclosing set if that is as good, since entering another set costs a load per register.
struct PinChoice {
    explicit PinChoice(Allocator& allocator) noexcept
        : sets{allocator}, entered_from_other_pins{allocator}, first_params{allocator}, params{allocator} {}
    Vec<PinSet> sets; ///< in a large body, or a small build, one for all
    /// For each set, whether an inner loop has a different one, from which a branch may come.
    Vec<uint8_t> entered_from_other_pins;
    Vec<uint32_t> first_params; ///< for each set, the number of its loop's first parameter
    Vec<Kind> params;           ///< the types of the parameters of all loops
    bool calls_itself = false;  ///< whether it has tail calls of itself, so that its entry is a loop
};

/// A larger body has no pinned locals: it would take too long to choose them without a stop.
inline constexpr size_t large_body = 512 * 1024;

/// A loop with more parameters has none in registers: each would be a local, and a loop takes three bytes.
inline constexpr size_t max_params_to_pin = 32;

/// Reads the body once. `kinds` are the types of all locals, parameters first, `bot` for one that can't be
/// pinned; the parameters of loops may be excluded. False if memory runs out.
[[nodiscard]] bool choose_pins(const Module& module, const FuncBody& body, std::span<const Kind> kinds,
                               bool params_can_be_pinned, PinChoice& choice) noexcept;

} // namespace warpbeam::vm
