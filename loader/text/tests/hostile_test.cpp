// Hostile texts: they may take time and memory in proportion to their size, and must be refused or translated
// without any other effect.

#include "scarce_allocator.hpp"
#include "wat.hpp"

#include <chrono>

namespace warpbeam::text {
namespace {

std::string repeat(std::string_view part, size_t count) {
    std::string all;
    all.reserve(part.size() * count);
    for (size_t i = 0; i < count; ++i)
        all += part;
    return all;
}

TEST(Hostile, deep_nesting_takes_no_native_stack) {
    constexpr size_t deep = 1'000'000;
    EXPECT_EQ(fault("(func " + repeat("(", deep)).substr(0, 16), "unexpected end o");
    EXPECT_EQ(fault(repeat("(", deep)).substr(0, 16), "unexpected token");
    EXPECT_EQ(fault(repeat("(;", deep)), "unclosed comment");
    EXPECT_EQ(fault("(@x " + repeat("(", deep)), "unclosed annotation");
    EXPECT_EQ(fault(repeat("(@x ", deep)), "unclosed annotation");
    EXPECT_EQ(binary("(func " + repeat("(block ", deep) + repeat(")", deep) + ")").size(), 3 * deep + 30);
    EXPECT_EQ(binary("(func " + repeat("block ", deep) + repeat("end ", deep) + ")").size(), 3 * deep + 30);
    EXPECT_EQ(binary("(func " + repeat("(drop ", deep) + repeat(")", deep) + ")").size(), deep + 28);
    EXPECT_EQ(binary("(func " + repeat("(if (nop) (then ", deep) + repeat("))", deep) + ")").size(),
              4 * deep + 30);
}

TEST(Hostile, labels_in_deep_nests_are_found_quickly) {
    constexpr size_t deep = 50'000;
    std::string text = "(func block $outermost ";
    text += repeat("block ", deep) + repeat("br $outermost ", deep) + repeat("end ", deep + 1) + ")";
    EXPECT_GT(binary(text).size(), 4 * deep);
}

TEST(Hostile, everything_unterminated) {
    const std::string whole =
        "(module $m (@custom \"c\" (before code) \"x\") (rec (type $t (sub final (func (param $x i32) "
        "(result i64)))))"
        "(import \"a\" \"b\" (func $i (type $t))) (memory $mem 1 2) (table 1 funcref (ref.null func))"
        "(func $f (export \"e\") (param i32) (local $l i64) (if $k (result i32) (local.get 0) (then "
        "(i32.const 1))"
        "(else block $b (result i32) i32.const 0x1_0 br_table $b $k end)) (f64.const -nan:0x4) try_table "
        "(catch_all 0) end"
        "(@metadata.code.branch_hint \"\\00\") br_if 0 call_indirect (type $t) drop)"
        "(data (i32.const 0) \"\\u{3bb}\\00\") (elem declare func $f) (start $f))";
    for (size_t length = 0; length < whole.size(); ++length) {
        const auto bytes = parse_wat(std::string_view{whole}.substr(0, length));
        EXPECT_EQ(bytes.has_value(), length == 0) << length;
    }
    EXPECT_GT(binary(whole).size(), 100u);
}

TEST(Hostile, invalid_utf8_anywhere) {
    const std::string whole =
        "(module $m (func $\"f\" (export \"e\") ;; c\n (; d ;) i32.const 1 drop) (@x y))";
    for (size_t i = 0; i <= whole.size(); ++i)
        for (const char byte : {'\x80', '\xc0', '\xff', '\0', '\x7f'}) {
            std::string text = whole;
            text.insert(i, 1, byte);
            const bool in_comment = (i >= 37 && i <= 39) || (i >= 43 && i <= 46);
            if (!in_comment || static_cast<unsigned char>(byte) >= 0x80) {
                EXPECT_FALSE(parse_wat(text)) << i;
            }
        }
}

TEST(Hostile, many_annotations_take_linear_time) {
    const auto start = std::chrono::steady_clock::now();
    const std::string many = repeat("(@custom \"\")", 200'000);
    EXPECT_EQ(binary(many).size(), 8 + 200'000u * 3);
    EXPECT_EQ(fault("(func " + many + ")"), "misplaced @custom annotation");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(Hostile, a_token_as_long_as_the_text) {
    const std::string digits(2'000'000, '9');
    EXPECT_EQ(fault("(func (f64.const " + digits + "))"), "constant out of range");
    EXPECT_EQ(fault("(func (i32.const 0x" + digits + "))"), "constant out of range");
    EXPECT_EQ(binary("(func (drop (f64.const 0." + digits + ")))").size(), 34u);
    EXPECT_EQ(fault("(func $" + digits + ") (func $" + digits + ")").substr(0, 20), "duplicate function $");
    EXPECT_EQ(fault("(func " + std::string(2'000'000, 'a') + ")").substr(0, 22), "unknown operator aaaaa");
}

TEST(Hostile, every_allocation_may_fail) {
    const std::string text =
        "(module $m (@custom \"c\" \"x\") (type $t (struct (field $a i32) (field $b i64))) (import \"a\" "
        "\"b\" (func $i))"
        "(rec (type (sub $t (struct (field i32) (field i64))))) (memory (data \"abc\")) (table funcref (elem "
        "$f))"
        "(tag $e (param i32)) (global $g i32 (i32.const 1)) (data $d \"x\") (elem $s func $f) (start $f)"
        "(func $f (export \"e\") (param $p i32) (local $l i64) (@metadata.code.branch_hint \"\\00\")"
        "(if $k (local.get $p) (then (br $k)))"
        "block $b (param i32) (result i64 i64) end (struct.get $t $b (struct.new $t)) (br_table 0 0) (select "
        "(result i32))"
        "try_table (catch $e 0) end (memory.init $d) (v128.const i32x4 1 2 3 4)))";
    for (size_t allowed = 0;; ++allowed) {
        test::ScarceAllocator allocator{allowed};
        TextOptions options;
        options.allocator = &allocator;
        {
            const auto bytes = parse_wat(text, options);
            if (bytes)
                break;
            ASSERT_EQ(bytes.error().code(), ErrorCode::out_of_memory) << allowed << bytes.error().message();
        }
        ASSERT_EQ(allocator.live, 0) << allowed;
        ASSERT_LT(allowed, 10'000u);
    }
    test::ScarceAllocator none{0};
    TextOptions options;
    options.allocator = &none;
    EXPECT_EQ(parse_wat("(module quote \"(module)\")", options).error().code(), ErrorCode::out_of_memory);
}

} // namespace
} // namespace warpbeam::text
