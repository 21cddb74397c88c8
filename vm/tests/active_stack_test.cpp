#include "fixture.hpp"

#include <warpbeam/vm/active_stack.hpp>
#include <warpbeam/vm/execution.hpp>

#include <cstring>

/// What ActiveStack tells of the functions of a computation that stands still.

namespace warpbeam {
namespace {

/// Writes a line for each function: `name(locals)[operands]`, with `?` for a value that is not known.
class Writer final : public FrameVisitor {
public:
    bool visit(const ActiveFrame& frame) noexcept override {
        const Module module = frame.instance.module();
        text += module.func_name(frame.func);
        text += "(" + list(frame.locals) + ")[" + list(frame.operands) + "]\n";
        offsets.push_back(frame.offset);
        return --limit != 0;
    }
    std::string text;
    std::vector<size_t> offsets;
    size_t limit = SIZE_MAX;

private:
    static std::string list(std::span<const FrameValue> values) {
        std::string all;
        for (const FrameValue& value : values)
            all += (all.empty() ? "" : " ") + (value.is_known ? print(value) : "?");
        return all;
    }
    static std::string print(const FrameValue& value) {
        switch (value.kind) {
        case ValType::i32:
            return std::to_string(static_cast<int32_t>(value.slots[0])) + "i";
        case ValType::i64:
            return std::to_string(static_cast<int64_t>(value.slots[0])) + "l";
        case ValType::f32:
            return std::to_string(std::bit_cast<float>(static_cast<uint32_t>(value.slots[0]))) + "f";
        case ValType::f64:
            return std::to_string(std::bit_cast<double>(value.slots[0])) + "d";
        case ValType::v128:
            return std::to_string(value.slots[0]) + ":" + std::to_string(value.slots[1]) + "v";
        default:
            return value.slots[0] == 0 ? "null" : "ref";
        }
    }
};

class Observer final : public TrapObserver {
public:
    void trapped(const Trap& trap, const ActiveStack& stack) noexcept override {
        writer.text += "-- " + std::string{text_of(trap.code())} + "\n";
        error = stack.visit(writer);
        ++count;
        frames.assign(trap.backtrace().begin(), trap.backtrace().end());
    }
    Writer writer;
    std::expected<void, Error> error;
    size_t count = 0;
    std::vector<Frame> frames;
};

class ActiveStackTest : public VmTest {
protected:
    explicit ActiveStackTest(const Config& config = all_features()) : VmTest{config} {
        store.set_trap_observer(&observer);
        store.set_fuel(1'000'000);
    }
    static Config all_features() {
        Config config;
        config.features = FeatureSet::all();
        return config;
    }
    /// What the observer is told when `f` traps.
    std::string stack_of(std::string_view wat) {
        EXPECT_NE(trap_of(instantiate(wat), "f"), "");
        EXPECT_TRUE(observer.error);
        // The offsets are those of the backtrace.
        for (size_t i = 0; i < observer.frames.size(); ++i)
            EXPECT_EQ(observer.frames[i].offset, observer.writer.offsets[i]) << i;
        return observer.writer.text;
    }
    Observer observer;
};

/// The same with the polls of fuel.
class FuelledStackTest : public ActiveStackTest {
protected:
    FuelledStackTest() : ActiveStackTest{fuelled()} {}
    static Config fuelled() {
        Config config = all_features();
        config.fuel = true;
        return config;
    }
};

TEST_F(ActiveStackTest, locals_of_all_types_and_operands_below_a_call) {
    EXPECT_EQ(stack_of(R"((module (elem declare func $g)
        (func $g (param $n i32) (local $l i64)
            (local.set $l (i64.const -7)) (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (unreachable))
        (func $f (export "f") (local $a f32) (local $b f64) (local $v v128) (local $r externref) (local $s funcref)
            (local.set $a (f32.const 1.5)) (local.set $b (f64.const -2.5))
            (local.set $v (v128.const i64x2 3 4)) (local.set $s (ref.func $g))
            (i32.const 11) (i64.extend_i32_s (i32.const 12)) (local.get $b)
            (local.set $b (f64.const 8))
            (call $g (i32.const 40))
            (drop) (drop) (drop))))"),
              "-- unreachable\n"
              "g(41i -7l)[]\n"
              "f(1.500000f 8.000000d 3:4v null ref)[11i 12l -2.500000d]\n");
}

TEST_F(ActiveStackTest, operands_where_it_trapped) {
    // The address is computed only for the access; what is below it is in its slot, or constant, or a local.
    EXPECT_EQ(stack_of(R"((module (memory 1)
        (func $one (result i32) (i32.const 1))
        (func $f (export "f") (local $n i32)
            (local.set $n (i32.const 70000))
            (call $one) (local.get $n) (i64.const 5)
            (i32.load (i32.add (local.get $n) (i32.const 4)))
            (drop) (drop) (drop) (drop))))"),
              "-- out of bounds memory access\n"
              "f(70000i)[1i 70000i 5l ?]\n");
}

TEST_F(ActiveStackTest, locals_are_right_in_a_loop_that_traps) {
    EXPECT_EQ(stack_of(R"((module
        (func $f (export "f") (local $i i32) (local $x i32) (local $d f64) (local $l i64)
            (local.set $x (i32.const 5))
            (loop $more
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (local.set $x (i32.sub (local.get $x) (i32.const 1)))
                (local.set $d (f64.add (local.get $d) (f64.const 0.5)))
                (local.set $l (i64.extend_i32_s (i32.div_s (i32.const 100) (local.get $x))))
                (br $more)))))"),
              "-- integer divide by zero\n"
              "f(5i 0i 2.500000d 100l)[100i 0i]\n");
}

TEST_F(ActiveStackTest, the_result_of_an_instruction_that_traps_is_not_yet_in_its_local) {
    EXPECT_EQ(stack_of(R"((module (memory 1)
        (func $f (export "f") (local $i i32)
            (local.set $i (i32.const 65533))
            (local.set $i (i32.load (local.get $i))))))"),
              "-- out of bounds memory access\n"
              "f(65533i)[65533i]\n");
}

TEST_F(ActiveStackTest, tail_calls_overwrite_locals) {
    EXPECT_EQ(stack_of(R"((module (table 1 funcref) (type $t (func (param i32)))
        (func $f (export "f") (local $i i32)
            (local.set $i (i32.const 3))
            (return_call_indirect (type $t) (i32.const 9) (i32.const 0)))))"),
              "-- uninitialized element\n"
              "f(?)[? ?]\n");
}

TEST_F(ActiveStackTest, bulk_instructions_show_their_operands) {
    EXPECT_EQ(stack_of(R"((module (memory 1)
        (func $f (export "f") (memory.fill (i32.const 65530) (i32.const 7) (i32.const 10)))))"),
              "-- out of bounds memory access\n"
              "f()[65530i 7i 10i]\n");
}

TEST_F(ActiveStackTest, several_instances_and_a_host_function) {
    ASSERT_TRUE(linker.func("host", "fail", [](int32_t) -> std::expected<void, Trap> {
        return std::unexpected{Trap::host("no")};
    }));
    const Instance inner = instantiate(R"((module
        (import "host" "fail" (func $fail (param i32)))
        (func $g (export "g") (param i64) (i32.const 6) (call $fail (i32.const 1)) (drop))))");
    ASSERT_TRUE(linker.define_instance("inner", inner));
    EXPECT_EQ(stack_of(R"((module
        (import "inner" "g" (func $g (param i64)))
        (func $f (export "f") (call $g (i64.const 77)))))"),
              "-- host function failed\n"
              "g(77l)[6i]\n"
              "f()[]\n");
}

TEST_F(ActiveStackTest, a_visitor_can_stop) {
    observer.writer.limit = 3;
    EXPECT_EQ(trap_of(instantiate(R"((module
        (func $f (export "f") (local $i i32) (local.set $i (i32.const 1)) (call $f) (drop (local.get $i)))))"),
                      "f")
                  .substr(0, 20),
              "call stack exhausted");
    EXPECT_EQ(observer.writer.text, "-- call stack exhausted\nf(1i)[]\nf(1i)[]\nf(1i)[]\n");
}

TEST_F(ActiveStackTest, all_frames_of_a_deep_stack_are_there) {
    (void)trap_of(instantiate(R"((module
        (func $f (export "f") (call $f) (unreachable))))"),
                  "f");
    EXPECT_TRUE(observer.error);
    EXPECT_GT(observer.writer.offsets.size(), 10'000U);
}

TEST_F(ActiveStackTest, frames_that_are_large) {
    // Far locals, below the frame pointer.
    std::string locals;
    for (int i = 0; i < 49'000; ++i)
        locals += " v128";
    const std::string wat =
        "(module (func $f (export \"f\") (local $first i32) (local" + locals +
        ") (local $last i64)"
        " (local.set $first (i32.const 1)) (local.set $last (i64.const 2)) (unreachable)))";
    const std::string text = stack_of(wat);
    EXPECT_EQ(text.substr(0, 34), "-- unreachable\nf(1i 0:0v 0:0v 0:0v");
    EXPECT_TRUE(text.ends_with("0:0v 2l)[]\n"));
}

TEST_F(ActiveStackTest, continuations_and_what_waits_for_them) {
    EXPECT_EQ(stack_of(R"((module
        (type $f (func)) (type $c (cont $f))
        (elem declare func $inner)
        (func $inner (local $i i32) (local.set $i (i32.const 4)) (unreachable))
        (func $f (export "f") (local $k i64) (local.set $k (i64.const 9))
            (i32.const 3) (resume $c (cont.new $c (ref.func $inner))) (drop))))"),
              "-- unreachable\n"
              "inner(4i)[]\n"
              "f(9l)[3i]\n");
}

TEST_F(ActiveStackTest, uncaught_exceptions) {
    EXPECT_EQ(stack_of(R"((module (tag $e (param i32))
        (func $g (param i32) (throw $e (local.get 0)))
        (func $f (export "f") (call $g (i32.const 5)))))"),
              "-- uncaught exception\n"
              "g(5i)[5i]\n"
              "f()[]\n");
}

TEST_F(ActiveStackTest, exit_is_no_trap) {
    ASSERT_TRUE(linker.func("host", "exit",
                            []() -> std::expected<void, Trap> { return std::unexpected{Trap::exit(3)}; }));
    EXPECT_NE(trap_of(instantiate(R"((module (import "host" "exit" (func $exit))
        (func (export "f") (call $exit))))"),
                      "f"),
              "");
    EXPECT_EQ(observer.count, 0U);
    store.set_trap_observer(nullptr);
    (void)trap_of(instantiate(R"((module (func (export "f") (unreachable))))"), "f");
    EXPECT_EQ(observer.count, 0U);
}

/// The same with stops that have no instructions of their own: those of the loop are at the instruction that
/// traps.
class PatchedStackTest : public ActiveStackTest {
protected:
    PatchedStackTest() : ActiveStackTest{patched()} {}
    static Config patched() {
        Config config = all_features();
        config.interruption = config.patched_interruption = true;
        return config;
    }
};

TEST_F(PatchedStackTest, a_trap_where_a_loop_begins) {
    EXPECT_EQ(stack_of(R"((module (memory 1)
        (func $f (export "f") (local $n i32)
            (i64.const 3)
            (loop $more
                (i32.const 9) (local.get $n) (i32.const 1000000)
                (i32.store8 (i32.const 80000) (local.get $n))
                (drop) (drop) (drop)
                (br $more))
            (drop))))"),
              "-- out of bounds memory access\n"
              "f(0i)[3l 9i 0i 1000000i 80000i 0i]\n");
}

TEST_F(PatchedStackTest, a_trap_where_a_function_begins) {
    EXPECT_EQ(stack_of(R"((module (memory 1)
        (func $f (export "f") (local $n i64)
            (i32.const 9) (i64.load offset=70000 (i32.const 5)) (drop) (drop))))"),
              "-- out of bounds memory access\n"
              "f(0l)[9i 5i]\n");
}

TEST_F(PatchedStackTest, an_interrupt) {
    const Instance instance = instantiate(R"((module
        (func $f (export "f") (local $i i64) (i32.const 4)
            (loop $more (local.set $i (i64.sub (local.get $i) (i64.const 1))) (br $more)) (drop))))");
    store.interrupt_handle().interrupt();
    EXPECT_EQ(trap_of(instance, "f"), "interrupted");
    // At the entry.
    EXPECT_TRUE(observer.writer.text.starts_with("-- interrupted\nf(0l)[")) << observer.writer.text;
}

/// The same with canonical NaNs, and a stack that is checked at entries.
class DeterministicFramesTest : public ActiveStackTest {
protected:
    DeterministicFramesTest() : ActiveStackTest{deterministic()} {}
    static Config deterministic() {
        Config config = all_features();
        config.deterministic = true;
        config.stack_size = 4096;
        return config;
    }
};

TEST_F(DeterministicFramesTest, where_the_stack_is_exhausted) {
    const std::string text = stack_of(R"((module
        (func $g (param $n i32) (local $d f64)
            (local.set $d (f64.const 1)) (call $g (i32.add (local.get $n) (i32.const 1))) (unreachable))
        (func $f (export "f") (call $g (i32.const 0)))))");
    // The innermost function has not begun: whether its locals are known depends on the size of its frame.
    EXPECT_TRUE(text.starts_with("-- call stack exhausted\ng(")) << text;
    EXPECT_TRUE(text.ends_with(")[]\ng(1i 1.000000d)[]\ng(0i 1.000000d)[]\nf()[]\n")) << text;
}

TEST_F(DeterministicFramesTest, numbers_below_a_call) {
    EXPECT_EQ(stack_of(R"((module
        (func $g (unreachable))
        (func $f (export "f") (local $d f64)
            (local.set $d (f64.div (f64.const 1) (f64.const 4)))
            (f64.mul (local.get $d) (f64.const 2)) (call $g) (drop))))"),
              "-- unreachable\ng()[]\nf(0.250000d)[0.500000d]\n");
}

TEST_F(FuelledStackTest, out_of_fuel_in_a_loop_and_at_an_entry) {
    store.set_fuel(10);
    EXPECT_EQ(stack_of(R"((module
        (func $f (export "f") (local $i i32)
            (i64.const 3)
            (loop $more (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $more))
            (drop))))"),
              "-- out of fuel\n"
              "f(9i)[3l]\n");
    observer.writer = {};
    store.set_fuel(1);
    EXPECT_EQ(stack_of(R"((module
        (func $g (param i32) (local i64))
        (func $f (export "f") (call $g (i32.const 6)))))"),
              "-- out of fuel\n"
              "g(6i 0l)[]\n"
              "f()[]\n");
}

TEST_F(FuelledStackTest, executions_that_can_go_on) {
    const Instance instance = instantiate(R"((module
        (func $f (export "f") (param $i i32)
            (loop $more (local.set $i (i32.add (local.get $i) (i32.const 1))) (br $more)))))");
    const Value args[] = {Value{int32_t{100}}};
    auto execution = Execution::create(*instance.func("f"), args);
    ASSERT_TRUE(execution);
    Writer before;
    EXPECT_TRUE(execution->stack().visit(before));
    EXPECT_EQ(before.text, "");
    ASSERT_EQ(execution->resume({.fuel = 8}), ExecutionState::out_of_fuel);
    Writer writer;
    EXPECT_TRUE(execution->stack().visit(writer));
    EXPECT_EQ(writer.text, "f(107i)[]\n");
    EXPECT_EQ(observer.count, 0U);
}

TEST_F(FuelledStackTest, an_execution_that_traps) {
    const Instance instance = instantiate(R"((module (func $f (export "f") (param $i i32) (unreachable))))");
    const Value args[] = {Value{int32_t{100}}};
    auto execution = Execution::create(*instance.func("f"), args);
    ASSERT_TRUE(execution);
    ASSERT_EQ(execution->resume({.fuel = 8}), ExecutionState::trapped);
    EXPECT_EQ(observer.writer.text, "-- unreachable\nf(100i)[]\n");
    Writer after;
    EXPECT_TRUE(execution->stack().visit(after));
    EXPECT_EQ(after.text, "");
}

TEST(ActiveStackMemoryTest, reports_that_memory_ran_out) {
    // Every request is refused once; each is either reported, or the stack is complete.
    CountingAllocator allocator;
    Config config;
    config.allocator = &allocator;
    {
        Engine engine{config};
        Store store{engine};
        Linker linker{engine};
        const Vec<uint8_t> bytes = assemble(R"((module
            (func $g (param i32) (i32.const 3) (unreachable))
            (func $f (export "f") (i64.const 2) (call $g (i32.const 1)) (drop))))");
        const auto module = engine.load(bytes);
        ASSERT_TRUE(module);
        const auto instance = linker.instantiate(store, *module);
        ASSERT_TRUE(instance);
        class Refuser final : public TrapObserver {
        public:
            explicit Refuser(CountingAllocator& from) : allocator{from} {}
            void trapped(const Trap&, const ActiveStack& stack) noexcept override {
                for (size_t i = 0;; ++i) {
                    Writer writer;
                    allocator.refuse_one(i);
                    const auto visited = stack.visit(writer);
                    const bool all = allocator.calls() <= i;
                    allocator.refuse_one(SIZE_MAX);
                    if (visited) {
                        EXPECT_EQ(writer.text, "g(1i)[3i]\nf()[2l]\n");
                    } else {
                        EXPECT_EQ(visited.error().code(), ErrorCode::out_of_memory);
                        ++refused;
                    }
                    if (all)
                        break;
                }
            }
            CountingAllocator& allocator;
            size_t refused = 0;
        } refuser{allocator};
        store.set_trap_observer(&refuser);
        EXPECT_FALSE(instance->func("f")->call());
        EXPECT_GT(refuser.refused, 3U);
    }
    EXPECT_EQ(allocator.live(), 0U);
}

TEST_F(ActiveStackTest, objects_by_index) {
    const Instance instance = instantiate(
        R"((module (memory 1) (memory 2) (global i32 (i32.const 5)) (global i64 (i64.const 6))
                   (func) (func (export "f") (param i32)) (table 3 funcref) (table 4 externref) (tag (param i32))))");
    EXPECT_EQ(instance.func_at(1), instance.func("f"));
    EXPECT_NE(instance.func_at(0), instance.func_at(1));
    EXPECT_FALSE(instance.func_at(2));
    EXPECT_FALSE(Instance{}.func_at(0));
    EXPECT_EQ(instance.table_at(1).size(), 4U);
    EXPECT_FALSE(instance.table_at(2));
    EXPECT_EQ(instance.tag_at(0).params().size(), 1U);
    EXPECT_FALSE(instance.tag_at(1));
    EXPECT_FALSE(Instance{}.table_at(0));
    EXPECT_FALSE(Instance{}.tag_at(0));
    EXPECT_EQ(instance.memory_at(1).pages(), 2U);
    EXPECT_FALSE(instance.memory_at(2));
    EXPECT_EQ(instance.global_at(0).get().as<int32_t>(), 5);
    EXPECT_FALSE(instance.global_at(2));
    EXPECT_FALSE(Instance{}.memory_at(0));
    EXPECT_FALSE(Instance{}.global_at(0));
}

} // namespace
} // namespace warpbeam
