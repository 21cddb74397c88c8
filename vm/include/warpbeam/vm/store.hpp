#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/growth_policy.hpp>

#include <cstdint>

namespace warpbeam {

class StoreImpl;
class TrapObserver;
struct InterruptTarget;

/// Limits on all objects of a store together; see also Store::usage. Creating an object fails if it would
/// exceed a limit; the instructions memory.grow and table.grow return -1.
struct StoreLimits {
    /// The bytes of all memories. A shared memory counts with its maximum size, since other stores may grow
    /// it.
    uint64_t memory_bytes = UINT64_MAX;
    /// The elements of all tables.
    uint64_t table_elements = 10'000'000;
    /// The size of all structures, arrays, exceptions and host objects that are not known to be unreachable:
    /// for a structure 8 bytes and its fields, for an array 12 or 16 and its elements, in multiples of 8; for
    /// an exception 16 and its values. So a program reaches the limit at the same object on every machine;
    /// the heap may take an eighth more, and more than that when few objects of many sizes are left. If the
    /// limit is reached and a collection does not help, the instruction traps with `heap_exhausted`. It
    /// also traps if several collections in a row have freed so little that less than 1/64 of the limit is
    /// free, since the program would then spend almost all its time on collections. The store remains usable.
    uint64_t heap_bytes = uint64_t{1} << 30;
    /// The bytes of the stacks of all Executions. One whose stack can't grow traps with
    /// `call_stack_exhausted`.
    uint64_t execution_bytes = UINT64_MAX;
    /// @{ The maximum number of these objects.
    uint32_t instances = UINT32_MAX;
    uint32_t memories = UINT32_MAX;
    uint32_t tables = UINT32_MAX;
    uint32_t executions = UINT32_MAX;
    /// @}
    /// Decides about requests that these limits allow; null to allow them all. It must outlive the store.
    GrowthPolicy* growth = nullptr;
};

/// What all objects of a store use now, in the units of its limits.
struct StoreUsage {
    /// @{ See StoreLimits.
    uint64_t memory_bytes = 0;
    uint64_t table_elements = 0;
    uint64_t heap_bytes = 0;
    uint64_t execution_bytes = 0;
    uint32_t instances = 0;
    uint32_t memories = 0;
    uint32_t tables = 0;
    uint32_t executions = 0;
    /// @}
};

/// Stops the computation of a store from another thread, or from a signal handler.
/// Thread-safety: any thread may call any function at any time. A handle may outlive its store; it then does
/// nothing.
class WARPBEAM_API InterruptHandle {
public:
    InterruptHandle(const InterruptHandle&) noexcept;
    InterruptHandle& operator=(const InterruptHandle&) noexcept;
    ~InterruptHandle();

    /// Makes the code that is running in the store, or that runs there next, trap with `interrupted`: at its
    /// next call or loop head, within a garbage collection or a bulk instruction, or within 10 ms if it waits
    /// in memory.atomic.wait.
    /// One request stops one computation.
    void interrupt() const noexcept;

private:
    friend class Store;
    InterruptHandle(Ref<InterruptTarget> target, uint64_t period) noexcept;
    Ref<InterruptTarget> target_; ///< null if there is no store
    uint64_t period_;             ///< the only period in which it has an effect, or `any_period`
};

/// Owns instances and all functions, memories, tables, globals and tags, which live as long as the store. The
/// handles to them (Instance, Func, ...) are small values that are valid as long as the store. Objects of
/// different stores must not be mixed.
/// https://webassembly.github.io/spec/core/exec/runtime.html#store
///
/// Thread-safety: a store, with all its handles, belongs to one thread at a time.
class WARPBEAM_API Store {
public:
    /// Never fails: if there is no memory even for an empty store, creating anything in it reports that.
    explicit Store(const Engine& engine, const StoreLimits& limits = {}) noexcept;
    /// Moves the store with all its objects; handles stay valid. Creating anything in the other store is then
    /// an error. No code may be running in either store.
    Store(Store&& other) noexcept;
    Store& operator=(Store&& other) noexcept;
    /// Destroys all objects. No code may be running in the store.
    ~Store();

    /// The engine that the store was created with.
    [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

    /// Sets the amount of fuel that code may use. Has no effect unless Config::fuel is set; a new store has
    /// no fuel.
    ///
    /// Every entry of a function and every iteration of a loop takes one unit. Work on bytes takes a unit for
    /// 64 of them: objects and exceptions by their size (StoreLimits::heap_bytes), the bytes or elements of
    /// bulk instructions (such as memory.fill, table.copy, array.init_data), what memory.grow and table.grow
    /// add, and the locals of a function whose locals take more than a KiB. A growth that is refused, and
    /// garbage collections, take none. So a
    /// program takes the same fuel on every machine, in every build, and however often it is interrupted.
    ///
    /// Without enough fuel, code traps with `out_of_fuel`. A bulk instruction first does as much of its work
    /// as there is fuel for; structures, exceptions and locals are made, and code stops at its next loop
    /// head, call or collection; everything else is not begun and takes nothing. At most 2^56 - 1 units
    /// count.
    void set_fuel(uint64_t units) noexcept;
    /// The remaining fuel; 0 after code has used it up.
    [[nodiscard]] uint64_t fuel() const noexcept;

    /// A handle that stops the code of this store at any time. Has no effect unless Config::interruption is
    /// set.
    [[nodiscard]] InterruptHandle interrupt_handle() const noexcept;
    /// A handle for a single call, or a few. It has an effect until the next call of this function or of
    /// `clear_interrupt`, so a watchdog that is late does not stop what runs next. Withdraws a pending
    /// request.
    [[nodiscard]] InterruptHandle new_interrupt_handle() noexcept;
    /// The same, but requests of handles from `interrupt_handle` stay: only those are withdrawn that are
    /// late.
    [[nodiscard]] InterruptHandle next_interrupt_handle() noexcept;
    /// Withdraws a pending request, and ends the effect of handles from `new_interrupt_handle`.
    void clear_interrupt() noexcept;

    /// What the objects of the store use now.
    [[nodiscard]] StoreUsage usage() const noexcept;

    /// Statistics about the garbage-collected heap.
    struct HeapStatistics {
        uint64_t bytes = 0;       ///< currently allocated
        uint64_t peak = 0;        ///< the maximum of `bytes` so far
        uint64_t survived = 0;    ///< the bytes of the objects that survived the last collection
        uint64_t collections = 0; ///< the number of collections
    };
    /// The current state of the heap.
    [[nodiscard]] HeapStatistics heap() const noexcept;
    /// Collects garbage now. Otherwise this happens when the heap has grown by three
    /// quarters of what survived the last collection, or when a limit is reached.
    void collect() noexcept;

    /// From now on, traps are told to this observer, which must outlive the store or be replaced; null for
    /// none, as at first. It needs active_stack.hpp.
    void set_trap_observer(TrapObserver* observer) noexcept;

    /// @{ A pointer for the embedder's own use; null at first. The store does nothing with it.
    void set_data(void* data) noexcept { data_ = data; }
    [[nodiscard]] void* data() const noexcept { return data_; }
    /// @}

private:
    friend struct vm::Internal;
    Engine engine_;
    StoreImpl* impl_; ///< null if memory ran out, or the store was moved
    void* data_ = nullptr;
};

} // namespace warpbeam
