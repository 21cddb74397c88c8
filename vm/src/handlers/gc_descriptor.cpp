#include "handlers/families.hpp"
#include "handlers/gc_allocate.hpp"
#include "handlers/slow_form.hpp"
#include "heap/object_values.hpp"

/// Custom descriptors. https://github.com/WebAssembly/custom-descriptors

namespace warpbeam::vm {

namespace {

/// The fields, unless they are defaults, and the descriptor are the operands.
template <bool Defaults>
struct StructNewDesc {
    static Exit run(Regs& r) noexcept {
        const auto* const layout = reinterpret_cast<const Layout*>(r.ip->word(0));
        const size_t fields = Defaults ? 0 : r.ip->word(1);
        const Slot* const operands = r.fp + r.ip->a;
        const Slot descriptor = operands[fields];
        if (descriptor == 0)
            return Exit::null_descriptor_reference;
        Object* const object = allocate(r, fields + 1, layout, layout->size);
        if (object == nullptr)
            return r.inst->heap->failure();
        if constexpr (!Defaults)
            store_fields(object, operands);
        store_descriptor(object, descriptor);
        return slow_form::result(r, from_object(object), 2);
    }
};

struct RefGetDesc {
    static Exit run(Regs& r) noexcept {
        const Slot reference = r.fp[r.ip->a];
        if (reference == 0)
            return Exit::null_reference;
        return slow_form::result(r, load_descriptor(to_object(reference)), 0);
    }
};

/// Whether a reference is to a structure with that descriptor.
bool is_described_by(Slot reference, Slot descriptor) noexcept {
    return reference != 0 && (reference & 3) == 0 && to_object(reference)->layout->descriptor != 0 &&
           load_descriptor(to_object(reference)) == descriptor;
}

template <bool Nullable>
struct RefCastDescEq {
    static Exit run(Regs& r) noexcept {
        const Slot reference = r.fp[r.ip->a];
        const Slot descriptor = r.fp[r.ip->a + 1];
        if (descriptor == 0)
            return Exit::null_descriptor_reference;
        if (reference == 0 ? !Nullable : !is_described_by(reference, descriptor))
            return Exit::cast_failure;
        return slow_form::result(r, reference, 0);
    }
};

/// Jumps by imm if a has the descriptor in the slot that the first word names, or with Fail if it has not.
template <bool Nullable, bool Fail>
struct BrOnCastDescEq {
    static Exit run(Regs& r) noexcept {
        const Slot reference = r.fp[r.ip->a];
        const Slot descriptor = r.fp[r.ip->word(0)];
        if (descriptor == 0)
            return Exit::null_descriptor_reference;
        const bool holds = reference == 0 ? Nullable : is_described_by(reference, descriptor);
        r.ip = holds != Fail ? r.ip->jump(r.ip->imm) : r.ip->after(sizeof(Instr) + 8);
        return Exit::none;
    }
};

} // namespace

Handler slow_descriptor(Op op) noexcept {
    switch (op) {
    case Op::struct_new_desc:
        return &handler<StructNewDesc<false>>;
    case Op::struct_new_default_desc:
        return &handler<StructNewDesc<true>>;
    case Op::ref_get_desc:
        return &handler<RefGetDesc>;
    case Op::ref_cast_desc_eq:
        return &handler<RefCastDescEq<false>>;
    case Op::ref_cast_desc_eq_null:
        return &handler<RefCastDescEq<true>>;
    default:
        return nullptr;
    }
}

Handler br_on_cast_desc_eq(bool nullable, bool fail) noexcept {
    if (nullable)
        return fail ? &handler<BrOnCastDescEq<true, true>> : &handler<BrOnCastDescEq<true, false>>;
    return fail ? &handler<BrOnCastDescEq<false, true>> : &handler<BrOnCastDescEq<false, false>>;
}

} // namespace warpbeam::vm
