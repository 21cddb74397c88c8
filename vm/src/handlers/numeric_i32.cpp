#include "handlers/numeric.hpp"

/// Operators on two i32, https://webassembly.github.io/spec/core/exec/numerics.html#integer-operations

namespace warpbeam::vm {

namespace {

/// result = left + (right << shift)
template <Variant v>
struct AddShl {
    using In = Decoder<Form::add_shl, v>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint32_t scaled = In::template read<Field::right, uint32_t>(r)
                                << In::template get<Field::shift>(r.ip);
        return In::finish(r, In::template read<Field::left, uint32_t>(r) + scaled);
    }
};

constexpr HandlerGroup groups[] = {group<Form::binary, Family::i32_binary, BinaryBody>(),
                                   group<Form::add_shl, AddShl>()};

} // namespace

constinit const HandlerGroups i32_groups{groups};

} // namespace warpbeam::vm
