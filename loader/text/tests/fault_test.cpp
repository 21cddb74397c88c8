#include "wat.hpp"

namespace warpbeam::text {
namespace {

TEST(TextError, shows_the_line_with_a_caret) {
    EXPECT_EQ(message("(module\n  (func $f\n    i32.addd\n  )\n)"), "3:5: unknown operator i32.addd\n"
                                                                    "    i32.addd\n"
                                                                    "    ^");
}

TEST(TextError, a_premature_end_is_reported_after_the_last_token) {
    EXPECT_EQ(message("(module\n  (func $f\n\n ;; blank\n\n"),
              "2:11: unexpected end of text, expected \")\"; the \"(\" at 2:3 is not closed\n"
              "  (func $f\n"
              "          ^");
}

TEST(TextError, its_offset_is_in_the_text) {
    const auto refused = parse_wat("(func)\n(fun)");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::malformed);
    EXPECT_EQ(refused.error().offset(), 8u);
}

TEST(TextError, columns_count_characters) {
    EXPECT_EQ(message("(func $\"\xce\xbb\"\t(; \xe2\x82\xac ;) foo)"),
              "1:20: unknown operator foo\n"
              "(func $\"\xce\xbb\" (; \xe2\x82\xac ;) foo)\n"
              "                   ^");
}

TEST(TextError, all_usual_line_endings) {
    EXPECT_EQ(message("\n\r\n\rfoo").substr(0, 4), "4:1:");
    EXPECT_EQ(message("(func\r\n  foo\r\n)"), "2:3: unknown operator foo\n  foo\n  ^");
}

TEST(TextError, a_long_line_is_cut_around_the_place) {
    const std::string text = "(func " + std::string(1000, ' ') + "foo" + std::string(1000, ' ') + ")";
    const std::string found = message(text);
    const size_t second = found.find('\n') + 1;
    const size_t third = found.find('\n', second) + 1;
    EXPECT_EQ(found.substr(0, second), "1:1007: unknown operator foo\n");
    EXPECT_EQ(third - second - 1, 80u);
    EXPECT_EQ(found.substr(second).find("foo"), found.substr(third).find('^'));
}

TEST(TextError, shows_only_printable_characters) {
    const std::string found = message("(func \x1b[31m \xff)");
    EXPECT_EQ(found, "1:7: illegal character\n(func ?[31m ?)\n      ^");
}

TEST(TextError, at_the_end_of_the_text) {
    EXPECT_EQ(message("(module (func\n"),
              "1:14: unexpected end of text, expected \")\"; the \"(\" at 1:9 is not closed\n"
              "(module (func\n"
              "             ^");
    EXPECT_EQ(message("(module))"), "1:9: unexpected token \")\", expected the end of the text\n"
                                    "(module))\n"
                                    "        ^");
}

TEST(TextError, line_numbers_may_start_elsewhere) {
    TextOptions options;
    options.first_line = 40;
    const auto refused = parse_wat("(module\n(foo))", options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message().substr(0, 5), "41:2:");
}

TEST(TextError, errors_in_quoted_text_use_its_positions) {
    EXPECT_EQ(message("(module quote \"(func\\n\" \" foo)\")"), "2:2: unknown operator foo\n foo)\n ^");
}

TEST(TextError, a_parenthesis_that_is_not_closed) {
    EXPECT_EQ(message("\n(module $m\n  (func $f)\n  (memory 1)\n ;; the end\n"),
              "4:13: unexpected end of text, expected \")\"; the \"(\" at 2:1 is not closed\n"
              "  (memory 1)\n"
              "            ^");
    EXPECT_EQ(fault("(module\n  (func (param i32) (result i32)\n    (i32.add (local.get 0) (i32.const 1))\n"
                    "  (memory 1))\n"),
              "unknown operator memory");
    EXPECT_EQ(fault("(module (type (func))\n (func)"),
              "unexpected end of text, expected \")\"; the \"(\" at 1:1 is not closed");
    EXPECT_EQ(fault("(module (import \"a\""),
              "unexpected end of text, expected a string; the \"(\" at 1:9 is not closed");
    EXPECT_EQ(fault("(module (func (i32.const"),
              "unexpected end of text, expected \")\"; the \"(\" at 1:15 is not closed");
}

TEST(TextError, an_identifier_that_needs_quotes) {
    EXPECT_EQ(
        message("(func $\xc3\xa9)"),
        "1:7: illegal character in an identifier: only ASCII is allowed without quotes; write $\"\xc3\xa9\"\n"
        "(func $\xc3\xa9)\n"
        "      ^");
    EXPECT_EQ(fault("(func (call $na\xc3\xafve-1))"), "illegal character in an identifier: only ASCII is "
                                                      "allowed without quotes; write $\"na\xc3\xafve-1\"");
    EXPECT_EQ(fault("(func $)"), "empty identifier");
    EXPECT_EQ(fault("(func \xc3\xa9)"), "illegal character");
    EXPECT_EQ(fault("(func $\xff)"), "empty identifier");
}

TEST(TextError, old_names_get_a_hint_with_the_current_name) {
    for (const auto& [old, current] : {std::pair{"get_local", "local.get"},
                                       {"set_local", "local.set"},
                                       {"tee_local", "local.tee"},
                                       {"get_global", "global.get"},
                                       {"set_global", "global.set"},
                                       {"grow_memory", "memory.grow"},
                                       {"current_memory", "memory.size"},
                                       {"i32.wrap/i64", "i32.wrap_i64"},
                                       {"i32.trunc_s/f32", "i32.trunc_f32_s"},
                                       {"i64.trunc_u:sat/f64", "i64.trunc_sat_f64_u"},
                                       {"i64.extend_u/i32", "i64.extend_i32_u"},
                                       {"f64.convert_s/i64", "f64.convert_i64_s"},
                                       {"f32.demote/f64", "f32.demote_f64"},
                                       {"f64.reinterpret/i64", "f64.reinterpret_i64"},
                                       {"i32.atomic.wait", "memory.atomic.wait32"}})
        EXPECT_EQ(fault("(func (" + std::string{old} + "))"),
                  "unknown operator " + std::string{old} + "; use its current name, " + current);
    EXPECT_EQ(fault("(table 1 anyfunc)"),
              "unexpected token \"anyfunc\", expected a reference type; use its current name, funcref");
    EXPECT_EQ(fault("(func (param anyfunc))"),
              "unexpected token \"anyfunc\", expected a type; use its current name, funcref");
    EXPECT_EQ(fault("(func (i32.frob/i64))"), "unknown operator i32.frob/i64");
    EXPECT_EQ(fault("(func (" + std::string(1000, 'a') + "/i64))").substr(0, 20), "unknown operator aaa");
}

/// In a valid module, the fault is at `^`, which is not part of the text.
void expect_place(std::string text, std::string_view message) {
    const size_t place = text.find('^');
    text.erase(place, 1);
    const ByteString bytes = binary(text, true);
    LoadOptions options;
    options.features = FeatureSet::all().disable(Feature::stack_switching); // which allows tags with results
    const auto module = Module::load(bytes, options);
    ASSERT_FALSE(module) << text;
    const Error located = locate_in_wat(text, module.error());
    EXPECT_EQ(located.code(), module.error().code());
    EXPECT_EQ(located.function(), module.error().function());
    EXPECT_EQ(located.offset(), place) << text << "\n" << located.message();
    EXPECT_NE(located.message().find(message), std::string_view::npos) << located.message();
}

TEST(TextError, validation_errors_have_a_position) {
    const std::string_view mismatch = "type mismatch";
    // In functions: plain and folded instructions, and the ends of blocks and functions.
    expect_place("(func (result i32) i32.const 1 ^i64.eqz)", mismatch);
    expect_place("(func (drop (^i32.add (i32.const 1) (i64.const 2))))", mismatch);
    expect_place("(func (drop (i32.add (^i32.eqz (i64.const 2)) (i32.const 1))))", mismatch);
    expect_place("(func (block (result i32) (nop) (nop)^))", mismatch);
    expect_place("(func block (result i32) nop ^end)", mismatch);
    expect_place(
        "(func (loop $l (drop (f32.add (f32.const 1) (f32.const 2))) (^f64.neg (f32.const 1)) drop))",
        mismatch);
    expect_place("(func (^if (i64.const 1) (then)))", mismatch);
    expect_place("(func (if (i32.const 1) (then (i32.const 1)) (^else)))", mismatch);
    expect_place("(func i32.const 1 if i32.const 1 ^else end)", mismatch);
    expect_place("(func (result i64) (i32.const 1)^)", mismatch);
    expect_place("(func (call 0) (^call 7))", "unknown function 7");
    expect_place("(func (try_table (^drop)))", mismatch);
    expect_place("(tag) (func (try (do (i32.const 1)) (^catch 0)))", mismatch);
    // Outside of code: the field, or the member of a recursive group.
    expect_place("(func (type 0)) ^(type (sub 7 (func)))", "unknown type");
    expect_place("(rec (type (func)) ^(type (sub 0 (func))))", "sub type");
    expect_place("(memory 0) ^(func (type 9))", "unknown type 9");
    expect_place("(import \"a\" \"b\" (func)) ^(import \"a\" \"b\" (func (type 3)))", "unknown type 3");
    expect_place("(table 1 funcref) ^(table 2 1 funcref)", "size minimum");
    expect_place("(memory 1) ^(memory 2 1)", "size minimum");
    expect_place("(global i32 (i32.const 1)) ^(global i32 (i64.const 1))", mismatch);
    expect_place("(func (export \"a\")) (memory 1) ^(export \"a\" (memory 0))", "duplicate export");
    expect_place("(func (param i32)) ^(start 0)", "start function");
    expect_place("(table 1 funcref) (func) (elem (i32.const 0) 0) ^(elem (i64.const 0) 0)", mismatch);
    expect_place("(memory 1) (data (i32.const 0)) ^(data (memory 3) (i32.const 0))", "unknown memory 3");
    expect_place("(func (param i32)) ^(tag (result i32))", "non-empty tag result type");
    // A type that is written out where it is used.
    expect_place("^(func (param (ref 9)))", "unknown type 9");
}

TEST(TextError, validation_errors_show_the_line) {
    const std::string_view text = "(module\n  (func $f\n    (i32.const 1)\n    (drop)\n    (drop)))\n";
    const auto module = Module::load(binary(text));
    ASSERT_FALSE(module);
    const std::string shown{locate_in_wat(text, module.error()).message()};
    EXPECT_EQ(shown.substr(0, 22), "5:6: type mismatch: dr");
    EXPECT_NE(shown.find("in the code section, function 0\n    (drop)))\n     ^"), std::string::npos)
        << shown;
    // Text inside a string has no position of its own.
    const std::string_view quoted = "(module quote \"(func drop)\")";
    const auto refused = Module::load(binary(quoted));
    ASSERT_FALSE(refused);
    EXPECT_EQ(locate_in_wat(quoted, refused.error()).message(), refused.error().message());
}

TEST(TextError, a_component_is_not_a_module) {
    EXPECT_EQ(message("(component\n  (core module))"), "1:1: this is a component, not a module\n"
                                                       "(component\n"
                                                       "^");
}

TEST(TextError, unknown_and_duplicate_names) {
    EXPECT_EQ(fault("(func (call $f))"), "unknown function $f");
    EXPECT_EQ(fault("(func (local.get $x))"), "unknown local $x");
    EXPECT_EQ(fault("(func (global.get $\"x y\"))"), "unknown global $\"x y\"");
    EXPECT_EQ(fault("(func $f) (func $\"f\")"), "duplicate function $f");
    EXPECT_EQ(fault("(func (param $x i32) (local $x i32))"), "duplicate local");
    EXPECT_EQ(fault("(memory $m 0) (data $m) (data $m)"), "duplicate data segment $m");
}

} // namespace
} // namespace warpbeam::text
