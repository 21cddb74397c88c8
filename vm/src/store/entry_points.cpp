#include "handlers/entry_points.hpp"

#include "store/store_impl.hpp"

#include <algorithm>

/// Host functions are called in host_func.cpp; exceptions are created and thrown in unwind.cpp.

namespace warpbeam::vm {

Exit lower_function(const CodeCell& cell, const Execution& execution) noexcept {
    return static_cast<ModuleCode*>(cell.owner)->lower(cell.func, &execution);
}

int64_t grow(MemoryInst& memory, uint64_t pages) noexcept {
    (void)memory.refresh();
    const MemoryType& type = memory.type;
    Quota& quota = memory.store->quota;
    const uint64_t old = memory.size >> type.page_size_log2;
    if (pages > max_pages(type) - old)
        return -1;
    const uint64_t before = memory.size;
    const uint64_t more = bytes_of(pages, type);
    if (more > UINT64_MAX - before)
        return -1;
    if (memory.shared != nullptr) {
        // Its maximum size already counts towards the store's limit.
        const bool allowed = quota.allows(type, before, before + more);
        memory.store->heap.end_collection();
        const std::optional<uint64_t> grown = allowed ? memory.shared->grow(pages) : std::nullopt;
        (void)memory.refresh();
        return grown ? static_cast<int64_t>(*grown) : -1;
    }
    // The policy is the host's: it may run code that is interrupted in a collection.
    const bool allowed = quota.take_memory(type, before, before + more);
    memory.store->heap.end_collection();
    if (!allowed)
        return -1;
    LinearMemory& bytes = *static_cast<MemoryObject&>(memory).bytes;
    // If the policy itself made it grow in the meantime, its answer was for another size.
    if (memory.size != before || !bytes.grow(pages)) {
        quota.return_memory(more);
        return -1;
    }
    memory.base = bytes.data();
    memory.size = bytes.size();
    return static_cast<int64_t>(old);
}

bool grow_for_fuel(MemoryInst& memory, uint64_t pages, int64_t& fuel, int64_t& old) noexcept {
    (void)memory.refresh();
    const MemoryType& type = memory.type;
    // What the type forbids is refused without fuel, as is what no machine has room for.
    uint64_t bytes = bytes_of(pages, type);
    if (pages > max_pages(type) - (memory.size >> type.page_size_log2) || bytes > INT64_MAX / 2)
        bytes = 0;
    if (!charge(fuel, bytes))
        return false;
    old = grow(memory, pages);
    if (old < 0)
        fuel += static_cast<int64_t>(bytes);
    return true;
}

int64_t grow(TableInst& table, uint64_t count, Slot value) noexcept {
    Vec<Slot>& slots = static_cast<TableObject&>(table).slots;
    Quota& quota = table.store->quota;
    const uint64_t old = table.size;
    if (count > max_elements(table.type) - old || count > SIZE_MAX - old)
        return -1;
    const bool allowed = quota.take_elements(table.type, old, old + count);
    table.store->heap.end_collection();
    if (!allowed)
        return -1;
    // If the policy itself made it grow in the meantime, its answer was for another size.
    if (table.size != old || !slots.resize(static_cast<size_t>(old + count))) {
        quota.return_elements(count);
        return -1;
    }
    std::fill(slots.begin() + old, slots.end(), value);
    table.elements = slots.data();
    table.size = slots.size();
    return static_cast<int64_t>(old);
}

} // namespace warpbeam::vm
