#pragma once

#include "isa/decoder.hpp"

#include <warpbeam/memory/wide_product.hpp>

/// Wide arithmetic: 128-bit numbers as two i64, the low half first.
/// https://github.com/WebAssembly/wide-arithmetic

namespace warpbeam::vm {

template <typename In>
[[gnu::always_inline]] inline Exit finish_wide(Regs& r, WideNumber result) noexcept {
    Slot* const to = r.fp + In::template get<Field::to>(r.ip);
    to[0] = result.low;
    to[1] = result.high;
    return In::proceed(r);
}

template <bool subtract>
struct WideSum {
    using In = Decoder<Form::wide_sum>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const WideNumber left{In::slot<Field::left, Slot>(r), In::slot<Field::third, Slot>(r)};
        const WideNumber right{In::slot<Field::right, Slot>(r), In::slot<Field::high, Slot>(r)};
        WideNumber result;
        if constexpr (subtract) {
            result.low = left.low - right.low;
            result.high = left.high - right.high - (left.low < right.low ? 1 : 0);
        } else {
            result.low = left.low + right.low;
            result.high = left.high + right.high + (result.low < left.low ? 1 : 0);
        }
        return finish_wide<In>(r, result);
    }
};

template <auto multiply>
struct WideProduct {
    using In = Decoder<Form::wide_product>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return finish_wide<In>(r, multiply(In::slot<Field::left, Slot>(r), In::slot<Field::right, Slot>(r)));
    }
};

} // namespace warpbeam::vm
