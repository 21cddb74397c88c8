#include "handlers/dispatch.hpp"
#include "handlers/families.hpp"
#include "isa/operand.hpp"

/// Wide arithmetic: numbers of 128 bits as two i64, the low half first.
/// https://github.com/WebAssembly/wide-arithmetic

namespace warpbeam::vm {

namespace {

__extension__ using u128 = unsigned __int128;
__extension__ using s128 = __int128;

[[gnu::always_inline]] inline void finish(Regs& r, u128 result, size_t size) noexcept {
    r.fp[r.ip->d] = static_cast<uint64_t>(result);
    r.fp[r.ip->d + 1] = static_cast<uint64_t>(result >> 64);
    r.ip = r.ip->after(size);
}

template <bool Subtract>
struct Sum {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto number = [&](uint64_t low, uint64_t high) { return u128{r.fp[high]} << 64 | r.fp[low]; };
        const u128 left = number(r.ip->a, r.ip->b);
        const u128 right = number(r.ip->c, r.ip->word(0));
        finish(r, Subtract ? left - right : left + right, sizeof(Instr) + 8);
        return Exit::none;
    }
};

template <typename Half, typename Whole>
struct Product {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto left = static_cast<Whole>(static_cast<Half>(r.fp[r.ip->a]));
        const auto right = static_cast<Whole>(static_cast<Half>(r.fp[r.ip->b]));
        finish(r, static_cast<u128>(left * right), sizeof(Instr));
        return Exit::none;
    }
};

} // namespace

Handler wide(Op op) noexcept {
    switch (op) {
    case Op::i64_add128:
        return &handler<Sum<false>>;
    case Op::i64_sub128:
        return &handler<Sum<true>>;
    case Op::i64_mul_wide_s:
        return &handler<Product<int64_t, s128>>;
    case Op::i64_mul_wide_u:
        return &handler<Product<uint64_t, u128>>;
    default:
        return nullptr;
    }
}

} // namespace warpbeam::vm
