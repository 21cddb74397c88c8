#pragma once

#include "runtime/host_func.hpp"
#include "runtime/instance_data.hpp"
#include "runtime/interface.hpp"

#include <warpbeam/memory/arena.hpp>
#include <warpbeam/memory/linear_memory.hpp>
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

/// The objects of a store that own memory. The store links those of a kind to one another.
struct MemoryObject : MemoryInst {
    MemoryObject(LinearMemory memory, const MemoryType& memory_type, StoreImpl* owner) noexcept
        : MemoryInst{memory.data(), memory.size(), memory_type, owner}, bytes{std::move(memory)} {}
    LinearMemory bytes;
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
    InstanceObject* next;
};

/// The most pages that a memory of this type can ever have, and the most elements of a table.
[[nodiscard]] uint64_t max_pages(const MemoryType& type) noexcept;
[[nodiscard]] uint64_t max_elements(const TableType& type) noexcept;

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
    [[nodiscard]] uint64_t memory_bytes() const noexcept { return memory_bytes_; }
    [[nodiscard]] uint64_t table_elements() const noexcept { return table_elements_; }

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
    [[nodiscard]] std::expected<vm::TableObject*, Error> make_table(const TableType& type,
                                                                    vm::Slot init) noexcept;
    /// A function of this store that runs `host`, which the store then shares; null when there is no memory.
    [[nodiscard]] vm::FuncInst* make_host_func(vm::HostFunc& host) noexcept;
    /// Makes the instance the store's, together with a share of its module.
    void adopt(vm::InstanceObject& instance) noexcept;
    [[nodiscard]] bool has_room_for_instance() const noexcept { return instance_count_ < limits_.instances; }

    /// Counts that many more bytes or elements; false when that would exceed the limit.
    [[nodiscard]] bool take_memory(uint64_t bytes) noexcept {
        return take(memory_bytes_, bytes, limits_.memory_bytes);
    }
    [[nodiscard]] bool take_elements(uint64_t count) noexcept {
        return take(table_elements_, count, limits_.table_elements);
    }
    void return_memory(uint64_t bytes) noexcept { memory_bytes_ -= bytes; }
    void return_elements(uint64_t count) noexcept { table_elements_ -= count; }

    /// The memories and tables that exist now, so that an instantiation which fails can take its own back.
    struct Mark {
        vm::MemoryObject* memories;
        vm::TableObject* tables;
    };
    [[nodiscard]] Mark mark() const noexcept { return {memories_, tables_}; }
    void release_since(const Mark& mark) noexcept;

    // ---- Execution ----

    /// Gets the stacks, unless they are there; false when there is no memory. Code may run only after that.
    [[nodiscard]] bool prepare_stacks() noexcept;
    /// Calls a function with its arguments in `frame`, and leaves the results there.
    std::expected<void, Trap> invoke(vm::FuncInst& func, uint64_t* frame, size_t params,
                                     size_t results) noexcept;
    /// The trap of a host function on its way through the interpreter, which only carries `Exit::host_trap`.
    void hold(Trap trap) noexcept { held_ = std::move(trap); }

private:
    [[nodiscard]] static bool take(uint64_t& taken, uint64_t more, uint64_t limit) noexcept {
        if (taken > limit || more > limit - taken)
            return false;
        taken += more;
        return true;
    }

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
    uint64_t memory_bytes_ = 0;
    uint64_t table_elements_ = 0;
    uint32_t instance_count_ = 0;
    size_t stack_slots_ = 0;
    std::optional<Trap> held_;
};

/// The error of every call that found no memory.
[[nodiscard]] inline Error no_memory() noexcept { return Error{ErrorCode::out_of_memory, "out of memory"}; }

} // namespace warpbeam
