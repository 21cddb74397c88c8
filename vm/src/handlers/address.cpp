#include "handlers/families.hpp"
#include "handlers/shapes.hpp"

namespace warpbeam::vm {

namespace {

/// d = a + (b << c): the address of an array's element.
template <Src L, Src R, Dst D>
struct AddShl {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const uint32_t base = read<uint32_t, L>(r, r.ip->a, 0);
        const uint32_t index = read<uint32_t, R>(r, r.ip->b, 0);
        return detail::finish<D>(r, base + (index << (r.ip->c & 31)), sizeof(Instr));
    }
};

template <size_t I>
constexpr Handler pick() noexcept {
    constexpr auto d = static_cast<Dst>(I / (src_count * src_count));
    constexpr auto l = static_cast<Src>(I / src_count % src_count);
    constexpr auto r = static_cast<Src>(I % src_count);
    if constexpr (variants::pair(l, r) && l != Src::imm && r != Src::imm)
        return &handler<AddShl<l, r, d>>;
    else
        return nullptr;
}
constexpr auto add_shl_variants = []<size_t... I>(std::index_sequence<I...>) {
    return BinaryVariants{pick<I>()...};
}(std::make_index_sequence<dst_count * src_count * src_count>{});

} // namespace

Handler add_shl(Dst d, Src l, Src r) noexcept { return add_shl_variants[variant(d, l, r)]; }

} // namespace warpbeam::vm
