#pragma once

#include "isa/form.hpp"

/// Which variants of a form exist. Not every combination of classes is worth a handler; the lowering falls
/// back from a missing one: a pinned local is also in its slot, a constant can be put into one.

namespace warpbeam::vm {

#if defined(__x86_64__) && defined(__linux__)
/// Whether there are accesses that leave the check of bounds to guard pages (handlers/guard.hpp).
#define WARPBEAM_GUARD_PAGES 1
#else
#define WARPBEAM_GUARD_PAGES 0
#endif

/// How many of the variants of a form a WebAssembly instruction gets.
enum class Coverage : uint8_t {
    none,
    full,        ///< what programs live on
    ordered,     ///< has a mirrored twin, so that constants are always on the right
    commutative, ///< one order of each pair of classes
    bits,        ///< commutative, and has no negated twin
    compact,     ///< rare or slow: operands in slots, the accumulator or, on the right, the instruction
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

namespace detail {

constexpr bool is_plain(Src s) noexcept { return s == Src::slot || s == Src::acc; }
/// Two operands of one bank: there is one accumulator, and constants were folded.
constexpr bool is_pair(Src a, Src b) noexcept {
    return !(a == Src::acc && b == Src::acc) && !(a == Src::imm && b == Src::imm);
}
/// The order in which a commutative instruction wants its operands.
constexpr unsigned rank(Src s) noexcept {
    constexpr unsigned ranks[] = {3, 0, 1, 2, 4};
    return ranks[static_cast<size_t>(s)];
}
/// A value that is stored, whose address is elsewhere. Constant vectors are stored from a slot.
constexpr bool is_storable(Bank bank, Src value, bool address_in_acc) noexcept {
    return has_pin(bank, value) && !(bank == Bank::vector && value == Src::imm) &&
           !(bank == Bank::integer && value == Src::acc && address_in_acc);
}

constexpr bool binary_exists(Coverage coverage, Variant v) noexcept {
    switch (coverage) {
    case Coverage::full:
        return true;
    case Coverage::ordered:
        return v.a != Src::imm && !is_pin(v.result);
    case Coverage::commutative:
    case Coverage::bits:
        return rank(v.a) <= rank(v.b);
    case Coverage::compact:
        return is_plain(v.a) && (is_plain(v.b) || v.b == Src::imm) && !is_pin(v.result);
    case Coverage::none:
        break;
    }
    return false;
}

constexpr bool branch_exists(Coverage coverage, Bank bank, Variant v) noexcept {
    const bool commutative = coverage == Coverage::commutative || coverage == Coverage::bits;
    // The comparisons of integers are each other's negations.
    const bool negatable = coverage == Coverage::bits || (bank == Bank::floating && !commutative);
    return v.a != Src::imm && (v.option == 0 || negatable) && (!commutative || rank(v.a) <= rank(v.b));
}

constexpr bool latch_exists(Variant v) noexcept {
    const bool local = v.a == Src::slot || is_pin(v.a);
    const bool step = v.b == Src::imm || (v.b == Src::slot && is_pin(v.a));
    return local && step && v.c != Src::acc && (!is_pin(v.c) || v.c != v.a);
}

constexpr bool select_exists(Variant v) noexcept {
    const auto bank = static_cast<Bank>(v.option);
    const auto value = [&](Src s) { return s == Src::slot || (s == Src::imm && bank != Bank::vector); };
    return value(v.a) && value(v.b) && is_plain(v.c) && has_pin(bank, v.result) &&
           (v.c == Src::acc || !is_pin(v.result));
}

} // namespace detail

/// Whether a variant of a form exists for a WebAssembly instruction of those types and that coverage. A form
/// that has handlers for no particular instruction has full coverage.
constexpr bool exists(Form form, Coverage coverage, const Banks& banks, Variant v) noexcept {
    using namespace detail;
    const auto option = static_cast<Bank>(v.option < 3 ? v.option : 0);
    const bool guarded = v.option != 0;
    if (coverage == Coverage::none)
        return false;
    switch (form) {
    case Form::binary:
        return is_pair(v.a, v.b) && has_pin(banks.in[0], v.a) && has_pin(banks.in[0], v.b) &&
               has_pin(banks.out, v.result) && binary_exists(coverage, v);
    case Form::unary:
        return v.a != Src::imm && has_pin(banks.in[0], v.a) && !is_pin(v.result);
    case Form::add_shl:
        return is_pair(v.a, v.b) && v.a != Src::imm && v.b != Src::imm;
    case Form::compare_branch:
        return is_pair(v.a, v.b) && has_pin(banks.in[0], v.a) && has_pin(banks.in[0], v.b) &&
               branch_exists(coverage, banks.in[0], v);
    case Form::latch:
        return latch_exists(v);
    case Form::select:
        return select_exists(v);
    case Form::ternary:
        return is_plain(v.a) && is_plain(v.b) && is_plain(v.c) && !is_pin(v.result) &&
               (v.a == Src::acc) + (v.b == Src::acc) + (v.c == Src::acc) <= 1;
    case Form::shift:
        return is_plain(v.a) && (is_plain(v.b) || v.b == Src::imm) && !is_pin(v.result);
    case Form::replace_lane:
        return is_plain(v.a) && is_plain(v.b) && !is_pin(v.result) &&
               (banks.in[1] == Bank::integer || is_pair(v.a, v.b));
    case Form::shuffle:
        return is_plain(v.a) && is_plain(v.b) && is_pair(v.a, v.b) && !is_pin(v.result);
    case Form::extract_lane:
        return has_pin(banks.out, v.result);

    case Form::load:
    case Form::load_displaced:
        return v.a != Src::imm && has_pin(banks.out, v.result) && (!guarded || WARPBEAM_GUARD_PAGES);
    case Form::load_at:
        return has_pin(banks.out, v.result) && (!guarded || WARPBEAM_GUARD_PAGES);
    case Form::load_sum:
        return is_pair(v.a, v.b) && v.b != Src::imm && rank(v.a) <= rank(v.b) && !is_pin(v.result) &&
               (!guarded || WARPBEAM_GUARD_PAGES);
    case Form::load_indexed:
        return is_pair(v.a, v.b) && v.a != Src::imm && v.b != Src::imm && !is_pin(v.result) &&
               (!guarded || WARPBEAM_GUARD_PAGES);
    case Form::store:
    case Form::store_displaced:
        return v.a != Src::imm && is_storable(banks.in[1], v.b, v.a == Src::acc) &&
               (!guarded || WARPBEAM_GUARD_PAGES);
    case Form::store_at:
        return is_storable(banks.in[1], v.a, false) && (!guarded || WARPBEAM_GUARD_PAGES);
    case Form::store_sum:
        return is_pair(v.a, v.b) && v.b != Src::imm && rank(v.a) <= rank(v.b) &&
               is_storable(banks.in[1], v.c, v.a == Src::acc || v.b == Src::acc) &&
               (!guarded || WARPBEAM_GUARD_PAGES);
    case Form::atomic:
        return is_plain(v.a) && is_plain(v.b) && is_pair(v.a, v.b);

    case Form::move:
        return is_pin(v.result) && has_pin(option, v.result) && has_pin(option, v.a);
    case Form::copy_accumulator:
        return v.a == Src::acc;
    case Form::global_get:
        return has_pin(option, v.result);
    case Form::global_set:
    case Form::return_value:
        return has_pin(option, v.a);
    case Form::call_indirect:
        return is_plain(v.a);

    case Form::struct_get:
        return v.a != Src::imm && has_pin(banks.out, v.result);
    case Form::struct_set:
        return v.a != Src::imm && is_storable(banks.in[1], v.b, v.a == Src::acc);
    case Form::array_get:
        return v.a != Src::imm && is_pair(v.a, v.b) && !is_pin(v.result);
    case Form::array_set:
        return (v.a == Src::slot || is_pin(v.a)) && (v.b == Src::slot || is_pin(v.b)) && !is_pin(v.c) &&
               is_storable(banks.in[1], v.c, false);
    case Form::ref_test:
        return v.a != Src::imm && !is_pin(v.result);
    case Form::ref_cast:
    case Form::br_on_cast:
        return v.a != Src::imm;
    case Form::br_on_cast_desc:
        return (v.option & 1) == 0;

    case Form::wide_sum:
    case Form::wide_product:
    case Form::load_any:
    case Form::store_any:
    case Form::atomic_any:
    case Form::fence:
    case Form::copy:
    case Form::copy_pair:
    case Form::copy_constant:
    case Form::copy_vector:
    case Form::copy_vector_constant:
    case Form::copy_range:
    case Form::set_pins:
    case Form::jump:
    case Form::jump_table:
    case Form::jump_if_null:
    case Form::poll:
    case Form::trap:
    case Form::exit_run:
    case Form::restore_instance:
    case Form::lower_now:
    case Form::call_host:
    case Form::call:
    case Form::call_import:
    case Form::call_ref:
    case Form::return_call:
    case Form::return_call_import:
    case Form::return_call_indirect:
    case Form::return_call_ref:
    case Form::return_void:
    case Form::throw_:
    case Form::throw_ref:
    case Form::general0:
    case Form::general1:
    case Form::general2:
    case Form::struct_new:
    case Form::struct_new_default:
        return true;
    }
    return false;
}

// ---- The Cartesian product ----

/// How many combinations of classes and options a form could have, and the number of a variant among them.
constexpr size_t combinations(Form form) noexcept {
    size_t count = row_of(form).options * (has_result(form) ? dst_count : 1);
    for (size_t i = operand_count(form); i != 0; --i)
        count *= src_count;
    return count;
}
constexpr size_t number_of(Form form, Variant v) noexcept {
    size_t number = v.option;
    if (has_result(form))
        number = number * dst_count + static_cast<size_t>(v.result);
    for (size_t i = 0; i < operand_count(form); ++i)
        number = number * src_count + static_cast<size_t>(v.operand(i));
    return number;
}
constexpr Variant variant_of(Form form, size_t number) noexcept {
    Variant v;
    Src* const operands[] = {&v.a, &v.b, &v.c};
    for (size_t i = operand_count(form); i-- != 0; number /= src_count)
        *operands[i] = static_cast<Src>(number % src_count);
    if (has_result(form)) {
        v.result = static_cast<Dst>(number % dst_count);
        number /= dst_count;
    }
    v.option = static_cast<uint8_t>(number);
    return v;
}

/// The variants that exist, and where each stands among them.
template <Form form, Coverage coverage, Banks banks>
struct VariantSet {
    static constexpr uint8_t none = UINT8_MAX;
    static constexpr size_t size = [] {
        size_t count = 0;
        for (size_t i = 0; i < combinations(form); ++i)
            count += exists(form, coverage, banks, variant_of(form, i));
        return count;
    }();
    static_assert(size < none);
    static constexpr std::array<Variant, size> list = [] {
        std::array<Variant, size> variants{};
        for (size_t i = 0, next = 0; i < combinations(form); ++i)
            if (exists(form, coverage, banks, variant_of(form, i)))
                variants[next++] = variant_of(form, i);
        return variants;
    }();
    static constexpr std::array<uint8_t, combinations(form)> places = [] {
        std::array<uint8_t, combinations(form)> indices{};
        for (size_t i = 0, next = 0; i < indices.size(); ++i)
            indices[i] =
                exists(form, coverage, banks, variant_of(form, i)) ? static_cast<uint8_t>(next++) : none;
        return indices;
    }();
};

} // namespace warpbeam::vm
