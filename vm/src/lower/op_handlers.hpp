#pragma once

#include "handlers/handler_table.hpp"
#include "lower/inlining.hpp"
#include "lower/kind.hpp"

/// The handlers of frequent forms and instructions, found with one look-up: nearly every instruction that is
/// lowered needs some, and each of the tables of HandlerTable::find would have to be waited for.

namespace warpbeam::vm {

/// The handlers of one form for one instruction, and what else is needed to write it.
struct OpHandlers {
    HandlerRow row;
    ChoiceKey first; ///< that of the variant with the number 0
    uint8_t widths;  ///< as detail::OpPlace::widths
    Kind result;     ///< as the instruction's type says; `bot` if that depends on others

    OpHandlers() noexcept : OpHandlers{HandlerRow{}, Form{}, Op::nop} {}
    OpHandlers(HandlerRow handlers, Form form, Op op) noexcept
        : row{handlers}, first{first_key(form, op)}, widths{detail::place_of(op).widths},
          result{kind_of(sig_of(op).out)} {}

    /// Whether there is a handler of a variant, by its number.
    [[nodiscard]] bool has(size_t number) const noexcept {
        return row.handlers != nullptr && row.places[number] != HandlerRow::no_handler;
    }
};

class OpHandlerTable {
public:
    explicit OpHandlerTable(const HandlerTable& all) noexcept;
    /// Null for a form or an instruction that is not frequent.
    [[nodiscard]] WARPBEAM_LOWER_INLINE const OpHandlers* find(Form form, Op op) const noexcept {
        const uint8_t column = columns[static_cast<size_t>(form)];
        if (column == no_column)
            return op == Op::nop ? &plain_[static_cast<size_t>(form)] : nullptr;
        const size_t code = static_cast<size_t>(op) - first_code;
        return code < code_count ? &by_code_[code][column] : nullptr;
    }

private:
    /// Accesses to memory and numeric instructions.
    static constexpr auto first_code = static_cast<size_t>(Op::i32_load);
    static constexpr size_t code_count = static_cast<size_t>(Op::i64_extend32_s) + 1 - first_code;
    static constexpr uint8_t no_column = UINT8_MAX;
    static constexpr size_t column_count = 5;
    /// An instruction is only looked for with the forms of one line.
    static constexpr auto columns = [] {
        std::array<uint8_t, form_count> of{};
        of.fill(no_column);
        const auto line = [&of](std::initializer_list<Form> forms) {
            uint8_t next = 0;
            for (const Form form : forms)
                of[static_cast<size_t>(form)] = next++;
        };
        line({Form::binary, Form::compare_branch, Form::latch});
        line({Form::unary});
        line({Form::load, Form::load_at, Form::load_displaced, Form::load_sum, Form::load_indexed});
        line({Form::store, Form::store_at, Form::store_displaced, Form::store_sum});
        return of;
    }();

    std::array<std::array<OpHandlers, column_count>, code_count> by_code_;
    std::array<OpHandlers, form_count> plain_; ///< those that belong to no particular instruction
};
[[nodiscard]] const OpHandlerTable& op_handlers() noexcept;

} // namespace warpbeam::vm
