#include "fixture.hpp"
#include "lower/pin_choice.hpp"

#include <string>

/// Which locals are pinned, whatever lies between their uses.

namespace warpbeam::vm {
namespace {

/// The sets for the first function of a module, whose locals are `locals` times i32.
std::vector<PinSet> sets_of(const std::string& before, const std::string& body, size_t locals = 4) {
    std::string all;
    for (size_t i = 0; i < locals; ++i)
        all += " i32";
    const Vec<uint8_t> bytes = assemble("(module " + before + " (func (local" + all + ") " + body + "))");
    LoadOptions options;
    options.features = FeatureSet::all();
    const auto module = Module::load(bytes, options);
    EXPECT_TRUE(module) << module.error().message();
    PinChoice choice{Allocator::standard()};
    const std::vector<Kind> kinds(locals, ValType::i32);
    EXPECT_TRUE(module && choose_pins(*module, module->bodies()[0], kinds, true, choice));
    return {choice.sets.begin(), choice.sets.end()};
}

std::string uses(size_t local, int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
        text += "(drop (local.get " + std::to_string(local) + "))";
    return text;
}

TEST(PinChoice, most_used_locals_come_first) {
    const auto sets = sets_of("", uses(1, 2) + uses(2, 4) + uses(3, 3));
    ASSERT_EQ(sets.size(), 1u);
    EXPECT_EQ(sets[0], (PinSet{2, 3, PinSet::none}));
}

TEST(PinChoice, of_equals_the_first_used_comes_first) {
    EXPECT_EQ(sets_of("", uses(3, 2) + uses(1, 2) + uses(2, 2))[0], (PinSet{3, 1, PinSet::none}));
}

TEST(PinChoice, one_use_is_not_enough) {
    EXPECT_EQ(sets_of("", uses(3, 1) + uses(1, 2))[0], (PinSet{1, PinSet::none, PinSet::none}));
}

TEST(PinChoice, locals_with_long_numbers_count) {
    EXPECT_EQ(sets_of("", uses(127, 2) + uses(128, 3) + uses(300, 4), 400)[0],
              (PinSet{300, 128, PinSet::none}));
}

/// What looks like a use, or hides one, if its immediates are not passed over as they are: the opcodes of
/// local.get and `end`, 0x20 and 0x0b, are in them.
TEST(PinChoice, immediates_are_no_instructions) {
    const std::string before =
        "(type $t (func)) (table 40 funcref) (memory 1) (memory 1) (global (mut i32) (i32.const 0))";
    for (const char* const between : {
             "(drop (i32.const 0x20))",
             "(drop (i32.const 0x0b))",
             "(drop (i32.const 1328))", // 0xb0 0x0a
             "(drop (i64.const -9223372036854775808))",
             "(drop (i64.const 0x2020202020202020))",
             "(drop (f32.const 1.3560872e-19))",          // 0x20202020
             "(drop (f64.const 6.013470016999068e-154))", // 0x2020202020202020
             "(drop (i32.load offset=32 (i32.const 0)))",
             "(drop (i32.load offset=0x20202020 (i32.const 0)))",
             "(drop (i32.load 1 offset=11 (i32.const 0)))",
             "(call_indirect (type $t) (i32.const 32))",
             "(block (br_table 0 0 0 0 0 0 0 0 0 0 0 0 (i32.const 32)))",
             "(block (result (ref null $t)) (ref.null $t)) drop",
             "(block (result funcref) (ref.null func)) drop",
             "(if (result (ref null $t)) (i32.const 32) (then (ref.null $t)) (else (ref.null $t))) drop",
             "(block (param) (br_if 0 (i32.const 11)))",
             "(drop (select (result i32) (i32.const 32) (i32.const 11) (i32.const 1)))",
             "(drop (i8x16.extract_lane_s 11 (v128.const i64x2 0x2020202020202020 0x0b0b0b0b0b0b0b0b)))",
             "(block $l (try_table (catch_all $l) (nop)))",
             "(memory.copy (i32.const 32) (i32.const 11) (i32.const 0))",
         }) {
        const auto sets = sets_of(before, uses(1, 3) + between + uses(2, 4) + between + uses(1, 2));
        ASSERT_EQ(sets.size(), 1u) << between;
        EXPECT_EQ(sets[0], (PinSet{1, 2, PinSet::none})) << between;
    }
}

/// Each of these numbers consists of groups of seven bits that look like local.get.
TEST(PinChoice, numbers_of_every_length_are_passed_over) {
    uint64_t number = 0;
    for (unsigned bytes = 1; bytes <= 9; ++bytes) {
        number = number << 7 | 0x20;
        const std::string text = std::to_string(number);
        std::string between = "(drop (i64.const " + text + "))";
        if (bytes <= 5)
            between += "(drop (i32.load offset=" + std::to_string(number & UINT32_MAX) + " (i32.const 0)))";
        const auto sets = sets_of("(memory 1)", uses(1, 3) + between + uses(2, 4) + between + uses(1, 2));
        ASSERT_EQ(sets.size(), 1u) << text;
        EXPECT_EQ(sets[0], (PinSet{1, 2, PinSet::none})) << text;
    }
}

TEST(PinChoice, loops_have_their_own) {
    const auto sets = sets_of("", uses(0, 3) + uses(1, 2) + "(loop " + uses(2, 2) + "(block (block " +
                                      uses(3, 3) + "))) (block " + uses(1, 2) + ")");
    ASSERT_EQ(sets.size(), 2u);
    EXPECT_EQ(sets[0], (PinSet{3, 2, PinSet::none})) << "what is in a loop counts eightfold";
    EXPECT_EQ(sets[1], (PinSet{3, 2, PinSet::none}));
}

TEST(PinChoice, uses_in_loops_count_outside_as_well) {
    const auto sets = sets_of("", "(loop " + uses(1, 2) + "(loop " + uses(2, 2) + ")(loop " + uses(3, 2) +
                                      uses(2, 1) + "))" + uses(0, 9));
    ASSERT_EQ(sets.size(), 4u);
    EXPECT_EQ(sets[0], (PinSet{2, 3, PinSet::none}));
    EXPECT_EQ(sets[1], (PinSet{2, 3, PinSet::none}));
    EXPECT_EQ(sets[2], (PinSet{2, 3, PinSet::none})) << "the second is inherited";
    EXPECT_EQ(sets[3], (PinSet{2, 3, PinSet::none}));
}

TEST(PinChoice, loops_nested_too_deeply_keep_those_around) {
    std::string text;
    for (size_t i = 0; i < 14; ++i)
        text += "(loop ";
    text += uses(1, 2) + std::string(14, ')');
    const auto sets = sets_of("", text);
    ASSERT_EQ(sets.size(), 15u);
    for (const PinSet& set : sets)
        EXPECT_EQ(set, (PinSet{1, PinSet::none, PinSet::none}));
}

} // namespace
} // namespace warpbeam::vm
