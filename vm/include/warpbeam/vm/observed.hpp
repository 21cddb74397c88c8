#pragma once

#include <cstdint>

namespace warpbeam {

/// What an Observer is told of.
enum class Observed : uint8_t {
    enter,     ///< a function begins; the operands are its arguments
    leave,     ///< a function returns; the operands are its results
    tail_call, ///< a function is about to give its place to the one that it calls; no operands
    access,    ///< an instruction is about to access a memory; the operands are the instruction's
};

} // namespace warpbeam
