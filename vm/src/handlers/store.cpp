#include "handlers/guarded_access.hpp"
#include "handlers/guarded_families.hpp"

namespace warpbeam::vm {

namespace {

template <typename A, Src V>
[[gnu::always_inline]] inline Exit store_from(Regs& r, uint64_t address, uint64_t offset,
                                              size_t words) noexcept {
    uint64_t imm = 0;
    if constexpr (V == Src::imm)
        imm = r.ip->word(words++);
    if (!store_to<A>(r, address, offset, read<typename A::Value, V>(r, r.ip->d, imm))) [[unlikely]]
        return Exit::memory_out_of_bounds;
    r.ip = r.ip->after(sizeof(Instr) + 8 * words);
    return Exit::none;
}

template <typename A, Src S, Src V>
struct Store {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        if constexpr (S == Src::imm)
            return store_from<A, V>(r, r.ip->word(0), 0, 1);
        else
            return store_from<A, V>(r, read_address<S>(r), r.ip->uimm, 0);
    }
};

template <typename A, Src L, Src R, Src V>
struct StoreSum {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        if constexpr (R == Src::imm) {
            const uint32_t address = read<uint32_t, L>(r, r.ip->a, 0) + r.ip->uimm;
            return store_from<A, V>(r, address, r.ip->word(0), 1);
        } else {
            const uint32_t address = read<uint32_t, L>(r, r.ip->a, 0) + read<uint32_t, R>(r, r.ip->b, 0);
            return store_from<A, V>(r, address, r.ip->c, 0);
        }
    }
};

template <typename A, bool Is64>
struct StoreAny {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const MemoryInst& memory = *r.inst->memories[r.ip->c];
        const uint64_t address = Is64 ? r.fp[r.ip->a] : load_slot<uint32_t>(r.fp, r.ip->a);
        const uint64_t offset = r.ip->word(0);
        const uint64_t start = address + offset;
        if (start < offset || start > memory.size || memory.size - start < A::size) [[unlikely]]
            return out_of_bounds(r, start);
        A::store(memory.base + start, load_slot<typename A::Value>(r.fp, r.ip->d));
        r.ip = r.ip->after(sizeof(Instr) + 8);
        return Exit::none;
    }
};

/// The accumulator can't be address and value at once, unless the value is a floating-point one. Constant
/// vectors are stored from a slot.
template <typename A, Src... Address>
constexpr bool storable(Src value) noexcept {
    using T = typename A::Value;
    return exists<T>(value) && !(is_vector<T> && value == Src::imm) &&
           (is_float<T> || !(value == Src::acc && ((Address == Src::acc) || ...)));
}

template <typename A, size_t I>
constexpr Handler pick_store() noexcept {
    constexpr auto s = static_cast<Src>(I / src_count);
    constexpr auto v = static_cast<Src>(I % src_count);
    if constexpr (storable<A, s>(v))
        return &handler<Store<A, s, v>>;
    else
        return nullptr;
}
template <typename A>
constexpr auto store_variants = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Handler, sizeof...(I)>{pick_store<A, I>()...};
}(std::make_index_sequence<src_count * src_count>{});

template <typename A, size_t I>
constexpr Handler pick_sum() noexcept {
    constexpr auto l = static_cast<Src>(I / (src_count * src_count));
    constexpr auto r = static_cast<Src>(I / src_count % src_count);
    constexpr auto v = static_cast<Src>(I % src_count);
    if constexpr (l != Src::imm && variants::pair(l, r) && rank(l) <= rank(r) && storable<A, l, r>(v))
        return &handler<StoreSum<A, l, r, v>>;
    else
        return nullptr;
}
template <typename A>
constexpr auto sum_variants = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Handler, sizeof...(I)>{pick_sum<A, I>()...};
}(std::make_index_sequence<src_count * src_count * src_count>{});

} // namespace

Handler store(Op op, Src address, Src value, bool guarded) noexcept {
    return visit_store(
        op, either(guarded, [=]<typename A>(A) -> Handler {
            return store_variants<A>[static_cast<size_t>(address) * src_count + static_cast<size_t>(value)];
        }));
}

Handler store_sum(Op op, Src l, Src r, Src value, bool guarded) noexcept {
    return visit_store(
        op, either(guarded, [=]<typename A>(A) -> Handler {
            return sum_variants<A>[(static_cast<size_t>(l) * src_count + static_cast<size_t>(r)) * src_count +
                                   static_cast<size_t>(value)];
        }));
}

Handler store(Op op, Src address, Src value) noexcept { return store(op, address, value, false); }
Handler store_sum(Op op, Src l, Src r, Src value) noexcept { return store_sum(op, l, r, value, false); }

Handler store_any(Op op, bool is_64) noexcept {
    return visit_store(op, [=]<typename A>(A) -> Handler {
        return is_64 ? &handler<StoreAny<A, true>> : &handler<StoreAny<A, false>>;
    });
}

} // namespace warpbeam::vm
