#pragma once

#include "guest/linear_memory_heap.hpp"
#include "handlers/entry_points.hpp"
#include "handlers/instance_data.hpp"
#include "heap/heap.hpp"
#include "store/exception.hpp"
#include "store/host_func.hpp"

#include <warpbeam/memory/arena.hpp>
#include <warpbeam/memory/linear_memory.hpp>
#include <warpbeam/vm/root.hpp>
#include <warpbeam/vm/shared_memory.hpp>
#include <warpbeam/vm/store.hpp>
#include <warpbeam/vm/trap.hpp>

#include <expected>
#include <optional>

namespace warpbeam {

/// What an InterruptHandle keeps alive beyond the end of its store.
struct InterruptTarget {
    explicit InterruptTarget(Allocator& from) noexcept : allocator{from} {}
    void release() noexcept {
        if (owners.drop())
            destroy(allocator, this);
    }

    RefCount owners;
    Allocator& allocator;
    vm::Execution execution{};
};

namespace vm {

/// The most pages that a memory of this type can ever have, and the most elements of a table.
[[nodiscard]] uint64_t max_pages(const MemoryType& type) noexcept;
[[nodiscard]] uint64_t max_elements(const TableType& type) noexcept;
/// The bytes of so many pages; UINT64_MAX when they have no number.
[[nodiscard]] inline uint64_t bytes_of(uint64_t pages, const MemoryType& type) noexcept {
    return pages <= UINT64_MAX >> type.page_size_log2 ? pages << type.page_size_log2 : UINT64_MAX;
}
/// Whether guard-page mode guards memories of this type.
[[nodiscard]] inline bool is_guardable(const MemoryType& type) noexcept {
    return !type.limits.is_64 && type.page_size_log2 == 16;
}
/// Whether a module could declare a memory of this type; `usage` if not.
[[nodiscard]] std::expected<void, Error> check(const MemoryType& type) noexcept;

/// The objects of a store that own memory. The store links those of a kind to one another.
struct MemoryObject : MemoryInst {
    MemoryObject(LinearMemory memory, const MemoryType& memory_type, StoreImpl* owner) noexcept
        : MemoryInst{memory.data(), memory.size(), memory_type, owner, nullptr}, bytes{std::move(memory)} {}
    MemoryObject(const SharedMemory& memory, StoreImpl* owner) noexcept
        : MemoryInst{memory.bytes()->data(), memory.bytes()->size(), memory.type(), owner,
                     memory.bytes().get()},
          share{memory.bytes()} {}
    /// What it takes of the store's limit.
    [[nodiscard]] uint64_t taken() const noexcept { return share ? bytes_of(max_pages(type), type) : size; }
    // One of the two.
    std::optional<LinearMemory> bytes;
    Ref<SharedBytes> share;
    Ref<LinearMemoryHeap> heap; ///< null until somebody allocates there
    MemoryObject* next = nullptr;
};
struct TableObject : TableInst {
    TableObject(Vec<Slot> values, const TableType& table_type, StoreImpl* owner) noexcept
        : TableInst{values.data(), values.size(), table_type, owner}, slots{std::move(values)} {}
    Vec<Slot> slots;
    TableObject* next = nullptr;
};
struct InstanceObject : InstanceData {
    /// Its export "memory", which host functions ask for all the time; null when it has none.
    MemoryInst* exported_memory;
    /// Where each passive element segment keeps its values, also when it is dropped.
    std::span<Slot>* elem_storage;
    InstanceObject* next;
};

} // namespace vm

/// A store: everything that lives in it, the stacks that its code runs on, and what it may take.
class StoreImpl {
public:
    /// Null when there is no memory.
    [[nodiscard]] static StoreImpl* create(Store& handle, const StoreLimits& limits) noexcept;
    StoreImpl(Store& handle, const StoreLimits& limits, InterruptTarget* target) noexcept;
    StoreImpl(const StoreImpl&) = delete;
    StoreImpl& operator=(const StoreImpl&) = delete;
    ~StoreImpl();

    [[nodiscard]] Store& handle() const noexcept { return handle_; }
    [[nodiscard]] Engine& engine() const noexcept { return handle_.engine(); }
    [[nodiscard]] Allocator& allocator() const noexcept { return engine().allocator(); }
    [[nodiscard]] const TypeRegistry& types() const noexcept { return engine().types(); }
    [[nodiscard]] vm::Execution& execution() const noexcept { return target_->execution; }
    [[nodiscard]] InterruptTarget* interrupt_target() const noexcept { return target_; }
    [[nodiscard]] StoreUsage usage() const noexcept {
        StoreUsage usage = usage_;
        usage.heap_bytes = heap_.committed();
        return usage;
    }

    /// A small object or array that lives as long as the store; null when there is no memory.
    template <typename T>
    [[nodiscard]] T* make(const T& value) noexcept {
        const auto place = arena_.array<T>(1);
        return place ? ::new (static_cast<void*>(place->data())) T(value) : nullptr;
    }
    template <typename T>
    [[nodiscard]] std::optional<std::span<T>> make_array(size_t count) noexcept {
        const auto place = arena_.array<T>(count);
        if (place)
            for (T& element : *place)
                ::new (static_cast<void*>(&element)) T{};
        return place;
    }

    // ---- Objects; the errors are those of the public `create` functions ----

    [[nodiscard]] std::expected<vm::MemoryObject*, Error> make_memory(const MemoryType& type) noexcept;
    /// `present`, or a fresh one if that is null.
    [[nodiscard]] std::expected<vm::MemoryObject*, Error>
    make_shared_memory(const MemoryType& type, const SharedMemory* present) noexcept;
    [[nodiscard]] std::expected<vm::TableObject*, Error> make_table(const TableType& type,
                                                                    vm::Slot init) noexcept;
    /// The allocator over a memory; null when there is no memory for it.
    [[nodiscard]] Ref<vm::LinearMemoryHeap> heap_over(vm::MemoryInst& memory) noexcept;
    /// A function of this store that runs `host`, which the store then shares; null when there is no memory.
    [[nodiscard]] vm::FuncInst* make_host_func(vm::HostFunc& host) noexcept;
    /// Makes the instance the store's, together with a share of its module.
    void adopt(vm::InstanceObject& instance) noexcept;
    [[nodiscard]] bool has_room_for_instance() const noexcept { return usage_.instances < limits_.instances; }

    /// Counts the growth of a memory from `from` to `to` bytes, or of a table; false when the limits or the
    /// policy forbid it.
    [[nodiscard]] bool take_memory(const MemoryType& type, uint64_t from, uint64_t to) noexcept {
        // Once more after the policy, which may have let others take what there was, against the rules.
        return has_memory(to - from) && allows(type, from, to) && has_memory(to - from) &&
               count_memory(to - from);
    }
    [[nodiscard]] bool take_elements(const TableType& type, uint64_t from, uint64_t to) noexcept;
    void return_memory(uint64_t bytes) noexcept { usage_.memory_bytes -= bytes; }
    void return_elements(uint64_t count) noexcept { usage_.table_elements -= count; }
    /// Whether the policy lets a memory grow.
    [[nodiscard]] bool allows(const MemoryType& type, uint64_t from, uint64_t to) noexcept {
        return limits_.growth == nullptr || limits_.growth->allow_memory(handle_, type, from, to);
    }

    /// What exists now, so that an instantiation which fails can take its own back.
    struct Mark;
    [[nodiscard]] Mark mark() const noexcept;
    /// Ends all that was made since. Precondition: nothing refers to any of it, and no instance was adopted.
    void release_since(const Mark& mark) noexcept;

    // ---- Garbage collection ----

    [[nodiscard]] vm::Heap& heap() noexcept { return heap_; }
    /// Shows the heap every slot from which code or the host can get at an object: the value stack up to
    /// `Execution::free`, tables, globals, element segments, exceptions that the host holds.
    void mark_roots(vm::Heap& heap) noexcept;
    /// Keeps alive what a call hands to the host: values of these types in slots. False when there is no
    /// memory.
    [[nodiscard]] bool keep(std::span<const ValType> types, const vm::Slot* slots) noexcept;
    /// Makes a global's value a root if it may be a reference; false when there is no memory.
    [[nodiscard]] bool watch(const vm::GlobalInst& global) noexcept;
    /// The instance that is being made, or null: its element segments are roots too.
    void set_unfinished(const vm::InstanceObject* instance) noexcept { unfinished_ = instance; }

    // ---- Execution ----

    /// Gets the stacks, unless they are there; false when there is no memory. Code may run only after that.
    [[nodiscard]] bool prepare_stacks() noexcept;
    /// Calls a function with its arguments in `frame`, and leaves the results there.
    std::expected<void, Trap> invoke(vm::FuncInst& func, uint64_t* frame, size_t params,
                                     size_t results) noexcept;
    /// The trap of a host function on its way through the interpreter, which only carries `Exit::host_trap`.
    void hold(Trap trap) noexcept { held_ = std::move(trap); }
    void forget_held() noexcept { held_.reset(); }
    /// The exceptions that the host holds.
    [[nodiscard]] vm::ExceptionRoots& exceptions() noexcept { return exceptions_; }

private:
    [[nodiscard]] bool has_memory(uint64_t more) const noexcept {
        return more <= limits_.memory_bytes - usage_.memory_bytes;
    }
    [[nodiscard]] bool has_elements(uint64_t more) const noexcept {
        return more <= limits_.table_elements - usage_.table_elements;
    }
    bool count_memory(uint64_t more) noexcept {
        usage_.memory_bytes += more;
        return true;
    }
    [[nodiscard]] std::expected<void, Error> begin_memory(const MemoryType& type, uint64_t taken) noexcept;
    vm::MemoryObject* end_memory(vm::MemoryObject* memory, uint64_t taken) noexcept;

    void release_objects(const vm::MemoryObject* memories, const vm::TableObject* tables) noexcept;

    Store& handle_;
    StoreLimits limits_;
    InterruptTarget* target_;
    Arena arena_;
    vm::MemoryObject* memories_ = nullptr;
    vm::TableObject* tables_ = nullptr;
    vm::InstanceObject* instances_ = nullptr;
    struct HostLink {
        vm::HostFunc* host;
        HostLink* next;
    };
    HostLink* hosts_ = nullptr;
    struct GlobalLink {
        const vm::GlobalInst* global;
        GlobalLink* next;
    };
    GlobalLink* globals_ = nullptr; ///< that may hold references
    const vm::InstanceObject* unfinished_ = nullptr;
    friend class Root;
    Root* roots_ = nullptr;
    vm::Heap heap_;
    StoreUsage usage_; ///< without the heap's bytes
    size_t stack_slots_ = 0;
    vm::ExceptionRoots exceptions_;
    std::optional<Trap> held_;
};

struct StoreImpl::Mark {
    vm::MemoryObject* memories;
    vm::TableObject* tables;
    HostLink* hosts;
    GlobalLink* globals;
    Arena::Mark arena;
};

/// The error of every call that found no memory.
[[nodiscard]] inline Error no_memory() noexcept { return Error{ErrorCode::out_of_memory, "out of memory"}; }

} // namespace warpbeam
