#include "fixture.hpp"

#include <warpbeam/loader/text.hpp>
#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/print.hpp>

namespace warpbeam {
namespace {

class TrapTest : public VmTest {};

TEST(Trap, has_the_words_of_its_code) {
    EXPECT_EQ(Trap{TrapCode::unreachable}.message(), "unreachable");
    EXPECT_EQ(Trap{TrapCode::usage}.message(), "invalid use of the API");
    EXPECT_EQ(text_of(TrapCode::call_stack_exhausted), "call stack exhausted");
}

TEST(Trap, is_copied_with_its_details) {
    Trap first = Trap::host("number %d", 7);
    const Trap second = first;
    first = Trap::exit(2);
    EXPECT_EQ(second.message(), "number 7");
    EXPECT_EQ(second.code(), TrapCode::host);
    EXPECT_EQ(first.exit_status(), 2);
    EXPECT_EQ(first.cause(), nullptr);
}

TEST(Trap, has_a_cause_of_its_own) {
    Trap first = Trap::host("first");
    const Trap before = first;
    first.caused_by(Trap{TrapCode::unreachable});
    EXPECT_EQ(first.message(), "first");
    ASSERT_NE(first.cause(), nullptr);
    EXPECT_EQ(first.cause()->code(), TrapCode::unreachable);
    EXPECT_EQ(before.cause(), nullptr) << "a copy does not change";
    first.caused_by(first);
    EXPECT_EQ(first.cause()->cause()->code(), TrapCode::unreachable);
}

TEST_F(TrapTest, says_where_an_access_is_whose_address_has_65_bits) {
    const Instance instance = instantiate(R"((module (memory $other 1) (memory $m i64 1)
        (func (export "first") (drop (i32.load8_u $m offset=1 (i64.const -1))))
        (func (export "last") (i64.store $m offset=0xffffffffffffffff (i64.const -1) (i64.const 0)))
        (func (export "vector") (drop (v128.load64_zero $m offset=4 (i64.const -2))))
        (func (export "fits") (drop (i32.load8_u $m (i64.const -1))))))");
    const std::string words = "out of bounds memory access: ";
    EXPECT_EQ(trap_of(instance, "first"), words + "1 byte at 18446744073709551616, memory has 65536");
    EXPECT_EQ(trap_of(instance, "last"), words + "8 bytes at 36893488147419103230, memory has 65536");
    EXPECT_EQ(trap_of(instance, "vector"), words + "8 bytes at 18446744073709551618, memory has 65536");
    EXPECT_EQ(trap_of(instance, "fits"), words + "1 byte at 18446744073709551615, memory has 65536");
}

TEST_F(TrapTest, says_what_was_accessed_and_how_large_the_memory_is) {
    const Instance instance = instantiate(R"((module
        (memory 1)
        (func (export "load") (drop (i32.load (i32.const 70000))))
        (func (export "load8") (drop (i64.load8_u offset=5 (i32.const 65531))))
        (func (export "store") (f64.store offset=4 (i32.const 65530) (f64.const 0)))
        (func (export "far") (drop (i32.load16_s offset=4294967295 (i32.const -1))))
        (func (export "fill") (memory.fill (i32.const 65535) (i32.const 1) (i32.const 2)))
        (func (export "copy_to") (memory.copy (i32.const 65535) (i32.const 1) (i32.const 2)))
        (func (export "copy_from") (memory.copy (i32.const 1) (i32.const 65535) (i32.const 2)))
        (func (export "init") (memory.init $d (i32.const 0) (i32.const 2) (i32.const 4)))
        (func (export "init_to") (memory.init $d (i32.const 65536) (i32.const 0) (i32.const 1)))
        (data $d "hello")))");
    const std::string words = "out of bounds memory access: ";
    EXPECT_EQ(trap_of(instance, "load"), words + "4 bytes at 70000, memory has 65536");
    EXPECT_EQ(trap_of(instance, "load8"), words + "1 byte at 65536, memory has 65536");
    EXPECT_EQ(trap_of(instance, "store"), words + "8 bytes at 65534, memory has 65536");
    EXPECT_EQ(trap_of(instance, "far"), words + "2 bytes at 8589934590, memory has 65536");
    EXPECT_EQ(trap_of(instance, "fill"), words + "2 bytes at 65535, memory has 65536");
    EXPECT_EQ(trap_of(instance, "copy_to"), words + "2 bytes at 65535, memory has 65536");
    EXPECT_EQ(trap_of(instance, "copy_from"), words + "2 bytes at 65535, memory has 65536");
    EXPECT_EQ(trap_of(instance, "init"), words + "4 bytes at 2, data segment has 5");
    EXPECT_EQ(trap_of(instance, "init_to"), words + "1 byte at 65536, memory has 65536");
}

TEST_F(TrapTest, names_the_memory_that_was_meant) {
    const Instance instance = instantiate(R"((module
        (memory 1) (memory $b 2)
        (func (export "load") (drop (i32.load $b (i32.const 131072))))))");
    EXPECT_EQ(trap_of(instance, "load"), "out of bounds memory access: 4 bytes at 131072, memory has 131072");
}

TEST_F(TrapTest, says_which_element_was_meant) {
    const Instance instance = instantiate(R"((module
        (table $t 3 funcref)
        (type $none (func))
        (func $f (param i32))
        (elem $e func $f $f)
        (elem (table $t) (i32.const 1) func $f)
        (func (export "get") (drop (table.get $t (i32.const 3))))
        (func (export "set") (table.set $t (i32.const -1) (ref.null func)))
        (func (export "fill") (table.fill $t (i32.const 2) (ref.null func) (i32.const 2)))
        (func (export "copy") (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 3)))
        (func (export "init") (table.init $t $e (i32.const 0) (i32.const 1) (i32.const 2)))
        (func (export "undefined") (call_indirect $t (type $none) (i32.const 9)))
        (func (export "null") (call_indirect $t (type $none) (i32.const 2)))
        (func (export "mismatch") (call_indirect $t (type $none) (i32.const 1)))))");
    EXPECT_EQ(trap_of(instance, "get"), "out of bounds table access: 1 element at 3, table has 3");
    EXPECT_EQ(trap_of(instance, "set"), "out of bounds table access: 1 element at 4294967295, table has 3");
    EXPECT_EQ(trap_of(instance, "fill"), "out of bounds table access: 2 elements at 2, table has 3");
    EXPECT_EQ(trap_of(instance, "copy"), "out of bounds table access: 3 elements at 1, table has 3");
    EXPECT_EQ(trap_of(instance, "init"),
              "out of bounds table access: 2 elements at 1, element segment has 2");
    EXPECT_EQ(trap_of(instance, "undefined"), "undefined element 9, table has 3");
    EXPECT_EQ(trap_of(instance, "null"), "uninitialized element 2, table has 3");
    EXPECT_EQ(trap_of(instance, "mismatch"), "indirect call type mismatch");
}

TEST_F(TrapTest, has_the_words_of_the_specification) {
    const Instance instance = instantiate(R"((module
        (type $t (func))
        (func (export "unreachable") (unreachable))
        (func (export "divide") (drop (i32.div_s (i32.const 1) (i32.const 0))))
        (func (export "remainder") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
        (func (export "overflow") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
        (func (export "truncate") (drop (i32.trunc_f32_s (f32.const 1e10))))
        (func (export "nan") (drop (i64.trunc_f64_u (f64.const nan))))
        (func (export "null") (drop (ref.as_non_null (ref.null func))))
        (func (export "call_null") (call_ref $t (ref.null $t)))
        (func $deep (export "deep") (call $deep))))");
    EXPECT_EQ(trap_of(instance, "unreachable"), "unreachable");
    EXPECT_EQ(trap_of(instance, "divide"), "integer divide by zero");
    EXPECT_EQ(trap_of(instance, "remainder"), "integer divide by zero");
    EXPECT_EQ(trap_of(instance, "overflow"), "integer overflow");
    EXPECT_EQ(trap_of(instance, "truncate"), "integer overflow");
    EXPECT_EQ(trap_of(instance, "nan"), "invalid conversion to integer");
    EXPECT_EQ(trap_of(instance, "null"), "null reference");
    EXPECT_EQ(trap_of(instance, "call_null"), "null function reference");
    EXPECT_EQ(trap_of(instance, "deep"), "call stack exhausted");
}

TEST_F(TrapTest, has_a_backtrace_across_instances) {
    const Instance inner = instantiate(R"((module $inner
        (func $leaf (param i32) (drop (i32.div_u (i32.const 1) (local.get 0))))
        (func (export "go") (call $leaf (i32.const 0)))))");
    ASSERT_TRUE(linker.define_instance("inner", inner));
    const Instance outer = instantiate(R"((module $outer
        (import "inner" "go" (func $go))
        (func $middle (nop) (call $go) (nop))
        (func $main (export "main") (call $middle))))");
    const auto called = outer.func("main")->call();
    ASSERT_FALSE(called);
    const Trap& trap = called.error();
    ASSERT_EQ(trap.backtrace().size(), 4u);
    EXPECT_EQ(trap.omitted_frames(), 0u);
    const auto frame = [&](size_t i) { return trap.backtrace()[i]; };
    EXPECT_EQ(frame(0).module_name(), "inner");
    EXPECT_EQ(frame(0).func_name(), "leaf");
    EXPECT_EQ(frame(0).func, 0u);
    EXPECT_EQ(frame(1).module_name(), "inner");
    EXPECT_EQ(frame(1).func_name(), "go");
    EXPECT_EQ(frame(2).module_name(), "outer");
    EXPECT_EQ(frame(2).func_name(), "middle");
    EXPECT_EQ(frame(3).func_name(), "main");
    EXPECT_EQ(frame(0).instance(), inner);
    EXPECT_EQ(frame(1).instance(), inner);
    EXPECT_EQ(frame(2).instance(), outer);
    EXPECT_EQ(frame(3).instance(), outer);
    EXPECT_EQ(Frame{}.instance(), Instance{});
    const auto opcode = [&](size_t i) { return frame(i).module.bytes()[frame(i).offset]; };
    EXPECT_EQ(opcode(0), 0x6e) << "i32.div_u";
    EXPECT_EQ(opcode(1), 0x10) << "call";
    EXPECT_EQ(opcode(2), 0x10);
    EXPECT_EQ(opcode(3), 0x10);
}

TEST_F(TrapTest, keeps_the_innermost_frames_of_a_deep_stack) {
    const Instance instance = instantiate(R"((module
        (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
        (func (export "run") (drop (call $deep (i32.const 0))))))");
    const auto called = instance.func("run")->call();
    ASSERT_FALSE(called);
    const Trap& trap = called.error();
    EXPECT_EQ(trap.code(), TrapCode::call_stack_exhausted);
    EXPECT_EQ(trap.backtrace().size(), 64u);
    EXPECT_EQ(trap.backtrace()[0].func_name(), "deep");
    EXPECT_EQ(trap.backtrace()[0].offset, trap.backtrace()[63].offset);
    EXPECT_GT(trap.omitted_frames(), 1000u);
}

TEST_F(TrapTest, outlives_the_store) {
    const Module module = load(R"((module $m (func $f (export "f") (unreachable))))");
    std::optional<Trap> trap;
    {
        Store brief{engine};
        const auto instance = Instance::create(brief, module);
        trap = instance->func("f")->call().error();
    }
    EXPECT_EQ(trap->message(), "unreachable");
    EXPECT_EQ(trap->backtrace()[0].func_name(), "f");
    EXPECT_EQ(trap->backtrace()[0].module_name(), "m");
}

TEST_F(TrapTest, of_a_tail_call_leaves_out_the_caller) {
    const Instance instance = instantiate(R"((module
        (func $leaf (unreachable))
        (func $middle (return_call $leaf))
        (func $main (export "main") (call $middle))))");
    const auto called = instance.func("main")->call();
    ASSERT_FALSE(called);
    ASSERT_EQ(called.error().backtrace().size(), 2u);
    EXPECT_EQ(called.error().backtrace()[0].func_name(), "leaf");
    EXPECT_EQ(called.error().backtrace()[1].func_name(), "main");
}

TEST(TrapMemory, is_the_engines) {
    CountingAllocator counting;
    Engine engine{{.allocator = &counting}};
    {
        Store store{engine};
        Linker linker{engine};
        const Tag tag = *Tag::create(store, {});
        const auto module = engine.load(assemble(R"((module (func (export "f") (param i32))))"));
        ASSERT_TRUE(module);
        const Func func = *linker.instantiate(store, *module)->func("f");
        const Exception exception = *Exception::create(tag, {});
        counting.allow(SIZE_MAX);
        {
            const Trap thrown = Trap::thrown(exception);
            EXPECT_EQ(counting.calls(), 1u);
            Trap outer{TrapCode::host};
            outer.caused_by(thrown);
            EXPECT_EQ(counting.calls(), 2u);
        }
        counting.allow(SIZE_MAX);
        const auto called = func.call();
        ASSERT_FALSE(called);
        EXPECT_TRUE(called.error().message().starts_with("the function takes 1")) << called.error().message();
        EXPECT_GE(counting.calls(), 2u) << "the details and the message";
        counting.allow(SIZE_MAX);
        const Trap given = Trap::with_message(counting, TrapCode::host, "a message of the %s", "host");
        EXPECT_EQ(given.message(), "a message of the host");
        EXPECT_GE(counting.calls(), 2u);
        counting.allow(0);
        EXPECT_EQ(Trap::thrown(exception).code(), TrapCode::out_of_memory);
        counting.allow(SIZE_MAX);
    }
}

TEST_F(TrapTest, is_safe_to_print) {
    const Instance instance = instantiate(R"((module (func (export "f"))))");
    const auto missing = instance.func("\x1b[2J\n");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message(), "no export named `\\1b[2J\\0a`");
    EXPECT_EQ(Trap::host("%s", "\xc2\x9b and \x07").message(), "\\u{9b} and \\07");
    EXPECT_EQ(Trap::host("%s%300d", "\n", 1).message().substr(0, 4), "\\0a ");
    EXPECT_EQ(refusal(R"((module (import "a\0a" "b" (func)) (import "c" "d" (func))))"),
              "unknown import a\\0a.b: func\nunknown import c.d: func");
}

TEST(Trap, keeps_the_lines_of_a_composed_message) {
    Text message{Allocator::standard()};
    message.add_lines("first\nsecond\x1b\n").add("third\n");
    Trap trap = Trap::with_text(TrapCode::usage, message);
    EXPECT_EQ(trap.code(), TrapCode::usage);
    EXPECT_EQ(trap.message(), "first\nsecond\\1b\nthird\\0a");
    trap.caused_by(Trap::host("%s", "a\nb"));
    EXPECT_EQ(to_text(trap).view(), "first\nsecond\\1b\nthird\\0a\ncaused by: a\\0ab");
    EXPECT_EQ(Trap::with_text(TrapCode::usage, Text{Allocator::standard()}).message(),
              "invalid use of the API");
}

TEST(Trap, may_have_a_long_chain_of_causes) {
    Trap last{TrapCode::host};
    for (int i = 0; i < 300'000; ++i) {
        Trap next{TrapCode::host};
        next.caused_by(last);
        last = next;
    }
    EXPECT_TRUE(last.cause());
}

TEST(Trap, takes_no_more_work_for_each_frame_of_a_recursive_function) {
    CountingAllocator allocator;
    Config config;
    config.allocator = &allocator;
    Engine engine{config};
    Store store{engine};
    const auto module = engine.load(assemble(R"((module
        (func $odd (export "odd") (param i32) (if (i32.eqz (local.get 0)) (then unreachable))
            (call $even (i32.sub (local.get 0) (i32.const 1))))
        (func $even (param i32) (if (i32.eqz (local.get 0)) (then unreachable))
            (call $odd (i32.sub (local.get 0) (i32.const 1))))))"));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    const auto allocations = [&](int32_t depth) {
        allocator.allow(SIZE_MAX);
        const Value args[] = {depth};
        const auto called = instance->func("odd")->call(args);
        EXPECT_EQ(called.error().backtrace().size(), static_cast<size_t>(depth) + 1);
        return allocator.calls();
    };
    (void)allocations(60);
    const size_t few = allocations(1);
    EXPECT_LT(allocations(60), few + 10);
}

} // namespace
} // namespace warpbeam
