#include "handlers/fields.hpp"

/// Writing the fields of structures and the elements of arrays.
/// https://webassembly.github.io/spec/core/exec/instructions.html#exec-struct-set

namespace warpbeam::vm {

namespace {

template <typename A, Variant v>
struct StructSet {
    using In = Decoder<Form::struct_set, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto object = In::template read<Field::object, Slot>(r);
        if (object == 0) [[unlikely]]
            return Exit::null_structure_reference;
        A::store_field(field_at(to_object(object), In::template get<Field::offset>(r.ip)),
                       In::template read<Field::value, typename A::Value>(r));
        return In::proceed(r);
    }
};

template <typename A, Variant v>
struct ArraySet {
    using In = Decoder<Form::array_set, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto index = In::template read<Field::index, uint32_t>(r);
        Exit exit = Exit::none;
        uint8_t* const at = element(r, In::template read<Field::object, Slot>(r), index, A::size, exit);
        if (at == nullptr) [[unlikely]]
            return exit;
        A::store_field(at, In::template read<Field::value, typename A::Value>(r));
        return In::proceed(r);
    }
};

template <Op op, Variant v>
using StructSetBody = StructSet<typename AccessOf<op>::type, v>;
template <Op op, Variant v>
using ArraySetBody = ArraySet<typename AccessOf<op>::type, v>;

constexpr HandlerGroup field_set_group_list[] = {group<Form::struct_set, Family::store, StructSetBody>(),
                                                 group<Form::array_set, Family::store, ArraySetBody>()};

} // namespace

constinit const HandlerGroups field_set_groups{field_set_group_list};

} // namespace warpbeam::vm
