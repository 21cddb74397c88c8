#include "fixture.hpp"

#include <warpbeam/vm/print.hpp>

namespace warpbeam {
namespace {

class PrintTest : public VmTest {};

TEST_F(PrintTest, does_not_look_for_types_that_are_not_there) {
    const ValType foreign = ValType::reference(HeapType::defined(47'000), true);
    EXPECT_EQ(to_text(foreign, engine.types()).view(), "(ref null (a type of another engine))");
    EXPECT_EQ(to_text(FuncType{{&foreign, 1}, {}}, engine.types()).view(),
              "func (param (ref null (a type of another engine)))");
    ExternType type;
    type.kind = ExternKind::func;
    type.func = 47'000;
    EXPECT_EQ(to_text(type, engine.types()).view(), "func (a type of another engine)");
}

TEST_F(PrintTest, writes_types_as_the_text_format_does) {
    const TypeRegistry& types = engine.types();
    EXPECT_EQ(to_text(ValType{ValType::i32}, types).view(), "i32");
    EXPECT_EQ(to_text(funcref, types).view(), "funcref");
    const ValType params[] = {ValType::i32, ValType::f64};
    const ValType results[] = {ValType::i64};
    EXPECT_EQ(to_text(FuncType{params, results}, types).view(), "func (param i32 f64) (result i64)");
    const Module module =
        load(R"((module (memory (export "m") 1 2) (global (export "g") (mut f32) (f32.const 0))))");
    EXPECT_EQ(to_text(module.type_of(module.exports()[0]), module.type_registry()).view(), "memory 1 2");
    EXPECT_EQ(to_text(module.type_of(module.exports()[1]), module.type_registry()).view(),
              "global (mut f32)");
}

TEST_F(PrintTest, writes_a_trap_with_its_backtrace) {
    const Instance instance = instantiate(R"((module $m
        (func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1)))))
            (unreachable))
        (func (export "run\1b") (call $deep (i32.const 3)))))");
    const auto result = instance.func("run\x1b")->call();
    ASSERT_FALSE(result);
    const Text text = to_text(result.error());
    EXPECT_TRUE(text.view().starts_with("unreachable\n    at m!deep (function 0), offset 0x")) << text.view();
    EXPECT_NE(text.view().find("\n    ... 2 more times\n"), std::string_view::npos) << text.view();
    EXPECT_NE(text.view().find("\n    at m!run\\1b (function 1), offset 0x"), std::string_view::npos)
        << text.view();
    EXPECT_EQ(to_text(std::span<const Frame>{}).view(), "");
}

TEST_F(PrintTest, writes_the_number_of_a_function_without_a_name) {
    const auto result =
        instantiate("(module (func (unreachable)) (func (export \"f\") (call 0)))").func("f")->call();
    ASSERT_FALSE(result);
    const Text text = to_text(result.error());
    EXPECT_TRUE(text.view().starts_with("unreachable\n    at function 0, offset 0x")) << text.view();
}

TEST_F(PrintTest, writes_what_led_to_a_trap) {
    Trap outer = Trap::host("outer");
    outer.caused_by(Trap::host("inner\n"));
    EXPECT_EQ(to_text(outer).view(), "outer\ncaused by: inner\\0a");
}

} // namespace
} // namespace warpbeam
