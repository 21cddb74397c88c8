#include "fixture.hpp"

#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/observer.hpp>

#include <cstring>

/// An Observer sees what happens, and nothing else is different because of it.

namespace warpbeam {
namespace {

/// Writes a line for each event: `depth > name(operands)`, `<` for a return, `~` for a tail call, and
/// `name@memory[address] = operands` for an access.
class Recorder final : public Observer {
public:
    void observe(const Observation& event) noexcept override {
        const Module module = event.module();
        std::string name{event.func() < module.funcs().size() ? module.func_name(event.func()) : "?"};
        if (event.is_host())
            name += "!";
        std::string line =
            std::to_string(event.outer_depth() + event.depth()) + " " + mark(event.event()) + " " + name;
        const FuncType type = event.type();
        switch (event.event()) {
        case Observed::enter:
            line += values(type.params, event.operands());
            break;
        case Observed::leave:
            line += values(type.results, event.operands());
            break;
        case Observed::tail_call:
            break;
        case Observed::access:
            line += "@" + std::to_string(event.offset() != 0) + "[" + std::to_string(event.operands()[0]) +
                    "]" + " of " + std::to_string(event.memory(0).size());
            break;
        }
        lines.push_back(line);
        fuel.push_back(event.fuel());
    }
    void lower(const Module& module, uint32_t func, bool begins) noexcept override {
        if (begins)
            lowered.push_back(std::string{module.func_name(func)});
        else
            ++ends;
    }
    std::string text() const {
        std::string all;
        for (const std::string& line : lines)
            all += line + "\n";
        return all;
    }

    std::vector<std::string> lines;
    std::vector<uint64_t> fuel;
    std::vector<std::string> lowered;
    size_t ends = 0;

private:
    static const char* mark(Observed event) {
        constexpr const char* marks[] = {">", "<", "~", "*"};
        return marks[static_cast<size_t>(event)];
    }
    template <typename Types>
    static std::string values(const Types& types, const uint64_t* slots) {
        std::string text = "(";
        for (const ValType type : types) {
            text += text.size() > 1 ? " " : "";
            switch (type.kind()) {
            case ValType::i32:
                text += std::to_string(static_cast<int32_t>(*slots));
                break;
            case ValType::f64: {
                double number = 0;
                std::memcpy(&number, slots, sizeof number);
                text += std::to_string(number);
                break;
            }
            case ValType::v128:
                text += std::to_string(slots[0]) + ":" + std::to_string(slots[1]);
                ++slots;
                break;
            default:
                text += std::to_string(*slots);
            }
            ++slots;
        }
        return text + ")";
    }
};

/// What an engine with an observer is made with.
Config observed(Observer& observer, bool calls, bool accesses) {
    Config config;
    config.features = FeatureSet::all();
    config.observer = &observer;
    config.observe_calls = calls;
    config.observe_accesses = accesses;
    return config;
}

class ObserverTest : public ::testing::Test {
protected:
    /// The events while the export `f` runs, which takes an i32 and has an i32 result, or the trap's message.
    std::string run(std::string_view wat, int32_t argument, bool calls = true, bool accesses = false,
                    bool fuel = false, bool deterministic = false) {
        recorder = {};
        Config config = observed(recorder, calls, accesses);
        config.fuel = fuel;
        config.deterministic = deterministic;
        Engine engine{config};
        Store store{engine};
        store.set_fuel(1'000'000);
        Linker linker{engine};
        EXPECT_TRUE(linker.func("host", "twice", [](int32_t n) { return 2 * n; }));
        EXPECT_TRUE(linker.func(
            "host", "fail", []() -> std::expected<void, Trap> { return std::unexpected{Trap::host("no")}; }));
        const Vec<uint8_t> bytes = assemble(wat);
        const auto module = engine.load(bytes);
        if (!module)
            throw std::runtime_error{std::string{module.error().message()}};
        const auto instance = linker.instantiate(store, *module);
        if (!instance)
            throw std::runtime_error{std::string{instance.error().message()}};
        const auto func = instance->func<int32_t(int32_t)>("f");
        const auto result = (*func)(argument);
        outcome = result ? std::to_string(*result) : std::string{result.error().message()};
        used = 1'000'000 - store.fuel();
        return recorder.text();
    }

    Recorder recorder;
    std::string outcome;
    uint64_t used = 0;
};

constexpr std::string_view fib =
    "(module (func $fib (export \"f\") (param $n i32) (result i32)"
    "  (if (i32.lt_s (local.get $n) (i32.const 2)) (then (return (local.get $n))))"
    "  (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))"
    "           (call $fib (i32.sub (local.get $n) (i32.const 2))))))";

TEST_F(ObserverTest, sees_calls_with_arguments_and_results) {
    EXPECT_EQ(run(fib, 2), "1 > fib(2)\n2 > fib(1)\n2 < fib(1)\n2 > fib(0)\n2 < fib(0)\n1 < fib(1)\n");
    EXPECT_EQ(outcome, "1");
}

TEST_F(ObserverTest, sees_values_of_every_type) {
    EXPECT_EQ(run("(module (func $g (param i64 f64 v128 i32) (result v128 i32) (local.get 2) (local.get 3))"
                  "(func $v (param v128) (result v128) (local.get 0))"
                  "(func $f (export \"f\") (param i32) (result i32) (local $v v128) (local $n i32)"
                  "  (call $g (i64.const -1) (f64.const 1.5) (v128.const i64x2 3 4) (local.get 0))"
                  "  (local.set $n) (local.set $v)"
                  "  (drop (call $v (local.get $v))) (local.get $n)))",
                  7),
              "1 > f(7)\n2 > g(18446744073709551615 1.500000 3:4 7)\n2 < g(3:4 7)\n"
              "2 > v(3:4)\n2 < v(3:4)\n1 < f(7)\n");
}

TEST_F(ObserverTest, sees_every_way_to_return) {
    // From the accumulator, a constant, a local, in one of two ways, with br_table, and at the end.
    constexpr std::string_view ways =
        "(module (func $f (export \"f\") (param $n i32) (result i32)"
        "  (drop (br_if 0 (i32.mul (local.get $n) (i32.const 3)) (i32.eq (local.get $n) (i32.const 1))))"
        "  (drop (br_if 0 (i32.const 42) (i32.eq (local.get $n) (i32.const 2))))"
        "  (drop (br_if 0 (local.get $n) (i32.eq (local.get $n) (i32.const 3))))"
        "  (br_if 0 (i32.mul (local.get $n) (local.get $n)) (i32.eq (local.get $n) (i32.const 4)))"
        "  (drop) (block (br_if 0 (i32.ne (local.get $n) (i32.const 5))) (return (i32.const -5)))"
        "  (block (result i32) (br_table 1 0 (i32.const 8) (i32.ne (local.get $n) (i32.const 6))))"
        "  (i32.add (local.get $n))))";
    const std::pair<int32_t, std::string> cases[] = {{1, "3"},  {2, "42"}, {3, "3"}, {4, "16"},
                                                     {5, "-5"}, {6, "8"},  {7, "15"}};
    for (const auto& [argument, result] : cases) {
        EXPECT_EQ(run(ways, argument), "1 > f(" + std::to_string(argument) + ")\n1 < f(" + result + ")\n");
        EXPECT_EQ(outcome, result);
    }
}

TEST_F(ObserverTest, sees_tail_calls) {
    EXPECT_EQ(run("(module (func $f (export \"f\") (param i32) (result i32)"
                  "  (if (i32.eqz (local.get 0)) (then (return (i32.const 9))))"
                  "  (return_call $f (i32.sub (local.get 0) (i32.const 1)))))",
                  2),
              "1 > f(2)\n1 ~ f\n1 > f(1)\n1 ~ f\n1 > f(0)\n1 < f(9)\n");
}

TEST_F(ObserverTest, sees_host_functions_however_they_are_called) {
    EXPECT_EQ(run("(module (import \"host\" \"twice\" (func $twice (param i32) (result i32)))"
                  "(type $t (func (param i32) (result i32))) (table funcref (elem $twice))"
                  "(func $f (export \"f\") (param i32) (result i32)"
                  "  (call_indirect (type $t) (call $twice (local.get 0)) (i32.const 0))))",
                  5),
              "1 > f(5)\n2 > twice!(5)\n2 < twice!(10)\n2 > twice!(10)\n2 < twice!(20)\n1 < f(20)\n");
}

TEST_F(ObserverTest, sees_where_exceptions_and_traps_leave_functions) {
    // g throws in h; f catches, and calls again at the same depth.
    EXPECT_EQ(run("(module (tag $e) (func $h (throw $e)) (func $g (call $h)) (func $i)"
                  "(func $f (export \"f\") (param i32) (result i32)"
                  "  (block (try_table (catch $e 0) (call $g))) (call $i) (local.get 0)))",
                  1),
              "1 > f(1)\n2 > g()\n3 > h()\n2 > i()\n2 < i()\n1 < f(1)\n");
    EXPECT_EQ(run("(module (func $g (unreachable)) (func $f (export \"f\") (param i32) (result i32)"
                  " (call $g) (local.get 0)))",
                  1),
              "1 > f(1)\n2 > g()\n");
    EXPECT_EQ(outcome, "unreachable");
    EXPECT_EQ(run("(module (import \"host\" \"fail\" (func $fail))"
                  "(func $f (export \"f\") (param i32) (result i32) (call $fail) (local.get 0)))",
                  1),
              "1 > f(1)\n2 > fail!()\n");
    EXPECT_EQ(outcome, "no");
}

TEST_F(ObserverTest, knows_stacks_that_wait) {
    EXPECT_EQ(run("(module (type $ft (func)) (type $ct (cont $ft)) (tag $t) (elem declare func $body)"
                  "(func $inner (suspend $t))"
                  "(func $body (call $inner) (call $inner))"
                  "(func $f (export \"f\") (param i32) (result i32) (local $k (ref null $ct))"
                  "  (local.set $k (cont.new $ct (ref.func $body)))"
                  "  (block $done"
                  "    (loop $again"
                  "      (block $h (result (ref $ct)) (resume $ct (on $t $h) (local.get $k)) (br $done))"
                  "      (local.set $k) (br $again)))"
                  "  (local.get 0)))",
                  1),
              "1 > f(1)\n2 > body()\n3 > inner()\n3 < inner()\n3 > inner()\n3 < inner()\n2 < body()\n"
              "1 < f(1)\n");
}

TEST_F(ObserverTest, sees_accesses_before_they_are_done) {
    const std::string page = " of 65536\n";
    EXPECT_EQ(run("(module (memory 1) (func $f (export \"f\") (param i32) (result i32)"
                  "  (i32.store offset=4 (i32.add (local.get 0) (i32.const 8)) (i32.const 3))"
                  "  (v128.store (i32.const 32) (v128.const i64x2 1 2))"
                  "  (drop (v128.load8_lane 3 (i32.const 33) (v128.const i64x2 1 2)))"
                  "  (memory.fill (i32.const 40) (i32.const 1) (i32.const 2))"
                  "  (memory.copy (i32.const 50) (i32.const 40) (i32.const 2))"
                  "  (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 1)))"
                  "  (drop (i64.load (i32.const 70)))"
                  "  (i32.load (i32.add (local.get 0) (i32.const 12)))))",
                  1, false, true),
              "1 * f@1[9]" + page + "1 * f@1[32]" + page + "1 * f@1[33]" + page + "1 * f@1[40]" + page +
                  "1 * f@1[50]" + page + "1 * f@1[64]" + page + "1 * f@1[70]" + page + "1 * f@1[13]" + page);
    EXPECT_EQ(outcome, "3");
    EXPECT_EQ(run("(module (memory 1) (func $f (export \"f\") (param i32) (result i32)"
                  "  (i32.load (local.get 0))))",
                  -1, false, true),
              "1 * f@1[4294967295]" + page);
    EXPECT_TRUE(outcome.starts_with("out of bounds memory access")) << outcome;
}

TEST_F(ObserverTest, changes_neither_fuel_nor_results) {
    constexpr std::string_view loop =
        "(module (memory 1) (func $g (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))"
        "(func $f (export \"f\") (param $n i32) (result i32) (local $sum i32)"
        "  (loop $again"
        "    (i32.store (i32.shl (local.get $n) (i32.const 2)) (call $g (local.get $n)))"
        "    (local.set $sum (i32.add (local.get $sum) (i32.load (i32.shl (local.get $n) (i32.const 2)))))"
        "    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
        "  (local.get $sum)))";
    for (const bool deterministic : {false, true}) {
        (void)run(loop, 100, false, false, true, deterministic);
        const uint64_t plain = used;
        const std::string sum = outcome;
        EXPECT_EQ(sum, "15150");
        EXPECT_TRUE(recorder.lines.empty());
        (void)run(loop, 100, true, true, true, deterministic);
        EXPECT_EQ(used, plain);
        EXPECT_EQ(outcome, sum);
        EXPECT_EQ(recorder.lines.size(), 2U + 100 * 4);
    }
    // The first function has not paid for its entry yet when it begins.
    EXPECT_EQ(recorder.fuel.front(), 1'000'000U);
}

TEST_F(ObserverTest, is_told_of_an_entry_once_if_there_is_no_fuel_for_it) {
    Config config = observed(recorder, true, false);
    config.fuel = true;
    Engine engine{config};
    Store store{engine};
    const Vec<uint8_t> bytes = assemble(fib);
    const auto module = engine.load(bytes);
    const auto instance = Instance::create(store, *module);
    auto execution = Execution::create(*instance->func("f"), {{Value{1}}});
    ASSERT_EQ(execution->resume({.fuel = 0}), ExecutionState::out_of_fuel);
    ASSERT_EQ(execution->resume({.fuel = 1}), ExecutionState::done);
    EXPECT_EQ(recorder.text(), "1 > fib(1)\n1 < fib(1)\n");
}

TEST_F(ObserverTest, is_told_once_of_a_host_function_that_is_called_again_after_a_wait) {
    Engine engine{observed(recorder, true, false)};
    Store store{engine};
    Linker linker{engine};
    int calls = 0;
    ASSERT_TRUE(linker.func("host", "read", [&](int32_t n) -> std::expected<int32_t, Trap> {
        if (++calls % 3 != 0)
            return std::unexpected{Trap{TrapCode::interrupted}};
        return n + 1;
    }));
    const Vec<uint8_t> bytes = assemble(
        "(module (import \"host\" \"read\" (func $read (param i32) (result i32)))"
        "(func $f (export \"f\") (param i32) (result i32) (call $read (call $read (local.get 0)))))");
    const auto module = engine.load(bytes);
    const auto instance = linker.instantiate(store, *module);
    auto execution = Execution::create(*instance->func("f"), {{Value{1}}});
    for (int waits = 0; waits < 4; ++waits)
        ASSERT_EQ(execution->resume(), ExecutionState::interrupted);
    ASSERT_EQ(execution->resume(), ExecutionState::done);
    EXPECT_EQ(calls, 6);
    EXPECT_EQ(recorder.text(),
              "1 > f(1)\n2 > read!(1)\n2 < read!(2)\n2 > read!(2)\n2 < read!(3)\n1 < f(3)\n");
}

TEST_F(ObserverTest, is_told_what_is_lowered_even_if_it_wants_nothing_else) {
    EXPECT_EQ(
        run("(module (func $g) (func $never) (func $f (export \"f\") (param i32) (result i32) (call $g) "
            "(call $g) (i32.const 0)))",
            0, false, false),
        "");
    EXPECT_EQ(recorder.lowered, (std::vector<std::string>{"f", "g"}));
    EXPECT_EQ(recorder.ends, 2U);
}

TEST_F(ObserverTest, sees_the_arguments_of_a_function_with_a_large_frame) {
    std::string locals;
    for (int i = 0; i < 40'000; ++i)
        locals += " v128";
    EXPECT_EQ(run("(module (func $g (param i32 i64) (result i64 i32) (local" + locals +
                      ") (local.get 1) (local.get 0))"
                      "(func $f (export \"f\") (param i32) (result i32) (local $n i32)"
                      "  (call $g (local.get 0) (i64.const 6)) (local.set $n) (drop) (local.get $n)))",
                  3),
              "1 > f(3)\n2 > g(3 6)\n2 < g(6 3)\n1 < f(3)\n");
    EXPECT_EQ(outcome, "3");
}

/// Looks at memories when a function begins.
class MemorySizes final : public Observer {
public:
    void observe(const Observation& event) noexcept override {
        if (event.event() != Observed::enter)
            return;
        for (const uint32_t index : {0u, 1u, 2u, 3u, UINT32_MAX})
            sizes.push_back(event.memory(index).size());
    }
    std::vector<size_t> sizes;
};

TEST(Observer, sees_the_memories_that_there_are_and_none_after_them) {
    MemorySizes observer;
    Engine engine{observed(observer, true, false)};
    Store store{engine};
    const auto module = engine.load(
        assemble("(module (memory 1) (memory 2) (tag) (elem func) (data \"\") (func (export \"f\")))"));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    ASSERT_TRUE(instance->func("f")->call());
    EXPECT_EQ(observer.sizes, (std::vector<size_t>{65536, 2 * 65536, 0, 0, 0}));
}

TEST(Execution, lists_its_active_functions) {
    Config config;
    config.fuel = true;
    Engine engine{config};
    Store store{engine};
    const Vec<uint8_t> bytes = assemble(
        "(module (func $loop (loop (br 0))) (func $g (call $loop)) (func $f (export \"f\") (call $g)))");
    const auto module = engine.load(bytes);
    const auto instance = Instance::create(store, *module);
    auto execution = Execution::create(*instance->func("f"));
    ActiveFunc all[8];
    EXPECT_EQ(execution->active(all), 0U);
    ASSERT_EQ(execution->resume({.fuel = 10}), ExecutionState::out_of_fuel);
    ASSERT_EQ(execution->active(all), 3U);
    EXPECT_EQ(all[0].module, *module);
    EXPECT_EQ(all[0].func, 0U);
    EXPECT_EQ(all[1].func, 1U);
    EXPECT_EQ(all[2].func, 2U);
    ActiveFunc one[1];
    EXPECT_EQ(execution->active(one), 3U);
    EXPECT_EQ(one[0].func, 0U);
    EXPECT_EQ(execution->active({}), 3U);
    EXPECT_EQ(Execution{}.active(all), 0U);
}

} // namespace
} // namespace warpbeam
