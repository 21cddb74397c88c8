#pragma once

#include <warpbeam/memory/export.hpp>
#include <warpbeam/memory/ref.hpp>
#include <warpbeam/vm/engine.hpp>
#include <warpbeam/vm/growth_policy.hpp>

#include <cstdint>

namespace warpbeam {

class StoreImpl;
struct InterruptTarget;

/// What all objects of a store may take together, see also Store::usage. Exceeding a limit is an error where
/// the object is made, and -1 for the instructions memory.grow and table.grow.
struct StoreLimits {
    /// The bytes of all memories. A shared memory takes what it can become at most, since other stores may
    /// grow it.
    uint64_t memory_bytes = UINT64_MAX;
    /// The elements of all tables.
    uint64_t table_elements = 10'000'000;
    /// The bytes of all structures, arrays, exceptions and objects of the host, with what the heap needs
    /// around them. When they are reached and a collection does not help, the instruction traps with
    /// `heap_exhausted`. So it does when several collections in a row left less than 1/64 of the limit free,
    /// since a program would do little but collect from there on; the store is as usable as before.
    uint64_t heap_bytes = uint64_t{1} << 30;
    /// @{ How many there may be.
    uint32_t instances = UINT32_MAX;
    uint32_t memories = UINT32_MAX;
    uint32_t tables = UINT32_MAX;
    /// @}
    /// Null, or asked about what these limits allow. It must outlive the store.
    GrowthPolicy* growth = nullptr;
};

/// What all objects of a store take now, in the units of its limits.
struct StoreUsage {
    /// @{ See StoreLimits.
    uint64_t memory_bytes = 0;
    uint64_t table_elements = 0;
    uint64_t heap_bytes = 0;
    uint32_t instances = 0;
    uint32_t memories = 0;
    uint32_t tables = 0;
    /// @}
};

/// Stops the computation of a store from another thread, or from a signal handler.
/// Thread-safety: every function may be called from any thread at any time. A handle may outlive its store,
/// and then does nothing.
class WARPBEAM_API InterruptHandle {
public:
    InterruptHandle(const InterruptHandle&) noexcept;
    InterruptHandle& operator=(const InterruptHandle&) noexcept;
    ~InterruptHandle();

    /// Makes the code that runs in the store, or else that runs there next, trap with `interrupted` at its
    /// next call or loop head, behind a collection of garbage, or within 10 ms when it is in a
    /// memory.atomic.wait. One request stops one computation.
    void interrupt() const noexcept;

private:
    friend class Store;
    InterruptHandle(Ref<InterruptTarget> target, uint64_t period) noexcept;
    Ref<InterruptTarget> target_; ///< null when there is no store
    uint64_t period_;             ///< the only one that it has an effect in, or `any_period`
};

/// The owner of instances and of all functions, memories, tables, globals and tags, which live as long as it
/// does. The handles to them (Instance, Func, ...) are small values that are valid as long as the store.
/// Objects of different stores must not be mixed.
/// https://webassembly.github.io/spec/core/exec/runtime.html#store
///
/// Thread-safety: a store, with all its handles, belongs to one thread at a time.
class WARPBEAM_API Store {
public:
    /// Cannot fail: when there is no memory even for an empty store, making anything in it reports that.
    explicit Store(const Engine& engine, const StoreLimits& limits = {}) noexcept;
    /// Moves the store with all its objects; handles stay valid. The other one is then without a store, and
    /// making anything in it is an error. No code of either may be running.
    Store(Store&& other) noexcept;
    Store& operator=(Store&& other) noexcept;
    /// Ends all objects. No code of this store may be running.
    ~Store();

    /// The engine that it was created with.
    [[nodiscard]] const Engine& engine() const noexcept { return engine_; }

    /// Gives code that many units to use: every call and every turn of a loop takes one, and a collection of
    /// garbage which an allocation brings about takes as many as its work amounts to: about one for each
    /// object that lives on, for each 64 of their bytes, and for each KiB of the heap. When there are none
    /// left, code traps with `out_of_fuel`, at its next call or loop head or right after the collection. An
    /// instruction for many bytes or elements at once (memory.fill, table.copy, array.init_data) takes a unit
    /// for each 64 bytes that it touches, and traps with `out_of_fuel` when it has done what there is fuel
    /// for; one on fewer bytes takes none. table.grow, when it succeeds, and array.new take theirs at once,
    /// or all of the fuel when there is less, and do not trap. Without effect unless Config::fuel is set; a
    /// new store has none.
    void set_fuel(uint64_t units) noexcept;
    /// What is left; 0 when code has run out of it.
    [[nodiscard]] uint64_t fuel() const noexcept;

    /// A handle that stops the code of this store at any time; without effect unless Config::interruption is
    /// set.
    [[nodiscard]] InterruptHandle interrupt_handle() const noexcept;
    /// A handle for one call, or several: it has an effect until the next one is made with this function or
    /// `clear_interrupt` is called, so that a watchdog which is late does not stop what runs next. A request
    /// that has not been met yet is withdrawn.
    [[nodiscard]] InterruptHandle new_interrupt_handle() noexcept;
    /// Withdraws a request that has not been met yet, and ends the effect of what `new_interrupt_handle`
    /// made.
    void clear_interrupt() noexcept;

    /// What the objects of the store take at this moment.
    [[nodiscard]] StoreUsage usage() const noexcept;

    /// The garbage-collected heap.
    struct HeapStatistics {
        uint64_t bytes = 0;       ///< taken from the allocator now
        uint64_t peak = 0;        ///< the most that these ever were
        uint64_t survived = 0;    ///< the bytes of the objects that the last collection left
        uint64_t collections = 0; ///< how many there were
    };
    /// The state of the heap now.
    [[nodiscard]] HeapStatistics heap() const noexcept;
    /// Collects garbage now, without taking fuel. Otherwise that happens when the heap has grown by three
    /// quarters of what the last collection left, or a limit is reached.
    void collect() noexcept;

    /// @{ A pointer for the embedder's own use; null at first. The store does nothing with it.
    void set_data(void* data) noexcept { data_ = data; }
    [[nodiscard]] void* data() const noexcept { return data_; }
    /// @}

private:
    friend struct vm::Internal;
    Engine engine_;
    StoreImpl* impl_; ///< null when there was no memory, or it was moved
    void* data_ = nullptr;
};

} // namespace warpbeam
