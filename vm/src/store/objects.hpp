#pragma once

#include "handlers/instance_data.hpp"
#include "store/compiled_module.hpp"
#include "store/internal.hpp"
#include "store/memory_type.hpp"

#include <warpbeam/memory/linear_memory.hpp>
#include <warpbeam/vm/shared_memory.hpp>

#include <optional>

/// The objects of a store that own resources. The store keeps a linked list of each kind.

namespace warpbeam::vm {

/// Data that a higher layer attaches to a memory. `end` is called when the memory was reset and the data is
/// detached.
struct MemoryAttachment {
    virtual void end() noexcept = 0;
    virtual void retain() noexcept = 0;
    virtual void release() noexcept = 0;

protected:
    ~MemoryAttachment() = default;
};

struct MemoryObject : MemoryInst {
    MemoryObject(LinearMemory memory, const MemoryType& memory_type, StoreImpl* owner) noexcept
        : MemoryInst{memory.data(), memory.size(), memory_type, owner, nullptr}, bytes{std::move(memory)} {}
    MemoryObject(const SharedMemory& memory, StoreImpl* owner) noexcept
        : MemoryInst{memory.data().data(), memory.data().size(), memory.type(), owner,
                     Internal::bytes(memory).get()},
          share{Internal::bytes(memory)} {}
    /// The bytes that count towards the store's limit.
    [[nodiscard]] uint64_t taken() const noexcept { return share ? bytes_of(max_pages(type), type) : size; }
    // Exactly one of the two is used.
    std::optional<LinearMemory> bytes;
    Ref<SharedBytes> share;
    Ref<MemoryAttachment> attachment;
    MemoryObject* next = nullptr;
};

struct TableObject : TableInst {
    TableObject(Vec<Slot> values, const TableType& table_type, StoreImpl* owner) noexcept
        : TableInst{values.data(), values.size(), table_type, owner}, slots{std::move(values)} {}
    Vec<Slot> slots;
    TableObject* next = nullptr;
};

struct InstanceObject : InstanceData {
    /// Its code, and the images of its memories.
    CompiledModule* compiled;
    /// Its export "memory", which host functions need often; null if it has none.
    MemoryInst* exported_memory;
    /// The values of each passive element segment, even if it was dropped.
    std::span<Slot>* elem_storage;
    InstanceObject* next;
};

} // namespace warpbeam::vm
