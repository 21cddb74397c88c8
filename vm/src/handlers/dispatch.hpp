#pragma once

#include "isa/instr.hpp"

/// The one place where a body becomes a handler and control continues with the next instruction. A body is a
/// type with
///     static Exit run(Regs& r)          // advances r.ip itself; anything but `none` leaves
/// or, for instructions that test something and continue in one of two ways (each way has its own dispatch,
/// which the processor predicts separately),
///     static bool test(Regs& r); static const Instr* taken(Regs& r); static const Instr* next(Regs& r);
///
/// With tail calls a handler jumps to the next one; otherwise it returns to a loop. Bodies work with both.

namespace warpbeam::vm {

template <typename Body>
concept Branching = requires(Regs& r) { Body::test(r); };
/// One that can be a loop of its own.
template <typename Body>
concept Looping = Branching<Body> && requires { Body::may_loop; };
/// One that most programs execute often. In a small build only these have cache lines of their own.
template <typename Body>
concept Frequent = requires { requires Body::is_frequent; };

#if WARPBEAM_TAIL_CALLS

#define WARPBEAM_DISPATCH(r)                                                                                 \
    WARPBEAM_MUSTTAIL return (r).ip->current()((r).ip, (r).fp, (r).mem, (r).mem_size, (r).inst, (r).rp,      \
                                               (r).acc, (r).l0, (r).l1, (r).facc, (r).f0)

/// Where a handler goes if it can't continue: saves the state of the computation. `mem` carries the Exit.
WARPBEAM_PRESERVE_NONE Exit leave(const Instr* ip, Slot* fp, uint8_t* mem, uint64_t mem_size,
                                  InstanceData* inst, Record* rp, uint64_t acc, uint64_t l0, uint64_t l1,
                                  Vector facc, Vector f0);

// Two jumps to a next handler within 64 bytes disturb each other's prediction (docs/decisions/0007).
template <typename Body>
inline constexpr size_t handler_alignment = !is_small || Frequent<Body> ? 64 : 1;

template <typename Body>
[[gnu::aligned(handler_alignment<Body>)]] WARPBEAM_PRESERVE_NONE Exit
handler(const Instr* ip, Slot* fp, uint8_t* mem, uint64_t mem_size, InstanceData* inst, Record* rp,
        uint64_t acc, uint64_t l0, uint64_t l1, Vector facc, Vector f0) {
    Regs r{ip, fp, mem, mem_size, inst, rp, acc, l0, l1, facc, f0};
    if constexpr (Branching<Body>) {
        while (Body::test(r)) {
            r.ip = Body::taken(r);
            // As in joined.hpp
            if (!Looping<Body> || r.ip != ip || ip->again() != &handler<Body>)
                WARPBEAM_DISPATCH(r);
        }
        r.ip = Body::next(r);
        WARPBEAM_DISPATCH(r);
    } else {
        if (const Exit exit = Body::run(r); exit != Exit::none) [[unlikely]]
            WARPBEAM_MUSTTAIL return leave(r.ip, r.fp,
                                           reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(exit)),
                                           r.mem_size, r.inst, r.rp, r.acc, r.l0, r.l1, r.facc, r.f0);
        WARPBEAM_DISPATCH(r);
    }
}

#else

template <typename Body>
Exit handler(Regs& r) {
    if constexpr (Branching<Body>) {
        r.ip = Body::test(r) ? Body::taken(r) : Body::next(r);
        return Exit::none;
    } else {
        return Body::run(r);
    }
}

#endif

} // namespace warpbeam::vm
