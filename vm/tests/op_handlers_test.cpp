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

TEST(OpHandlers, rare_ones_are_not_there) {
    EXPECT_EQ(op_handlers().find(Form::binary, Op::i8x16_add), nullptr);
    EXPECT_EQ(op_handlers().find(Form::struct_get, Op::i32_load), nullptr);
    EXPECT_EQ(op_handlers().find(Form::binary, Op::nop), nullptr);
}

} // namespace
} // namespace warpbeam::vm
