#pragma once

#include "handlers/frame.hpp"
#include "heap/heap.hpp"

#include <utility>

namespace warpbeam::vm {

/// Before an object of this size is allocated: collects garbage if it is time to. The code may stop at each
/// step of a collection, and then stands at the instruction. What the collector has to know of the frame is
/// in the map of its code.
[[nodiscard]] [[gnu::noinline]] inline Exit make_room(const Regs& r, size_t size) noexcept {
    Execution& execution = *r.inst->execution;
    Heap& heap = *r.inst->heap;
    save(execution, r); // there may be a collection for want of memory, too
    // Its own collection has ended since the code stopped here. Another one at once would not help, and might
    // be interrupted again, and so on.
    if (std::exchange(execution.collection, 0) == heap.collections() && heap.collections() != 0 &&
        heap.has_collected_for(size))
        return Exit::none;
    if (!heap.wants_collection(size))
        return Exit::none;
    if (execution.fuel < 0)
        return Exit::out_of_fuel;
    heap.start(size);
    // Each time, at least one step is done.
    bool done = false;
    while (!done) {
        done = heap.step();
        if (execution.must_stop()) {
            execution.collection = heap.collections();
            return Exit::interrupted;
        }
    }
    return Exit::none;
}

/// The slow path of every allocation. It takes the position of the code by value, so that no register need be
/// in memory on the usual path.
[[gnu::noinline]] inline Object* collect_and_allocate(const Instr* ip, Slot* fp, InstanceData* inst,
                                                      Record* rp, const Layout* layout,
                                                      size_t size) noexcept {
    Heap& heap = *inst->heap;
    const Regs r{ip, fp, nullptr, 0, inst, rp, 0, 0, 0, {}, {}};
    if (const Exit exit = make_room(r, size); exit != Exit::none) {
        heap.fail(exit);
        return nullptr;
    }
    return heap.allocate_now(layout, size);
}

[[gnu::always_inline]] inline Object* allocate(const Regs& r, const Layout* layout, size_t size) noexcept {
    Object* const object = r.inst->heap->try_allocate(layout, size);
    if (object != nullptr) [[likely]]
        return object;
    return collect_and_allocate(r.ip, r.fp, r.inst, r.rp, layout, size);
}

} // namespace warpbeam::vm
