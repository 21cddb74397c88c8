#include "handlers/families.hpp"
#include "handlers/gc_allocate.hpp"
#include "handlers/slow_form.hpp"
#include "heap/object_values.hpp"

#include <algorithm>

/// Making objects, and what works on many elements at once.
/// https://webassembly.github.io/spec/core/exec/instructions.html#aggregate-instructions

namespace warpbeam::vm {

namespace {

using slow_form::next;
using slow_form::result;
using slow_form::within;

/// d = a structure of the layout in the first word, whose fields begin as the `b` slots from a on. With
/// Words the fields are that many words, as the slots are; 0 stands for any fields.
template <size_t Words, Dst D>
struct StructNew {
    static Exit run(Regs& r) noexcept {
        const auto* const layout = reinterpret_cast<const Layout*>(r.ip->word(0));
        const Slot* const operands = r.fp + r.ip->a;
        Object* const object =
            allocate(r, r.ip->b, layout, Words != 0 ? sizeof(Object) + 8 * Words : size_t{layout->size});
        if (object == nullptr) [[unlikely]]
            return r.inst->heap->failure();
        if constexpr (Words != 0)
            std::memcpy(field_at(object, sizeof(Object)), operands, 8 * Words);
        else
            store_fields(object, operands);
        return detail::finish<D>(r, from_object(object), sizeof(Instr) + 8);
    }
};

template <Dst D>
struct StructNewDefault {
    static Exit run(Regs& r) noexcept {
        const auto* const layout = reinterpret_cast<const Layout*>(r.ip->word(0));
        Object* const object = allocate(r, 0, layout, layout->size);
        if (object == nullptr) [[unlikely]]
            return r.inst->heap->failure();
        return detail::finish<D>(r, from_object(object), sizeof(Instr) + 8);
    }
};

const Layout* layout_of(const Regs& r) noexcept { return reinterpret_cast<const Layout*>(r.ip->word(0)); }

/// An array with `operands` slots being the operands of the instruction.
ArrayObject* new_array(const Regs& r, size_t operands, uint32_t length) noexcept {
    const Layout* const layout = layout_of(r);
    auto* const array = static_cast<ArrayObject*>(allocate(r, operands, layout, layout->array_size(length)));
    if (array != nullptr)
        array->length = length;
    return array;
}

Exit finish_array(Regs& r, const ArrayObject* array, size_t words) noexcept {
    return array != nullptr ? result(r, from_object(array), words) : r.inst->heap->failure();
}

/// The slots of an element on the stack.
size_t element_slots(const Layout* layout) noexcept {
    return layout->element().storage == ValType::v128 ? 2 : 1;
}

struct ArrayNew {
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = r.fp + r.ip->a;
        const size_t slots = element_slots(layout_of(r));
        const auto length = static_cast<uint32_t>(operand[slots]);
        ArrayObject* const array = new_array(r, slots + 1, length);
        if (array != nullptr)
            fill_elements(array, 0, length, operand);
        return finish_array(r, array, 1);
    }
};

struct ArrayNewDefault {
    static Exit run(Regs& r) noexcept {
        return finish_array(r, new_array(r, 1, static_cast<uint32_t>(r.fp[r.ip->a])), 1);
    }
};

struct ArrayNewFixed {
    static Exit run(Regs& r) noexcept {
        const auto length = static_cast<uint32_t>(r.ip->word(1));
        const size_t slots = element_slots(layout_of(r));
        ArrayObject* const array = new_array(r, slots * length, length);
        if (array != nullptr)
            for (uint32_t i = 0; i < length; ++i)
                fill_elements(array, i, 1, r.fp + r.ip->a + slots * i);
        return finish_array(r, array, 2);
    }
};

struct ArrayNewData {
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = r.fp + r.ip->a;
        const std::span<const uint8_t> data = r.inst->datas[r.ip->word(1)].bytes;
        const uint64_t bytes = operand[1] * bytes_of(layout_of(r)->element().storage);
        if (!within(operand[0], bytes, data.size())) {
            r.acc = operand[0];
            return Exit::memory_out_of_bounds;
        }
        ArrayObject* const array = new_array(r, 2, static_cast<uint32_t>(operand[1]));
        if (array != nullptr && bytes != 0)
            std::memcpy(field_at(array, array->layout->size), data.data() + operand[0], bytes);
        return finish_array(r, array, 2);
    }
};

struct ArrayNewElem {
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = r.fp + r.ip->a;
        const std::span<const Slot> values = r.inst->elems[r.ip->word(1)].values;
        if (!within(operand[0], operand[1], values.size())) {
            r.acc = operand[0];
            return Exit::table_out_of_bounds;
        }
        ArrayObject* const array = new_array(r, 2, static_cast<uint32_t>(operand[1]));
        if (array != nullptr && operand[1] != 0)
            std::memcpy(field_at(array, array->layout->size), values.data() + operand[0],
                        operand[1] * sizeof(Slot));
        return finish_array(r, array, 2);
    }
};

/// Whether an array has such elements; else the trap.
Exit check_range(Regs& r, const ArrayObject* array, uint64_t start, uint64_t count) noexcept {
    if (array == nullptr)
        return Exit::null_array_reference;
    if (!within(start, count, array->length)) {
        r.acc = start;
        return Exit::array_out_of_bounds;
    }
    return Exit::none;
}

struct ArrayFill {
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = r.fp + r.ip->a;
        ArrayObject* const array = to_array(operand[0]);
        const uint64_t count = operand[2 + element_slots(layout_of(r))];
        if (const Exit exit = check_range(r, array, operand[1], count); exit != Exit::none)
            return exit;
        fill_elements(array, static_cast<uint32_t>(operand[1]), static_cast<uint32_t>(count), operand + 2);
        return next(r, 1);
    }
};

struct ArrayCopy {
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = r.fp + r.ip->a;
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
        std::memmove(field_at(to, to->layout->size) + operand[1] * bytes,
                     field_at(from, from->layout->size) + operand[3] * bytes, operand[4] * bytes);
        return next(r, 0);
    }
};

struct ArrayInitData {
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = r.fp + r.ip->a;
        ArrayObject* const array = to_array(operand[0]);
        const std::span<const uint8_t> data = r.inst->datas[r.ip->word(0)].bytes;
        if (const Exit exit = check_range(r, array, operand[1], operand[3]); exit != Exit::none)
            return exit;
        const uint64_t bytes = bytes_of(array->layout->element().storage);
        if (!within(operand[2], operand[3] * bytes, data.size())) {
            r.acc = operand[2];
            return Exit::memory_out_of_bounds;
        }
        if (operand[3] != 0)
            std::memcpy(field_at(array, array->layout->size) + operand[1] * bytes, data.data() + operand[2],
                        operand[3] * bytes);
        return next(r, 1);
    }
};

struct ArrayInitElem {
    static Exit run(Regs& r) noexcept {
        const Slot* const operand = r.fp + r.ip->a;
        ArrayObject* const array = to_array(operand[0]);
        const std::span<const Slot> values = r.inst->elems[r.ip->word(0)].values;
        if (const Exit exit = check_range(r, array, operand[1], operand[3]); exit != Exit::none)
            return exit;
        if (!within(operand[2], operand[3], values.size())) {
            r.acc = operand[2];
            return Exit::table_out_of_bounds;
        }
        if (operand[3] != 0)
            std::memcpy(field_at(array, array->layout->size) + operand[1] * sizeof(Slot),
                        values.data() + operand[2], operand[3] * sizeof(Slot));
        return next(r, 1);
    }
};

template <size_t Words>
Handler struct_new_to(Dst d) noexcept {
    switch (d) {
    case Dst::acc:
        return &handler<StructNew<Words, Dst::acc>>;
    case Dst::slot:
        return &handler<StructNew<Words, Dst::slot>>;
    case Dst::l0:
        return &handler<StructNew<Words, Dst::l0>>;
    case Dst::l1:
        return &handler<StructNew<Words, Dst::l1>>;
    }
    return nullptr;
}

} // namespace

Handler struct_new(size_t words, Dst d) noexcept {
    switch (words) {
    case 1:
        return struct_new_to<1>(d);
    case 2:
        return struct_new_to<2>(d);
    case 3:
        return struct_new_to<3>(d);
    case 4:
        return struct_new_to<4>(d);
    default:
        return struct_new_to<0>(d);
    }
}

Handler struct_new_default(Dst d) noexcept {
    switch (d) {
    case Dst::acc:
        return &handler<StructNewDefault<Dst::acc>>;
    case Dst::slot:
        return &handler<StructNewDefault<Dst::slot>>;
    case Dst::l0:
        return &handler<StructNewDefault<Dst::l0>>;
    case Dst::l1:
        return &handler<StructNewDefault<Dst::l1>>;
    }
    return nullptr;
}

Handler slow_gc(Op op) noexcept {
    switch (op) {
    case Op::array_new:
        return &handler<ArrayNew>;
    case Op::array_new_default:
        return &handler<ArrayNewDefault>;
    case Op::array_new_fixed:
        return &handler<ArrayNewFixed>;
    case Op::array_new_data:
        return &handler<ArrayNewData>;
    case Op::array_new_elem:
        return &handler<ArrayNewElem>;
    case Op::array_fill:
        return &handler<ArrayFill>;
    case Op::array_copy:
        return &handler<ArrayCopy>;
    case Op::array_init_data:
        return &handler<ArrayInitData>;
    case Op::array_init_elem:
        return &handler<ArrayInitElem>;
    default:
        return slow_descriptor(op);
    }
}

} // namespace warpbeam::vm
