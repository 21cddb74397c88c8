#include "fixture.hpp"

namespace warpbeam {
namespace {

class LinkerTest : public VmTest {};

TEST_F(LinkerTest, lists_everything_that_is_missing_or_does_not_fit) {
    ASSERT_TRUE(linker.func("env", "log", [](int64_t) {}));
    const auto memory = Memory::create(store, {.limits = {.min = 1, .max = 3, .has_max = true}});
    ASSERT_TRUE(linker.define("env", "memory", *memory));
    const auto instance = linker.instantiate(store, load(R"((module
        (import "env" "log" (func (param i32)))
        (import "env" "none" (func (param i32 f32) (result i64)))
        (import "env" "memory" (memory 2))
        (import "env" "table" (table 1 2 externref))
        (import "env" "global" (global (mut f64)))
        (import "env" "tag" (tag (param i32)))))"));
    ASSERT_FALSE(instance);
    EXPECT_EQ(instance.error().code(), ErrorCode::unlinkable);
    EXPECT_EQ(instance.error().trap(), nullptr);
    EXPECT_EQ(instance.error().message(),
              "incompatible import type for env.log: func (param i32), found func (param i64)\n"
              "unknown import env.none: func (param i32 f32) (result i64)\n"
              "incompatible import type for env.memory: memory 2, found memory 1 3\n"
              "unknown import env.table: table 1 2 externref\n"
              "unknown import env.global: global (mut f64)\n"
              "unknown import env.tag: tag (param i32)");
    EXPECT_EQ(instance.error().imports().size(), 6u);
    const InstantiationError copy = instance.error();
    EXPECT_EQ(copy.message(), instance.error().message());
}

TEST(LinkerOutOfMemory, does_not_change_what_is_wrong) {
    CountingAllocator counting;
    Engine engine{{.allocator = &counting}};
    Store store{engine};
    Linker linker{engine};
    ASSERT_TRUE(linker.func("env", "log", [](int64_t) {}));
    const auto module = engine.load(assemble(R"((module (import "env" "log" (func (param i32)))))"));
    ASSERT_TRUE(module);
    const auto message = [&] {
        const auto instance = linker.instantiate(store, *module);
        const size_t calls = counting.calls();
        counting.allow(SIZE_MAX);
        counting.refuse_one(SIZE_MAX);
        EXPECT_FALSE(instance);
        if (instance.error().code() != ErrorCode::unlinkable) {
            EXPECT_EQ(instance.error().code(), ErrorCode::out_of_memory);
        }
        return std::pair{std::string{instance.error().message()}, calls};
    };
    counting.allow(SIZE_MAX);
    const auto [whole, calls] = message();
    EXPECT_EQ(whole, "incompatible import type for env.log: func (param i32), found func (param i64)");
    for (size_t n = 0; n < calls; ++n) {
        // No memory from then on: words may be missing in the end.
        counting.allow(n);
        const std::string words = message().first;
        EXPECT_TRUE(words == "out of memory" || words.starts_with("incompatible import type")) << words;
        // Only once: without the beginning, there is nothing to which the rest belongs.
        counting.refuse_one(n);
        EXPECT_FALSE(message().first.starts_with(", found")) << n;
    }
}

TEST_F(LinkerTest, spells_reference_types_out) {
    EXPECT_EQ(refusal(R"((module (type $t (func (param i32)))
        (import "m" "g" (global (ref null $t)))
        (import "m" "h" (global (ref any)))))"),
              "unknown import m.g: global (ref null (func (param i32)))\n"
              "unknown import m.h: global (ref any)");
}

TEST_F(LinkerTest, cuts_types_that_are_too_long_to_read) {
    std::string params;
    for (int i = 0; i < 900; ++i)
        params += " i32";
    const std::string message = refusal("(module (import \"m\" \"f\" (func (param" + params + "))))");
    EXPECT_LT(message.size(), 500u);
    EXPECT_NE(message.find("i32 ..."), std::string::npos);
}

TEST_F(LinkerTest, matches_imports_as_the_specification_says) {
    linker.allow_shadowing(true);
    const auto links = [&](std::string_view wat) { return linker.instantiate(store, load(wat)).has_value(); };
    const auto memory = Memory::create(store, {.limits = {.min = 1, .max = 2, .has_max = true}});
    ASSERT_TRUE(linker.define("m", "x", *memory));
    EXPECT_TRUE(links(R"((module (import "m" "x" (memory 1))))"));
    EXPECT_TRUE(links(R"((module (import "m" "x" (memory 0 2))))"));
    EXPECT_TRUE(links(R"((module (import "m" "x" (memory 1 3))))"));
    EXPECT_FALSE(links(R"((module (import "m" "x" (memory 2))))"));
    EXPECT_FALSE(links(R"((module (import "m" "x" (memory 1 1))))"));
    EXPECT_FALSE(links(R"((module (import "m" "x" (memory i64 1))))"));
    EXPECT_FALSE(links(R"((module (import "m" "x" (func))))"));
    ASSERT_TRUE(memory->grow(1));
    EXPECT_TRUE(links(R"((module (import "m" "x" (memory 2))))")) << "the present size counts";

    const auto constant = Global::create(store, {funcref, false}, Func{});
    ASSERT_TRUE(linker.define("m", "x", *constant));
    EXPECT_TRUE(links(R"((module (import "m" "x" (global funcref))))"));
    EXPECT_FALSE(links(R"((module (import "m" "x" (global (mut funcref)))))"));
    EXPECT_FALSE(links(R"((module (import "m" "x" (global (ref func)))))"));

    const Instance exporter = instantiate(R"((module
        (type $a (sub (func))) (type $b (sub $a (func)))
        (func (export "x") (type $b))))");
    ASSERT_TRUE(linker.define_instance("m", exporter));
    EXPECT_TRUE(links(R"((module (type $a (sub (func))) (import "m" "x" (func (type $a)))))"));
    EXPECT_TRUE(links(
        R"((module (type $a (sub (func))) (type $b (sub $a (func))) (import "m" "x" (func (type $b)))))"));
    EXPECT_FALSE(links(R"((module (import "m" "x" (func))))")) << "a final type has no other subtypes";
}

TEST_F(LinkerTest, takes_each_name_once_unless_told_otherwise) {
    ASSERT_TRUE(linker.func("m", "f", []() -> int32_t { return 1; }));
    EXPECT_TRUE(linker.defines("m", "f"));
    EXPECT_FALSE(linker.defines("mf", ""));
    const auto again = linker.func("m", "f", []() -> int32_t { return 2; });
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message(), "m.f is already defined");
    linker.allow_shadowing(true);
    ASSERT_TRUE(linker.func("m", "f", []() -> int32_t { return 3; }));
    const Instance instance = instantiate(
        R"((module (import "m" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f))))");
    EXPECT_EQ(value_of(instance, "run"), 3);
    EXPECT_EQ(linker.define("m", "null", Func{}).error().code(), ErrorCode::usage);
}

TEST_F(LinkerTest, serves_several_stores) {
    int calls = 0;
    ASSERT_TRUE(linker.func("m", "f", [&] { ++calls; }));
    const Module module = load(R"((module (import "m" "f" (func $f)) (start $f)))");
    for (int i = 0; i < 3; ++i) {
        Store brief{engine};
        EXPECT_TRUE(linker.instantiate(brief, module));
    }
    EXPECT_EQ(calls, 3);
    ASSERT_TRUE(linker.define("m", "g", *Global::create(store, {ValType::i32, false}, 1)));
    Store brief{engine};
    const auto mixed = linker.instantiate(brief, load(R"((module (import "m" "g" (global i32))))"));
    ASSERT_FALSE(mixed);
    EXPECT_EQ(mixed.error().code(), ErrorCode::usage);
}

TEST_F(LinkerTest, finds_any_name) {
    for (int i = 0; i < 200; ++i)
        ASSERT_TRUE(linker.func("m", std::to_string(i), [i]() -> int32_t { return i; }));
    const Instance instance = instantiate(R"((module (import "m" "137" (func $f (result i32)))
        (func (export "run") (result i32) (call $f))))");
    EXPECT_EQ(value_of(instance, "run"), 137);
    ASSERT_TRUE(linker.func("", "", [] {}));
    instantiate(R"((module (import "" "" (func))))");
}

} // namespace
} // namespace warpbeam
