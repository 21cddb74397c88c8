#pragma once

#include "handlers/dispatch.hpp"
#include "isa/operand.hpp"
#include "semantics/int.hpp"

#include <array>
#include <utility>

/// One body template for each form of instruction; what is computed comes as a type with a static `apply`,
/// and where the operands are as classes.

namespace warpbeam::vm {

namespace detail {

template <typename T>
struct ValueOf {
    using type = T;
};
template <typename T>
struct ValueOf<Checked<T>> {
    using type = T;
};
template <>
struct ValueOf<bool> {
    using type = uint32_t;
};

/// Writes a result, or reports its trap.
template <Dst D, typename Result>
[[gnu::always_inline]] inline Exit finish(Regs& r, Result result, size_t size) noexcept {
    using T = typename ValueOf<Result>::type;
    if constexpr (requires { result.trap; }) {
        if (result.trap != Exit::none) [[unlikely]]
            return result.trap;
        write<D, T>(r, r.ip->d, result.value);
    } else {
        write<D, T>(r, r.ip->d, static_cast<T>(result));
    }
    r.ip = r.ip->after(size);
    return Exit::none;
}

} // namespace detail

/// d = F(left, right)
template <typename T, typename F, Src L, Src R, Dst D>
struct Binary {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const auto [a, b] = read_pair<T, L, R>(r);
        return detail::finish<D>(r, F::apply(a, b), instr_size<T, L, R>);
    }
};

/// d = F(a)
template <typename T, typename F, Src S, Dst D>
struct Unary {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        uint64_t imm = 0;
        if constexpr (S == Src::imm)
            imm = wide_imm<T> ? r.ip->word(0) : r.ip->uimm;
        return detail::finish<D>(r, F::apply(read<T, S>(r, r.ip->a, imm)), instr_size<T, S>);
    }
};

/// Jumps by `imm` if F(left, right). A slot of the left operand is `a`, of the right one `d`, a constant is
/// the first word behind the head.
template <typename T, typename F, Src L, Src R>
struct CompareBranch {
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        uint64_t imm = 0;
        if constexpr (R == Src::imm)
            imm = r.ip->word(0);
        return F::apply(read<T, L>(r, r.ip->a, 0), read<T, R>(r, r.ip->d, imm));
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return r.ip->jump(r.ip->imm); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept {
        return r.ip->after(sizeof(Instr) + (R == Src::imm ? 8 : 0));
    }
};

// ---- Variants ----

constexpr bool uses_acc(Src s) noexcept { return s == Src::acc; }
/// The order in which a commutative instruction wants its operands.
constexpr unsigned rank(Src s) noexcept {
    constexpr unsigned ranks[] = {3, 0, 1, 2, 4};
    return ranks[static_cast<size_t>(s)];
}

/// Which combinations of classes exist. The lowering falls back from a missing one: a pinned local is also in
/// its slot, a constant can be put into one.
namespace variants {

constexpr bool pair(Src l, Src r) noexcept {
    return !(l == Src::acc && r == Src::acc) && !(l == Src::imm && r == Src::imm);
}
/// All of them: for the operators that programs live on.
struct Full {
    static constexpr bool has(Src l, Src r, Dst) noexcept { return pair(l, r); }
};
/// All of them for an operator with a mirrored twin, so that constants are always on the right.
struct Ordered {
    static constexpr bool has(Src l, Src r, Dst d) noexcept {
        return pair(l, r) && l != Src::imm && (d == Dst::acc || d == Dst::slot);
    }
};
struct Commutative {
    static constexpr bool has(Src l, Src r, Dst) noexcept { return pair(l, r) && rank(l) <= rank(r); }
};
/// For rare or slow operators.
struct Compact {
    static constexpr bool has(Src l, Src r, Dst d) noexcept {
        return pair(l, r) && (l == Src::slot || l == Src::acc) &&
               (r == Src::slot || r == Src::acc || r == Src::imm) && (d == Dst::acc || d == Dst::slot);
    }
};
/// Those whose pinned locals there are for the type.
template <typename T, typename Policy>
struct For {
    static constexpr bool has(Src l, Src r, Dst d) noexcept {
        return Policy::has(l, r, d) && exists<T>(l) && exists<T>(r) && exists<T>(d);
    }
};

} // namespace variants

/// The variants of a binary instruction; null where there is none.
using BinaryVariants = std::array<Handler, dst_count * src_count * src_count>;
constexpr size_t variant(Dst d, Src l, Src r) noexcept {
    return (static_cast<size_t>(d) * src_count + static_cast<size_t>(l)) * src_count + static_cast<size_t>(r);
}

namespace detail {

template <typename T, typename F, typename Policy, size_t I>
constexpr Handler pick_binary() noexcept {
    constexpr auto d = static_cast<Dst>(I / (src_count * src_count));
    constexpr auto l = static_cast<Src>(I / src_count % src_count);
    constexpr auto r = static_cast<Src>(I % src_count);
    if constexpr (variants::For<T, Policy>::has(l, r, d))
        return &handler<Binary<T, F, l, r, d>>;
    else
        return nullptr;
}

template <typename T, typename F, typename Policy, size_t I>
constexpr Handler pick_branch() noexcept {
    constexpr auto l = static_cast<Src>(I / src_count);
    constexpr auto r = static_cast<Src>(I % src_count);
    if constexpr (variants::For<T, Policy>::has(l, r, Dst::acc) && l != Src::imm)
        return &handler<CompareBranch<T, F, l, r>>;
    else
        return nullptr;
}

template <typename T, typename F, size_t I>
constexpr Handler pick_unary() noexcept {
    constexpr auto d = static_cast<Dst>(I / src_count);
    constexpr auto s = static_cast<Src>(I % src_count);
    if constexpr (s == Src::imm || d == Dst::l0 || d == Dst::l1 || !exists<T>(s))
        return nullptr;
    else
        return &handler<Unary<T, F, s, d>>;
}

} // namespace detail

template <typename T, typename F, typename Policy>
inline constexpr BinaryVariants binary_variants = []<size_t... I>(std::index_sequence<I...>) {
    return BinaryVariants{detail::pick_binary<T, F, Policy, I>()...};
}(std::make_index_sequence<dst_count * src_count * src_count>{});

using BranchVariants = std::array<Handler, src_count * src_count>;
template <typename T, typename F, typename Policy>
inline constexpr BranchVariants branch_variants = []<size_t... I>(std::index_sequence<I...>) {
    return BranchVariants{detail::pick_branch<T, F, Policy, I>()...};
}(std::make_index_sequence<src_count * src_count>{});

using UnaryVariants = std::array<Handler, dst_count * src_count>;
template <typename T, typename F>
inline constexpr UnaryVariants unary_variants = []<size_t... I>(std::index_sequence<I...>) {
    return UnaryVariants{detail::pick_unary<T, F, I>()...};
}(std::make_index_sequence<dst_count * src_count>{});

} // namespace warpbeam::vm
