#pragma once

#include "isa/instr.hpp"

#include <algorithm>
#include <span>

/// Where the exceptions of a function are caught. The table lies after the instructions and is read only when
/// an exception is thrown: code that does not throw pays nothing for the blocks that catch.

namespace warpbeam::vm {

/// A catch clause. Clauses are linked in the order in which they are tried: those of the innermost block in
/// their order, then those of the enclosing block (or of the one that it delegates to), and so on.
struct CatchClause {
    static constexpr uint32_t none = UINT32_MAX;
    // Instead of a tag: any exception, or no exception.
    static constexpr uint32_t all = UINT32_MAX;
    static constexpr uint32_t never = UINT32_MAX - 1;
    static constexpr uint32_t unwanted = UINT32_MAX;

    uint32_t tag;       ///< by its index in the module
    uint32_t target;    ///< the position of the code that continues
    uint32_t next;      ///< the clause to try next; none: continue in the caller
    uint32_t payload;   ///< the first slot for the exception's values
    uint32_t exception; ///< the slot for the reference to the exception, if needed
    Pins pins;          ///< at the target
};

/// From `begin` up to the next region, `clause` is tried first.
struct TryRegion {
    uint32_t begin;
    uint32_t clause;
};

inline const TryRegion* regions_of(const Code& code) noexcept {
    return reinterpret_cast<const TryRegion*>(reinterpret_cast<const char*>(code.entry()) + code.size);
}
inline const CatchClause* clauses_of(const Code& code) noexcept {
    return reinterpret_cast<const CatchClause*>(regions_of(code) + code.try_regions);
}

/// The index of the first clause to try for an exception thrown at a position of the code.
inline uint32_t first_clause(const Code& code, size_t position) noexcept {
    const std::span regions{regions_of(code), code.try_regions};
    const auto after = std::ranges::upper_bound(regions, position, {}, &TryRegion::begin);
    return after == regions.begin() ? CatchClause::none : after[-1].clause;
}

} // namespace warpbeam::vm
