#include "handlers/fields.hpp"
#include "handlers/numeric.hpp"
#include "heap/reference.hpp"

/// Reading fields of structures, elements of arrays, and values in references.
/// https://webassembly.github.io/spec/core/exec/instructions.html#exec-struct-get

namespace warpbeam::vm {

namespace {

template <typename A, Variant v>
struct StructGet {
    using In = Decoder<Form::struct_get, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto object = In::template read<Field::object, Slot>(r);
        if (object == 0) [[unlikely]]
            return Exit::null_structure_reference;
        return In::finish(r,
                          A::load_field(field_at(to_object(object), In::template get<Field::offset>(r.ip))));
    }
};

template <typename A, Variant v>
struct ArrayGet {
    using In = Decoder<Form::array_get, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto index = In::template read<Field::index, uint32_t>(r);
        Exit exit = Exit::none;
        const uint8_t* const at = element(r, In::template read<Field::object, Slot>(r), index, A::size, exit);
        if (at == nullptr) [[unlikely]]
            return exit;
        return In::finish(r, A::load_field(at));
    }
};

template <Op op, Variant v>
using StructGetBody = StructGet<typename AccessOf<op>::type, v>;
template <Op op, Variant v>
using ArrayGetBody = ArrayGet<typename AccessOf<op>::type, v>;

struct MakeI31 {
    using Operand = uint32_t;
    static constexpr Slot apply(uint32_t number) noexcept { return make_i31(number); }
};
struct GetI31U {
    using Operand = Slot;
    static constexpr Checked<uint32_t> apply(Slot reference) noexcept {
        if (reference == 0) [[unlikely]]
            return {0, Exit::null_i31_reference};
        return {static_cast<uint32_t>(reference >> 1)};
    }
};
struct GetI31S {
    using Operand = Slot;
    static constexpr Checked<uint32_t> apply(Slot reference) noexcept {
        if (reference == 0) [[unlikely]]
            return {0, Exit::null_i31_reference};
        return {static_cast<uint32_t>(static_cast<int32_t>(reference) >> 1)};
    }
};
struct ArrayLength {
    using Operand = Slot;
    static Checked<uint32_t> apply(Slot reference) noexcept {
        if (reference == 0) [[unlikely]]
            return {0, Exit::null_array_reference};
        return {to_array(reference)->length};
    }
};

template <Op>
struct ReferenceUnaryOf;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...)                                             \
    WARPBEAM_SEMANTICS(ReferenceUnaryOf, op, __VA_ARGS__)
#include "semantics/op_rows_reference.inc"
#undef WARPBEAM_OP
template <Op op, Variant v>
using ReferenceUnaryBody =
    Unary<typename ReferenceUnaryOf<op>::type::Operand, typename ReferenceUnaryOf<op>::type, v>;

constexpr HandlerGroup field_get_group_list[] = {
    group<Form::struct_get, Family::i32_load, StructGetBody>(),
    group<Form::struct_get, Family::i64_load, StructGetBody>(),
    group<Form::struct_get, Family::float_load, StructGetBody>(),
    group<Form::struct_get, Family::vector_load, StructGetBody>(),
    group<Form::array_get, Family::i32_load, ArrayGetBody>(),
    group<Form::array_get, Family::i64_load, ArrayGetBody>(),
    group<Form::array_get, Family::float_load, ArrayGetBody>(),
    group<Form::array_get, Family::vector_load, ArrayGetBody>(),
    group<Form::unary, Family::reference_unary, ReferenceUnaryBody>()};

} // namespace

constinit const HandlerGroups field_get_groups{field_get_group_list};

} // namespace warpbeam::vm
