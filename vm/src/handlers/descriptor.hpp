#pragma once

#include "handlers/allocate.hpp"
#include "handlers/general.hpp"
#include "heap/object_values.hpp"

/// Custom descriptors. https://github.com/WebAssembly/custom-descriptors

namespace warpbeam::vm {

/// The fields, unless they have default values, and the descriptor are the operands.
template <bool defaults>
struct StructNewDesc {
    using In = General<Form::general2>;
    static Exit run(Regs& r) noexcept {
        const auto* const layout =
            reinterpret_cast<const Layout*>(static_cast<uintptr_t>(In::get<Field::first>(r.ip)));
        const size_t fields = defaults ? 0 : static_cast<size_t>(In::get<Field::second>(r.ip));
        Slot* const operands = In::operands(r);
        const Slot descriptor = operands[fields];
        if (descriptor == 0)
            return Exit::null_descriptor_reference;
        Object* const object = allocate(r, layout, layout->size);
        if (object == nullptr)
            return r.inst->heap->failure();
        if constexpr (!defaults)
            store_fields(object, operands);
        store_descriptor(object, descriptor);
        return In::result(r, from_object(object));
    }
};

struct RefGetDesc {
    using In = General<Form::general0>;
    static Exit run(Regs& r) noexcept {
        const Slot reference = In::operands(r)[0];
        if (reference == 0)
            return Exit::null_reference;
        return In::result(r, load_descriptor(to_object(reference)));
    }
};

/// Whether a reference's structure has that descriptor.
inline bool is_described_by(Slot reference, Slot descriptor) noexcept {
    return reference != 0 && (reference & 3) == 0 && to_object(reference)->layout->descriptor != 0 &&
           load_descriptor(to_object(reference)) == descriptor;
}

template <bool nullable>
struct RefCastDescEq {
    using In = General<Form::general0>;
    static Exit run(Regs& r) noexcept {
        const Slot reference = In::operands(r)[0];
        const Slot descriptor = In::operands(r)[1];
        if (descriptor == 0)
            return Exit::null_descriptor_reference;
        if (reference == 0 ? !nullable : !is_described_by(reference, descriptor))
            return Exit::cast_failure;
        return In::result(r, reference);
    }
};

} // namespace warpbeam::vm
