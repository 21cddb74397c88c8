#include "lower/op_handlers.hpp"

#include <gtest/gtest.h>

namespace warpbeam::vm {
namespace {

TEST(OpHandlers, are_those_of_the_whole_table) {
    size_t frequent = 0;
    for (const HandlerGroup& group : handler_groups())
        for (size_t i = 0; i < group.count; ++i) {
            const Op op = op_at(group.family, i);
            const OpHandlers* const found = op_handlers().find(group.form, op);
            if (found == nullptr)
                continue;
            ++frequent;
            EXPECT_EQ(found->first, first_key(group.form, op)) << name_of(group.form);
            for (size_t number = 0; number < combinations(group.form); ++number) {
                const Choice choice{group.form, op, variant_of(group.form, number)};
                EXPECT_EQ(found->row.at(number), find_handler(choice));
                EXPECT_EQ(found->has(number), exists(choice));
            }
        }
    EXPECT_GT(frequent, 300u);
}

/// What the compiler has made is what the rules say when the program asks them.
TEST(HandlerTable, has_the_variants_that_exist) {
    size_t handlers = 0, without = 0;
    for (const FormRow& row : form_table)
        for (const InstrRow& instr : instr_table) {
            const HandlerRow found = find_handlers(row.form, instr.op);
            if (found.handlers == nullptr) {
                ++without;
                continue;
            }
            // A form of no particular instruction has the same handlers for all.
            const bool is_plain = found.handlers == find_handlers(row.form, Op::nop).handlers;
            const Coverage coverage = is_plain ? Coverage::full : coverage_of(row.form, instr.op);
            const Banks banks = is_plain ? Banks{} : banks_of(sig_of(instr.op));
            for (size_t number = 0; number < combinations(row.form); ++number) {
                const bool there = exists(row.form, coverage, banks, variant_of(row.form, number));
                handlers += there;
                ASSERT_EQ(found.at(number) != nullptr, there)
                    << name_of(row.form) << ' ' << instr.text() << ", variant " << number;
            }
        }
    EXPECT_GT(handlers, 1000u);
    EXPECT_GT(without, 1000u);
}

/// The same for forms that only some of the instructions have that others are made for.
TEST(HandlerTable, has_the_forms_that_an_instruction_has) {
    for (const Form form : {Form::compare_branch, Form::latch, Form::struct_get, Form::struct_set,
                            Form::array_get, Form::array_set})
        for (const InstrRow& instr : instr_table)
            EXPECT_EQ(find_handlers(form, instr.op).handlers != nullptr,
                      is_built(form) && coverage_of(form, instr.op) != Coverage::none)
                << name_of(form) << ' ' << instr.text();
}

TEST(OpHandlers, rare_ones_are_not_there) {
    EXPECT_EQ(op_handlers().find(Form::binary, Op::i8x16_add), nullptr);
    EXPECT_EQ(op_handlers().find(Form::struct_get, Op::i32_load), nullptr);
    EXPECT_EQ(op_handlers().find(Form::binary, Op::nop), nullptr);
}

} // namespace
} // namespace warpbeam::vm
