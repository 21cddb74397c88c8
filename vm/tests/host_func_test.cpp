#include "fixture.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/memory_view.hpp>

#include <functional>
#include <memory>

namespace warpbeam {
namespace {

class HostFuncTest : public VmTest {};

int32_t twice(int32_t number) { return 2 * number; }

TEST_F(HostFuncTest, is_a_lambda_or_a_function) {
    int64_t seen = 0;
    ASSERT_TRUE(linker.func("env", "add", [](int32_t a, int32_t b) -> int32_t { return a + b; }));
    ASSERT_TRUE(linker.func("env", "twice", twice));
    ASSERT_TRUE(linker.func("env", "see", [&seen](int64_t number) { seen = number; }));
    const Instance instance = instantiate(R"((module
        (import "env" "add" (func $add (param i32 i32) (result i32)))
        (import "env" "twice" (func $twice (param i32) (result i32)))
        (import "env" "see" (func $see (param i64)))
        (func (export "run") (result i32)
            (call $see (i64.const -9))
            (call $add (call $twice (i32.const 10)) (i32.const 1)))))");
    EXPECT_EQ(value_of(instance, "run"), 21);
    EXPECT_EQ(seen, -9);
}

struct Functor {
    int32_t operator()(int32_t number) & noexcept { return number; }
};
struct ConstFunctor {
    Trap operator()(Caller&, const V128, uint32_t) const& { return Trap::exit(1); }
};

TEST_F(HostFuncTest, may_be_written_in_many_ways) {
    enum class Colour { red };
    static_assert(detail::is_host_function<Functor> && detail::is_host_function<ConstFunctor>);
    static_assert(detail::is_host_function<decltype(&twice)>);
    static_assert(detail::is_host_function<std::function<std::tuple<>(unsigned long)>>);
    const auto counts = [n = 0](Caller&, int32_t more) mutable -> std::expected<int32_t, Trap> {
        return n += more;
    };
    static_assert(detail::is_host_function<std::remove_const_t<decltype(counts)>>);
    // What is not is refused when it is compiled: wrong_signatures.cpp.
    static_assert(!detail::is_host_function<bool (*)()> && !detail::is_host_function<void (*)(Colour)>);
    static_assert(!detail::is_host_function<void (*)(int, ...)> && !detail::is_host_function<int>);
    static_assert(detail::is_signature<void(AnyRef, StructRef, ArrayRef, TypedFunc<Func(ExternRef)>)>);
    static_assert(!detail::is_signature<void(TypedFunc<bool()>)> && !detail::is_signature<void(Caller&)>);
    ASSERT_TRUE(linker.func("env", "functor", Functor{}));
    ASSERT_TRUE(linker.func("env", "const", ConstFunctor{}));
    ASSERT_TRUE(linker.func("env", "counts", counts));
}

TEST_F(HostFuncTest, takes_and_returns_every_type) {
    ASSERT_TRUE(linker.func("env", "mix", [](uint32_t a, uint64_t b, float c, double d, ExternRef e, Func f) {
        return std::tuple{f, e, d + 1, c + 1, b + 1, a + 1};
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "mix" (func $mix (param i32 i64 f32 f64 externref funcref)
                                       (result funcref externref f64 f32 i64 i32)))
        (func (export "run") (param externref) (result funcref externref f64 f32 i64 i32)
            (call $mix (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4) (local.get 0) (ref.null func)))))");
    const auto run =
        instance.func<std::tuple<Func, ExternRef, double, float, int64_t, int32_t>(ExternRef)>("run");
    ASSERT_TRUE(run) << run.error().message();
    EXPECT_EQ((*run)(ExternRef::host(8)),
              (std::tuple{Func{}, ExternRef::host(8), 5.0, 4.0f, int64_t{3}, int32_t{2}}));
}

TEST_F(HostFuncTest, is_called_by_the_host_too) {
    const auto func = Func::wrap(store, [](float a, double b) { return std::tuple{b, a}; });
    ASSERT_TRUE(func);
    const auto typed = func->typed<std::tuple<double, float>(float, double)>();
    ASSERT_TRUE(typed);
    EXPECT_EQ((*typed)(1.5f, 2.5), (std::tuple{2.5, 1.5f}));
}

TEST_F(HostFuncTest, traps_with_its_own_words) {
    ASSERT_TRUE(linker.func("env", "check", [](int32_t number) -> std::expected<int32_t, Trap> {
        if (number < 0)
            return std::unexpected{Trap::host("%d is negative", number)};
        return number;
    }));
    ASSERT_TRUE(linker.func("env", "never", []() -> Trap { return Trap::host("never"); }));
    const Instance instance = instantiate(R"((module
        (import "env" "check" (func $check (param i32) (result i32)))
        (import "env" "never" (func $never))
        (func (export "good") (result i32) (call $check (i32.const 4)))
        (func (export "bad") (drop (call $check (i32.const -4))))
        (func (export "never") (call $never))))");
    EXPECT_EQ(value_of(instance, "good"), 4);
    EXPECT_EQ(trap_of(instance, "bad"), "-4 is negative");
    EXPECT_EQ(trap_of(instance, "never"), "never");
    EXPECT_EQ(value_of(instance, "good"), 4) << "a trap leaves the store usable";
}

TEST_F(HostFuncTest, ends_the_program_with_a_status) {
    ASSERT_TRUE(linker.func("env", "exit", [](int32_t status) { return Trap::exit(status); }));
    const Instance instance = instantiate(R"((module
        (import "env" "exit" (func $exit (param i32)))
        (func (export "run") (call $exit (i32.const 3)))))");
    const auto called = instance.func("run")->call();
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::exit);
    EXPECT_EQ(called.error().exit_status(), 3);
    EXPECT_EQ(called.error().message(), "exit with status 3");
}

TEST_F(HostFuncTest, sees_its_caller) {
    ASSERT_TRUE(
        linker.func("env", "poke", [](Caller& caller, uint32_t address) -> std::expected<uint32_t, Trap> {
            const auto memory = caller.memory();
            if (!memory)
                return std::unexpected{Trap::host("no memory")};
            if (!MemoryView{*memory}.write<uint32_t>(address, 77))
                return std::unexpected{Trap::host("address %u is outside", address)};
            const auto global = caller.find_export("g");
            return std::get_if<Global>(&*global)->get().as<uint32_t>();
        }));
    constexpr std::string_view import = R"((import "env" "poke" (func $poke (param i32) (result i32))))";
    const Instance with = instantiate("(module " + std::string{import} + R"(
        (memory (export "memory") 1) (global (export "g") i32 (i32.const 5))
        (func (export "run") (result i32) (i32.add (call $poke (i32.const 8)) (i32.load (i32.const 8))))
        (func (export "far") (drop (call $poke (i32.const 65533))))))");
    const Instance without = instantiate("(module " + std::string{import} +
                                         R"((func (export "run") (drop (call $poke (i32.const 0))))))");
    EXPECT_EQ(value_of(with, "run"), 82);
    EXPECT_EQ(trap_of(with, "far"), "address 65533 is outside");
    EXPECT_EQ(trap_of(without, "run"), "no memory");
}

TEST_F(HostFuncTest, has_no_instance_when_the_host_calls) {
    bool called = false;
    const auto func = Func::wrap(store, [&](Caller& caller) {
        called = true;
        EXPECT_FALSE(caller.instance());
        EXPECT_FALSE(caller.memory());
        EXPECT_FALSE(caller.find_export("x"));
        EXPECT_EQ(&caller.store(), &store);
    });
    ASSERT_TRUE(func->call());
    EXPECT_TRUE(called);
}

TEST_F(HostFuncTest, may_be_untyped) {
    const ValType params[] = {ValType::i32, ValType::f64};
    const ValType results[] = {ValType::f64, ValType::i32};
    ASSERT_TRUE(linker.func(
        "env", "swap", FuncType{params, results},
        [](Caller& caller, std::span<const Value> args, std::span<Value> out) -> std::expected<void, Trap> {
            EXPECT_EQ(caller.type().params.size(), 2u);
            EXPECT_EQ(out[0].type(), ValType::f64);
            out[0] = args[1];
            out[1] = args[0];
            return {};
        }));
    const Instance instance = instantiate(R"((module
        (import "env" "swap" (func $swap (param i32 f64) (result f64 i32)))
        (func (export "run") (result f64 i32) (call $swap (i32.const 6) (f64.const 1.5)))))");
    EXPECT_EQ((*instance.func<std::tuple<double, int32_t>()>("run"))(), (std::tuple{1.5, 6}));
}

TEST_F(HostFuncTest, untyped_must_return_what_it_declared) {
    const ValType result[] = {ValType::i32};
    const auto lies =
        Func::wrap(store, FuncType{{}, result},
                   [](Caller&, std::span<const Value>, std::span<Value> out) -> std::expected<void, Trap> {
                       out[0] = int64_t{1};
                       return {};
                   });
    Value value;
    const auto called = lies->call({}, {&value, 1});
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().message(), "result 0 of the host function has the wrong type");
}

TEST(HostFuncLimits, are_those_of_modules) {
    Config config;
    config.limits.params = 3;
    config.limits.results = 2;
    Engine engine{config};
    Store store{engine};
    const std::vector<ValType> types(4, ValType::i32);
    const auto wrapped = [&](size_t params, size_t results) {
        return Func::wrap(store, FuncType{std::span{types}.first(params), std::span{types}.first(results)},
                          [](Caller&, std::span<const Value>, std::span<Value>) -> std::expected<void, Trap> {
                              return {};
                          })
            .has_value();
    };
    EXPECT_TRUE(wrapped(3, 2));
    EXPECT_FALSE(wrapped(4, 2));
    EXPECT_FALSE(wrapped(3, 3));
    EXPECT_FALSE(wrapped(4, 3));
}

TEST_F(HostFuncTest, untyped_takes_many_values) {
    const std::vector<ValType> many(30, ValType::i64);
    const auto reverse = Func::wrap(
        store, FuncType{many, many},
        [](Caller&, std::span<const Value> args, std::span<Value> out) -> std::expected<void, Trap> {
            for (size_t i = 0; i < args.size(); ++i)
                out[i] = args[args.size() - 1 - i];
            return {};
        });
    std::vector<Value> args;
    for (int64_t i = 0; i < 30; ++i)
        args.emplace_back(i);
    std::vector<Value> results(30);
    ASSERT_TRUE(reverse->call(args, results));
    EXPECT_EQ(results[0].as<int64_t>(), 29);
    EXPECT_EQ(results[29].as<int64_t>(), 0);
}

TEST_F(HostFuncTest, calls_back_into_the_instance) {
    ASSERT_TRUE(
        linker.func("env", "again", [](Caller& caller, int32_t depth) -> std::expected<int32_t, Trap> {
            const auto down = caller.instance()->func<int32_t(int32_t)>("down");
            return (*down)(depth - 1);
        }));
    const Instance instance = instantiate(R"((module
        (import "env" "again" (func $again (param i32) (result i32)))
        (func (export "down") (param i32) (result i32) (local i32)
            (local.set 1 (i32.const 1000))
            (if (result i32) (i32.eqz (local.get 0))
                (then (i32.const 0))
                (else (i32.add (i32.const 1) (call $again (local.get 0))))))))");
    const auto down = instance.func<int32_t(int32_t)>("down");
    EXPECT_EQ((*down)(50), 50);
    const auto deep = (*down)(100'000);
    ASSERT_FALSE(deep);
    EXPECT_EQ(deep.error().code(), TrapCode::call_stack_exhausted);
    EXPECT_GE(deep.error().backtrace().size() + deep.error().omitted_frames(), 64u);
    EXPECT_EQ((*down)(3), 3);
}

TEST_F(HostFuncTest, passes_on_the_trap_of_what_it_calls) {
    ASSERT_TRUE(linker.func("env", "again", [](Caller& caller) -> std::expected<void, Trap> {
        return (*caller.instance()->func<void()>("fail"))();
    }));
    ASSERT_TRUE(linker.func("env", "wrapped", [](Caller& caller) -> std::expected<void, Trap> {
        const auto called = (*caller.instance()->func<void()>("fail"))();
        Trap trap = Trap::host("the callback failed");
        return std::unexpected{trap.caused_by(called.error())};
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "again" (func $again))
        (import "env" "wrapped" (func $wrapped))
        (func $fail (export "fail") (unreachable))
        (func $outer (export "run") (call $again))
        (func $other (export "other") (call $wrapped))))");
    const auto called = instance.func("run")->call();
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::unreachable);
    const auto frames = called.error().backtrace();
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(frames[0].func_name(), "fail");
    EXPECT_EQ(frames[1].func_name(), "outer");
    const auto other = instance.func("other")->call();
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().message(), "the callback failed");
    ASSERT_EQ(other.error().backtrace().size(), 1u);
    EXPECT_EQ(other.error().backtrace()[0].func_name(), "other");
    ASSERT_NE(other.error().cause(), nullptr);
    EXPECT_EQ(other.error().cause()->message(), "unreachable");
}

TEST_F(HostFuncTest, may_go_on_after_a_trap_of_what_it_calls) {
    ASSERT_TRUE(linker.func("env", "attempt", [](Caller& caller) -> int32_t {
        return (*caller.instance()->func<void()>("fail"))() ? 1 : 2;
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "attempt" (func $attempt (result i32)))
        (memory (export "memory") 1)
        (func (export "fail") (drop (i32.load (i32.const -1))))
        (func (export "run") (result i32) (local i32)
            (local.set 0 (i32.const 40))
            (i32.add (local.get 0) (i32.add (call $attempt) (i32.load (i32.const 0)))))))");
    EXPECT_EQ(value_of(instance, "run"), 42);
}

TEST_F(HostFuncTest, sees_memory_that_it_grew_itself) {
    ASSERT_TRUE(linker.func("env", "grow", [](Caller& caller) {
        EXPECT_TRUE(caller.memory()->grow(1));
        EXPECT_TRUE(MemoryView{*caller.memory()}.write<int32_t>(65536, 31));
    }));
    const Instance instance = instantiate(R"((module
        (import "env" "grow" (func $grow))
        (memory (export "memory") 1)
        (func (export "run") (result i32) (call $grow) (i32.load (i32.const 65536)))))");
    EXPECT_EQ(value_of(instance, "run"), 31);
}

TEST_F(HostFuncTest, ends_with_its_last_owner) {
    const auto count = std::make_shared<int>(0);
    {
        Store brief{engine};
        {
            Linker names{engine};
            ASSERT_TRUE(names.func("env", "f", [count] { ++*count; }));
            EXPECT_EQ(count.use_count(), 2);
            EXPECT_FALSE(names.func("env", "f", [count] {})) << "taken";
            EXPECT_EQ(count.use_count(), 2);
            names.allow_shadowing(true);
            ASSERT_TRUE(names.func("env", "f", [count] { *count += 10; }));
            EXPECT_EQ(count.use_count(), 2);
            const auto instance =
                names.instantiate(brief, load(R"((module (import "env" "f" (func $f)) (start $f)))"));
            ASSERT_TRUE(instance);
        }
        EXPECT_EQ(count.use_count(), 2) << "the store shares it";
        EXPECT_EQ(*count, 10);
    }
    EXPECT_EQ(count.use_count(), 1);
}

TEST(HostFunc, that_no_code_called_may_say_that_it_was_interrupted) {
    Config config;
    config.interruption = true;
    Engine engine{config};
    Store store{engine};
    const auto func = Func::wrap(
        store, []() -> std::expected<void, Trap> { return std::unexpected{Trap{TrapCode::interrupted}}; });
    ASSERT_TRUE(func);
    for (const bool asked : {true, false}) {
        if (asked)
            store.interrupt_handle().interrupt();
        const auto called = func->call();
        ASSERT_FALSE(called);
        EXPECT_EQ(called.error().code(), TrapCode::interrupted);
        EXPECT_TRUE(called.error().backtrace().empty());
    }
}

} // namespace
} // namespace warpbeam
