#pragma once

#include "handlers/instance_data.hpp"
#include "heap/heap.hpp"

namespace warpbeam::vm {

/// The slow path of every allocation: shows the frame up to `live_end` to the collector.
[[gnu::noinline]] inline Object* collect_and_allocate(const Regs& r, Slot* live_end, const Layout* layout,
                                                      size_t size) noexcept {
    Execution& execution = *r.inst->execution;
    Heap& heap = *r.inst->heap;
    const uint64_t before = heap.collections();
    execution.free = live_end;
    Object* const object = heap.allocate_slow(layout, size);
    if (object == nullptr || heap.collections() == before)
        return object;
    // A collection may take long, so check for an interrupt now instead of at the next poll.
    if (execution.fuel < 0)
        heap.fail(Exit::out_of_fuel);
    else if (execution.may_be_interrupted && execution.is_interrupted())
        heap.fail(Exit::interrupted);
    else
        return object;
    return nullptr;
}

/// `live_end` is the end of the live slots of the frame.
[[gnu::always_inline]] inline Object* allocate(const Regs& r, Slot* live_end, const Layout* layout,
                                               size_t size) noexcept {
    Object* const object = r.inst->heap->try_allocate(layout, size);
    return object != nullptr ? object : collect_and_allocate(r, live_end, layout, size);
}

} // namespace warpbeam::vm
