#include "handlers/families.hpp"
#include "handlers/object_access.hpp"
#include "heap/reference.hpp"

/// Tests and casts of references. The first word is the target.
/// https://webassembly.github.io/spec/core/exec/instructions.html#reference-instructions

namespace warpbeam::vm {

namespace {

/// A structure or array type: the word is its layout. Nothing else than an object has its lowest bits zero.
struct ToLayout {
    [[gnu::always_inline]] static bool holds(const Regs&, Slot reference, uint64_t word) noexcept {
        return (reference & 3) == 0 &&
               to_object(reference)->layout->is_subtype_of(reinterpret_cast<const Layout*>(word));
    }
};

/// Any other heap type: the word is its code.
struct ToOther {
    static bool holds(const Regs& r, Slot reference, uint64_t word) noexcept {
        return is_instance(reference, HeapType::from_code(static_cast<uint32_t>(word)), *r.inst->registry);
    }
};

template <typename Target, bool Nullable>
[[gnu::always_inline]] inline bool holds(const Regs& r, Slot reference) noexcept {
    return reference == 0 ? Nullable : Target::holds(r, reference, r.ip->word(0));
}

template <typename Target, bool Nullable, Src S, auto D>
struct RefTest {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const bool yes = holds<Target, Nullable>(r, read<Slot, S>(r, r.ip->a, 0));
        return detail::finish<D>(r, uint32_t{yes}, sizeof(Instr) + 8);
    }
};

template <typename Target, bool Nullable, Src S, auto D>
struct RefCast {
    [[gnu::always_inline]] static Exit run(Regs& r) noexcept {
        const Slot reference = read<Slot, S>(r, r.ip->a, 0);
        if (!holds<Target, Nullable>(r, reference)) [[unlikely]]
            return Exit::cast_failure;
        return detail::finish<D>(r, reference, sizeof(Instr) + 8);
    }
};

/// Jumps by imm if a is of the type, or with Fail if it is not.
template <typename Target, bool Nullable, Src S, auto Fail>
struct BrOnCast {
    [[gnu::always_inline]] static bool test(Regs& r) noexcept {
        return holds<Target, Nullable>(r, read<Slot, S>(r, r.ip->a, 0)) != Fail;
    }
    [[gnu::always_inline]] static const Instr* taken(Regs& r) noexcept { return r.ip->jump(r.ip->imm); }
    [[gnu::always_inline]] static const Instr* next(Regs& r) noexcept {
        return r.ip->after(sizeof(Instr) + 8);
    }
};

template <template <typename, bool, Src, auto> typename Body, typename Target, bool Nullable, auto Way>
Handler from_source(Src s) noexcept {
    switch (s) {
    case Src::slot:
        return &handler<Body<Target, Nullable, Src::slot, Way>>;
    case Src::acc:
        return &handler<Body<Target, Nullable, Src::acc, Way>>;
    case Src::l0:
        return &handler<Body<Target, Nullable, Src::l0, Way>>;
    case Src::l1:
        return &handler<Body<Target, Nullable, Src::l1, Way>>;
    case Src::imm:
        break;
    }
    return nullptr;
}

template <template <typename, bool, Src, auto> typename Body, auto Way>
Handler pick(bool to_layout, bool nullable, Src s) noexcept {
    if (to_layout)
        return nullable ? from_source<Body, ToLayout, true, Way>(s)
                        : from_source<Body, ToLayout, false, Way>(s);
    return nullable ? from_source<Body, ToOther, true, Way>(s) : from_source<Body, ToOther, false, Way>(s);
}

} // namespace

Handler ref_test(bool to_layout, bool nullable, Dst d, Src s) noexcept {
    return d == Dst::acc    ? pick<RefTest, Dst::acc>(to_layout, nullable, s)
           : d == Dst::slot ? pick<RefTest, Dst::slot>(to_layout, nullable, s)
                            : nullptr;
}

Handler ref_cast(bool to_layout, bool nullable, Dst d, Src s) noexcept {
    switch (d) {
    case Dst::acc:
        return pick<RefCast, Dst::acc>(to_layout, nullable, s);
    case Dst::slot:
        return pick<RefCast, Dst::slot>(to_layout, nullable, s);
    case Dst::l0:
        return pick<RefCast, Dst::l0>(to_layout, nullable, s);
    case Dst::l1:
        return pick<RefCast, Dst::l1>(to_layout, nullable, s);
    }
    return nullptr;
}

Handler br_on_cast(bool to_layout, bool nullable, bool fail, Src s) noexcept {
    return fail ? pick<BrOnCast, true>(to_layout, nullable, s)
                : pick<BrOnCast, false>(to_layout, nullable, s);
}

} // namespace warpbeam::vm
