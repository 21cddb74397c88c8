#pragma once

#include "handlers/branch.hpp"
#include "handlers/move.hpp"
#include "handlers/store.hpp"

/// Instructions that follow each other, run by the handler of the first: it does the work of all, and jumps
/// to a handler once. They are in memory as ever, so code can still be entered at each of them.

namespace warpbeam::vm {

/// The body of an instruction that may be joined with others.
template <Form form, Op op, Variant v>
struct BodyOf;
#define WARPBEAM_BODY(form, ...)                                                                             \
    template <Op op, Variant v>                                                                              \
    struct BodyOf<Form::form, op, v> {                                                                       \
        using type = __VA_ARGS__;                                                                            \
    };
WARPBEAM_BODY(binary, BinaryBody<op, v>)
WARPBEAM_BODY(unary, UnaryBody<op, v>)
WARPBEAM_BODY(add_shl, AddShl<v>)
WARPBEAM_BODY(compare_branch, CompareBranchBody<op, v>)
WARPBEAM_BODY(latch, LatchBody<op, v>)
WARPBEAM_BODY(jump, Jump<v>)
WARPBEAM_BODY(select, Select<v>)
WARPBEAM_BODY(move, Move<v>)
WARPBEAM_BODY(copy, Copy<v>)
WARPBEAM_BODY(copy_pair, CopyPair<v>)
WARPBEAM_BODY(copy_constant, CopyConstant<v>)
WARPBEAM_BODY(copy_register, CopyRegister<v>)
WARPBEAM_BODY(set_pins, SetPins<v>)
WARPBEAM_BODY(global_get, GlobalGet<v>)
WARPBEAM_BODY(global_set, GlobalSet<v>)
WARPBEAM_BODY(load, LoadBody<op, v>)
WARPBEAM_BODY(load_at, LoadAtBody<op, v>)
WARPBEAM_BODY(load_sum, LoadSumBody<op, v>)
WARPBEAM_BODY(load_indexed, LoadIndexedBody<op, v>)
WARPBEAM_BODY(load_displaced, LoadDisplacedBody<op, v>)
WARPBEAM_BODY(store, StoreBody<op, v>)
WARPBEAM_BODY(store_at, StoreAtBody<op, v>)
WARPBEAM_BODY(store_sum, StoreSumBody<op, v>)
WARPBEAM_BODY(store_displaced, StoreDisplacedBody<op, v>)
#undef WARPBEAM_BODY
template <Choice c>
using BodyOfChoice = typename BodyOf<c.form, c.op, c.variant>::type;

#if WARPBEAM_JOINS

// One of several steps of a handler, of which `last` is one. The last branch of a loop that consists of these
// instructions alone jumps back within the handler: neither the next instruction's address nor its handler
// has to come from memory first. A stop point is the first instruction of a loop (stop_points.hpp), so that
// is looked at.
#define WARPBEAM_STEP(Body, r, last)                                                                         \
    if constexpr (Branching<Body>) {                                                                         \
        if (Body::test(r)) {                                                                                 \
            (r).ip = Body::taken(r);                                                                         \
            if constexpr (last) {                                                                            \
                if ((r).ip == ip && ip->again() == self)                                                     \
                    continue;                                                                                \
            }                                                                                                \
            WARPBEAM_DISPATCH(r);                                                                            \
        }                                                                                                    \
        (r).ip = Body::next(r);                                                                              \
    } else {                                                                                                 \
        if (const Exit exit = Body::run(r); exit != Exit::none) [[unlikely]]                                 \
            WARPBEAM_MUSTTAIL return leave(                                                                  \
                (r).ip, (r).fp, reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(exit)), (r).mem_size,      \
                (r).inst, (r).rp, (r).acc, (r).l0, (r).l1, (r).facc, (r).f0);                                \
    }

#define WARPBEAM_JOINED(self_, ...)                                                                          \
    [[gnu::aligned(64)]] WARPBEAM_PRESERVE_NONE Exit joined(                                                 \
        const Instr* ip, Slot* fp, uint8_t* mem, uint64_t mem_size, InstanceData* inst, Record* rp,          \
        uint64_t acc, uint64_t l0, uint64_t l1, Vector facc, Vector f0) {                                    \
        [[maybe_unused]] constexpr Handler self = self_;                                                     \
        Regs r{ip, fp, mem, mem_size, inst, rp, acc, l0, l1, facc, f0};                                      \
        for (;;) {                                                                                           \
            __VA_ARGS__                                                                                      \
            WARPBEAM_DISPATCH(r);                                                                            \
        }                                                                                                    \
    }

template <typename A, typename B>
WARPBEAM_JOINED((&joined<A, B>), WARPBEAM_STEP(A, r, false) WARPBEAM_STEP(B, r, true))
template <typename A, typename B, typename C>
WARPBEAM_JOINED((&joined<A, B, C>),
                WARPBEAM_STEP(A, r, false) WARPBEAM_STEP(B, r, false) WARPBEAM_STEP(C, r, true))
template <typename A, typename B, typename C, typename D>
WARPBEAM_JOINED((&joined<A, B, C, D>), WARPBEAM_STEP(A, r, false) WARPBEAM_STEP(B, r, false)
                                           WARPBEAM_STEP(C, r, false) WARPBEAM_STEP(D, r, true))
template <typename A, typename B, typename C, typename D, typename E>
WARPBEAM_JOINED((&joined<A, B, C, D, E>),
                WARPBEAM_STEP(A, r, false) WARPBEAM_STEP(B, r, false) WARPBEAM_STEP(C, r, false)
                    WARPBEAM_STEP(D, r, false) WARPBEAM_STEP(E, r, true))

#undef WARPBEAM_JOINED
#undef WARPBEAM_STEP

#endif

} // namespace warpbeam::vm
