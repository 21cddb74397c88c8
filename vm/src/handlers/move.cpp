#include "handlers/families.hpp"
#include "handlers/instance_data.hpp"
#include "handlers/shapes.hpp"

/// Moves, selections, globals: what has no arithmetic in it.

namespace warpbeam::vm {

namespace {

struct Identity {
    template <typename T>
    static T apply(T a) noexcept {
        return a;
    }
};

template <typename T, size_t I>
constexpr Handler pick_move() noexcept {
    constexpr auto d = static_cast<Dst>(I / src_count);
    constexpr auto s = static_cast<Src>(I % src_count);
    if constexpr (!exists<T>(d) || !exists<T>(s))
        return nullptr;
    else
        return &handler<Unary<T, Identity, s, d>>;
}
template <typename T>
constexpr auto move_variants = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Handler, sizeof...(I)>{pick_move<T, I>()...};
}(std::make_index_sequence<dst_count * src_count>{});

/// The condition's slot is `c`.
template <typename T, Src C, Src A, Src B, Dst D>
struct Select {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        size_t words = 0;
        uint64_t a_imm = 0;
        uint64_t b_imm = 0;
        if constexpr (A == Src::imm)
            a_imm = r.ip->word(words++);
        if constexpr (B == Src::imm)
            b_imm = r.ip->word(words++);
        const T a = read<T, A>(r, r.ip->a, a_imm);
        const T b = read<T, B>(r, r.ip->b, b_imm);
        return detail::finish<D>(r, read<uint32_t, C>(r, r.ip->c, 0) != 0 ? a : b, sizeof(Instr) + 8 * words);
    }
};

template <typename T, Src C, Dst D>
Handler select_operands(Src a, Src b) noexcept {
    if (a == Src::slot && b == Src::slot)
        return &handler<Select<T, C, Src::slot, Src::slot, D>>;
    if constexpr (!is_vector<T>) {
        if (a == Src::slot && b == Src::imm)
            return &handler<Select<T, C, Src::slot, Src::imm, D>>;
        if (a == Src::imm && b == Src::slot)
            return &handler<Select<T, C, Src::imm, Src::slot, D>>;
        if (a == Src::imm && b == Src::imm)
            return &handler<Select<T, C, Src::imm, Src::imm, D>>;
    }
    return nullptr;
}

template <typename T>
Handler select_variant(Dst d, Src condition, Src a, Src b) noexcept {
    if (condition == Src::acc) {
        if (d == Dst::acc)
            return select_operands<T, Src::acc, Dst::acc>(a, b);
        if (d == Dst::slot)
            return select_operands<T, Src::acc, Dst::slot>(a, b);
        if constexpr (exists<T>(Dst::l0))
            if (d == Dst::l0)
                return select_operands<T, Src::acc, Dst::l0>(a, b);
        if constexpr (exists<T>(Dst::l1))
            if (d == Dst::l1)
                return select_operands<T, Src::acc, Dst::l1>(a, b);
    } else if (condition == Src::slot) {
        if (d == Dst::acc)
            return select_operands<T, Src::slot, Dst::acc>(a, b);
        if (d == Dst::slot)
            return select_operands<T, Src::slot, Dst::slot>(a, b);
    }
    return nullptr;
}

struct Copy {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.fp[r.ip->d] = r.fp[r.ip->a];
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};
struct CopyPair {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.fp[r.ip->d] = r.fp[r.ip->a];
        r.fp[r.ip->b] = r.fp[r.ip->c];
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};
struct CopyConst {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.fp[r.ip->d] = r.ip->word(0);
        r.ip = r.ip->after(sizeof(Instr) + 8);
        return Exit::none;
    }
};
struct CopyRange {
    static Exit run(Regs& r) noexcept {
        std::memmove(r.fp + r.ip->d, r.fp + r.ip->a, size_t{r.ip->c} * sizeof(Slot));
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};
struct CopyV128 {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot(r.fp, r.ip->d, load_slot<Vector>(r.fp, r.ip->a));
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};
struct CopyConstV128 {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot(r.fp, r.ip->d, read<Vector, Src::imm>(r, 0, 0));
        r.ip = r.ip->after(sizeof(Instr) + sizeof(Vector));
        return Exit::none;
    }
};
struct CopyAcc {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.fp[r.ip->d] = r.acc;
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};
struct CopyFacc {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot<double>(r.fp, r.ip->d, r.facc[0]);
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};
struct CopyFaccV128 {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        store_slot(r.fp, r.ip->d, r.facc);
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};
struct SetPins {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        r.l0 = r.fp[r.ip->d];
        r.l1 = r.fp[r.ip->a];
        r.f0 = detail::vector_set(load_slot<double>(r.fp, r.ip->b));
        r.ip = r.ip->after(sizeof(Instr));
        return Exit::none;
    }
};

template <typename T, Dst D>
struct GlobalGet {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        return detail::finish<D>(r, load_slot<T>(r.inst->globals[r.ip->uimm]->value, 0), sizeof(Instr));
    }
};
template <typename T, Src S>
struct GlobalSet {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        uint64_t imm = 0;
        if constexpr (S == Src::imm)
            imm = r.ip->word(0);
        store_slot<T>(r.inst->globals[r.ip->uimm]->value, 0, read<T, S>(r, r.ip->a, imm));
        r.ip = r.ip->after(sizeof(Instr) + (S == Src::imm ? sizeof(T) : 0));
        return Exit::none;
    }
};

} // namespace

Handler move_int(Dst d, Src s) noexcept {
    return move_variants<uint64_t>[static_cast<size_t>(d) * src_count + static_cast<size_t>(s)];
}
Handler move_float(Dst d, Src s) noexcept {
    return move_variants<double>[static_cast<size_t>(d) * src_count + static_cast<size_t>(s)];
}
Handler select_int(Dst d, Src condition, Src a, Src b) noexcept {
    return select_variant<uint64_t>(d, condition, a, b);
}
Handler select_float(Dst d, Src condition, Src a, Src b) noexcept {
    return select_variant<double>(d, condition, a, b);
}
Handler select_v128(Dst d, Src condition, Src a, Src b) noexcept {
    return select_variant<Vector>(d, condition, a, b);
}

Handler copy() noexcept { return &handler<Copy>; }
Handler copy_pair() noexcept { return &handler<CopyPair>; }
Handler copy_const() noexcept { return &handler<CopyConst>; }
Handler copy_range() noexcept { return &handler<CopyRange>; }
Handler copy_v128() noexcept { return &handler<CopyV128>; }
Handler copy_const_v128() noexcept { return &handler<CopyConstV128>; }
Handler copy_acc() noexcept { return &handler<CopyAcc>; }
Handler copy_facc() noexcept { return &handler<CopyFacc>; }
Handler copy_facc_v128() noexcept { return &handler<CopyFaccV128>; }
Handler set_pins() noexcept { return &handler<SetPins>; }

Handler global_get_int(Dst d) noexcept {
    switch (d) {
    case Dst::acc:
        return &handler<GlobalGet<uint64_t, Dst::acc>>;
    case Dst::slot:
        return &handler<GlobalGet<uint64_t, Dst::slot>>;
    case Dst::l0:
        return &handler<GlobalGet<uint64_t, Dst::l0>>;
    case Dst::l1:
        return &handler<GlobalGet<uint64_t, Dst::l1>>;
    }
    return nullptr;
}
Handler global_get_float(Dst d) noexcept {
    switch (d) {
    case Dst::acc:
        return &handler<GlobalGet<double, Dst::acc>>;
    case Dst::slot:
        return &handler<GlobalGet<double, Dst::slot>>;
    case Dst::l0:
        return &handler<GlobalGet<double, Dst::l0>>;
    case Dst::l1:
        return nullptr;
    }
    return nullptr;
}
Handler global_set_int(Src s) noexcept {
    switch (s) {
    case Src::slot:
        return &handler<GlobalSet<uint64_t, Src::slot>>;
    case Src::acc:
        return &handler<GlobalSet<uint64_t, Src::acc>>;
    case Src::l0:
        return &handler<GlobalSet<uint64_t, Src::l0>>;
    case Src::l1:
        return &handler<GlobalSet<uint64_t, Src::l1>>;
    case Src::imm:
        return &handler<GlobalSet<uint64_t, Src::imm>>;
    }
    return nullptr;
}
Handler global_set_float(Src s) noexcept {
    switch (s) {
    case Src::slot:
        return &handler<GlobalSet<double, Src::slot>>;
    case Src::acc:
        return &handler<GlobalSet<double, Src::acc>>;
    case Src::l0:
        return &handler<GlobalSet<double, Src::l0>>;
    case Src::l1:
        return nullptr;
    case Src::imm:
        return &handler<GlobalSet<double, Src::imm>>;
    }
    return nullptr;
}
Handler global_get_v128(Dst d) noexcept {
    return d == Dst::acc    ? &handler<GlobalGet<Vector, Dst::acc>>
           : d == Dst::slot ? &handler<GlobalGet<Vector, Dst::slot>>
                            : nullptr;
}
Handler global_set_v128(Src s) noexcept {
    return s == Src::slot  ? &handler<GlobalSet<Vector, Src::slot>>
           : s == Src::acc ? &handler<GlobalSet<Vector, Src::acc>>
           : s == Src::imm ? &handler<GlobalSet<Vector, Src::imm>>
                           : nullptr;
}

} // namespace warpbeam::vm
