#pragma once

#include "isa/instr.hpp"

/// The one place where a handler is made of a body and control goes on to the next instruction. A body is a
/// type with
///     static Exit run(Regs& r)          // moves r.ip on itself; anything but `none` leaves
/// or, for instructions that test something and go one of two ways (each way gets a dispatch of its own,
/// which the processor then predicts on its own),
///     static bool test(Regs& r); static const Instr* taken(Regs& r); static const Instr* next(Regs& r);
///
/// With tail calls a handler jumps to the next one; else it returns to a loop. Bodies don't know which.

namespace warpbeam::vm {

template <typename Body>
concept Branching = requires(Regs& r) { Body::test(r); };

#if WARPBEAM_TAIL_CALLS

#define WARPBEAM_DISPATCH(r)                                                                                 \
    WARPBEAM_MUSTTAIL return (r).ip->handler((r).ip, (r).fp, (r).mem, (r).mem_size, (r).inst, (r).rp,        \
                                             (r).acc, (r).l0, (r).l1, (r).facc, (r).f0)

/// Where a handler goes that can't go on: it saves where the computation stands. `mem` carries the Exit.
WARPBEAM_PRESERVE_NONE Exit leave(const Instr* ip, Slot* fp, uint8_t* mem, uint64_t mem_size,
                                  InstanceData* inst, Record* rp, uint64_t acc, uint64_t l0, uint64_t l1,
                                  Vector facc, Vector f0);

// Two jumps to a next handler in one line of 64 bytes hinder each other's prediction (docs/decisions/0007).
template <typename Body>
[[gnu::aligned(64)]] WARPBEAM_PRESERVE_NONE Exit handler(const Instr* ip, Slot* fp, uint8_t* mem,
                                                         uint64_t mem_size, InstanceData* inst, Record* rp,
                                                         uint64_t acc, uint64_t l0, uint64_t l1, Vector facc,
                                                         Vector f0) {
    Regs r{ip, fp, mem, mem_size, inst, rp, acc, l0, l1, facc, f0};
    if constexpr (Branching<Body>) {
        if (Body::test(r)) {
            r.ip = Body::taken(r);
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
