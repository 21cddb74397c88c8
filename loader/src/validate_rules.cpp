#include "validate_func.hpp"

#include <warpbeam/loader/built_features.hpp>
#include <warpbeam/loader/packed_table.hpp>

#include <algorithm>
#include <utility>

/// Which function validates which instruction. Instructions whose types are in the instruction table share
/// one, `typed`. https://webassembly.github.io/spec/core/valid/instructions.html

namespace warpbeam {
namespace {

/// The number of lanes of the shape at the start of a keyword such as `i16x8.extract_lane_s`.
[[maybe_unused]] constexpr unsigned lanes_of(std::string_view text) noexcept {
    return text.starts_with("i8x16") ? 16 : static_cast<unsigned>(text[text.find('x') + 1] - '0');
}

} // namespace

struct FuncValidator::Rules {
    using V = FuncValidator;
    /// Decodes the immediates of the current instruction and applies its effect to the operands.
    using Rule = bool (*)(V&) noexcept;

    template <auto method, auto... arguments>
    static bool call(V& validator) noexcept {
        return (validator.*method)(arguments...);
    }

    /// An instruction's own rule, or null.
    static constexpr Rule own(Op op) noexcept {
        struct Row {
            Op op;
            Rule rule;
        };
        using enum Operand;
        constexpr Row rows[] = {
            // validate_control.cpp
            {Op::unreachable, call<&V::unreachable>},
            {Op::block, call<&V::begin_block, BlockKind::block>},
            {Op::loop, call<&V::begin_block, BlockKind::loop>},
            {Op::if_, call<&V::begin_block, BlockKind::if_>},
            {Op::else_, call<&V::begin_else>},
            {Op::try_, call<&V::begin_block, BlockKind::try_>},
            {Op::catch_, call<&V::begin_catch, BlockKind::catch_>},
            {Op::catch_all, call<&V::begin_catch, BlockKind::catch_all>},
            {Op::delegate, call<&V::delegate>},
            {Op::try_table, call<&V::try_table>},
            {Op::throw_, call<&V::throw_tag>},
            {Op::rethrow, call<&V::rethrow>},
            {Op::throw_ref, call<&V::throw_ref>},
            {Op::end, call<&V::end>},
            {Op::br, call<&V::branch>},
            {Op::br_if, call<&V::branch_if>},
            {Op::br_table, call<&V::branch_table>},
            {Op::return_, call<&V::return_results>},
            {Op::call, call<&V::call, false>},
            {Op::return_call, call<&V::call, true>},
            {Op::call_indirect, call<&V::call_indirect, false>},
            {Op::return_call_indirect, call<&V::call_indirect, true>},
            {Op::call_ref, call<&V::call_ref, false>},
            {Op::return_call_ref, call<&V::call_ref, true>},
            {Op::drop, call<&V::drop>},
            {Op::select, call<&V::select>},
            {Op::select_t, call<&V::select_typed>},
            // validate_variables.cpp
            {Op::local_get, call<&V::local_get>},
            {Op::local_set, call<&V::local_set, false>},
            {Op::local_tee, call<&V::local_set, true>},
            {Op::global_get, call<&V::global_get>},
            {Op::global_set, call<&V::global_set>},
            {Op::memory_copy, call<&V::memory_copy>},
            {Op::table_get, call<&V::on_table, Effect{{address}, element}>},
            {Op::table_set, call<&V::on_table, Effect{{address, element}}>},
            {Op::table_size, call<&V::on_table, Effect{{}, address}>},
            {Op::table_grow, call<&V::on_table, Effect{{element, address}, address}>},
            {Op::table_fill, call<&V::on_table, Effect{{address, element, address}}>},
            {Op::table_copy, call<&V::table_copy>},
            {Op::table_init, call<&V::table_init>},
            // validate_func.cpp
            {Op::i64_add128, call<&V::wide, 4u>},
            {Op::i64_sub128, call<&V::wide, 4u>},
            {Op::i64_mul_wide_s, call<&V::wide, 2u>},
            {Op::i64_mul_wide_u, call<&V::wide, 2u>},
            // validate_gc.cpp
            {Op::ref_null, call<&V::ref_null>},
            {Op::ref_is_null, call<&V::ref_is_null>},
            {Op::ref_func, call<&V::ref_func>},
            {Op::ref_eq, call<&V::apply_fixed, Effect{{eqref, eqref}, i32}>},
            {Op::ref_as_non_null, call<&V::ref_as_non_null>},
            {Op::br_on_null, call<&V::branch_on_null, true>},
            {Op::br_on_non_null, call<&V::branch_on_null, false>},
            {Op::ref_test, call<&V::test>},
            {Op::ref_test_null, call<&V::test>},
            {Op::ref_cast, call<&V::cast, false>},
            {Op::ref_cast_null, call<&V::cast, true>},
            {Op::br_on_cast, call<&V::branch_on_cast, false, false>},
            {Op::br_on_cast_fail, call<&V::branch_on_cast, true, false>},
            {Op::br_on_cast_desc_eq, call<&V::branch_on_cast, false, true>},
            {Op::br_on_cast_desc_eq_fail, call<&V::branch_on_cast, true, true>},
            {Op::ref_get_desc, call<&V::get_descriptor>},
            {Op::ref_cast_desc_eq, call<&V::cast_descriptor, false>},
            {Op::ref_cast_desc_eq_null, call<&V::cast_descriptor, true>},
            {Op::any_convert_extern, call<&V::convert, HeapType::extern_, HeapType::any>},
            {Op::extern_convert_any, call<&V::convert, HeapType::any, HeapType::extern_>},
            {Op::ref_i31, call<&V::apply_fixed, Effect{{i32}, i31}>},
            {Op::i31_get_s, call<&V::apply_fixed, Effect{{i31ref}, i32}>},
            {Op::i31_get_u, call<&V::apply_fixed, Effect{{i31ref}, i32}>},
            {Op::struct_new, call<&V::struct_new, false, false>},
            {Op::struct_new_default, call<&V::struct_new, true, false>},
            {Op::struct_new_desc, call<&V::struct_new, false, true>},
            {Op::struct_new_default_desc, call<&V::struct_new, true, true>},
            {Op::struct_get, call<&V::struct_field, Access::plain, Effect{{self}, element}>},
            {Op::struct_get_s, call<&V::struct_field, Access::packed, Effect{{self}, element}>},
            {Op::struct_get_u, call<&V::struct_field, Access::packed, Effect{{self}, element}>},
            {Op::struct_set, call<&V::struct_field, Access::mutable_, Effect{{self, element}}>},
            {Op::array_new, call<&V::array, Access::any, Effect{{element, i32}, fresh}>},
            {Op::array_new_default, call<&V::array, Access::defaultable, Effect{{i32}, fresh}>},
            {Op::array_new_fixed, call<&V::array_new_fixed>},
            {Op::array_new_data, call<&V::array, Access::any, Effect{{i32, i32}, fresh}>},
            {Op::array_new_elem, call<&V::array, Access::any, Effect{{i32, i32}, fresh}>},
            {Op::array_get, call<&V::array, Access::plain, Effect{{self, i32}, element}>},
            {Op::array_get_s, call<&V::array, Access::packed, Effect{{self, i32}, element}>},
            {Op::array_get_u, call<&V::array, Access::packed, Effect{{self, i32}, element}>},
            {Op::array_set, call<&V::array, Access::mutable_, Effect{{self, i32, element}}>},
            {Op::array_len, call<&V::apply_fixed, Effect{{arrayref}, i32}>},
            {Op::array_fill, call<&V::array, Access::mutable_, Effect{{self, i32, element, i32}}>},
            {Op::array_copy, call<&V::array_copy>},
            {Op::array_init_data, call<&V::array, Access::mutable_, Effect{{self, i32, i32, i32}}>},
            {Op::array_init_elem, call<&V::array, Access::mutable_, Effect{{self, i32, i32, i32}}>},
            // validate_switching.cpp
            {Op::cont_new, call<&V::cont_new>},
            {Op::cont_bind, call<&V::cont_bind>},
            {Op::suspend, call<&V::suspend>},
            {Op::resume, call<&V::resume>},
            {Op::resume_throw, call<&V::resume_throw>},
            {Op::resume_throw_ref, call<&V::resume_throw_ref>},
            {Op::switch_, call<&V::switch_stack>},
        };
        const auto* const found = std::ranges::find(rows, op, &Row::op);
        return found != std::end(rows) ? found->rule : nullptr;
    }

    template <size_t position>
    static constexpr Rule of_row() noexcept {
        constexpr const InstrRow& row = instr_table[position];
        if constexpr (!is_built(row.feature) && row.op != Op::throw_) {
            return call<&V::refused>;
        } else if constexpr (constexpr Rule rule = own(row.op); rule != nullptr) {
            return rule;
        } else {
            static_assert(row.sig != sig::special,
                          "an instruction without a signature has a rule of its own");
            if constexpr (row.imm == Imm::lane)
                return call<&V::typed_lane, lanes_of(row.text())>;
            else
                return call<&V::typed<row.imm>>;
        }
    }

    /// Rules by position in the instruction table.
    using ByRow = std::array<Rule, std::size(instr_table)>;
    static consteval ByRow by_row() noexcept {
        return []<size_t... positions>(std::index_sequence<positions...>) {
            return ByRow{of_row<positions>()...};
        }(std::make_index_sequence<std::size(instr_table)>{});
    }
    /// By first byte.
    using ByByte = std::array<Rule, 256>;
    static consteval ByByte by_byte() noexcept {
        constexpr ByRow all = by_row();
        ByByte rules{};
        for (uint32_t byte = 0; byte < rules.size(); ++byte) {
            const InstrRow* const row = find_instr(byte);
            rules[byte] = is_prefix(byte)  ? call<&V::prefixed>
                          : row == nullptr ? call<&V::refused>
                                           : all[static_cast<size_t>(row - instr_table.data())];
        }
        return rules;
    }
};

/// An instruction whose types are in the table, by the form of its immediates.
template <Imm imm>
bool FuncValidator::typed() noexcept {
    const InstrRow& row = row_of(op());
    ValType address;
    uint32_t index = 0;
    bool good = true;
    if constexpr (imm == Imm::mem_arg) {
        good = mem_arg(row.access_log2, code_ >> 12 == 0xfe, address);
    } else if constexpr (imm == Imm::mem_arg_lane) {
        good = mem_arg(row.access_log2, false, address) && lane(16u >> row.access_log2);
    } else if constexpr (imm == Imm::lanes) {
        for (int i = 0; good && i < 16; ++i)
            good = lane(32);
    } else if constexpr (imm == Imm::i32) {
        int32_t value = 0;
        good = in_.s32(value);
    } else if constexpr (imm == Imm::i64) {
        int64_t value = 0;
        good = in_.s64(value);
    } else if constexpr (imm == Imm::f32 || imm == Imm::f64 || imm == Imm::v128) {
        good = in_.skip(imm == Imm::f32 ? 4 : imm == Imm::f64 ? 8 : 16);
    } else if constexpr (imm == Imm::memory) {
        good = memory(address);
    } else if constexpr (imm == Imm::data) {
        good = data_index(index) && data_exists(index);
    } else if constexpr (imm == Imm::data_memory) {
        good = data_index(index) && memory(address) && data_exists(index);
    } else if constexpr (imm == Imm::elem) {
        good = in_.u32(index) && elem_exists(index);
    } else if constexpr (imm == Imm::fence) {
        uint8_t reserved = 0;
        good = in_.byte(reserved) && (reserved == 0 || diagnostics().malformed(here(), "zero byte expected"));
    } else {
        static_assert(imm == Imm::none, "no rule for these immediates");
    }
    return good && apply(row.sig, address);
}

bool FuncValidator::typed_lane(unsigned lanes) noexcept { return lane(lanes) && apply(row_of(op()).sig, {}); }

bool FuncValidator::run() noexcept {
    static constexpr Rules::ByByte rules = Rules::by_byte();
    while (!blocks_.empty()) {
        if (!is_small && is_ended_ && !pass_common()) [[unlikely]]
            return false;
        start_ = in_.position();
        if (in_.at_end()) [[unlikely]]
            return diagnostics().malformed(in_.offset(),
                                           "unexpected end of section or function: END opcode expected");
        uint8_t byte = 0;
        (void)in_.byte(byte);
        code_ = byte;
        if (!enabled_[byte]) [[unlikely]]
            return refused();
        if (is_constant_ && !check_constant()) [[unlikely]]
            return false;
        if (!detail::PackedTable<rules>::at(byte)(*this)) [[unlikely]]
            return false;
    }
    return true;
}

bool FuncValidator::prefixed() noexcept {
    static constexpr Rules::ByRow rules = Rules::by_row();
    const uint32_t prefix = code_;
    uint32_t sub = 0;
    if (!in_.u32(sub))
        return false;
    if (sub > sub_opcode_limit)
        return diagnostics().malformed(here(), "illegal opcode %02x %u", prefix, sub);
    code_ = prefixed_code(prefix, sub);
    const InstrRow* const row = find_instr(code_);
    if (row == nullptr || !context_.has(row->feature))
        return refused();
    return detail::PackedTable<rules>::at(static_cast<size_t>(row - instr_table.data()))(*this);
}

bool FuncValidator::refused() noexcept {
    const InstrRow* const row = find_instr(code_);
    if (const Feature feature = missing_feature(code_); feature != Feature::core)
        return diagnostics().unsupported(here(), feature, op_name());
    if (row == nullptr)
        return code_ < 0x100 ? diagnostics().malformed(here(), "illegal opcode %02x", code_)
                             : diagnostics().malformed(here(), "illegal opcode %02x %u", code_ >> 12,
                                                       code_ & sub_opcode_limit);
    return diagnostics().unsupported(here(), row->feature, op_name());
}

} // namespace warpbeam
