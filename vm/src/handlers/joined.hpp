#pragma once

#include "handlers/branch.hpp"
#include "handlers/move.hpp"
#include "handlers/store.hpp"

/// Instructions that follow each other, run by the handler of the first: it does the work of all, and jumps to a
/// handler once. They are in memory as ever, so code can still be entered at each of them.

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
WARPBEAM_BODY(copy_accumulator, CopyAccumulator<v>)
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

#if WARPBEAM_TAIL_CALLS

// One step of a joined handler: it leaves the handler, or goes on with the next statement.
#define WARPBEAM_STEP(Body, r)                                                                               \
    if constexpr (Branching<Body>) {                                                                         \
        if (Body::test(r)) {                                                                                 \
            (r).ip = Body::taken(r);                                                                         \
            WARPBEAM_DISPATCH(r);                                                                            \
        }                                                                                                    \
        (r).ip = Body::next(r);                                                                              \
    } else {                                                                                                 \
        if (const Exit exit = Body::run(r); exit != Exit::none) [[unlikely]]                                 \
            WARPBEAM_MUSTTAIL return leave((r).ip, (r).fp,                                                   \
                                           reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(exit)),         \
                                           (r).mem_size, (r).inst, (r).rp, (r).acc, (r).l0, (r).l1,          \
                                           (r).facc, (r).f0);                                                \
    }

template <typename A, typename B>
[[gnu::aligned(64)]] WARPBEAM_PRESERVE_NONE Exit joined(const Instr* ip, Slot* fp, uint8_t* mem,
                                                        uint64_t mem_size, InstanceData* inst, Record* rp,
                                                        uint64_t acc, uint64_t l0, uint64_t l1, Vector facc,
                                                        Vector f0) {
    Regs r{ip, fp, mem, mem_size, inst, rp, acc, l0, l1, facc, f0};
    WARPBEAM_STEP(A, r)
    WARPBEAM_STEP(B, r)
    WARPBEAM_DISPATCH(r);
}
template <typename A, typename B, typename C>
[[gnu::aligned(64)]] WARPBEAM_PRESERVE_NONE Exit joined(const Instr* ip, Slot* fp, uint8_t* mem,
                                                        uint64_t mem_size, InstanceData* inst, Record* rp,
                                                        uint64_t acc, uint64_t l0, uint64_t l1, Vector facc,
                                                        Vector f0) {
    Regs r{ip, fp, mem, mem_size, inst, rp, acc, l0, l1, facc, f0};
    WARPBEAM_STEP(A, r)
    WARPBEAM_STEP(B, r)
    WARPBEAM_STEP(C, r)
    WARPBEAM_DISPATCH(r);
}

#endif

} // namespace warpbeam::vm
