#include "handlers/allocate.hpp"
#include "handlers/descriptor.hpp"
#include "handlers/generate.hpp"
#include "heap/object_values.hpp"
#include "heap/reference.hpp"

/// Making structures, and testing and casting references.
/// https://webassembly.github.io/spec/core/exec/instructions.html#reference-instructions

namespace warpbeam::vm {

namespace {

/// A structure whose fields are initialised with the operands.
template <Variant v>
struct StructNew {
    using In = Decoder<Form::struct_new, v>;
    static Exit run(Regs& r) noexcept {
        constexpr size_t words = v.option;
        const auto* const layout = In::template pointer<Field::layout, Layout>(r);
        Slot* const operands = r.fp + In::template get<Field::operands>(r.ip);
        Object* const object =
            allocate(r, layout, words != 0 ? sizeof(Object) + 8 * words : size_t{layout->size});
        if (object == nullptr) [[unlikely]]
            return r.inst->heap->failure();
        if constexpr (words != 0)
            std::memcpy(field_at(object, sizeof(Object)), operands, 8 * words);
        else
            store_fields(object, operands);
        return In::finish(r, from_object(object));
    }
};

template <Variant v>
struct StructNewDefault {
    using In = Decoder<Form::struct_new_default, v>;
    static Exit run(Regs& r) noexcept {
        const auto* const layout = In::template pointer<Field::layout, Layout>(r);
        Object* const object = allocate(r, layout, layout->size);
        if (object == nullptr) [[unlikely]]
            return r.inst->heap->failure();
        return In::finish(r, from_object(object));
    }
};

/// Whether a reference has the type that an instruction names. Only objects have lowest bits of zero.
template <Variant v>
[[gnu::always_inline]] inline bool is_of(const Regs& r, Slot reference, uint64_t type) noexcept {
    if (reference == 0)
        return (v.option & 2) != 0;
    if constexpr ((v.option & 1) != 0)
        return (reference & 3) == 0 && to_object(reference)->layout->is_subtype_of(
                                           reinterpret_cast<const Layout*>(static_cast<uintptr_t>(type)));
    else
        return is_instance(reference, HeapType::from_code(static_cast<uint32_t>(type)), *r.inst->registry);
}

template <Variant v>
struct RefTest {
    using In = Decoder<Form::ref_test, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return In::finish(
            r, is_of<v>(r, In::template read<Field::operand, Slot>(r), In::template get<Field::type>(r.ip)));
    }
};

template <Variant v>
struct RefCast {
    using In = Decoder<Form::ref_cast, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto reference = In::template read<Field::operand, Slot>(r);
        if (!is_of<v>(r, reference, In::template get<Field::type>(r.ip))) [[unlikely]]
            return Exit::cast_failure;
        return In::finish(r, reference);
    }
};

template <Variant v>
struct BrOnCast {
    using In = Decoder<Form::br_on_cast, v>;
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        const bool holds =
            is_of<v>(r, In::template read<Field::operand, Slot>(r), In::template get<Field::type>(r.ip));
        return holds != ((v.option & 4) != 0);
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return In::target(r); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept { return In::next(r); }
};

template <Variant v>
struct BrOnCastDesc {
    using In = Decoder<Form::br_on_cast_desc, v>;
    static Exit run(Regs& r) noexcept {
        const auto reference = In::template slot<Field::operand, Slot>(r);
        const auto descriptor = In::template slot<Field::descriptor, Slot>(r);
        if (descriptor == 0)
            return Exit::null_descriptor_reference;
        const bool holds = reference == 0 ? (v.option & 2) != 0 : is_described_by(reference, descriptor);
        r.ip = holds != ((v.option & 4) != 0) ? In::target(r) : In::next(r);
        return Exit::none;
    }
};

constexpr HandlerGroup object_group_list[] = {
    group<Form::struct_new, StructNew>(), group<Form::struct_new_default, StructNewDefault>(),
    group<Form::ref_test, RefTest>(),     group<Form::ref_cast, RefCast>(),
    group<Form::br_on_cast, BrOnCast>(),  group<Form::br_on_cast_desc, BrOnCastDesc>()};

} // namespace

constinit const HandlerGroups object_groups{object_group_list};

} // namespace warpbeam::vm
