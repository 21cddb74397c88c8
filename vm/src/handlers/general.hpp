#pragma once

#include "handlers/frame.hpp"
#include "isa/decoder.hpp"

/// Shared by instructions whose work outweighs their dispatch. Their operands are in consecutive slots; the
/// result goes to the first of these and to the accumulator.
/// https://webassembly.github.io/spec/core/exec/instructions.html

namespace warpbeam::vm {

template <Form form>
struct General : Decoder<form> {
    [[gnu::always_inline]] static Slot* operands(const Regs& r) noexcept {
        return r.fp + General::template get<Field::operands>(r.ip);
    }
    [[gnu::always_inline]] static Exit result(Regs& r, Slot value) noexcept {
        *operands(r) = value;
        r.acc = value;
        return General::proceed(r);
    }
};

} // namespace warpbeam::vm
