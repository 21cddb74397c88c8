#include "handlers/generate.hpp"

/// Wide arithmetic: numbers of 128 bits as two i64, the low half first.
/// https://github.com/WebAssembly/wide-arithmetic

namespace warpbeam::vm {

namespace {

__extension__ using u128 = unsigned __int128;
__extension__ using s128 = __int128;

template <typename In>
[[gnu::always_inline]] inline Exit finish(Regs& r, u128 result) noexcept {
    Slot* const to = r.fp + In::template get<Field::to>(r.ip);
    to[0] = static_cast<uint64_t>(result);
    to[1] = static_cast<uint64_t>(result >> 64);
    return In::proceed(r);
}

template <bool subtract>
struct Sum {
    using In = Decoder<Form::wide_sum>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const u128 left = u128{In::slot<Field::third, Slot>(r)} << 64 | In::slot<Field::left, Slot>(r);
        const u128 right = u128{In::slot<Field::high, Slot>(r)} << 64 | In::slot<Field::right, Slot>(r);
        return finish<In>(r, subtract ? left - right : left + right);
    }
};

template <typename Half, typename Whole>
struct Product {
    using In = Decoder<Form::wide_product>;
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto left = static_cast<Whole>(static_cast<Half>(In::slot<Field::left, Slot>(r)));
        const auto right = static_cast<Whole>(static_cast<Half>(In::slot<Field::right, Slot>(r)));
        return finish<In>(r, static_cast<u128>(left * right));
    }
};

template <Op>
struct BodyOf;
#define WARPBEAM_OP(op, family, coverage, mirror, negation, ...) WARPBEAM_SEMANTICS(BodyOf, op, __VA_ARGS__)
#include "semantics/op_rows_wide.inc"
#undef WARPBEAM_OP
template <Op op, Variant>
using Body = typename BodyOf<op>::type;

constexpr HandlerGroup groups[] = {group<Form::wide_sum, Family::wide_sum, Body>(),
                                   group<Form::wide_product, Family::wide_product, Body>()};

} // namespace

constinit const HandlerGroups wide_groups{groups};

} // namespace warpbeam::vm
