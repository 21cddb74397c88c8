#include "fixture.hpp"

#include <warpbeam/vm/exception.hpp>

#include <optional>
#include <thread>
#include <vector>

/// Exceptions in the host's hands: thrown by host functions, caught by the host, kept.

namespace warpbeam {
namespace {

constexpr ValType i32_i64[] = {ValType::i32, ValType::i64};

class ExceptionHostTest : public VmTest {
protected:
    explicit ExceptionHostTest(const Config& config = {}, const StoreLimits& limits = {})
        : VmTest{config, limits} {
        if (!linker.define("env", "tag", tag))
            throw std::runtime_error{"the tag can't be defined"};
    }

    Exception make(int32_t a, int64_t b) {
        const auto made = Exception::create(tag, std::array<Value, 2>{a, b});
        if (!made)
            throw std::runtime_error{std::string{made.error().message()}};
        return *made;
    }

    Tag tag = *Tag::create(store, i32_i64);
};

TEST_F(ExceptionHostTest, is_made_of_values_that_fit_its_tag) {
    const Exception exception = make(1, 2);
    EXPECT_EQ(exception.tag(), tag);
    ASSERT_EQ(exception.size(), 2u);
    EXPECT_EQ(exception[0].as<int32_t>(), 1);
    EXPECT_EQ(exception[1].as<int64_t>(), 2);
    EXPECT_EQ(exception, Exception{exception});
    EXPECT_FALSE(exception == make(1, 2)) << "another one that carries the same";
    const auto code = [&](std::span<const Value> values) {
        const auto made = Exception::create(tag, values);
        return made ? std::optional<ErrorCode>{} : std::optional{made.error().code()};
    };
    EXPECT_EQ(code({}), ErrorCode::usage);
    EXPECT_EQ(code(std::array<Value, 2>{1, 2}), ErrorCode::usage);
    EXPECT_EQ(code(std::array<Value, 3>{1, int64_t{2}, 3}), ErrorCode::usage);
    constexpr ValType strict[] = {ValType::reference(HeapType::exn, false)};
    const auto nested = Tag::create(store, strict);
    ASSERT_TRUE(nested);
    EXPECT_FALSE(Exception::create(*nested, std::array<Value, 1>{Value::null(HeapType::exn)}));
    const auto outer = Exception::create(*nested, std::array<Value, 1>{exception.reference()});
    ASSERT_TRUE(outer) << outer.error().message();
    const auto inner = Exception::from(store, (*outer)[0]);
    ASSERT_TRUE(inner);
    EXPECT_EQ(*inner, exception);
    EXPECT_FALSE(Exception::from(store, Value::null(HeapType::exn)));
    EXPECT_FALSE(Exception::from(store, 5));
}

TEST_F(ExceptionHostTest, is_thrown_by_host_functions_and_caught_by_code) {
    ASSERT_TRUE(linker.func("env", "check", [this](int32_t number) -> std::expected<int32_t, Trap> {
        if (number < 0)
            return std::unexpected{Trap::thrown(make(number, 5))};
        return number * 2;
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "tag" (tag $e (param i32 i64)))
        (import "env" "check" (func $check (param i32) (result i32)))
        (func $tail (param i32) (result i32) (return_call $check (local.get 0)))
        (func (export "f") (param i32) (result i32) (local $sum i32)
            (loop $turns
                (block $done
                    (block $e (result i32 i64)
                        (try_table (catch $e $e)
                            (local.set $sum (i32.add (local.get $sum) (call $tail (local.get 0))))
                            (local.set $sum (i32.add (local.get $sum) (call $check (local.get 0)))))
                        (br $done))
                    (i32.wrap_i64) (i32.sub)
                    (local.set $sum (i32.add (local.get $sum))))
                (local.set 0 (i32.add (local.get 0) (i32.const 1)))
                (br_if $turns (i32.lt_s (local.get 0) (i32.const 3))))
            (local.get $sum))
        (func (export "uncaught") (drop (call $check (i32.const -7))))
        (func (export "trap") (unreachable))))");
    const auto f = instance.func<int32_t(int32_t)>("f");
    ASSERT_TRUE(f);
    const auto sum = (*f)(-3);
    ASSERT_TRUE(sum) << sum.error().message();
    EXPECT_EQ(*sum, (-3 - 5) + (-2 - 5) + (-1 - 5) + 0 + 4 + 8);
    const auto uncaught = instance.func("uncaught")->call();
    ASSERT_FALSE(uncaught);
    EXPECT_EQ(uncaught.error().code(), TrapCode::uncaught_exception);
    EXPECT_EQ(uncaught.error().message(), "uncaught exception");
    ASSERT_EQ(uncaught.error().backtrace().size(), 1u);
    ASSERT_TRUE(uncaught.error().exception());
    EXPECT_EQ((*uncaught.error().exception())[0].as<int32_t>(), -7);
    EXPECT_EQ(trap_of(instance, "trap"), "unreachable") << "what was caught is forgotten";
}

TEST_F(ExceptionHostTest, is_caught_by_the_host_and_thrown_again) {
    std::optional<Func> inner;
    std::vector<Exception> seen;
    ASSERT_TRUE(linker.func("env", "through", [&](int32_t mode) -> std::expected<int32_t, Trap> {
        auto called = inner->typed<int32_t(int32_t)>().value()(mode);
        if (called)
            return *called;
        const auto exception = called.error().exception();
        if (!exception)
            return std::unexpected{std::move(called.error())};
        seen.push_back(*exception);
        if (mode == 1)
            return (*exception)[0].as<int32_t>();
        if (mode == 2)
            return std::unexpected{Trap::thrown(*exception)};
        return std::unexpected{std::move(called.error())};
    }));
    constexpr ValType exnref[] = {ValType::reference(HeapType::exn, true)};
    ASSERT_TRUE(linker.func(
        "env", "see", FuncType{exnref, {}},
        [&](Caller& caller, std::span<const Value> args, std::span<Value>) -> std::expected<void, Trap> {
            seen.push_back(Exception::from(caller.store(), args[0]).value());
            return {};
        }));
    const Instance instance = instantiate(R"((module
        (import "env" "tag" (tag $e (param i32 i64)))
        (import "env" "through" (func $through (param i32) (result i32)))
        (import "env" "see" (func $see (param exnref)))
        (func (export "inner") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (unreachable)))
            (if (i32.eq (local.get 0) (i32.const 4)) (then (return (call $through (i32.const 3)))))
            (throw $e (i32.const 21) (i64.const 1)))
        (func (export "f") (param i32) (result i32)
            (block $all (result exnref)
                (block $e (result i32 i64 exnref)
                    (try_table (catch_ref $e $e) (catch_all_ref $all) (return (call $through (local.get 0))))
                    (unreachable))
                (call $see) (drop) (i32.add (i32.const 100)) (return))
            (unreachable))
        (func (export "uncaught") (drop (call $through (i32.const 4))))))");
    inner = *instance.func("inner");
    const auto f = instance.func<int32_t(int32_t)>("f");
    ASSERT_TRUE(f);
    EXPECT_EQ((*f)(1), 21);
    EXPECT_EQ(seen.size(), 1u);
    for (const int32_t mode : {2, 3}) {
        seen.clear();
        EXPECT_EQ((*f)(mode), 121);
        ASSERT_EQ(seen.size(), 2u);
        EXPECT_EQ(seen[0], seen[1]) << "it keeps its identity";
    }
    seen.clear();
    EXPECT_EQ((*f)(4), 121);
    ASSERT_EQ(seen.size(), 3u) << "through two runs inside";
    EXPECT_EQ(seen[0], seen[2]);
    const auto trapped = (*f)(0);
    ASSERT_FALSE(trapped) << "a trap is not caught";
    EXPECT_EQ(trapped.error().code(), TrapCode::unreachable);

    seen.clear();
    const auto uncaught = instance.func("uncaught")->call();
    ASSERT_FALSE(uncaught);
    EXPECT_EQ(uncaught.error().code(), TrapCode::uncaught_exception);
    EXPECT_EQ(uncaught.error().backtrace().size(), 3u) << "where it was thrown, and both callers of the host";
    ASSERT_TRUE(uncaught.error().exception());
    EXPECT_EQ(*uncaught.error().exception(), seen[0]);
    const Trap wrapped = Trap::host("wrapped").caused_by(uncaught.error());
    EXPECT_TRUE(wrapped.cause()->exception());
}

TEST_F(ExceptionHostTest, thrown_where_no_code_is_around_goes_to_the_host) {
    const auto func = Func::wrap(store, [this]() -> Trap { return Trap::thrown(make(3, 4)); });
    ASSERT_TRUE(func);
    const auto called = func->call();
    ASSERT_FALSE(called);
    ASSERT_TRUE(called.error().exception());
    EXPECT_EQ((*called.error().exception())[0].as<int32_t>(), 3);
}

TEST_F(ExceptionHostTest, of_another_store_is_refused) {
    Store other{engine};
    const auto foreign = Exception::create(*Tag::create(other, i32_i64), std::array<Value, 2>{1, int64_t{2}});
    ASSERT_TRUE(foreign);
    ASSERT_TRUE(linker.func("env", "throw", [&]() -> Trap { return Trap::thrown(*foreign); }));
    const Instance instance = instantiate(R"((module (import "env" "throw" (func $throw))
        (func (export "f") (block (try_table (catch_all 0) (call $throw))))))");
    EXPECT_EQ(trap_of(instance, "f"), "a host function threw an exception that belongs to another store");
}

TEST_F(ExceptionHostTest, may_outlive_its_store) {
    auto gone = std::make_unique<Store>(engine);
    std::optional<Exception> exception =
        *Exception::create(*Tag::create(*gone, i32_i64), std::array<Value, 2>{1, int64_t{2}});
    const Trap trap = Trap::thrown(*exception);
    EXPECT_TRUE(trap.exception());
    const Exception copy = *exception;
    gone.reset();
    EXPECT_FALSE(trap.exception());
    EXPECT_EQ(trap.code(), TrapCode::uncaught_exception);
    std::thread{[moved = std::move(exception)]() mutable { moved.reset(); }}.join();
}

/// Every allocation collects, so that an exception that is not kept alive is gone at once.
class CollectedExceptionTest : public ExceptionHostTest {
protected:
    CollectedExceptionTest() : ExceptionHostTest{{.features = FeatureSet::all(), .collect_always = true}} {}
};

TEST_F(CollectedExceptionTest, lives_as_long_as_it_is_referenced) {
    const Exception kept = make(11, 12);
    const Instance instance = instantiate(R"((module
        (import "env" "tag" (tag $e (param i32 i64))) (tag $nested (param exnref i32)) (tag $other)
        (global $g (mut exnref) (ref.null exn))
        (table $t 4 exnref)
        (func $noise (local $i i32)
            (loop $l
                (block (try_table (catch $other 0) (throw $other)))
                (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20)))))
        (func $make (param i32) (result exnref)
            (block $r (result i32 i64 exnref)
                (try_table (catch_ref $e $r) (throw $e (local.get 0) (i64.const 9))) (unreachable))
            (return))
        (func $value (param exnref) (result i32)
            (block $r (result i32 i64) (try_table (catch $e $r) (throw_ref (local.get 0))) (unreachable))
            (drop))
        (func (export "f") (result i32) (local $l exnref) (local $sum i32)
            (local.set $l (call $make (i32.const 1)))
            (global.set $g (call $make (i32.const 2)))
            (table.set $t (i32.const 3) (call $make (i32.const 4)))
            (call $make (i32.const 8)) ;; waits on the operand stack
            (call $noise)
            (local.set $sum (call $value))
            (block $n (result exnref i32)
                (try_table (catch $nested $n) (call $noise)
                    (throw $nested (call $make (i32.const 16)) (i32.const 32)))
                (unreachable))
            (local.set $sum (i32.add (local.get $sum)))
            (call $noise)
            (call $value)
            (local.set $sum (i32.add (local.get $sum)))
            (local.set $sum (i32.add (local.get $sum) (call $value (local.get $l))))
            (local.set $sum (i32.add (local.get $sum) (call $value (global.get $g))))
            (i32.add (local.get $sum) (call $value (table.get $t (i32.const 3)))))
        (func (export "legacy") (result i32)
            (try (result i32)
                (do (try (result i32)
                    (do (throw $e (i32.const 5) (i64.const 6)))
                    (catch $e (call $noise) (i32.wrap_i64) (drop) (drop) (call $noise) (rethrow 0))))
                (catch $e (i32.wrap_i64) (i32.add))))
        (func (export "uncaught") (throw $nested (call $make (i32.const 5)) (i32.const 6)))))");
    EXPECT_EQ(value_of(instance, "f"), 63);
    EXPECT_EQ(value_of(instance, "legacy"), 11);
    const auto uncaught = instance.func("uncaught")->call();
    ASSERT_FALSE(uncaught);
    EXPECT_EQ(value_of(instance, "f"), 63);
    store.collect();
    EXPECT_EQ(kept[1].as<int64_t>(), 12);
    const auto nested = uncaught.error().exception();
    ASSERT_TRUE(nested);
    EXPECT_EQ((*nested)[1].as<int32_t>(), 6);
    EXPECT_EQ((*Exception::from(store, (*nested)[0]))[0].as<int32_t>(), 5);
}

TEST_F(ExceptionHostTest, leaks_nothing) {
    for (int32_t i = 0; i < 200'000; ++i)
        ASSERT_TRUE(Trap::thrown(make(i, i)).exception());
    EXPECT_LT(store.heap().peak, 8'000'000u);
    store.collect();
    EXPECT_EQ(store.heap().survived, 0u);
}

TEST(ExceptionHeapLimit, is_a_trap_and_leaves_the_store_usable) {
    Engine engine;
    Store store{engine, {.heap_bytes = 256 * 1024}};
    const auto module = engine.load(assemble(R"((module (tag $e (param i64 i64 i64 i64))
        (table $t 0 100000 exnref)
        (func (export "hoard") (local $x exnref)
            (loop $more
                (block $r (result i64 i64 i64 i64 exnref)
                    (try_table (catch_ref $e $r)
                        (throw $e (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
                    (unreachable))
                (local.set $x) (drop) (drop) (drop) (drop)
                (drop (table.grow $t (local.get $x) (i32.const 1)))
                (br $more)))
        (func (export "clear") (table.fill $t (i32.const 0) (ref.null exn) (table.size $t)))
        (func (export "throw") (throw $e (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4)))
        (func (export "catch") (result i32)
            (block (try_table (catch_all 0)
                (throw $e (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4))))
            (i32.const 1))))"));
    ASSERT_TRUE(module) << module.error().message();
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    const auto hoard = instance->func("hoard")->call();
    ASSERT_FALSE(hoard);
    EXPECT_EQ(hoard.error().code(), TrapCode::heap_exhausted);
    Value result;
    const auto thrown = instance->func("catch")->call({}, {&result, 1});
    ASSERT_FALSE(thrown) << "catch_all does not catch the trap";
    EXPECT_EQ(thrown.error().code(), TrapCode::heap_exhausted);
    constexpr ValType none[] = {ValType::i32};
    std::vector<Exception> held;
    const Tag tag = *Tag::create(store, none);
    for (;;) {
        const auto made = Exception::create(tag, std::array<Value, 1>{7});
        if (!made) {
            EXPECT_EQ(made.error().code(), ErrorCode::limit);
            break;
        }
        held.push_back(*made);
        ASSERT_LT(held.size(), 100'000u);
    }
    held.clear();
    ASSERT_TRUE(instance->func("clear")->call());
    const auto again = instance->func<int32_t()>("catch");
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)(), 1);
    const auto uncaught = instance->func("throw")->call();
    ASSERT_FALSE(uncaught);
    EXPECT_EQ(uncaught.error().code(), TrapCode::uncaught_exception);
}

} // namespace
} // namespace warpbeam
