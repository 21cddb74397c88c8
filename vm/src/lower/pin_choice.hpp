#pragma once

#include "lower/kind.hpp"

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// The locals that live in l0, l1 and f0 in some region of a function.
struct PinSet {
    static constexpr uint32_t none = UINT32_MAX;
    uint32_t l0 = none;
    uint32_t l1 = none;
    uint32_t f0 = none;
    friend bool operator==(const PinSet&, const PinSet&) = default;
};

/// Which locals to pin: one set for the function outside of loops (the first), and one for each loop in the
/// order of their beginnings. Uses count eight times as much for each loop around them. A loop keeps the set
/// around it where that is as good, for entering another set costs a load each.
struct PinChoice {
    explicit PinChoice(Allocator& allocator) noexcept : sets{allocator}, entered_from_other_pins{allocator} {}
    Vec<PinSet> sets;
    /// For each set whether a loop inside has another one, from where a branch may come.
    Vec<uint8_t> entered_from_other_pins;
};

/// Reads the body once. `kinds` are the types of all locals, parameters first. False when there is no memory.
[[nodiscard]] bool choose_pins(const Module& module, const FuncBody& body, std::span<const Kind> kinds,
                               PinChoice& choice) noexcept;

} // namespace warpbeam::vm
