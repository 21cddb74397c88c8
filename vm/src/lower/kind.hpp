#pragma once

#include "isa/operand.hpp"

#include <warpbeam/loader/types.hpp>

#include <cstdint>

namespace warpbeam::vm {

/// What the lowering needs to know about a value's type: its size and its kind of register.
using Kind = ValType::Kind;
/// Whether it is in the floating-point registers.
constexpr bool is_float_kind(Kind kind) noexcept {
    return kind == ValType::f32 || kind == ValType::f64 || kind == ValType::v128;
}
constexpr Kind kind_of(Sig::Type type) noexcept {
    switch (type) {
    case Sig::i32:
        return ValType::i32;
    case Sig::i64:
        return ValType::i64;
    case Sig::f32:
        return ValType::f32;
    case Sig::f64:
        return ValType::f64;
    case Sig::v128:
        return ValType::v128;
    case Sig::none:
    case Sig::addr: // depends on the memory
        return ValType::bot;
    }
    return ValType::bot;
}
/// The option of a form whose option is the bank of its values.
constexpr uint8_t bank_option(Kind kind) noexcept {
    return static_cast<uint8_t>(kind == ValType::v128 ? Bank::vector
                                : is_float_kind(kind) ? Bank::floating
                                                      : Bank::integer);
}

} // namespace warpbeam::vm
