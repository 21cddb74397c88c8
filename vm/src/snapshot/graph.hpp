#pragma once

#include "snapshot/saved_stack.hpp"
#include "store/execution_object.hpp"
#include "store/store_impl.hpp"

#include <warpbeam/memory/hash_index.hpp>
#include <warpbeam/vm/snapshot.hpp>

/// What belongs to a snapshot or fork, in the order in which it is found: breadth first, so that equal states
/// give equal numbers.

namespace warpbeam::vm {

/// Numbers for addresses.
class AddressMap {
public:
    static constexpr uint32_t none = HashIndex::npos;
    explicit AddressMap(Allocator& allocator) noexcept : keys_{allocator}, index_{allocator} {}
    [[nodiscard]] uint32_t find(uint64_t key) const noexcept;
    [[nodiscard]] uint32_t find(const void* key) const noexcept {
        return find(static_cast<uint64_t>(reinterpret_cast<uintptr_t>(key)));
    }
    /// A key that is not there yet; false if memory runs out.
    [[nodiscard]] bool add(uint64_t key, uint32_t number) noexcept;
    [[nodiscard]] bool add(const void* key, uint32_t number) noexcept {
        return add(static_cast<uint64_t>(reinterpret_cast<uintptr_t>(key)), number);
    }

private:
    struct Key {
        uint64_t key;
        uint32_t number;
    };
    Vec<Key> keys_;
    HashIndex index_;
};

/// A list of things with a number each.
template <typename T>
class Numbered {
public:
    explicit Numbered(Allocator& allocator) noexcept : items{allocator}, numbers_{allocator} {}
    [[nodiscard]] uint32_t find(T item) const noexcept { return numbers_.find(key_of(item)); }
    /// Adds it unless it is there; false if memory runs out.
    [[nodiscard]] bool add(T item) noexcept {
        return find(item) != AddressMap::none ||
               (numbers_.add(key_of(item), static_cast<uint32_t>(items.size())) && items.push(item));
    }
    [[nodiscard]] size_t size() const noexcept { return items.size(); }
    Vec<T> items;

private:
    static uint64_t key_of(T item) noexcept {
        if constexpr (std::is_pointer_v<T>)
            return reinterpret_cast<uintptr_t>(item);
        else
            return item;
    }
    AddressMap numbers_;
};

/// A host function, and where it is imported.
struct GraphHost {
    const InstanceObject* instance = nullptr; ///< null: nowhere
    uint32_t import = 0;                      ///< among the imports of the module
    uint32_t first = 0;                       ///< the first of the hosts with these names
    bool is_ambiguous = false;                ///< of the first: other functions have these names, too

    [[nodiscard]] const Import& names() const noexcept { return instance->module->imports()[import]; }
};

/// Suspended stacks that belong to an object; none once they were used. Before the only one has begun, it is
/// a function and its arguments so far.
struct GraphContinuation {
    explicit GraphContinuation(Allocator& allocator) noexcept : args{allocator}, stacks{allocator} {}
    const FuncInst* func = nullptr;
    Vec<Slot> args;
    Vec<SavedStack> stacks; ///< the innermost first
};

struct GraphExecution {
    explicit GraphExecution(Allocator& allocator) noexcept : stacks{allocator} {}
    const ExecutionObject* object = nullptr;
    Vec<SavedStack> stacks; ///< the innermost first, its own last
};

class Graph {
public:
    explicit Graph(StoreImpl& store) noexcept;

    /// Finds everything. Errors: as for `save`.
    [[nodiscard]] std::expected<void, Error> find(const SnapshotContents& contents) noexcept;

    /// The number of a function: first those of the host, then those of the first instance, and so on.
    [[nodiscard]] uint32_t number_of(const FuncInst& func) const noexcept;
    /// The bits of a slot as snapshots have them: a number shifted by two, and what it counts.
    enum class RefKind : uint8_t { object, i31, host, func };
    [[nodiscard]] uint64_t encode(Slot reference) const noexcept;
    /// Which module of the snapshot has a type, and under which index. The first module is asked first.
    struct TypeName {
        uint32_t module;
        uint32_t index;
    };
    [[nodiscard]] std::optional<TypeName> name_of(TypeId type) noexcept;

    /// The types of what a stack that has suspended itself has been given so far.
    [[nodiscard]] std::span<const ValType> types_of_values(const SavedStack& stack) const noexcept;

    [[nodiscard]] StoreImpl& store() const noexcept { return store_; }
    [[nodiscard]] const Error& error() const noexcept { return *error_; }

    Numbered<const Module*> modules;
    Numbered<InstanceObject*> instances;
    Numbered<FuncInst*> hosts;
    Vec<GraphHost> host_imports; ///< of `hosts`
    Numbered<MemoryObject*> memories;
    Numbered<TableObject*> tables;
    Numbered<GlobalInst*> globals;
    Numbered<TagInst*> tags;
    Numbered<Object*> objects;
    Numbered<Slot> externs;               ///< references of the host
    Vec<GraphContinuation> continuations; ///< of those objects that are some
    Vec<GraphExecution> executions;
    // What the host has asked for.
    std::span<const Instance> given;
    std::span<const Value> values;
    FrameShapes shapes;

private:
    bool fail(Error error) noexcept;
    bool keep(bool done) noexcept { return done || fail(Error{ErrorCode::out_of_memory}); }
    bool add_instance(InstanceObject& instance) noexcept;
    bool add_func(FuncInst& func) noexcept;
    bool name_host(uint32_t host, const InstanceObject& instance, uint32_t import) noexcept;
    bool name_hosts_by_others() noexcept;
    bool add_reference(Slot reference) noexcept;
    bool add_type(TypeId type) noexcept;
    bool add_type(ValType type) noexcept;
    bool add_value(ValType type, const Slot* slot) noexcept;
    bool add_values(std::span<const ValType> types, const Slot* slots) noexcept;
    bool add_execution(ExecutionObject& object) noexcept;
    bool check_guest_stacks() noexcept;
    bool add_stack(const SavedStack& stack, std::span<const ValType> types) noexcept;
    bool add_global(GlobalInst* global) noexcept;
    bool add_continuation(const ContObject& object) noexcept;
    bool visit_instance(InstanceObject& instance) noexcept;
    bool visit_object(Object& object) noexcept;
    bool visit_all() noexcept;

    StoreImpl& store_;
    Numbered<uint64_t> types_; ///< those that have been looked for
    AddressMap type_names_;
    Vec<TypeName> names_;
    size_t named_modules_ = 0; ///< whose types are in the map
    Vec<uint32_t> first_funcs_;
    HashIndex hosts_by_name_; ///< the first of `hosts` with each name
    std::optional<Error> error_;
};

} // namespace warpbeam::vm
