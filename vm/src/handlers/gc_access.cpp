#include "handlers/families.hpp"
#include "handlers/object_access.hpp"
#include "heap/reference.hpp"

/// Reading and writing the fields of structures and the elements of arrays.
/// https://webassembly.github.io/spec/core/exec/instructions.html#aggregate-instructions

namespace warpbeam::vm {

namespace {

/// d = the field at uimm of a
template <typename A, Src S, Dst D>
struct StructGet {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const Slot object = read<Slot, S>(r, r.ip->a, 0);
        if (object == 0) [[unlikely]]
            return Exit::null_structure_reference;
        return detail::finish<D>(r, A::load(field_at(to_object(object), r.ip->uimm)), sizeof(Instr));
    }
};

/// the field at uimm of a = d, or the first word
template <typename A, Src S, Src V>
struct StructSet {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const Slot object = read<Slot, S>(r, r.ip->a, 0);
        if (object == 0) [[unlikely]]
            return Exit::null_structure_reference;
        uint64_t imm = 0;
        if constexpr (V == Src::imm)
            imm = r.ip->word(0);
        A::store(field_at(to_object(object), r.ip->uimm), read<typename A::Value, V>(r, r.ip->d, imm));
        r.ip = r.ip->after(sizeof(Instr) + (V == Src::imm ? 8 : 0));
        return Exit::none;
    }
};

/// Where an element of `size` bytes lies; null after a trap was put into `exit`.
[[gnu::always_inline]] inline uint8_t* element(Regs& r, Slot reference, uint32_t index, uint32_t size,
                                               Exit& exit) noexcept {
    ArrayObject* const array = to_array(reference);
    if (array == nullptr) [[unlikely]] {
        exit = Exit::null_array_reference;
        return nullptr;
    }
    if (index >= array->length) [[unlikely]] {
        r.acc = index;
        exit = Exit::array_out_of_bounds;
        return nullptr;
    }
    return field_at(array, first_element(size)) + uint64_t{index} * size;
}

/// d = a[b]; a constant index is uimm
template <typename A, Src L, Src R, Dst D>
struct ArrayGet {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto index = read<uint32_t, R>(r, r.ip->b, r.ip->uimm);
        Exit exit = Exit::none;
        const uint8_t* const at = element(r, read<Slot, L>(r, r.ip->a, 0), index, A::size, exit);
        if (at == nullptr) [[unlikely]]
            return exit;
        return detail::finish<D>(r, A::load(at), sizeof(Instr));
    }
};

/// a[b] = d, or the first word
template <typename A, Src L, Src R, Src V>
struct ArraySet {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto index = read<uint32_t, R>(r, r.ip->b, 0);
        Exit exit = Exit::none;
        uint8_t* const at = element(r, read<Slot, L>(r, r.ip->a, 0), index, A::size, exit);
        if (at == nullptr) [[unlikely]]
            return exit;
        uint64_t imm = 0;
        if constexpr (V == Src::imm)
            imm = r.ip->word(0);
        A::store(at, read<typename A::Value, V>(r, r.ip->d, imm));
        r.ip = r.ip->after(sizeof(Instr) + (V == Src::imm ? 8 : 0));
        return Exit::none;
    }
};

template <typename A, Src S>
Handler struct_get_to(Dst d) noexcept {
    using T = typename A::Value;
    switch (d) {
    case Dst::acc:
        return &handler<StructGet<A, S, Dst::acc>>;
    case Dst::slot:
        return &handler<StructGet<A, S, Dst::slot>>;
    case Dst::l0:
        if constexpr (exists<T>(Dst::l0))
            return &handler<StructGet<A, S, Dst::l0>>;
        break;
    case Dst::l1:
        if constexpr (exists<T>(Dst::l1))
            return &handler<StructGet<A, S, Dst::l1>>;
        break;
    }
    return nullptr;
}

template <typename A, Src S>
Handler struct_set_of(Src value) noexcept {
    using T = typename A::Value;
    switch (value) {
    case Src::slot:
        return &handler<StructSet<A, S, Src::slot>>;
    case Src::acc:
        if constexpr (S != Src::acc || is_float<T>)
            return &handler<StructSet<A, S, Src::acc>>;
        break;
    case Src::l0:
        if constexpr (exists<T>(Src::l0))
            return &handler<StructSet<A, S, Src::l0>>;
        break;
    case Src::l1:
        if constexpr (exists<T>(Src::l1))
            return &handler<StructSet<A, S, Src::l1>>;
        break;
    case Src::imm:
        if constexpr (!is_vector<T>)
            return &handler<StructSet<A, S, Src::imm>>;
        break;
    }
    return nullptr;
}

/// Calls `pick` with a source of a reference as a template argument.
template <typename Pick>
Handler with_source(Src s, Pick pick) noexcept {
    switch (s) {
    case Src::slot:
        return pick.template operator()<Src::slot>();
    case Src::acc:
        return pick.template operator()<Src::acc>();
    case Src::l0:
        return pick.template operator()<Src::l0>();
    case Src::l1:
        return pick.template operator()<Src::l1>();
    case Src::imm:
        break;
    }
    return nullptr;
}

template <typename A, Src L, Src R>
Handler array_get_to(Dst d) noexcept {
    if constexpr (L == Src::acc && R == Src::acc)
        return nullptr;
    else
        return d == Dst::acc    ? &handler<ArrayGet<A, L, R, Dst::acc>>
               : d == Dst::slot ? &handler<ArrayGet<A, L, R, Dst::slot>>
                                : nullptr;
}

/// An array that is written is in a slot or a pinned local, the index too; the value may be in the
/// accumulator or in the instruction besides.
template <typename A, Src L, Src R>
Handler array_set_of(Src value) noexcept {
    if constexpr (!is_vector<typename A::Value>)
        if (value == Src::imm)
            return &handler<ArraySet<A, L, R, Src::imm>>;
    return value == Src::slot  ? &handler<ArraySet<A, L, R, Src::slot>>
           : value == Src::acc ? &handler<ArraySet<A, L, R, Src::acc>>
                               : nullptr;
}

struct MakeI31 {
    static constexpr Slot apply(uint32_t number) noexcept { return make_i31(number); }
};
struct GetI31U {
    static constexpr Checked<uint32_t> apply(Slot reference) noexcept {
        if (reference == 0) [[unlikely]]
            return {0, Exit::null_i31_reference};
        return {static_cast<uint32_t>(reference >> 1)};
    }
};
struct GetI31S {
    static constexpr Checked<uint32_t> apply(Slot reference) noexcept {
        if (reference == 0) [[unlikely]]
            return {0, Exit::null_i31_reference};
        return {static_cast<uint32_t>(static_cast<int32_t>(reference) >> 1)};
    }
};
struct ArrayLength {
    static Checked<uint32_t> apply(Slot reference) noexcept {
        if (reference == 0) [[unlikely]]
            return {0, Exit::null_array_reference};
        return {to_array(reference)->length};
    }
};

} // namespace

const Handler* unary_gc(Op op) noexcept {
    switch (op) {
    case Op::ref_i31:
        return unary_variants<uint32_t, MakeI31>.data();
    case Op::i31_get_s:
        return unary_variants<Slot, GetI31S>.data();
    case Op::i31_get_u:
        return unary_variants<Slot, GetI31U>.data();
    case Op::array_len:
        return unary_variants<Slot, ArrayLength>.data();
    default:
        return nullptr;
    }
}

Handler struct_get(Op access, Dst d, Src object) noexcept {
    return visit_field_load(access, [=]<typename A>(A) {
        return with_source(object, [=]<Src S>() { return struct_get_to<A, S>(d); });
    });
}

Handler struct_set(Op access, Src object, Src value) noexcept {
    return visit_field_store(access, [=]<typename A>(A) {
        return with_source(object, [=]<Src S>() { return struct_set_of<A, S>(value); });
    });
}

Handler array_get(Op access, Dst d, Src array, Src index) noexcept {
    return visit_field_load(access, [=]<typename A>(A) {
        return with_source(array, [=]<Src L>() -> Handler {
            if (index == Src::imm)
                return array_get_to<A, L, Src::imm>(d);
            return with_source(index, [=]<Src R>() { return array_get_to<A, L, R>(d); });
        });
    });
}

Handler array_set(Op access, Src array, Src index, Src value) noexcept {
    return visit_field_store(access, [=]<typename A>(A) -> Handler {
        const auto with_index = [=]<Src L>() -> Handler {
            return index == Src::slot ? array_set_of<A, L, Src::slot>(value)
                   : index == Src::l0 ? array_set_of<A, L, Src::l0>(value)
                   : index == Src::l1 ? array_set_of<A, L, Src::l1>(value)
                                      : nullptr;
        };
        return array == Src::slot ? with_index.template operator()<Src::slot>()
               : array == Src::l0 ? with_index.template operator()<Src::l0>()
               : array == Src::l1 ? with_index.template operator()<Src::l1>()
                                  : nullptr;
    });
}

} // namespace warpbeam::vm
