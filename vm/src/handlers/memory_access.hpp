#pragma once

#include "handlers/instance_data.hpp"
#include "semantics/access.hpp"
#include "semantics/op_rows.hpp"

/// The addresses of memory accesses.
/// https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions

namespace warpbeam::vm {

/// How an instruction accesses memory.
template <Op>
struct AccessOf;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...) WARPBEAM_SEMANTICS(AccessOf, op, __VA_ARGS__)
#include "semantics/op_rows_access.inc"
#undef WARPBEAM_OP

#if WARPBEAM_SIMD // otherwise not all of them have a type
#define WARPBEAM_OP(op, ...)                                                                                 \
    static_assert(                                                                                           \
        std::is_same_v<                                                                                      \
            typename AccessOf<Op::op>::type::Value,                                                          \
            detail::NumberOf<sig_of(Op::op).out != Sig::none ? sig_of(Op::op).out : sig_of(Op::op).in[1]>>); \
    static_assert(AccessOf<Op::op>::type::size == size_t{1} << warpbeam::row_of(Op::op).access_log2 ||       \
                  sig_of(Op::op).in[0] == Sig::v128);
#include "semantics/op_rows_access.inc"
#undef WARPBEAM_OP
#endif

/// The exit for an access at an out-of-bounds effective address. All operands are still in place, since the
/// access is repeated if another thread has grown the memory.
[[gnu::always_inline]] inline Exit out_of_bounds(Regs& r, uint64_t address) noexcept {
    r.mem_size = address;
    return Exit::memory_out_of_bounds;
}

/// The address of `size` bytes at `address + offset`; null, with the exit prepared as in `out_of_bounds`, if
/// they are not all in memory 0. Both are below 2^33, so nothing wraps.
[[gnu::always_inline]] inline uint8_t* checked(Regs& r, uint64_t address, uint64_t offset,
                                               uint64_t size) noexcept {
    const uint64_t end = address + offset + size;
    if (end > r.mem_size) [[unlikely]] {
        (void)out_of_bounds(r, address + offset);
        return nullptr;
    }
    uint8_t* const at = r.mem + end - size;
    // A memory that is not empty is never at null, which saves the caller's check a comparison.
    if (at == nullptr)
        __builtin_unreachable();
    return at;
}

/// The same with an address of 64 bits.
[[gnu::always_inline]] inline uint8_t* checked_wide(Regs& r, uint64_t address, uint64_t offset,
                                                    uint64_t size) noexcept {
    uint64_t end;
    if (__builtin_add_overflow(address, offset + size, &end) || end > r.mem_size) [[unlikely]] {
        (void)out_of_bounds(r, address + offset);
        return nullptr;
    }
    uint8_t* const at = r.mem + end - size;
    if (at == nullptr)
        __builtin_unreachable();
    return at;
}

} // namespace warpbeam::vm
