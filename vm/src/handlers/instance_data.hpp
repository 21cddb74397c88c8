#pragma once

#include "heap/reference.hpp"
#include "isa/instr.hpp"

#include <warpbeam/loader/module.hpp>
#include <warpbeam/memory/ref.hpp>

/// What running code sees of a store's objects. The store owns them and never moves them.
/// https://webassembly.github.io/spec/core/exec/runtime.html

namespace warpbeam {
class SharedBytes;
class StoreImpl;
} // namespace warpbeam

namespace warpbeam::vm {

struct HostFunc;
struct Execution;
class ExecutionOwner;
struct Continuation;
struct ContObject;
class Heap;
class ModuleCode;
class StopPoints;

/// A function instance. A function reference is the address of one; null is 0.
struct FuncInst : FuncHead {
    /// Null for a host function, which runs in its caller's instance.
    InstanceData* instance;
    /// For a host function.
    HostFunc* host;
    StoreImpl* store;
};

[[nodiscard]] inline FuncInst* to_func(Slot reference) noexcept {
    return reinterpret_cast<FuncInst*>(static_cast<uintptr_t>(reference));
}
[[nodiscard]] inline Slot from_func(const FuncInst* func) noexcept {
    return reinterpret_cast<uintptr_t>(func);
}

/// Whether `count` elements from `start` on lie within `size`.
constexpr bool within(uint64_t start, uint64_t count, uint64_t size) noexcept {
    return start <= size && count <= size - start;
}

/// A linear memory as code sees it.
struct MemoryInst {
    uint8_t* base;
    uint64_t size; ///< in bytes
    MemoryType type;
    StoreImpl* store;
    /// The bytes shared with other stores; null unless the memory is shared. `size` is then the last known
    /// size.
    SharedBytes* shared;
    /// Updates the size of a shared memory; returns whether it had changed. Running code has the size of
    /// memory 0 in a register, which must follow (`load_memory`).
    bool refresh() noexcept;
};

struct TableInst {
    Slot* elements;
    uint64_t size;
    TableType type;
    StoreImpl* store;
};

/// A global's value: one slot, or two for a v128.
struct GlobalInst {
    alignas(16) Slot value[2];
    GlobalType type;
    StoreImpl* store;
};

struct TagInst : TagHead {
    StoreImpl* store;
};

/// The contents of the segments for one instance: emptied by a drop.
struct ElemInst {
    std::span<const Slot> values;
};
struct DataInst {
    std::span<const uint8_t> bytes;
};

struct InstanceData {
    // Fields that hot handlers read come first.
    GlobalInst** globals; ///< by index, imported ones first, like all of these
    FuncInst** funcs;
    TableInst** tables;
    MemoryInst** memories;
    ElemInst* elems;
    DataInst* datas;
    TagInst** tags;
    uint32_t memory_count;
    Execution* execution; ///< the one that runs, while the instance's code does
    StoreImpl* store;
    uint64_t store_number; ///< the store's, for frames that outlive it
    ModuleCode* code;
    const Module* module;
    const TypeId* types; ///< the module's types by index
    const TypeRegistry* registry;
    Heap* heap;
};

/// The most records that a call pushes: its own, and two for the way back into the caller's instance.
inline constexpr size_t call_records = 3;

/// A stack, and where it stands while its code does not run. It is one block, which moves when it grows: the
/// slots from its beginning upwards, the records from its end downwards.
struct StackState {
    Slot* stack;
    Record* stack_end;
    // While a host function or another stack runs, or after an exit: the position of the computation.
    const Instr* ip;
    Slot* fp;   ///< the top frame
    Slot* free; ///< at a host call, the first slot above all slots in use
    Record* rp; ///< the last record
    InstanceData* inst;
    /// With Config::deterministic: how many slots the frames below a callee's take beyond those that count.
    uint64_t excess;
};
/// The bytes of a stack that are in use.
[[nodiscard]] inline size_t used(const StackState& state) noexcept {
    return (static_cast<size_t>(state.free - state.stack) - static_cast<size_t>(state.excess)) *
               sizeof(Slot) +
           static_cast<size_t>(state.stack_end - state.rp) * sizeof(Record);
}

/// Whether code of a store is to stop.
struct InterruptRequest {
    static constexpr uint64_t requested = 1; ///< the bit that says that it is to stop
    static constexpr uint64_t bits = 3;      ///< that and who has requested it
    [[nodiscard]] bool is_made() const noexcept {
        return (word.load(std::memory_order_relaxed) & requested) != 0;
    }
    std::atomic<uint64_t> word = 0;    ///< see api/interrupt.cpp
    StopPoints* stop_points = nullptr; ///< null: code checks the word itself
};

/// One computation: its stack, and why it stopped. While it runs a continuation, that is the continuation's
/// stack, and its own one waits.
struct Execution : StackState {
    Continuation* continuation; ///< the innermost one that runs; null: none
    StackState own;             ///< while a continuation runs
    uint64_t detail;            ///< at the exit: an address or an index, see Exit
    // The registers at an exit after which the computation can go on.
    uint64_t acc;
    uint64_t l0;
    uint64_t l1;
    Vector facc;
    Vector f0;
    int64_t fuel;
    const InterruptRequest* interrupt;
    bool may_be_interrupted; ///< Config::interruption
    bool may_wait;           ///< Config::waiting
    bool checks_stack;       ///< Config::deterministic
    bool may_suspend;        ///< whether host calls may wait for their answers
    bool is_running;
    /// The number of the collection that an allocation has started and that was interrupted; 0: none.
    uint64_t collection;
    /// The block of a large array that code makes in steps, while it stands at the instruction; null: none.
    /// It is not part of the heap yet, and if it is lost the instruction begins again.
    void* array;
    bool calls_again; ///< whether it goes on by calling a host function again that was interrupted
    bool has_token;   ///< whether the host function that waits has taken a token for its answer
    /// Whether no code uses the top frame: before the beginning, after the end, and when a host call is
    /// answered. It then consists of values of these types.
    bool has_values;
    uint32_t array_done; ///< how many elements that array has
    std::span<const ValType> values;
    size_t max_stack; ///< the bytes to which the block may grow; with `checks_stack`, those that count
    Execution* outer; ///< the one that called the host function which called this one
    // For an ExecutionOwner: its place in the list of all of the store.
    ExecutionOwner* owner;
    Execution* before;
    Execution* next;
    StoreImpl* store;

    /// For code that polls only where Config::interruption is set.
    [[nodiscard]] bool is_interrupted() const noexcept { return interrupt->is_made(); }
    [[nodiscard]] bool must_stop() const noexcept { return may_be_interrupted && is_interrupted(); }
};

} // namespace warpbeam::vm
