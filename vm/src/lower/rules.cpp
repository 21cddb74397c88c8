#include "lower/lowering.hpp"
#include "semantics/nans.hpp"

#include <warpbeam/loader/packed_table.hpp>

/// Which function lowers which instruction: that of its family, or its own.

namespace warpbeam::vm {

struct Lowering::Rules {
    using L = Lowering;
    /// Reads the immediates of the current instruction, and emits code or records its effect.
    using Rule = void (*)(L&, Op) noexcept;

    template <auto method, auto... arguments>
    static void call(L& lowering, Op) noexcept {
        (lowering.*method)(arguments...);
    }
    template <auto method, auto... arguments>
    static void of_op(L& lowering, Op op) noexcept {
        (lowering.*method)(op, arguments...);
    }
    static void binary(L& lowering, Op op) noexcept { lowering.lower_any_binary(op); }
    static void float_binary(L& lowering, Op op) noexcept { lowering.lower_float_binary(op); }
    static void rule_if(L& lowering, Op) noexcept { lowering.begin_if(); }
    static void rule_br_if(L& lowering, Op) noexcept { lowering.lower_br_if(); }
    static void unary(L& lowering, Op op) noexcept { lowering.lower_unary(op, kind_of(sig_of(op).out)); }
    static void ternary(L& lowering, Op op) noexcept { lowering.lower_ternary(op); }
    /// An instruction for which NaNs are all the same, or which makes new ones.
    template <Rule rule, Rule otherwise = rule>
    static void with_nans(L& lowering, Op op) noexcept {
        if (!lowering.options_.is_deterministic())
            return otherwise(lowering, op);
        const NanRow row = nans_of(op);
        lowering.leave_nans(row.in, sig_of(op).arity);
        rule(lowering, op);
        if (row.out != Floats::none)
            lowering.make_canonical(row.out);
    }

    /// Indexed by position in the instruction table.
    /// The last one is for the bytes that begin longer opcodes.
    using ByNumber = std::array<Rule, std::size(instr_table) + 1>;
    static constexpr size_t of_prefix = std::size(instr_table);
    static void prefixed(L& lowering, Op prefix) noexcept;
    struct Table;
    static constexpr ByNumber by_number() noexcept;
};

constexpr Lowering::Rules::ByNumber Lowering::Rules::by_number() noexcept {
    struct OfFamily {
        Family family;
        Rule rule;
    };
    constexpr OfFamily families[] = {
        {Family::nothing, call<&L::lower_nothing>},
        {Family::i32_binary, of_op<&L::lower_integer_binary>},
        {Family::i64_binary, of_op<&L::lower_integer_binary>},
        {Family::float_binary, float_binary},
        {Family::unary, unary},
        {Family::i32_load, of_op<&L::lower_integer_load>},
        {Family::i64_load, of_op<&L::lower_integer_load>},
        {Family::float_load, of_op<&L::lower_float_load>},
        {Family::vector_load, of_op<&L::lower_load>},
        {Family::store, of_op<&L::lower_store>},
        {Family::atomic, of_op<&L::lower_atomic>},
        {Family::fence, call<&L::lower_fence>},
        {Family::wide_sum, of_op<&L::lower_wide>},
        {Family::wide_product, of_op<&L::lower_wide>},
        {Family::vector_int_binary, binary},
        {Family::vector_float_binary, binary},
        {Family::vector_unary, unary},
        {Family::vector_ternary, ternary},
        {Family::vector_shift, of_op<&L::lower_shift>},
        {Family::vector_replace, of_op<&L::lower_replace_lane>},
        {Family::vector_extract, of_op<&L::lower_extract_lane>},
        {Family::vector_shuffle, of_op<&L::lower_shuffle>},
        {Family::vector_lane_load, of_op<&L::lower_lane_load>},
        {Family::vector_lane_store, of_op<&L::lower_lane_store>},
    };
    struct OfOp {
        Op op;
        Rule rule;
    };
    using enum ValType::Kind;
    constexpr OfOp ops[] = {
        // lower_control.cpp
        {Op::unreachable, call<&L::lower_unreachable>},
        {Op::block, call<&L::lower_block>},
        {Op::if_, rule_if},
        {Op::else_, call<&L::begin_else>},
        {Op::end, call<&L::end_block>},
        {Op::br, call<&L::lower_br>},
        {Op::br_if, rule_br_if},
        {Op::br_table, call<&L::lower_br_table>},
        {Op::br_on_null, call<&L::lower_br_on_null, true>},
        {Op::br_on_non_null, call<&L::lower_br_on_null, false>},
        // lower_loop.cpp
        {Op::loop, call<&L::begin_loop>},
        // lower_call.cpp
        {Op::return_, call<&L::lower_return>},
        {Op::call, call<&L::lower_direct_call, false>},
        {Op::return_call, call<&L::lower_direct_call, true>},
        {Op::call_indirect, call<&L::lower_indirect_call, false, false>},
        {Op::return_call_indirect, call<&L::lower_indirect_call, false, true>},
        {Op::call_ref, call<&L::lower_indirect_call, true, false>},
        {Op::return_call_ref, call<&L::lower_indirect_call, true, true>},
        // lower_exception.cpp
        {Op::try_table, call<&L::begin_try_table>},
        {Op::try_, call<&L::begin_try>},
        {Op::catch_, call<&L::begin_catch, false>},
        {Op::catch_all, call<&L::begin_catch, true>},
        {Op::delegate, call<&L::end_delegate>},
        {Op::throw_, call<&L::lower_throw>},
        {Op::throw_ref, call<&L::lower_throw_ref>},
        {Op::rethrow, call<&L::lower_rethrow>},
        // lower_switching.cpp
        {Op::cont_new, call<&L::lower_cont_new>},
        {Op::cont_bind, call<&L::lower_cont_bind>},
        {Op::suspend, call<&L::lower_suspend>},
        {Op::switch_, call<&L::lower_switch>},
        {Op::resume, of_op<&L::lower_resume>},
        {Op::resume_throw, of_op<&L::lower_resume>},
        {Op::resume_throw_ref, of_op<&L::lower_resume>},
        // lower_numeric.cpp
        {Op::nop, call<&L::lower_nothing>},
        {Op::drop, call<&L::lower_drop>},
        {Op::select, call<&L::lower_select, bot>},
        {Op::select_t, call<&L::lower_select_typed>},
        {Op::local_get, call<&L::lower_local_get>},
        {Op::local_set, call<&L::lower_local_set, false>},
        {Op::local_tee, call<&L::lower_local_set, true>},
        {Op::i32_const, call<&L::lower_i32_const>},
        {Op::i64_const, call<&L::lower_i64_const>},
        {Op::f32_const, call<&L::lower_f32_const>},
        {Op::f64_const, call<&L::lower_f64_const>},
        {Op::v128_const, call<&L::lower_v128_const>},
        {Op::ref_null, call<&L::lower_ref_null>},
        {Op::i32_sub, of_op<&L::lower_subtraction>},
        {Op::i64_sub, of_op<&L::lower_subtraction>},
        {Op::i64_extend_i32_u, call<&L::lower_extend>},
        {Op::i32_eqz, call<&L::lower_eqz, Op::i32_eq>},
        {Op::i64_eqz, call<&L::lower_eqz, Op::i64_eq>},
        {Op::ref_is_null, call<&L::lower_eqz, Op::i64_eq>},
        {Op::ref_eq, call<&L::lower_integer_binary, Op::i64_eq>},
        {Op::ref_i31, of_op<&L::lower_unary, ref>},
        {Op::i31_get_s, of_op<&L::lower_unary, i32>},
        {Op::i31_get_u, of_op<&L::lower_unary, i32>},
        {Op::array_len, of_op<&L::lower_unary, i32>},
        // lower_memory.cpp
        {Op::global_get, call<&L::lower_global_get>},
        {Op::global_set, call<&L::lower_global_set>},
        // lower_general.cpp: the number of operands, and the type of the result
        {Op::memory_size, of_op<&L::lower_memory_size, 0u>},
        {Op::memory_grow, of_op<&L::lower_memory_size, 1u>},
        {Op::memory_fill, of_op<&L::lower_general1, 3u, bot, Imm::none>},
        {Op::memory_copy, of_op<&L::lower_general2, 3u>},
        {Op::memory_init, of_op<&L::lower_general2, 3u>},
        {Op::data_drop, of_op<&L::lower_general1, 0u, bot, Imm::none>},
        {Op::table_size, of_op<&L::lower_table_size, 0u>},
        {Op::table_grow, of_op<&L::lower_table_size, 2u>},
        {Op::table_get, of_op<&L::lower_general1, 1u, ref, Imm::none>},
        {Op::table_set, of_op<&L::lower_general1, 2u, bot, Imm::none>},
        {Op::table_fill, of_op<&L::lower_general1, 3u, bot, Imm::none>},
        {Op::table_copy, of_op<&L::lower_general2, 3u>},
        {Op::table_init, of_op<&L::lower_general2, 3u>},
        {Op::elem_drop, of_op<&L::lower_general1, 0u, bot, Imm::none>},
        {Op::ref_func, of_op<&L::lower_general1, 0u, ref, Imm::none>},
        {Op::ref_as_non_null, of_op<&L::lower_general0, 1u, ref, Imm::none>},
        {Op::ref_get_desc, of_op<&L::lower_general0, 1u, ref, Imm::type>},
        {Op::ref_cast_desc_eq, of_op<&L::lower_general0, 2u, ref, Imm::heap_type>},
        {Op::ref_cast_desc_eq_null, of_op<&L::lower_general0, 2u, ref, Imm::heap_type>},
        {Op::array_copy, of_op<&L::lower_general0, 5u, bot, Imm::type_type>},
        {Op::array_init_data, of_op<&L::lower_general1, 4u, bot, Imm::type>},
        {Op::array_init_elem, of_op<&L::lower_general1, 4u, bot, Imm::type>},
        {Op::memory_atomic_notify, of_op<&L::lower_wait>},
        {Op::memory_atomic_wait32, of_op<&L::lower_wait>},
        {Op::memory_atomic_wait64, of_op<&L::lower_wait>},
        // lower_gc.cpp
        {Op::struct_new, call<&L::lower_struct_new, false>},
        {Op::struct_new_default, call<&L::lower_struct_new, true>},
        {Op::struct_new_desc, of_op<&L::lower_struct_new_desc, false>},
        {Op::struct_new_default_desc, of_op<&L::lower_struct_new_desc, true>},
        {Op::struct_get, call<&L::lower_struct_get, false>},
        {Op::struct_get_s, call<&L::lower_struct_get, true>},
        {Op::struct_get_u, call<&L::lower_struct_get, false>},
        {Op::struct_set, call<&L::lower_struct_set>},
        {Op::array_new, of_op<&L::lower_array_new, 2u>},
        {Op::array_new_default, of_op<&L::lower_array_new, 1u>},
        {Op::array_new_fixed, of_op<&L::lower_array_new_fixed>},
        {Op::array_new_data, of_op<&L::lower_array_new_from>},
        {Op::array_new_elem, of_op<&L::lower_array_new_from>},
        {Op::array_get, call<&L::lower_array_get, false>},
        {Op::array_get_s, call<&L::lower_array_get, true>},
        {Op::array_get_u, call<&L::lower_array_get, false>},
        {Op::array_set, call<&L::lower_array_set>},
        {Op::array_fill, of_op<&L::lower_array_fill>},
        {Op::ref_test, call<&L::lower_cast, Form::ref_test, false>},
        {Op::ref_test_null, call<&L::lower_cast, Form::ref_test, true>},
        {Op::ref_cast, call<&L::lower_cast, Form::ref_cast, false>},
        {Op::ref_cast_null, call<&L::lower_cast, Form::ref_cast, true>},
        {Op::br_on_cast, call<&L::lower_br_on_cast, false, false>},
        {Op::br_on_cast_fail, call<&L::lower_br_on_cast, true, false>},
        {Op::br_on_cast_desc_eq, call<&L::lower_br_on_cast, false, true>},
        {Op::br_on_cast_desc_eq_fail, call<&L::lower_br_on_cast, true, true>},
    };
    ByNumber rules{};
    for (const OpRow& row : op_rows)
        for (const OfFamily& shared : families)
            if (shared.family == row.family)
                rules[detail::number_of(row.op)] = shared.rule;
    for (const OfOp& row : ops)
        if (is_built(row.op))
            rules[detail::number_of(row.op)] = row.rule;
    // What no valid module has.
    for (const OpRow& row : op_rows)
        if (!is_built(row.op))
            rules[detail::number_of(row.op)] = call<&L::lower_nothing>;
    for (const NanRow& row : nan_rows) {
        if (WARPBEAM_REPLAY == 0)
            break;
        if (!is_built(row.op))
            continue;
        Rule& rule = rules[detail::number_of(row.op)];
        rule = rule == float_binary ? with_nans<binary, float_binary>
               : rule == binary     ? with_nans<binary>
               : rule == unary      ? with_nans<unary>
                                    : with_nans<ternary>;
    }
    rules[of_prefix] = prefixed;
    return rules;
}

/// All rules, of which many are the same.
struct Lowering::Rules::Table {
    static constexpr ByNumber rules = by_number();
    static_assert(std::ranges::all_of(rules, [](Rule rule) { return rule != nullptr; }),
                  "every instruction is lowered");
    using Packed = warpbeam::detail::PackedTable<rules>;
    /// Nearly all instructions are one byte, so their rules are found by it at once.
    static constexpr auto of_byte = [] {
        std::array<uint8_t, 256> numbers{};
        for (const InstrRow& row : instr_table)
            if (const auto code = static_cast<size_t>(row.op); code < numbers.size())
                numbers[code] = Packed::number_at(detail::number_of(row.op));
        for (size_t byte = 0; byte < numbers.size(); ++byte)
            if (is_prefix(static_cast<uint8_t>(byte)))
                numbers[byte] = Packed::number_at(of_prefix);
        return numbers;
    }();
};

void Lowering::Rules::prefixed(L& lowering, Op prefix) noexcept {
    const uint32_t code = prefixed_code(static_cast<uint8_t>(prefix), lowering.reader_.u32());
    Table::Packed::at(detail::number_of(static_cast<Op>(code)))(lowering, static_cast<Op>(code));
}

bool Lowering::lower(size_t count) noexcept {
    watched_ = search_ != nullptr || options_.is_observed();
    for (; count != 0 && failure() == Exit::none && !reader_.done(); --count) {
        offset_ = reader_.offset();
        if (watched_ | unreachable_) [[unlikely]] {
            if (unreachable_) {
                skip_unreachable();
                unreachable_ = !control_.empty() && !control_.back().reachable;
                continue;
            }
            if (search_ != nullptr)
                observe_inside();
            if (options_.is_observed())
                observe_instr(InstrReader{reader_}.op());
        }
        const uint8_t byte = reader_.byte();
        // A quarter of all instructions.
        if (byte == static_cast<uint8_t>(Op::local_get))
            lower_local_get();
        else
            Rules::Table::Packed::entry(Rules::Table::of_byte[byte])(*this, static_cast<Op>(byte));
    }
    return failure() != Exit::none || reader_.done();
}

} // namespace warpbeam::vm
