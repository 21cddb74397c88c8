#include <gtest/gtest.h>
#include <warpbeam/spectest/script.hpp>

namespace warpbeam::spectest {
namespace {

Script parse(std::string_view text) {
    auto script = parse_script(text);
    if (!script) {
        ADD_FAILURE() << script.error().message();
        return {};
    }
    return std::move(*script);
}

TEST(Script, all_forms_of_modules) {
    const Script script = parse(R"~((module $a (func))
(module binary "\00a" "sm") (; x ;)
(module $q quote "(fu" "nc)")
(module definition $d (memory 1))
(module instance $i $d) (module instance $d) (module instance))~");
    ASSERT_EQ(script.size(), 7u);
    const auto& text = std::get<ModuleSource>(script[0].body);
    EXPECT_EQ(text.name, "a");
    EXPECT_EQ(text.contents, "(module $a (func))");
    const auto& binary = std::get<ModuleSource>(script[1].body);
    EXPECT_EQ(binary.form, ModuleSource::Form::binary);
    EXPECT_EQ(binary.contents, std::string("\0asm", 4));
    const auto& quote = std::get<ModuleSource>(script[2].body);
    EXPECT_EQ(quote.contents, "(func)");
    EXPECT_EQ(script[2].line, 3u);
    EXPECT_TRUE(std::get<ModuleSource>(script[3].body).is_definition);
    EXPECT_EQ(std::get<Instantiation>(script[4].body).instance, "i");
    EXPECT_EQ(std::get<Instantiation>(script[4].body).module, "d");
    EXPECT_EQ(std::get<Instantiation>(script[5].body).instance, "");
    EXPECT_EQ(std::get<Instantiation>(script[5].body).module, "d");
    EXPECT_EQ(script[6].line, 5u);
}

TEST(Script, a_bare_module) {
    const Script script = parse("(func) (memory 0) (func (export \"f\"))");
    ASSERT_EQ(script.size(), 1u);
    EXPECT_EQ(std::get<ModuleSource>(script[0].body).contents, "(func) (memory 0) (func (export \"f\"))");
}

TEST(Script, actions_and_their_values) {
    const Script script = parse(R"((assert_return
  (invoke $m "f\41" (i32.const -1) (f64.const 0x1p-1) (v128.const i16x8 1 2 3 4 5 6 7 -1) (ref.null func))
  (v128.const f32x4 nan:canonical 1 nan:arithmetic -inf) (ref.extern 4) (ref.func) (ref.null)
  (either (i64.const 1) (i64.const 2)))
(assert_trap (get $m "g") "no"))");
    ASSERT_EQ(script.size(), 2u);
    const auto& assertion = std::get<AssertReturn>(script[0].body);
    EXPECT_EQ(assertion.action.instance, "m");
    EXPECT_EQ(assertion.action.name, "fA");
    ASSERT_EQ(assertion.action.arguments.size(), 4u);
    EXPECT_EQ(assertion.action.arguments[0].lanes[0].bits, 0xffff'ffffu);
    EXPECT_EQ(assertion.action.arguments[1].lanes[0].bits, 0x3fe0'0000'0000'0000u);
    EXPECT_EQ(assertion.action.arguments[2].lanes[7].bits, 0xffffu);
    EXPECT_EQ(assertion.action.arguments[3].heap_type, HeapType::func);
    ASSERT_EQ(assertion.results.size(), 5u);
    EXPECT_EQ(assertion.results[0].lanes[0].nan, NanKind::canonical);
    EXPECT_EQ(assertion.results[0].lanes[2].nan, NanKind::arithmetic);
    EXPECT_EQ(assertion.results[1].kind, Pattern::external);
    EXPECT_EQ(assertion.results[2].kind, Pattern::heap);
    EXPECT_EQ(assertion.results[3].kind, Pattern::null);
    EXPECT_EQ(assertion.results[4].alternatives.size(), 2u);
    EXPECT_TRUE(std::get<AssertFailure>(script[1].body).action.is_get);
}

TEST(Script, errors_give_the_position) {
    const auto message = [](std::string_view text) {
        const auto script = parse_script(text);
        return script ? std::string{} : std::string{script.error().message()};
    };
    EXPECT_EQ(message("(module)\n(assert_foo)"), "2:2: unknown command \"assert_foo\"\n(assert_foo)\n ^");
    EXPECT_EQ(message("(module) foo"),
              "1:10: unexpected token \"foo\", expected a command\n(module) foo\n         ^");
    EXPECT_NE(message("(assert_return (invoke \"f\" (i32.const 1.5)))"), "");
    EXPECT_NE(message("(assert_return (invoke \"f\") (i32.const nan:canonical))"), "");
    EXPECT_NE(message("(module (func"), "");
    EXPECT_NE(message("(assert_return (invoke \"f\") (either (either (i32.const 1))))"), "");
}

} // namespace
} // namespace warpbeam::spectest
