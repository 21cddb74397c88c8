#pragma once

#include "handlers/generate.hpp"
#include "handlers/instance_data.hpp"

/// Moves, selections and globals: instructions without arithmetic.
/// https://webassembly.github.io/spec/core/exec/instructions.html#variable-instructions

namespace warpbeam::vm {

/// The type that moves in a bank; a variant's option is the bank.
template <Variant v>
using Banked =
    std::conditional_t<v.option == static_cast<uint8_t>(Bank::integer), uint64_t,
                       std::conditional_t<v.option == static_cast<uint8_t>(Bank::floating), double, Vector>>;

template <Variant v>
struct Move {
    using T = Banked<v>;
    using In = Decoder<Form::move, v, sizeof(T)>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return In::finish(r, In::template read<Field::from, T>(r));
    }
};

template <Variant v>
struct Select {
    using T = Banked<v>;
    using In = Decoder<Form::select, v, sizeof(T)>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const T left = In::template read<Field::left, T>(r);
        const T right = In::template read<Field::right, T>(r);
        return In::finish(r, In::template read<Field::condition, uint32_t>(r) != 0 ? left : right);
    }
};

template <Variant>
struct Copy {
    using In = Decoder<Form::copy>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.fp[In::get<Field::to>(r.ip)] = In::slot<Field::from, Slot>(r);
        return In::proceed(r);
    }
};
template <Variant>
struct CopyPair {
    using In = Decoder<Form::copy_pair>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.fp[In::get<Field::to>(r.ip)] = In::slot<Field::from, Slot>(r);
        r.fp[In::get<Field::to2>(r.ip)] = In::slot<Field::from2, Slot>(r);
        return In::proceed(r);
    }
};
template <Form form>
struct CopyNumber {
    using In = Decoder<form>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.fp[In::template get<Field::to>(r.ip)] = In::template get<Field::value>(r.ip);
        return In::proceed(r);
    }
};
template <Variant>
using CopyConstant = CopyNumber<Form::copy_constant>;
template <Variant>
using CopyWideConstant = CopyNumber<Form::copy_wide_constant>;
template <Variant>
struct CopyVector {
    using In = Decoder<Form::copy_vector>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot(r.fp, In::get<Field::to>(r.ip), In::slot<Field::from, Vector>(r));
        return In::proceed(r);
    }
};
template <Variant>
struct CopyVectorConstant {
    using In = Decoder<Form::copy_vector_constant>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot(r.fp, In::get<Field::to>(r.ip), In::vector<Field::value>(r.ip));
        return In::proceed(r);
    }
};
template <Variant>
struct CopyRange {
    using In = Decoder<Form::copy_range>;
    static Exit run(Regs& r) noexcept {
        std::memmove(r.fp + In::get<Field::to>(r.ip), r.fp + In::get<Field::from>(r.ip),
                     size_t{In::get<Field::count>(r.ip)} * sizeof(Slot));
        return In::proceed(r);
    }
};
template <Variant v>
struct CopyRegister {
    using T = Banked<v>;
    using In = Decoder<Form::copy_register, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot<T>(r.fp, In::template get<Field::to>(r.ip), In::template read<Field::from, T>(r));
        return In::proceed(r);
    }
};
template <Variant>
struct SetPins {
    using In = Decoder<Form::set_pins>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.l0 = In::slot<Field::pin0, Slot>(r);
        r.l1 = In::slot<Field::pin1, Slot>(r);
        r.f0 = detail::vector_set(In::slot<Field::pin2, double>(r));
        return In::proceed(r);
    }
};

template <Variant v>
struct GlobalGet {
    using In = Decoder<Form::global_get, v>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return In::finish(
            r, load_slot<Banked<v>>(r.inst->globals[In::template get<Field::global>(r.ip)]->value, 0));
    }
};
template <Variant v>
struct GlobalSet {
    using T = Banked<v>;
    using In = Decoder<Form::global_set, v, sizeof(T)>;
    static constexpr bool is_frequent = true;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot<T>(r.inst->globals[In::template get<Field::global>(r.ip)]->value, 0,
                      In::template read<Field::value, T>(r));
        return In::proceed(r);
    }
};

} // namespace warpbeam::vm
