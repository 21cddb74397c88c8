#include "handlers/guarded_access.hpp"
#include "handlers/guarded_families.hpp"

namespace warpbeam::vm {

namespace {

template <typename A, Dst D>
[[gnu::always_inline]] inline Exit load_to(Regs& r, uint64_t address, uint64_t offset, size_t size) noexcept {
    typename A::Value value;
    if (!load_from<A>(r, address, offset, value)) [[unlikely]]
        return Exit::memory_out_of_bounds;
    write<D, typename A::Value>(r, r.ip->d, value);
    r.ip = r.ip->after(size);
    return Exit::none;
}

template <typename A, Src S, Dst D>
struct Load {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        if constexpr (S == Src::imm)
            return load_to<A, D>(r, r.ip->word(0), 0, sizeof(Instr) + 8);
        else
            return load_to<A, D>(r, read_address<S>(r), r.ip->uimm, sizeof(Instr));
    }
};

template <typename A, Src L, Src R, Dst D, bool Indexed>
struct LoadSum {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        if constexpr (R == Src::imm) {
            const uint32_t address = read<uint32_t, L>(r, r.ip->a, 0) + r.ip->uimm;
            return load_to<A, D>(r, address, r.ip->word(0), sizeof(Instr) + 8);
        }
        uint32_t index = read<uint32_t, R>(r, r.ip->b, 0);
        if constexpr (Indexed)
            index *= static_cast<uint32_t>(A::size);
        const uint32_t address = read<uint32_t, L>(r, r.ip->a, 0) + index;
        return load_to<A, D>(r, address, r.ip->c, sizeof(Instr));
    }
};

template <typename A, bool Is64>
struct LoadAny {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[r.ip->c];
        const uint64_t address = Is64 ? r.fp[r.ip->a] : load_slot<uint32_t>(r.fp, r.ip->a);
        const uint64_t offset = r.ip->word(0);
        const uint64_t start = address + offset;
        if (start < offset || start > memory.size || memory.size - start < A::size) [[unlikely]]
            return out_of_bounds(r, start);
        write<Dst::slot, typename A::Value>(r, r.ip->d, A::load(memory.base + start));
        r.ip = r.ip->after(sizeof(Instr) + 8);
        return Exit::none;
    }
};

template <typename A, size_t I>
constexpr Handler pick_load() noexcept {
    constexpr auto d = static_cast<Dst>(I / src_count);
    constexpr auto s = static_cast<Src>(I % src_count);
    if constexpr (!exists<typename A::Value>(d))
        return nullptr;
    else
        return &handler<Load<A, s, d>>;
}
template <typename A>
constexpr auto load_variants = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Handler, sizeof...(I)>{pick_load<A, I>()...};
}(std::make_index_sequence<dst_count * src_count>{});

/// A sum is commutative unless the right side is scaled. Only those with a constant go to pinned locals at
/// once.
template <typename A, bool Indexed, size_t I>
constexpr Handler pick_sum() noexcept {
    constexpr auto d = static_cast<Dst>(I / (src_count * src_count));
    constexpr auto l = static_cast<Src>(I / src_count % src_count);
    constexpr auto r = static_cast<Src>(I % src_count);
    constexpr bool to_pin = d == Dst::l0 || d == Dst::l1;
    if constexpr (l == Src::imm || !variants::pair(l, r) || (!Indexed && rank(l) > rank(r)) ||
                  (r == Src::imm ? Indexed : to_pin) || !exists<typename A::Value>(d))
        return nullptr;
    else
        return &handler<LoadSum<A, l, r, d, Indexed>>;
}
template <typename A, bool Indexed>
constexpr auto sum_variants = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Handler, sizeof...(I)>{pick_sum<A, Indexed, I>()...};
}(std::make_index_sequence<dst_count * src_count * src_count>{});

} // namespace

Handler load(Op op, Dst d, Src address, bool guarded) noexcept {
    return visit_load(
        op, either(guarded, [=]<typename A>(A) -> Handler {
            return load_variants<A>[static_cast<size_t>(d) * src_count + static_cast<size_t>(address)];
        }));
}

Handler load_sum(Op op, Dst d, Src l, Src r, bool guarded) noexcept {
    return visit_load(op, either(guarded, [=]<typename A>(A) -> Handler {
                          return sum_variants<A, false>[variant(d, l, r)];
                      }));
}

Handler load_indexed(Op op, Dst d, Src l, Src r, bool guarded) noexcept {
    return visit_load(op, either(guarded, [=]<typename A>(A) -> Handler {
                          if constexpr (A::size == 1)
                              return nullptr;
                          else
                              return sum_variants<A, true>[variant(d, l, r)];
                      }));
}

Handler load(Op op, Dst d, Src address) noexcept { return load(op, d, address, false); }
Handler load_sum(Op op, Dst d, Src l, Src r) noexcept { return load_sum(op, d, l, r, false); }
Handler load_indexed(Op op, Dst d, Src l, Src r) noexcept { return load_indexed(op, d, l, r, false); }

Handler load_any(Op op, bool is_64) noexcept {
    return visit_load(op, [=]<typename A>(A) -> Handler {
        return is_64 ? &handler<LoadAny<A, true>> : &handler<LoadAny<A, false>>;
    });
}

} // namespace warpbeam::vm
