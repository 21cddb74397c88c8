#pragma once

#include "handlers/frame.hpp"

/// What the instructions have in common whose work outweighs their dispatch. Their operands are in
/// consecutive slots from `a` on, the result goes to slot `a` and to the accumulator, the immediates are the
/// words behind the head.

namespace warpbeam::vm::slow_form {

[[gnu::always_inline]] inline Exit next(Regs& r, size_t words) noexcept {
    r.ip = r.ip->after(sizeof(Instr) + 8 * words);
    return Exit::none;
}

[[gnu::always_inline]] inline Exit result(Regs& r, Slot value, size_t words) noexcept {
    r.fp[r.ip->a] = value;
    r.acc = value;
    return next(r, words);
}

/// Whether `count` elements from `start` on lie within `size`.
constexpr bool within(uint64_t start, uint64_t count, uint64_t size) noexcept {
    return start <= size && count <= size - start;
}

} // namespace warpbeam::vm::slow_form
