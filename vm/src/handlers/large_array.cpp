#include "handlers/array.hpp"

/// Arrays that take long to make.

namespace warpbeam::vm {

/// Fuel is taken at the end, so that it does not matter if the array is lost: when the execution is saved and
/// restored.
ArrayObject* make_in_steps(const Regs& r, const Layout* layout, uint32_t length, Fill fill, const void* from,
                           Exit& exit) noexcept {
    const uint64_t size = layout->array_size(length);
    const auto step = static_cast<uint32_t>(portion_bytes / bytes_of(layout->element().storage));
    Execution& execution = *r.inst->execution;
    Heap& heap = *r.inst->heap;
    UnfinishedArray& unfinished = execution.array;
    const auto stop = [&](Exit why) {
        exit = why;
        return nullptr;
    };
    const auto drop = [&] { heap.free_array(std::exchange(unfinished.block, nullptr), unfinished.bytes); };
    for (;;) {
        if (execution.fuel < 0 || size > static_cast<uint64_t>(execution.fuel))
            return stop(Exit::out_of_fuel);
        if (unfinished.block == nullptr) {
            if (const Exit why = make_room(r, size); why != Exit::none)
                return stop(why);
            if (heap.begin_array(layout, size, unfinished.block, unfinished.bytes) == nullptr)
                return stop(heap.failure());
            unfinished.done = 0;
        }
        ArrayObject* const array = Heap::array_in(unfinished.block);
        while (unfinished.done != length) {
            const uint32_t part = std::min(step, length - unfinished.done);
            fill(array, unfinished.done, part, from);
            unfinished.done += part;
            if (execution.must_stop() && unfinished.done != length) {
                if (!execution.may_suspend) // it is a trap then
                    drop();
                return stop(Exit::interrupted);
            }
        }
        if (heap.finish_array(unfinished.block, size)) {
            unfinished.block = nullptr;
            (void)charge(execution.fuel, size);
            array->length = length;
            return array;
        }
        drop(); // another execution has taken the room
    }
}

} // namespace warpbeam::vm
