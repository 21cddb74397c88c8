#pragma once

#include "store/host_func.hpp"
#include "store/objects.hpp"
#include "store/quota.hpp"

#include <warpbeam/memory/arena.hpp>

#include <expected>
#include <optional>

namespace warpbeam::vm {

/// Creates the objects of a store, and destroys them with the store.
class ObjectFactory {
public:
    ObjectFactory(StoreImpl& owner, const Engine& engine, Quota& quota) noexcept
        : owner_{owner}, engine_{engine}, quota_{quota}, arena_{engine.allocator()} {}
    ObjectFactory(const ObjectFactory&) = delete;
    ObjectFactory& operator=(const ObjectFactory&) = delete;
    ~ObjectFactory();
    /// Drops the store's shares of host functions, none of which may be called any more.
    void release_hosts() noexcept;

    /// A small object or array; null if memory runs out.
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

    // The errors are the same as for the public `create` functions.

    /// `will_map` is whether an image will be mapped into the memory.
    [[nodiscard]] std::expected<MemoryObject*, Error> make_memory(const MemoryType& type,
                                                                  bool will_map) noexcept;
    /// A second memory with the type, contents and size of `memory`, which belongs to any store of the same
    /// engine that no one uses at the moment. See LinearMemory::fork; `memory` stays where it is. The errors
    /// are those of `make_memory`, and `usage` if the memory is shared.
    [[nodiscard]] std::expected<MemoryObject*, Error> fork_memory(MemoryObject& memory) noexcept;
    /// Adds `present`, or a new memory if that is null.
    [[nodiscard]] std::expected<MemoryObject*, Error>
    make_shared_memory(const MemoryType& type, const SharedMemory* present) noexcept;
    [[nodiscard]] std::expected<TableObject*, Error> make_table(const TableType& type, Slot init) noexcept;
    /// A function that runs `host`, of which the store becomes an owner; null if memory runs out.
    [[nodiscard]] FuncInst* make_host_func(HostFunc& host) noexcept;
    /// Records a global whose value may be a reference; false if memory runs out.
    [[nodiscard]] bool list(const GlobalInst& global) noexcept;
    /// Makes the store the owner of the instance, and an owner of its module.
    void adopt(InstanceObject& instance) noexcept;

    /// The objects that exist now, so that a failed instantiation can remove those that it added.
    struct Mark;
    [[nodiscard]] Mark mark() const noexcept;
    /// Destroys everything created since then. Precondition: nothing refers to any of it, and no instance was
    /// adopted.
    void release_since(const Mark& mark) noexcept;

    // All objects of a kind, the newest first.

    struct GlobalLink {
        const GlobalInst* global;
        GlobalLink* next;
    };
    [[nodiscard]] MemoryObject* memories() const noexcept { return memories_; }
    [[nodiscard]] TableObject* tables() const noexcept { return tables_; }
    [[nodiscard]] InstanceObject* instances() const noexcept { return instances_; }
    /// The globals that may hold references.
    [[nodiscard]] const GlobalLink* globals() const noexcept { return globals_; }

private:
    struct HostLink {
        HostFunc* host;
        HostLink* next;
    };
    MemoryObject* end_memory(MemoryObject* memory, uint64_t taken) noexcept;

    StoreImpl& owner_;
    const Engine& engine_;
    Quota& quota_;
    Arena arena_;
    MemoryObject* memories_ = nullptr;
    TableObject* tables_ = nullptr;
    InstanceObject* instances_ = nullptr;
    HostLink* hosts_ = nullptr;
    GlobalLink* globals_ = nullptr;
};

struct ObjectFactory::Mark {
    MemoryObject* memories = nullptr;
    TableObject* tables = nullptr;
    HostLink* hosts = nullptr;
    GlobalLink* globals = nullptr;
    Arena::Mark arena{};
};

} // namespace warpbeam::vm
