#include "execution_fixture.hpp"

#include <warpbeam/vm/snapshot.hpp>

#include <string>

/// Config::deterministic: how deep calls go before the stack is exhausted. The numbers hold in every build:
/// also where frames take more slots, and however a frame was reached.

namespace warpbeam {
namespace {

constexpr size_t stack_size = 16 * 1024;

Config deterministic() {
    Config config = with_fuel();
    config.deterministic = true;
    config.stack_size = stack_size;
    return config;
}

/// Functions that call themselves, and count how often in `depth`.
class DeterministicStackTest : public ExecutionTest {
protected:
    DeterministicStackTest() : ExecutionTest{deterministic()} {}

    /// A module with what all of them need, and `body`.
    static std::string module_of(std::string_view body) {
        return "(module (global $depth (export \"depth\") (mut i32) (i32.const 0)) (tag $done)"
               "(func $count (global.set $depth (i32.add (global.get $depth) (i32.const 1))))" +
               std::string{body} + ")";
    }
    static int32_t depth_of(const Instance& instance) {
        return instance.global("depth")->get().as<int32_t>();
    }
    /// How deep calls of the export `f` go.
    int32_t depth(const Instance& instance) {
        (void)instance.global("depth")->set(int32_t{0});
        store.set_fuel(10'000'000);
        const auto called = instance.func("f")->call();
        EXPECT_FALSE(called);
        EXPECT_EQ(called.error().code(), TrapCode::call_stack_exhausted) << called.error().message();
        return depth_of(instance);
    }
    int32_t depth(std::string_view body) { return depth(instantiate(module_of(body))); }
};

/// How often a function enters that takes `frame` bytes for each call of itself, and `last` in the last one.
/// A call takes 16 bytes, and 8 for each local and operand, or 16 for a vector; the locals 16 at least.
int32_t expected(size_t frame, size_t last) { return static_cast<int32_t>(1 + (stack_size - last) / frame); }
/// What the call of `$count` takes, with its two operands.
constexpr size_t count = 16 + 16 + 16;

TEST_F(DeterministicStackTest, counts_calls_locals_and_operands) {
    EXPECT_EQ(depth("(func $f (export \"f\") (call $count) (call $f))"), expected(32, 32 + count));
    EXPECT_EQ(depth("(func $f (export \"f\") (local i64 i32 f32 f64) (call $count) (call $f))"),
              expected(16 + 32, 16 + 32 + count));
    EXPECT_EQ(depth("(func $f (export \"f\") (local v128 v128 v128 i32) (call $count) (call $f))"),
              expected(16 + 56, 16 + 56 + count));
    EXPECT_EQ(depth("(func $f (export \"f\") (local externref externref externref) (call $count)"
                    "  (i64.const 1) (f64.const 1) (call $f) (drop) (drop))"),
              expected(16 + 40, 16 + 24 + count));
    EXPECT_EQ(depth("(func $f (export \"f\") (local v128) (call $count)"
                    "  (local.get 0) (local.get 0) (call $f) (drop) (drop))"),
              expected(16 + 48, 16 + 16 + count));
    // Arguments are locals of the callee, and operands of nobody.
    EXPECT_EQ(depth("(func $f (param i64 i64 i64 v128) (call $count)"
                    "  (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"
                    "(func (export \"f\") (call $f (i64.const 1) (i64.const 2) (i64.const 3)"
                    "  (v128.const i64x2 0 0)))"),
              expected(16 + 40, 32 + 16 + 40 + 64));
    // More slots than frames have near ones in builds with the least reach.
    std::string many = "(func $f (export \"f\") (local";
    for (int i = 0; i < 100; ++i)
        many += " i64";
    EXPECT_EQ(depth(many + ") (call $count) (call $f))"), expected(16 + 800, 16 + 800 + count));
}

TEST_F(DeterministicStackTest, the_last_frame_has_room_for_all_its_operands) {
    std::string text = "(func $f (export \"f\") (local $n i32) (call $count)";
    for (int i = 0; i < 200; ++i)
        text += "(i64.const 1)";
    for (int i = 0; i < 200; ++i)
        text += "(drop)";
    EXPECT_EQ(depth(text + "(call $f))"), expected(32, 32 + 1600));
}

TEST_F(DeterministicStackTest, is_the_same_after_tail_calls_and_exceptions) {
    EXPECT_EQ(depth("(func $g (param i32) (local v128 v128)"
                    "  (if (local.get 0) (then (return_call $g (i32.sub (local.get 0) (i32.const 1)))))"
                    "  (return_call $f))"
                    "(func $f (export \"f\") (call $count) (call $g (i32.const 10)))"),
              expected(32, 32 + count));
    // Frames that an exception has left no longer count, wherever it is caught.
    EXPECT_EQ(depth("(func $throw (param i32) (local i64 i64 i64)"
                    "  (if (local.get 0) (then (call $throw (i32.sub (local.get 0) (i32.const 1)))))"
                    "  (throw $done))"
                    "(func $f (export \"f\") (local i64 i64)"
                    "  (block $caught (try_table (catch $done $caught) (call $throw (i32.const 3))))"
                    "  (block $caught (try_table (catch $done $caught) (throw $done)))"
                    "  (call $count) (call $f))"),
              expected(32, 32 + 4 * 48 + 16));
}

/// Two instances whose functions call each other, `f` of the first through a table.
class TwoInstancesTest : public DeterministicStackTest {
protected:
    Instance both(const std::string& f, const std::string& g) {
        const Instance first = instantiate(module_of("(table (export \"table\") 1 funcref)"
                                                     "(func (export \"f\") (call $count) " +
                                                     f + ")"));
        EXPECT_TRUE(linker.define("first", "table", *first.table("table")));
        EXPECT_TRUE(linker.define("first", "f", *first.func("f")));
        const Instance second = instantiate(
            "(module (import \"first\" \"f\" (func $f)) (import \"first\" \"table\" (table 1 funcref))"
            "(func $g " +
            g + ") (elem (i32.const 0) $g))");
        modules = {first.module(), second.module()};
        return first;
    }
    /// How deep calls go if the store is saved and restored again and again.
    int32_t depth_when_restored(const Instance& first) {
        (void)first.global("depth")->set(int32_t{0});
        Execution execution = start(first, "f");
        std::optional<Restored> last;
        Instance now = first;
        while (execution.resume({.fuel = 101}) == ExecutionState::out_of_fuel) {
            const Instance instances[] = {now};
            const Execution* const executions[] = {&execution};
            SnapshotBuffer bytes;
            EXPECT_TRUE(
                save(last ? last->store : store, {.instances = instances, .executions = executions}, bytes));
            SnapshotBytes source{bytes.bytes()};
            SnapshotSource* const sources[] = {&source};
            auto made = restore(engine, sources, {.modules = modules});
            if (!made) {
                ADD_FAILURE() << made.error().message();
                return 0;
            }
            execution = std::move(made->executions[0]);
            last.emplace(std::move(*made));
            now = last->instances[0];
        }
        EXPECT_EQ(execution.state(), ExecutionState::trapped);
        const int32_t depth = depth_of(now);
        execution = Execution{};
        return depth;
    }
    std::vector<Module> modules;
};

TEST_F(TwoInstancesTest, a_call_has_a_way_back) {
    const Instance first = both("(call_indirect (i32.const 0))", "(local i64 i64 i64) (call $f)");
    EXPECT_EQ(depth(first), expected(2 * 48 + 16 + 24, 32 + count));
    EXPECT_EQ(depth_when_restored(first), expected(2 * 48 + 16 + 24, 32 + count));
}

TEST_F(TwoInstancesTest, a_tail_call_back_needs_none) {
    const Instance first = both("(call_indirect (i32.const 0))", "(return_call $f)");
    EXPECT_EQ(depth(first), expected(32, 32 + count));
    EXPECT_EQ(depth_when_restored(first), expected(32, 32 + count));
}

TEST_F(TwoInstancesTest, nor_does_one_of_the_outermost_call) {
    const Instance first = both("(return_call_indirect (i32.const 0))", "(call $f)");
    EXPECT_EQ(depth(first), expected(32, 64 + count));
    EXPECT_EQ(depth_when_restored(first), expected(32, 64 + count));
}

TEST_F(TwoInstancesTest, tail_calls_to_and_fro_take_no_room) {
    const Instance first = both("(return_call_indirect (i32.const 0))", "(return_call $f)");
    Execution execution = start(first, "f");
    EXPECT_EQ(execution.resume({.fuel = 100'000}), ExecutionState::out_of_fuel);
}

TEST_F(DeterministicStackTest, is_shared_with_calls_of_the_host) {
    Config config = deterministic();
    config.host_call_depth = 500;
    Engine own{config};
    Linker host{own};
    Store at{own};
    std::optional<Instance> instance;
    ASSERT_TRUE(host.func("env", "again", [&](int32_t n) -> std::expected<void, Trap> {
        const auto called = (*instance->func<void(int32_t)>("f"))(n);
        if (!called)
            return std::unexpected{called.error()};
        return {};
    }));
    const auto module =
        own.load(assemble("(module (import \"env\" \"again\" (func $again (param i32)))"
                          "(global $depth (export \"depth\") (mut i32) (i32.const 0))"
                          "(func $f (export \"f\") (param i32) (local v128 v128)"
                          "  (global.set $depth (i32.add (global.get $depth) (i32.const 1)))"
                          "  (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1))))"
                          "    (else (call $again (i32.const 5))))))"));
    ASSERT_TRUE(module);
    instance = host.instantiate(at, *module).value();
    at.set_fuel(10'000'000);
    const auto called = (*instance->func<void(int32_t)>("f"))(5);
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::call_stack_exhausted);
    EXPECT_EQ(depth_of(*instance), 272);
}

TEST_F(DeterministicStackTest, is_the_same_in_executions_that_stop) {
    const Instance instance =
        instantiate(module_of("(func $f (export \"f\") (local v128 i32) (call $count)"
                              "  (loop $again (br_if $again (i32.lt_u (local.tee 1"
                              "    (i32.add (local.get 1) (i32.const 1))) (i32.const 3))))"
                              "  (call $f))"));
    const int32_t expected = depth(instance);
    EXPECT_EQ(expected, warpbeam::expected(16 + 24, 16 + 24 + count));
    for (const uint64_t budget : {1u, 7u, 100u}) {
        (void)instance.global("depth")->set(int32_t{0});
        Execution execution = start(instance, "f");
        while (execution.resume({.fuel = budget}) == ExecutionState::out_of_fuel) {
        }
        ASSERT_EQ(execution.state(), ExecutionState::trapped);
        EXPECT_EQ(execution.trap()->code(), TrapCode::call_stack_exhausted);
        EXPECT_EQ(depth_of(instance), expected);
    }
}

TEST_F(DeterministicStackTest, is_shared_by_continuations) {
    const std::string text = "(type $ft (func)) (type $ct (cont $ft)) (tag $stop)"
                             "(func $f (export \"f\") (local i64 i64 i64) (call $count)"
                             "  (resume $ct (cont.new $ct (ref.func $f))))";
    EXPECT_EQ(depth(text), expected(16 + 24, 16 + 24 + count));
    // One that is left and entered again brings its frames with it.
    EXPECT_EQ(depth("(type $ft (func)) (type $ct (cont $ft)) (tag $stop)"
                    "(func $deep (param i32) (local i64 i64)"
                    "  (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))"
                    "    (else (suspend $stop) (call $f))))"
                    "(func $ten (call $deep (i32.const 9)))"
                    "(elem declare func $ten)"
                    "(func $f (export \"f\") (local $k (ref null $ct)) (call $count)"
                    "  (block $on (result (ref $ct))"
                    "    (resume $ct (on $stop $on) (cont.new $ct (ref.func $ten))) (return))"
                    "  (local.set $k) (resume $ct (local.get $k)))"),
              expected(32 + 32 + 10 * 40, 32 + count));
}

TEST(DeterministicStack, may_be_full_of_stacks_that_wait) {
    // `$inner` needs no more of it to return.
    const auto bytes =
        assemble("(module (type $ft (func)) (type $ct (cont $ft)) (tag $stop)"
                 "(func $inner (suspend $stop)) (elem declare func $inner $outer)"
                 "(func $outer (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)"
                 "  (resume $ct (cont.new $ct (ref.func $inner))))"
                 "(func $again (param i32) (param $k (ref null $ct))"
                 "  (if (local.get 0)"
                 "    (then (call $again (i32.sub (local.get 0) (i32.const 1)) (local.get $k)))"
                 "    (else (resume $ct (local.get $k)))))"
                 "(func (export \"f\")"
                 "  (i32.const 999) (block $on (result (ref $ct))"
                 "    (resume $ct (on $stop $on) (cont.new $ct (ref.func $outer))) (return))"
                 "  (call $again)))");
    constexpr size_t needed = 32 + 1000 * 32 + 16 + 12 * 8;
    for (const auto& [size, fits] : {std::pair{needed, true}, {needed - 16, false}}) {
        Config config = deterministic();
        config.stack_size = size;
        const Engine own{config};
        Store at{own};
        at.set_fuel(10'000'000);
        const auto instance = Instance::create(at, *own.load(bytes));
        ASSERT_TRUE(instance);
        const auto called = instance->func("f")->call();
        EXPECT_EQ(called.has_value(), fits);
        EXPECT_TRUE(fits || called.error().code() == TrapCode::call_stack_exhausted);
    }
}

TEST_F(DeterministicStackTest, refuses_shared_memories) {
    constexpr std::string_view message = "a shared memory is not deterministic";
    for (const char* const text :
         {"(module (memory 1 2 shared))", "(module (import \"m\" \"m\" (memory 1 2 shared)))"}) {
        const auto module = engine.load(assemble(text));
        ASSERT_FALSE(module);
        EXPECT_EQ(module.error().code(), ErrorCode::unsupported);
        EXPECT_EQ(module.error().message(), message);
    }
    const auto memory =
        Memory::create(store, {.limits = {.min = 1, .max = 2, .has_max = true}, .shared = true});
    ASSERT_FALSE(memory);
    EXPECT_EQ(memory.error().message(), message);
}

} // namespace
} // namespace warpbeam
