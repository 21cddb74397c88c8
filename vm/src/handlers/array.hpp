#pragma once

#include "handlers/allocate.hpp"
#include "handlers/fuel.hpp"
#include "handlers/general.hpp"
#include "heap/object_values.hpp"

#include <algorithm>

/// Making arrays, and operations on many elements at once.
/// https://webassembly.github.io/spec/core/exec/instructions.html#exec-array-new and what follows there.

namespace warpbeam::vm {

/// The layout in the first immediate.
template <typename In>
const Layout* layout_of(const Regs& r) noexcept {
    return reinterpret_cast<const Layout*>(static_cast<uintptr_t>(In::template get<Field::first>(r.ip)));
}

/// Makes an array.
template <typename In>
ArrayObject* new_array(const Regs& r, uint32_t length) noexcept {
    const Layout* const layout = layout_of<In>(r);
    const uint64_t size = layout->array_size(length);
    int64_t& fuel = r.inst->execution->fuel;
    if (!charge(fuel, size)) {
        r.inst->heap->fail(Exit::out_of_fuel);
        return nullptr;
    }
    auto* const array = static_cast<ArrayObject*>(allocate(r, layout, host_size(size)));
    if (array != nullptr)
        array->length = length;
    else
        fuel += static_cast<int64_t>(size);
    return array;
}

template <typename In>
Exit finish_array(Regs& r, const ArrayObject* array) noexcept {
    return array != nullptr ? In::result(r, from_object(array)) : r.inst->heap->failure();
}

/// The number of slots of an element on the stack.
inline size_t element_slots(const Layout* layout) noexcept {
    return layout->element().storage == ValType::v128 ? 2 : 1;
}

/// Gives elements of an array their values.
using Fill = void (*)(ArrayObject* array, uint32_t first, uint32_t count, const void* from) noexcept;

/// Makes a large array in steps, between which the code may stop at the instruction. Null, and why, if it
/// stops or there is no room.
[[nodiscard]] ArrayObject* make_in_steps(const Regs& r, const Layout* layout, uint32_t length, Fill fill,
                                         const void* from, Exit& exit) noexcept;

/// Makes an array, and fills it.
template <typename In>
Exit make_array(Regs& r, uint32_t length, Fill fill, const void* from) noexcept {
    if (const Layout* const layout = layout_of<In>(r); layout->array_size(length) > 16 * portion_bytes &&
                                                       r.inst->execution->may_be_interrupted) [[unlikely]] {
        Exit exit = Exit::none;
        ArrayObject* const array = make_in_steps(r, layout, length, fill, from, exit);
        return array != nullptr ? In::result(r, from_object(array)) : exit;
    }
    ArrayObject* const array = new_array<In>(r, length);
    if (array != nullptr)
        fill(array, 0, length, from);
    return finish_array<In>(r, array);
}

inline void fill_all(ArrayObject* array, uint32_t first, uint32_t count, const void* value) noexcept {
    fill_elements(array, first, count, static_cast<const Slot*>(value));
}
struct ArrayNew {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = In::operands(r);
        const size_t slots = element_slots(layout_of<In>(r));
        return make_array<In>(r, static_cast<uint32_t>(operand[slots]), fill_all, operand);
    }
};

/// A new object is zeros, unless it is made in steps: it then has no length yet.
inline void fill_zeros(ArrayObject* array, uint32_t first, uint32_t count, const void*) noexcept {
    if (array->length == 0 && count != 0)
        std::memset(element_at(array, first), 0, count * size_t{bytes_of(array->layout->element().storage)});
}
struct ArrayNewDefault {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        return make_array<In>(r, static_cast<uint32_t>(In::operands(r)[0]), fill_zeros, nullptr);
    }
};

struct ArrayNewFixed {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const auto length = static_cast<uint32_t>(In::get<Field::second>(r.ip));
        const size_t slots = element_slots(layout_of<In>(r));
        ArrayObject* const array = new_array<In>(r, length);
        if (array != nullptr)
            for (uint32_t i = 0; i < length; ++i)
                fill_elements(array, i, 1, In::operands(r) + slots * i);
        return finish_array<In>(r, array);
    }
};

inline void copy_elements(ArrayObject* array, uint32_t first, uint32_t count, const void* from) noexcept {
    const size_t bytes = bytes_of(array->layout->element().storage);
    if (count != 0)
        std::memcpy(element_at(array, first), static_cast<const uint8_t*>(from) + first * bytes,
                    count * bytes);
}
/// The same from a data segment, which has the order of memories.
inline void copy_data(ArrayObject* array, uint32_t first, uint32_t count, const void* from) noexcept {
    copy_elements(array, first, count, from);
    change_order(element_at(array, first), bytes_of(array->layout->element().storage), count);
}
struct ArrayNewData {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = In::operands(r);
        const std::span<const uint8_t> data = r.inst->datas[In::get<Field::second>(r.ip)].bytes;
        const uint64_t bytes = operand[1] * bytes_of(layout_of<In>(r)->element().storage);
        if (!within(operand[0], bytes, data.size())) {
            r.acc = operand[0];
            return Exit::memory_out_of_bounds;
        }
        return make_array<In>(r, static_cast<uint32_t>(operand[1]), copy_data, data.data() + operand[0]);
    }
};

struct ArrayNewElem {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = In::operands(r);
        const std::span<const Slot> values = r.inst->elems[In::get<Field::second>(r.ip)].values;
        if (!within(operand[0], operand[1], values.size())) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        return make_array<In>(r, static_cast<uint32_t>(operand[1]), copy_elements,
                              values.data() + operand[0]);
    }
};

/// Checks that an array has elements in this range; otherwise the trap.
inline Exit check_range(Regs& r, const ArrayObject* array, uint64_t start, uint64_t count) noexcept {
    if (array == nullptr)
        return Exit::null_array_reference;
    if (!within(start, count, array->length)) {
        r.acc = start;
        return Exit::array_out_of_bounds;
    }
    return Exit::none;
}

struct ArrayFill {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        Slot* const operand = In::operands(r);
        ArrayObject* const array = to_array(operand[0]);
        Slot* const count = operand + 2 + element_slots(layout_of<In>(r));
        if (const Exit exit = check_range(r, array, operand[1], *count); exit != Exit::none)
            return exit;
        const uint64_t bytes = bytes_of(array->layout->element().storage);
        return fill_in_portions<In>(r, operand + 1, count, bytes, [&](uint64_t to, uint64_t part) {
            fill_elements(array, static_cast<uint32_t>(to), static_cast<uint32_t>(part), operand + 2);
        });
    }
};

struct ArrayCopy {
    using In = General<Form::general0>;
    static Exit run(Regs& r) noexcept {
        Slot* const operand = In::operands(r);
        ArrayObject* const to = to_array(operand[0]);
        const ArrayObject* const from = to_array(operand[2]);
        if (to == nullptr || from == nullptr)
            return Exit::null_array_reference;
        Exit exit = check_range(r, to, operand[1], operand[4]);
        if (exit == Exit::none)
            exit = check_range(r, from, operand[3], operand[4]);
        if (exit != Exit::none)
            return exit;
        const uint64_t bytes = bytes_of(to->layout->element().storage);
        return copy_in_portions<In>(r, operand + 1, operand + 3, operand + 4, bytes, to == from,
                                    [&](uint64_t into, uint64_t out_of, uint64_t count) {
                                        std::memmove(field_at(to, to->layout->size) + into * bytes,
                                                     field_at(from, from->layout->size) + out_of * bytes,
                                                     static_cast<size_t>(count * bytes));
                                    });
    }
};

struct ArrayInitData {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        Slot* const operand = In::operands(r);
        ArrayObject* const array = to_array(operand[0]);
        const std::span<const uint8_t> data = r.inst->datas[In::get<Field::first>(r.ip)].bytes;
        if (const Exit exit = check_range(r, array, operand[1], operand[3]); exit != Exit::none)
            return exit;
        const uint64_t bytes = bytes_of(array->layout->element().storage);
        if (!within(operand[2], operand[3] * bytes, data.size())) {
            r.acc = operand[2];
            return Exit::memory_out_of_bounds;
        }
        return copy_in_portions<In>(
            r, operand + 1, operand + 2, operand + 3, bytes, false,
            [&](uint64_t to, uint64_t from, uint64_t count) {
                uint8_t* const at = field_at(array, array->layout->size) + to * bytes;
                std::memcpy(at, data.data() + from, static_cast<size_t>(count * bytes));
                change_order(at, static_cast<uint32_t>(bytes), static_cast<size_t>(count));
            },
            bytes); // positions in the source are bytes
    }
};

struct ArrayInitElem {
    using In = General<Form::general1>;
    static Exit run(Regs& r) noexcept {
        Slot* const operand = In::operands(r);
        ArrayObject* const array = to_array(operand[0]);
        const std::span<const Slot> values = r.inst->elems[In::get<Field::first>(r.ip)].values;
        if (const Exit exit = check_range(r, array, operand[1], operand[3]); exit != Exit::none)
            return exit;
        if (!within(operand[2], operand[3], values.size())) {
            r.acc = operand[2];
            return Exit::table_out_of_bounds;
        }
        return copy_in_portions<In>(r, operand + 1, operand + 2, operand + 3, sizeof(Slot), false,
                                    [&](uint64_t to, uint64_t from, uint64_t count) {
                                        std::memcpy(field_at(array, array->layout->size) + to * sizeof(Slot),
                                                    values.data() + from,
                                                    static_cast<size_t>(count) * sizeof(Slot));
                                    });
    }
};

} // namespace warpbeam::vm
