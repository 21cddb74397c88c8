#pragma once

#include "isa/instr.hpp"

#include <algorithm>
#include <span>

/// Where the exceptions of a function are caught. The table lies behind the instructions and is read only
/// when something was thrown: code that does not throw knows nothing of the blocks around it that catch.

namespace warpbeam::vm {

/// A catch clause. Those to be tried for an exception are linked: the clauses of the innermost block in their
/// order, then those of the block around it (or of the one that it delegates to), and so on.
struct CatchClause {
    static constexpr uint32_t none = UINT32_MAX;
    // In place of a tag: any exception, or no exception.
    static constexpr uint32_t all = UINT32_MAX;
    static constexpr uint32_t never = UINT32_MAX - 1;
    static constexpr uint16_t unwanted = UINT16_MAX;

    uint32_t tag;       ///< by its index in the module
    uint32_t target;    ///< the position of the code to go on with
    uint32_t next;      ///< the clause to be tried after this one; none: the caller's turn
    uint16_t payload;   ///< the first slot for what the exception carries
    uint16_t exception; ///< the slot for the reference to the exception, if it is wanted
    Pins pins;          ///< at the target
};

/// From `begin` on, up to the next region, `clause` is the first to be tried.
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

/// The bytes that a function's code takes in all.
inline size_t bytes_of(const Code& code) noexcept {
    return sizeof(Code) + code.size + code.try_regions * sizeof(TryRegion) +
           code.catch_clauses * sizeof(CatchClause);
}

/// The index of the first clause to be tried for what is thrown at a position of the code.
inline uint32_t first_clause(const Code& code, size_t position) noexcept {
    const std::span regions{regions_of(code), code.try_regions};
    const auto after = std::ranges::upper_bound(regions, position, {}, &TryRegion::begin);
    return after == regions.begin() ? CatchClause::none : after[-1].clause;
}

} // namespace warpbeam::vm
