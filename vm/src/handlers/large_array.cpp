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
    const auto stop = [&](Exit why) {
        exit = why;
        return nullptr;
    };
    const auto drop = [&] { heap.free_array(std::exchange(execution.array, nullptr)); };
    for (;;) {
        if (execution.fuel < 0 || size > static_cast<uint64_t>(execution.fuel))
            return stop(Exit::out_of_fuel);
        if (execution.array == nullptr) {
            if (const Exit why = make_room(r, host_size(size)); why != Exit::none)
                return stop(why);
            execution.array = heap.begin_array(layout, host_size(size));
            if (execution.array == nullptr)
                return stop(heap.failure());
            execution.array_done = 0;
        }
        ArrayObject* const array = Heap::array_in(execution.array);
        while (execution.array_done != length) {
            const uint32_t part = std::min(step, length - execution.array_done);
            fill(array, execution.array_done, part, from);
            execution.array_done += part;
            if (execution.must_stop() && execution.array_done != length) {
                if (!execution.may_suspend) // it is a trap then
                    drop();
                return stop(Exit::interrupted);
            }
        }
        if (heap.finish_array(execution.array, host_size(size))) {
            execution.array = nullptr;
            (void)charge(execution.fuel, size);
            array->length = length;
            return array;
        }
        drop(); // another execution has taken the room
    }
}

} // namespace warpbeam::vm
