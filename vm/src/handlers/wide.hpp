#pragma once

#include "isa/decoder.hpp"

/// Wide arithmetic: 128-bit numbers as two i64, the low half first.
/// https://github.com/WebAssembly/wide-arithmetic

namespace warpbeam::vm {

__extension__ using u128 = unsigned __int128;
__extension__ using s128 = __int128;

template <typename In>
[[gnu::always_inline]] inline Exit finish_wide(Regs& r, u128 result) noexcept {
    Slot* const to = r.fp + In::template get<Field::to>(r.ip);
    to[0] = static_cast<uint64_t>(result);
    to[1] = static_cast<uint64_t>(result >> 64);
    return In::proceed(r);
}

template <bool subtract>
struct WideSum {
    using In = Decoder<Form::wide_sum>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const u128 left = u128{In::slot<Field::third, Slot>(r)} << 64 | In::slot<Field::left, Slot>(r);
        const u128 right = u128{In::slot<Field::high, Slot>(r)} << 64 | In::slot<Field::right, Slot>(r);
        return finish_wide<In>(r, subtract ? left - right : left + right);
    }
};

template <typename Half, typename Whole>
struct WideProduct {
    using In = Decoder<Form::wide_product>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto left = static_cast<Whole>(static_cast<Half>(In::slot<Field::left, Slot>(r)));
        const auto right = static_cast<Whole>(static_cast<Half>(In::slot<Field::right, Slot>(r)));
        return finish_wide<In>(r, static_cast<u128>(left * right));
    }
};

} // namespace warpbeam::vm
