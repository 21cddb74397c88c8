#pragma once

#include "isa/form.hpp"

#include <warpbeam/build.hpp>
#include <warpbeam/loader/built_features.hpp>

/// Which variants of a form exist. Not every combination of classes is worth a handler; the lowering falls
/// back from a missing one: a pinned local is also in its slot, and a constant can be put into a slot.

namespace warpbeam::vm {

#if defined(__x86_64__) && defined(__linux__) && !WARPBEAM_SMALL
/// Whether there are accesses that leave the bounds check to guard pages (handlers/guard.hpp).
#define WARPBEAM_GUARD_PAGES 1
#else
#define WARPBEAM_GUARD_PAGES 0
#endif

/// Which variants of a form a WebAssembly instruction gets, according to how programs use it
/// (docs/decisions/0009). `none`: the form does not apply to it.
enum class Coverage : uint8_t {
    none,        ///< the form does not apply to it
    full,        ///< every variant of the form; only for forms that belong to one instruction
    common,      ///< a common memory access or vector operator
    compact,     ///< rare or slow
    additive,    ///< an addition, which has the most variants
    commutative, ///< like i32.mul: one order of each pair of classes is enough
    subtractive, ///< like i32.sub and f64.div
    shifting,    ///< like i32.shl
    comparing,   ///< like i32.lt_s
    bits,        ///< a branch on i32.and: commutative, without a negated instruction
};

/// The banks of an instruction's operands and result.
struct Banks {
    std::array<Bank, 3> in{};
    Bank out = Bank::integer;
    friend constexpr bool operator==(const Banks&, const Banks&) noexcept = default;
};
constexpr Banks banks_of(const Sig& sig) noexcept {
    return {{bank_of(sig.in[0]), bank_of(sig.in[1]), bank_of(sig.in[2])}, bank_of(sig.out)};
}

/// Whether a form does the work of several instructions of WebAssembly. Small builds have only the most
/// useful one, compare_branch.
constexpr bool is_fused(Form form) noexcept {
    switch (form) {
    case Form::add_shl:
    case Form::latch:
    case Form::load_at:
    case Form::load_sum:
    case Form::load_indexed:
    case Form::load_displaced:
    case Form::store_at:
    case Form::store_sum:
    case Form::store_displaced:
        return true;
    default:
        return false;
    }
}
/// Whether this build has handlers for a form.
constexpr bool is_built(Form form) noexcept {
    switch (form) {
    case Form::load_any:
    case Form::store_any:
        return is_built(Feature::memory64) || is_built(Feature::multi_memory);
    case Form::canonical_f32:
    case Form::canonical_f64:
    case Form::check_stack:
    case Form::return_excess:
    case Form::observe:
        return WARPBEAM_REPLAY != 0;
    case Form::fence:
        return is_built(Feature::threads);
    case Form::copy_vector:
    case Form::copy_vector_constant:
        return is_built(Feature::simd);
    case Form::throw_:
    case Form::throw_ref:
        return is_built(Feature::exceptions);
    case Form::suspend:
    case Form::resume:
        return is_built(Feature::stack_switching);
    case Form::struct_get:
    case Form::struct_set:
    case Form::array_get:
    case Form::array_set:
    case Form::struct_new:
    case Form::struct_new_default:
    case Form::ref_test:
    case Form::ref_cast:
    case Form::br_on_cast:
    case Form::br_on_cast_desc:
        return is_built(Feature::gc);
    default:
        return !is_small || !is_fused(form);
    }
}

namespace detail {

constexpr bool is_plain(Src s) noexcept { return s == Src::slot || s == Src::acc; }
/// A slot or a constant. Right operands mostly are: a pinned local is in its slot too.
constexpr bool is_stable(Src s) noexcept { return s == Src::slot || s == Src::imm; }
/// Whether an operand is the pinned local that receives the result.
constexpr bool is_own(Variant v, Src operand) noexcept {
    return (v.result == Dst::l0 && operand == Src::l0) || (v.result == Dst::l1 && operand == Src::l1);
}
constexpr bool is(Variant v, Src a, Src b) noexcept { return v.a == a && v.b == b; }

/// Results that go directly to a pinned local: the left operand is in a slot, the accumulator or that same
/// local, the right one in a slot or constant.
constexpr bool to_pin_exists(Variant v) noexcept {
    return (is_plain(v.a) || is_own(v, v.a)) && is_stable(v.b);
}

constexpr bool binary_exists(Coverage coverage, const Bank bank, Variant v) noexcept {
    const bool to_pin = is_pin(v.result);
    const bool main = v.a != Src::imm && is_stable(v.b);
    switch (coverage) {
    case Coverage::additive:
        return main || (v.a == Src::acc && is_pin(v.b)) || is(v, Src::l0, Src::l1);
    case Coverage::commutative:
        if (bank == Bank::floating && is(v, Src::l0, Src::l0))
            return !to_pin; // a square
        return to_pin ? to_pin_exists(v) || (v.a == Src::acc && is_own(v, v.b))
                      : main || (v.a == Src::acc && is_pin(v.b));
    case Coverage::subtractive:
        if (is(v, Src::slot, Src::acc))
            return true;
        if (bank == Bank::floating && is_plain(v.a) && v.b == Src::l0)
            return !to_pin;
        if (bank == Bank::floating && is(v, Src::imm, Src::acc))
            return true;
        return to_pin ? to_pin_exists(v) : main || (v.a == Src::imm && is_plain(v.b));
    case Coverage::shifting:
        if (to_pin)
            return to_pin_exists(v) && v.b == Src::imm;
        return is(v, Src::slot, Src::acc) || (v.a == Src::imm && is_plain(v.b)) ||
               (main && (v.b == Src::imm || is_plain(v.a)));
    case Coverage::comparing:
        return !to_pin && ((is_plain(v.a) && is_stable(v.b)) || is(v, Src::slot, Src::acc) ||
                           (is_pin(v.a) && v.b == Src::imm));
    case Coverage::common:
        return is_plain(v.a) && (v.b == Src::imm ? v.result == Dst::slot : is_plain(v.b) && !to_pin);
    case Coverage::compact:
        return is_plain(v.a) && (is_plain(v.b) || (v.b == Src::imm && bank != Bank::vector)) &&
               v.result == Dst::slot;
    case Coverage::none:
    case Coverage::full:
    case Coverage::bits:
        break;
    }
    return false;
}

constexpr bool branch_exists(Coverage coverage, Bank bank, Variant v) noexcept {
    // Integer comparisons, and equality, have negations.
    const bool negatable =
        coverage == Coverage::bits || (bank == Bank::floating && coverage == Coverage::comparing);
    if (v.a == Src::imm || (v.option != 0 && !negatable))
        return false;
    if (is_stable(v.b))
        return is_plain(v.a) || (coverage == Coverage::bits ? v.b == Src::imm : bank == Bank::integer);
    return coverage == Coverage::comparing ? is(v, Src::slot, Src::acc)
                                           : coverage == Coverage::commutative && is(v, Src::l0, Src::l1);
}

constexpr bool latch_exists(Variant v) noexcept {
    const bool local = v.a == Src::slot || is_pin(v.a);
    return local && is_stable(v.c) &&
           (v.b == Src::imm || (v.b == Src::slot && is_pin(v.a) && v.c == Src::slot));
}

constexpr bool select_exists(Variant v) noexcept {
    const auto bank = static_cast<Bank>(v.option);
    const auto value = [&](Src s) { return s == Src::slot || (s == Src::imm && bank != Bank::vector); };
    return value(v.a) && value(v.b) && is_plain(v.c) && has_pin(bank, v.result) &&
           (v.c == Src::acc || !is_pin(v.result));
}

/// The options of accesses: guard pages check the bounds, or addresses have 64 bits (not for vectors).
inline constexpr uint8_t option_guarded = 1;
inline constexpr uint8_t option_wide = 2;

constexpr bool load_exists(Form form, Coverage coverage, Variant v) noexcept {
    const bool to_pin = is_pin(v.result);
    const bool is_sum = form == Form::load_sum;
    if (v.option == option_wide &&
        (to_pin || (is_sum && (v.b != Src::slot || coverage == Coverage::compact))))
        return false;
    switch (form) {
    case Form::load:
        if (v.a == Src::imm)
            return false;
        return coverage == Coverage::full || is_plain(v.a) ? coverage != Coverage::compact || !to_pin
                                                           : coverage == Coverage::common && !to_pin;
    case Form::load_at:
        return coverage != Coverage::compact || !to_pin;
    case Form::load_displaced:
        if (v.a == Src::imm || (!is_plain(v.a) && coverage == Coverage::compact))
            return false;
        return !to_pin || (coverage == Coverage::full && is_plain(v.a));
    case Form::load_sum:
        if (to_pin)
            return false;
        if (v.b == Src::slot)
            return v.a != Src::imm && (is_plain(v.a) || coverage != Coverage::compact);
        return coverage == Coverage::full && ((v.a == Src::acc && is_pin(v.b)) || is(v, Src::l0, Src::l1));
    case Form::load_indexed:
        return !to_pin && v.a == Src::slot && v.b != Src::imm;
    default:
        return false;
    }
}

/// A value to store. Address and value share one accumulator unless the value is in another bank. Constant
/// vectors are stored from a slot.
constexpr bool value_exists(Coverage coverage, Bank bank, Src value, Src address) noexcept {
    return has_pin(bank, value) && (!is_pin(value) || coverage == Coverage::full) &&
           !(bank == Bank::vector && value == Src::imm) &&
           !(bank == Bank::integer && value == Src::acc && address == Src::acc);
}
/// The sum for an address is computed last, so the value is no longer in the accumulator.
constexpr bool store_exists(Form form, Coverage coverage, Bank bank, Variant v) noexcept {
    const bool is_rare = coverage == Coverage::compact;
    if (v.option == option_wide &&
        (is_pin(form == Form::store ? v.b : v.c) || (form == Form::store_sum && v.b != Src::slot)))
        return false;
    switch (form) {
    case Form::store:
        return v.a != Src::imm && (!is_rare || is_plain(v.a)) && value_exists(coverage, bank, v.b, v.a);
    case Form::store_at:
        return value_exists(coverage, bank, v.a, Src::imm);
    case Form::store_displaced:
        return v.a != Src::imm && (!is_rare || is_plain(v.a)) && is_stable(v.b) &&
               value_exists(coverage, bank, v.b, v.a);
    case Form::store_sum:
        if (is_rare || !is_stable(v.c) || !value_exists(coverage, bank, v.c, v.a))
            return false;
        if (v.b == Src::slot)
            return v.a != Src::imm && (is_plain(v.a) || coverage == Coverage::full);
        return coverage == Coverage::full && ((v.a == Src::acc && is_pin(v.b)) || is(v, Src::l0, Src::l1));
    default:
        return false;
    }
}

/// Whether a variant is in a small build: there are no pinned locals, constants are on the right, and
/// accesses with 64-bit addresses are those to any memory.
constexpr bool is_in_small(Form form, Coverage coverage, const Banks& banks, Variant v) noexcept {
    if (is_pin(v.result) || is_pin(v.a) || is_pin(v.b) || is_pin(v.c))
        return false;
    switch (form) {
    case Form::binary:
        if (coverage == Coverage::compact)
            return v.a == Src::slot && v.b == Src::slot;
        // Most comparisons are part of a branch; other results are written to the frame, too.
        if ((v.result == Dst::acc) != (coverage == Coverage::comparing))
            return false;
        return v.a != Src::imm && (banks.in[0] != Bank::vector || v.b == Src::slot);
    case Form::unary:
        return v.a == Src::slot && v.result == Dst::slot;
    case Form::compare_branch:
        return banks.in[0] == Bank::integer && coverage != Coverage::bits;
    case Form::select:
        return v.a == Src::slot && v.b == Src::slot;
    case Form::load:
    case Form::store:
        return v.option != option_wide;
    default:
        return true;
    }
}

} // namespace detail

/// Whether a variant of a form exists for a WebAssembly instruction with these types and this coverage. A
/// form whose handlers belong to no particular instruction has full coverage.
constexpr bool exists(Form form, Coverage coverage, const Banks& banks, Variant v) noexcept {
    using namespace detail;
    const auto option = static_cast<Bank>(v.option < 3 ? v.option : 0);
    const bool supported = (v.option != option_guarded || WARPBEAM_GUARD_PAGES != 0) &&
                           (v.option != option_wide || is_built(Feature::memory64));
    if (coverage == Coverage::none || !is_built(form) ||
        (is_small && !is_in_small(form, coverage, banks, v)) ||
        (!is_built(Feature::simd) && facts_of(form).open == Typed::by_option && option == Bank::vector))
        return false;
    switch (form) {
    case Form::binary:
        return has_pin(banks.in[0], v.a) && has_pin(banks.in[0], v.b) && has_pin(banks.out, v.result) &&
               !is(v, Src::acc, Src::acc) && binary_exists(coverage, banks.in[0], v);
    case Form::unary:
        return is_plain(v.a) &&
               (v.result == Dst::slot || (v.result == Dst::acc && banks.out != Bank::vector));
    case Form::add_shl:
        return v.a == Src::slot && v.b != Src::imm;
    case Form::compare_branch:
        return has_pin(banks.in[0], v.a) && has_pin(banks.in[0], v.b) &&
               branch_exists(coverage, banks.in[0], v);
    case Form::latch:
        return latch_exists(v);
    case Form::select:
        return select_exists(v);
    case Form::ternary:
        return is_plain(v.a) && is_plain(v.b) && is_plain(v.c) && v.result == Dst::slot &&
               (v.a == Src::acc) + (v.b == Src::acc) + (v.c == Src::acc) <= 1;
    case Form::shift:
        return is_plain(v.a) &&
               (v.b == Src::imm ? !is_pin(v.result) : is_plain(v.b) && v.result == Dst::slot);
    case Form::replace_lane:
        return is_plain(v.a) && is_plain(v.b) && v.result == Dst::slot &&
               (banks.in[1] == Bank::integer || !is(v, Src::acc, Src::acc));
    case Form::shuffle:
        return is_plain(v.a) && is_plain(v.b) && !is(v, Src::acc, Src::acc) && v.result == Dst::slot;
    case Form::extract_lane:
        return has_pin(banks.out, v.result);

    case Form::load:
    case Form::load_at:
    case Form::load_displaced:
    case Form::load_sum:
    case Form::load_indexed:
        return has_pin(banks.out, v.result) && supported && load_exists(form, coverage, v) &&
               !(v.option == option_wide && banks.out == Bank::vector);
    case Form::store:
    case Form::store_at:
    case Form::store_displaced:
    case Form::store_sum:
        return supported && store_exists(form, coverage, banks.in[1], v) &&
               !(v.option == option_wide && banks.in[1] == Bank::vector);

    case Form::move:
        return is_pin(v.result) && has_pin(option, v.result) && has_pin(option, v.a);
    case Form::copy_register:
        return (v.a == Src::acc || is_pin(v.a)) && has_pin(option, v.a);
    case Form::canonical_f32:
    case Form::canonical_f64:
        return v.a == Src::acc && option != Bank::integer && has_pin(option, v.result);
    case Form::global_get:
        return has_pin(option, v.result);
    case Form::global_set:
    case Form::return_value:
        return has_pin(option, v.a);
    case Form::call_indirect:
        return is_plain(v.a);
    case Form::jump_table:
        return v.a != Src::imm;

    case Form::struct_get:
        return v.a != Src::imm && has_pin(banks.out, v.result);
    case Form::struct_set:
        return v.a != Src::imm && value_exists(Coverage::common, banks.in[1], v.b, v.a);
    case Form::array_get:
        return is_plain(v.a) && !is_pin(v.b) && !is(v, Src::acc, Src::acc) && !is_pin(v.result);
    case Form::array_set:
        return is(v, Src::slot, Src::slot) && value_exists(Coverage::common, banks.in[1], v.c, v.a);
    case Form::ref_test:
        return is_plain(v.a) && !is_pin(v.result);
    case Form::ref_cast:
    case Form::br_on_cast:
        return is_plain(v.a);
    case Form::br_on_cast_desc:
        return (v.option & 1) == 0;

    case Form::struct_new:
    case Form::struct_new_default:
        return true;
    default:
        // Without classes, only the options count.
        return facts_of(form).operands == 0 && !facts_of(form).has_result;
    }
}

// ---- The Cartesian product ----

/// How much each class and the option of a variant contribute to its number; 0 for those that the form does
/// not have.
struct Strides {
    uint16_t a = 0;
    uint16_t b = 0;
    uint16_t c = 0;
    uint16_t result = 0;
    uint16_t option = 0;
};
inline constexpr auto form_strides = [] {
    std::array<Strides, form_count> strides;
    for (size_t i = 0; i < form_count; ++i) {
        Strides& of = strides[i];
        uint16_t next = 1;
        const auto take = [&](uint16_t& stride, size_t classes, bool is_there) {
            stride = is_there ? next : 0;
            next = static_cast<uint16_t>(is_there ? next * classes : next);
        };
        take(of.a, src_count, form_facts[i].operands > 0);
        take(of.b, src_count, form_facts[i].operands > 1);
        take(of.c, src_count, form_facts[i].operands > 2);
        take(of.result, dst_count, form_facts[i].has_result);
        of.option = next;
    }
    return strides;
}();
constexpr const Strides& strides_of(Form form) noexcept { return form_strides[static_cast<size_t>(form)]; }

/// The number of possible combinations of classes and options of a form, and the number of a variant among
/// them.
constexpr size_t combinations(Form form) noexcept {
    return size_t{row_of(form).options} * strides_of(form).option;
}
constexpr size_t number_of(Form form, Variant v) noexcept {
    const Strides& strides = strides_of(form);
    return size_t{strides.a} * number_of(v.a) + size_t{strides.b} * number_of(v.b) +
           size_t{strides.c} * number_of(v.c) + size_t{strides.result} * number_of(v.result) +
           size_t{strides.option} * v.option;
}
constexpr Variant variant_of(Form form, size_t number) noexcept {
    const Strides& strides = strides_of(form);
    const auto taken = [number](uint16_t stride, size_t classes) {
        return stride != 0 ? number / stride % classes : 0;
    };
    Variant v;
    v.a = src_at(taken(strides.a, src_count));
    v.b = src_at(taken(strides.b, src_count));
    v.c = src_at(taken(strides.c, src_count));
    v.result = static_cast<Dst>(taken(strides.result, dst_count));
    v.option = static_cast<uint8_t>(number / strides.option);
    return v;
}

/// The variants that exist, and the position of each among them.
template <Form form, Coverage coverage, Banks banks>
struct VariantSet {
    static constexpr uint8_t none = UINT8_MAX;
    static constexpr std::array<uint8_t, combinations(form)> places = [] {
        std::array<uint8_t, combinations(form)> indices{};
        uint8_t next = 0;
        for (size_t i = 0; i < indices.size(); ++i)
            indices[i] = exists(form, coverage, banks, variant_of(form, i)) ? next++ : none;
        return indices;
    }();
    static constexpr size_t size = [] {
        size_t count = 0;
        for (const uint8_t place : places)
            count += place != none;
        return count;
    }();
    static_assert(size < none);
    static constexpr std::array<Variant, size> list = [] {
        std::array<Variant, size> variants{};
        for (size_t i = 0; i < places.size(); ++i)
            if (places[i] != none)
                variants[places[i]] = variant_of(form, i);
        return variants;
    }();
};

} // namespace warpbeam::vm
