#pragma once

#include "lower/kind.hpp"

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/vec.hpp>

namespace warpbeam::vm {

/// The locals that live in l0, l1 and f0 in a region of a function.
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
    explicit PinChoice(Allocator& allocator) noexcept : sets{allocator}, entered_from_other_pins{allocator} {}
    Vec<PinSet> sets; ///< in a large body, one for all
    /// For each set, whether an inner loop has a different one, from which a branch may come.
    Vec<uint8_t> entered_from_other_pins;
};

/// A larger body has no pinned locals: it would take too long to choose them without a stop.
inline constexpr size_t large_body = 512 * 1024;

/// Reads the body once. `kinds` are the types of all locals, parameters first, `bot` for one that can't be
/// pinned. False if memory runs out.
[[nodiscard]] bool choose_pins(const Module& module, const FuncBody& body, std::span<const Kind> kinds,
                               PinChoice& choice) noexcept;

} // namespace warpbeam::vm
