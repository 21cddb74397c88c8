#include "validate_func.hpp"

#include <utility>

/// Which function validates which instruction. Those whose types stand in the instruction table share one, `typed`.

namespace warpbeam {
namespace {

/// The number of lanes of the shape that a keyword such as `i16x8.extract_lane_s` begins with.
constexpr unsigned lanes_of(std::string_view text) noexcept {
    return text.starts_with("i8x16") ? 16 : static_cast<unsigned>(text[text.find('x') + 1] - '0');
}

} // namespace

struct FuncValidator::Rules {
    using V = FuncValidator;
    /// Decodes the immediates of the current instruction and applies its effect on the operands.
    using Rule = bool (*)(V&) noexcept;

    template <auto method, auto... arguments>
    static bool call(V& validator) noexcept {
        return (validator.*method)(arguments...);
    }

    /// The rule of an instruction that has one of its own, else null.
    static constexpr Rule own(Op op) noexcept {
        switch (op) {
        // validate_control.cpp
        case Op::unreachable:
            return call<&V::unreachable>;
        case Op::block:
            return call<&V::begin_block, BlockKind::block>;
        case Op::loop:
            return call<&V::begin_block, BlockKind::loop>;
        case Op::if_:
            return call<&V::begin_block, BlockKind::if_>;
        case Op::else_:
            return call<&V::begin_else>;
        case Op::try_:
            return call<&V::begin_block, BlockKind::try_>;
        case Op::catch_:
            return call<&V::begin_catch, BlockKind::catch_>;
        case Op::catch_all:
            return call<&V::begin_catch, BlockKind::catch_all>;
        case Op::delegate:
            return call<&V::delegate>;
        case Op::try_table:
            return call<&V::try_table>;
        case Op::throw_:
            return call<&V::throw_tag>;
        case Op::rethrow:
            return call<&V::rethrow>;
        case Op::throw_ref:
            return call<&V::throw_ref>;
        case Op::end:
            return call<&V::end>;
        case Op::br:
            return call<&V::branch>;
        case Op::br_if:
            return call<&V::branch_if>;
        case Op::br_table:
            return call<&V::branch_table>;
        case Op::return_:
            return call<&V::return_results>;
        case Op::call:
            return call<&V::call, false>;
        case Op::return_call:
            return call<&V::call, true>;
        case Op::call_indirect:
            return call<&V::call_indirect, false>;
        case Op::return_call_indirect:
            return call<&V::call_indirect, true>;
        case Op::call_ref:
            return call<&V::call_ref, false>;
        case Op::return_call_ref:
            return call<&V::call_ref, true>;
        case Op::drop:
            return call<&V::drop>;
        case Op::select:
            return call<&V::select>;
        case Op::select_t:
            return call<&V::select_typed>;

        // validate_variables.cpp
        case Op::local_get:
            return call<&V::local_get>;
        case Op::local_set:
            return call<&V::local_set, false>;
        case Op::local_tee:
            return call<&V::local_set, true>;
        case Op::global_get:
            return call<&V::global_get>;
        case Op::global_set:
            return call<&V::global_set>;
        case Op::memory_copy:
            return call<&V::memory_copy>;
        case Op::table_get:
            return call<&V::table_get>;
        case Op::table_set:
            return call<&V::table_set>;
        case Op::table_size:
            return call<&V::table_size>;
        case Op::table_grow:
            return call<&V::table_grow>;
        case Op::table_fill:
            return call<&V::table_fill>;
        case Op::table_copy:
            return call<&V::table_copy>;
        case Op::table_init:
            return call<&V::table_init>;

        // validate_func.cpp
        case Op::i64_add128:
        case Op::i64_sub128:
            return call<&V::wide, 4u>;
        case Op::i64_mul_wide_s:
        case Op::i64_mul_wide_u:
            return call<&V::wide, 2u>;

        // validate_gc.cpp
        case Op::ref_null:
            return call<&V::ref_null>;
        case Op::ref_is_null:
            return call<&V::ref_is_null>;
        case Op::ref_func:
            return call<&V::ref_func>;
        case Op::ref_eq:
            return call<&V::ref_eq>;
        case Op::ref_as_non_null:
            return call<&V::ref_as_non_null>;
        case Op::br_on_null:
            return call<&V::branch_on_null, true>;
        case Op::br_on_non_null:
            return call<&V::branch_on_null, false>;
        case Op::ref_test:
            return call<&V::test>;
        case Op::ref_test_null:
            return call<&V::test>;
        case Op::ref_cast:
            return call<&V::cast, false>;
        case Op::ref_cast_null:
            return call<&V::cast, true>;
        case Op::br_on_cast:
            return call<&V::branch_on_cast, false, false>;
        case Op::br_on_cast_fail:
            return call<&V::branch_on_cast, true, false>;
        case Op::br_on_cast_desc_eq:
            return call<&V::branch_on_cast, false, true>;
        case Op::br_on_cast_desc_eq_fail:
            return call<&V::branch_on_cast, true, true>;
        case Op::ref_get_desc:
            return call<&V::get_descriptor>;
        case Op::ref_cast_desc_eq:
            return call<&V::cast_descriptor, false>;
        case Op::ref_cast_desc_eq_null:
            return call<&V::cast_descriptor, true>;
        case Op::any_convert_extern:
            return call<&V::convert, HeapType::extern_, HeapType::any>;
        case Op::extern_convert_any:
            return call<&V::convert, HeapType::any, HeapType::extern_>;
        case Op::ref_i31:
            return call<&V::ref_i31>;
        case Op::i31_get_s:
        case Op::i31_get_u:
            return call<&V::i31_get>;
        case Op::struct_new:
            return call<&V::struct_new, false, false>;
        case Op::struct_new_default:
            return call<&V::struct_new, true, false>;
        case Op::struct_new_desc:
            return call<&V::struct_new, false, true>;
        case Op::struct_new_default_desc:
            return call<&V::struct_new, true, true>;
        case Op::struct_get:
            return call<&V::struct_get, false>;
        case Op::struct_get_s:
        case Op::struct_get_u:
            return call<&V::struct_get, true>;
        case Op::struct_set:
            return call<&V::struct_set>;
        case Op::array_new:
            return call<&V::array_new>;
        case Op::array_new_default:
            return call<&V::array_new_default>;
        case Op::array_new_fixed:
            return call<&V::array_new_fixed>;
        case Op::array_new_data:
            return call<&V::array_new_data>;
        case Op::array_new_elem:
            return call<&V::array_new_elem>;
        case Op::array_get:
            return call<&V::array_get, false>;
        case Op::array_get_s:
        case Op::array_get_u:
            return call<&V::array_get, true>;
        case Op::array_set:
            return call<&V::array_set>;
        case Op::array_len:
            return call<&V::array_len>;
        case Op::array_fill:
            return call<&V::array_fill>;
        case Op::array_copy:
            return call<&V::array_copy>;
        case Op::array_init_data:
            return call<&V::array_init_data>;
        case Op::array_init_elem:
            return call<&V::array_init_elem>;
        default:
            return nullptr;
        }
    }

    template <size_t position>
    static constexpr Rule of_row() noexcept {
        constexpr const InstrRow& row = instr_table[position];
        if constexpr (constexpr Rule rule = own(row.op); rule != nullptr) {
            return rule;
        } else {
            static_assert(row.sig != sig::special, "an instruction without a signature has a rule of its own");
            return call<&V::typed<row.imm>>;
        }
    }

    /// By the position in the instruction table.
    using ByRow = std::array<Rule, std::size(instr_table)>;
    static constexpr ByRow by_row() noexcept {
        return []<size_t... positions>(std::index_sequence<positions...>) {
            return ByRow{of_row<positions>()...};
        }(std::make_index_sequence<std::size(instr_table)>{});
    }
    /// By the first byte.
    using ByByte = std::array<Rule, 256>;
    static constexpr ByByte by_byte() noexcept {
        constexpr ByRow all = by_row();
        ByByte rules{};
        for (uint32_t byte = 0; byte < rules.size(); ++byte) {
            const InstrRow* const row = find_instr(byte);
            rules[byte] = is_prefix(byte)  ? call<&V::prefixed>
                          : row == nullptr ? call<&V::refused>
                                           : all[static_cast<size_t>(row - instr_table)];
        }
        return rules;
    }
};

/// An instruction whose types stand in the table, by the form of its immediates.
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
    } else if constexpr (imm == Imm::lane) {
        good = lane(lanes_of(row.text));
    } else if constexpr (imm == Imm::lanes) {
        for (int i = 0; good && i < 16; ++i)
            good = lane(32);
    } else if constexpr (imm == Imm::i32) {
        int32_t value = 0;
        good = in_.s32(value);
    } else if constexpr (imm == Imm::i64) {
        int64_t value = 0;
        good = in_.s64(value);
    } else if constexpr (imm == Imm::f32) {
        good = in_.skip(4);
    } else if constexpr (imm == Imm::f64) {
        good = in_.skip(8);
    } else if constexpr (imm == Imm::v128) {
        good = in_.skip(16);
    } else if constexpr (imm == Imm::memory) {
        good = memory(address);
    } else if constexpr (imm == Imm::data) {
        good = data_index(index) && data_segment(index);
    } else if constexpr (imm == Imm::data_memory) {
        good = data_index(index) && memory(address) && data_segment(index);
    } else if constexpr (imm == Imm::elem) {
        const ElementSegment* segment = nullptr;
        good = in_.u32(index) && elem_segment(index, segment);
    } else if constexpr (imm == Imm::fence) {
        good = fence();
    } else {
        static_assert(imm == Imm::none, "no rule for these immediates");
    }
    return good && apply(row.sig, address);
}

bool FuncValidator::run() noexcept {
    static constexpr Rules::ByByte rules = Rules::by_byte();
    while (!blocks_.empty()) {
        if (!is_constant_ && !in_.at_end() && !common_[in_.peek()].stops)
            pass_common();
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
        if (!rules[byte](*this)) [[unlikely]]
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
    if (row == nullptr || !context_.features.has(row->feature))
        return refused();
    return rules[static_cast<size_t>(row - instr_table)](*this);
}

bool FuncValidator::refused() noexcept {
    const InstrRow* const row = find_instr(code_);
    if (row == nullptr)
        return code_ < 0x100 ? diagnostics().malformed(here(), "illegal opcode %02x", code_)
                             : diagnostics().malformed(here(), "illegal opcode %02x %u", code_ >> 12,
                                                       code_ & sub_opcode_limit);
    return diagnostics().unsupported(here(), row->feature, row->text);
}

} // namespace warpbeam
