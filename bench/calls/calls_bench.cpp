// Prints what a call between host and guest costs, and what an execution does: calls_bench [-n CALLS]. With
// --check it fails if that is too many calls.

#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/linker.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace {

using namespace warpbeam;

// (module
//   (import "env" "typed" (func $typed (param i32) (result i32)))
//   (import "env" "untyped" (func $untyped (param i32) (result i32)))
//   (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
//   (func (export "typed") (param $n i32) (result i32)
//     (loop $l (drop (call $typed (local.get $n)))
//       (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $n))
//   (func (export "untyped") ...the same with $untyped)
//   (func (export "count") ...the same without a call))
constexpr uint8_t bytes[] = {
    0,    'a',  's',  'm',  1,    0,    0,    0,                                           //
    1,    6,    1,    0x60, 1,    0x7f, 1,    0x7f,                                        // types
    2,    27,   2,    3,    'e',  'n',  'v',  5,    't',  'y',  'p',  'e',  'd',  0,    0, // imports
    3,    'e',  'n',  'v',  7,    'u',  'n',  't',  'y',  'p',  'e',  'd',  0,    0,       //
    3,    5,    4,    0,    0,    0,    0,                                                 // functions
    7,    31,   4,    1,    'f',  0,    2,    5,    't',  'y',  'p',  'e',  'd',  0,    3, // exports
    7,    'u',  'n',  't',  'y',  'p',  'e',  'd',  0,    4,                               //
    5,    'c',  'o',  'u',  'n',  't',  0,    5,                                           //
    10,   70,   4,                                                                         // code
    7,    0,    0x20, 0,    0x41, 1,    0x6a, 0x0b,                                        // f
    21,   0,    0x03, 0x40, 0x20, 0,    0x10, 0,    0x1a, 0x20, 0,    0x41, 1,    0x6b, 0x22, 0,
    0x0d, 0,    0x0b, 0x20, 0,    0x0b, 21,   0,    0x03, 0x40, 0x20, 0,    0x10, 1,    0x1a, 0x20,
    0,    0x41, 1,    0x6b, 0x22, 0,    0x0d, 0,    0x0b, 0x20, 0,    0x0b, 16,   0,    0x03, 0x40,
    0x20, 0,    0x41, 1,    0x6b, 0x22, 0,    0x0d, 0,    0x0b, 0x20, 0,    0x0b, // count
};

[[noreturn]] void fail(std::string_view why) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

/// The nanoseconds of CPU time that each of `count` calls takes: the least of eleven rounds, since other
/// programs only add to it.
template <typename Action>
double measure(const char* what, int count, Action action) {
    double least = INFINITY;
    for (int round = 0; round < 11; ++round) {
        const std::clock_t start = std::clock();
        action(count);
        least = std::min(least, 1e9 / CLOCKS_PER_SEC * static_cast<double>(std::clock() - start) / count);
    }
    std::printf("%-28s %6.1f ns", what, least);
    return least;
}

/// Prints how many calls a step of an execution costs. The check allows twice the limit, since other programs
/// run at the same time.
void compare(double step, double call, double limit, bool checks) {
    std::printf(", %.1f calls (aim: %.0f, --check: %.0f)\n", step / call, limit, 2 * limit);
    if (checks && step > 2 * limit * call)
        fail("that is too many");
}

} // namespace

int main(int argc, char** argv) {
    int count = 1'000'000;
    bool checks = false;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view{argv[i]} == "-n" && i + 1 < argc)
            count = std::max(16, std::atoi(argv[++i]));
        else if (std::string_view{argv[i]} == "--check")
            checks = true;
        else
            fail("usage: calls_bench [-n CALLS] [--check]");
    }

    Engine engine;
    const auto module = engine.load(bytes);
    if (!module)
        fail(module.error().message());
    Linker linker{engine};
    Store store{engine};
    const ValType i32s[] = {ValType::i32};
    const auto defined = linker.func("env", "typed", [](int32_t n) { return n + 1; });
    const auto defined_too = linker.func(
        "env", "untyped", FuncType{i32s, i32s},
        [](Caller&, std::span<const Value> args, std::span<Value> results) -> std::expected<void, Trap> {
            results[0] = args[0].as<int32_t>() + 1;
            return {};
        });
    const auto instance = linker.instantiate(store, *module);
    if (!defined || !defined_too || !instance)
        fail("the module can't be instantiated");
    const auto typed = instance->func<int32_t(int32_t)>("f");
    const auto untyped = instance->func("f");
    const auto from_typed = instance->func<int32_t(int32_t)>("typed");
    const auto from_untyped = instance->func<int32_t(int32_t)>("untyped");
    // The same module, whose typed import the owner of an execution answers.
    Linker owners{engine};
    const bool defined_here = owners.host_call<int32_t(int32_t)>("env", "typed") &&
                              owners.host_call<int32_t(int32_t)>("env", "untyped");
    const auto waiting = owners.instantiate(store, *module);
    if (!defined_here || !waiting)
        fail("the module can't be instantiated");
    const auto answered_func = waiting->func("typed");
    if (!typed || !untyped || !from_typed || !from_untyped)
        fail("an export is missing");

    const double call = measure("host to guest, typed", count, [&](int n) {
        int32_t sum = 0;
        for (int i = 0; i < n; ++i)
            sum = *(*typed)(sum);
        if (sum != n)
            fail("a wrong result");
    });
    std::puts("");
    measure("host to guest, untyped", count, [&](int n) {
        Value sum = 0;
        for (int i = 0; i < n; ++i)
            if (const Value args[] = {sum}; !untyped->call(args, {&sum, 1}))
                fail("a trap");
        if (sum.as<int32_t>() != n)
            fail("a wrong result");
    });
    std::puts("");
    measure("guest to host, typed", count, [&](int n) {
        if ((*from_typed)(n) != 0)
            fail("a wrong result");
    });
    std::puts("");
    measure("guest to host, untyped", count, [&](int n) {
        if ((*from_untyped)(n) != 0)
            fail("a wrong result");
    });
    std::puts("");
    const double whole = measure("execution, start and end", count, [&](int n) {
        const Value args[] = {1};
        for (int i = 0; i < n; ++i)
            if (auto execution = Execution::create(*untyped, args);
                !execution || execution->resume() != ExecutionState::done)
                fail("an execution did not end");
    });
    compare(whole, call, 6, checks);
    const double started = measure("execution that ends at once", count, [&](int n) {
        const Value args[] = {1};
        Value result;
        for (int i = 0; i < n; ++i)
            if (const auto made = Execution::start(*untyped, args, {&result, 1});
                !made || made->state != ExecutionState::done)
                fail("an execution did not end");
    });
    compare(started, call, 4, checks);
    const Value slices[] = {count};
    auto answered = Execution::create(answered_func.value_or(Func{}), slices);
    if (!answered || answered->resume() != ExecutionState::host_call)
        fail("an execution does not wait");
    const double answer = measure("host call and its answer", count / 16, [&](int n) {
        for (int i = 0; i < n; ++i)
            if (const Value one[] = {1};
                !answered->answer(one) || answered->resume() != ExecutionState::host_call)
                fail("an execution does not wait");
    });
    compare(answer, call, 4, checks);

    // Each slice has fuel for one iteration of a loop.
    Config fuelled;
    fuelled.fuel = true;
    Engine slicing{fuelled};
    Linker its_linker{slicing};
    Store its_store{slicing};
    const auto its_module = slicing.load(bytes);
    if (!its_module || !its_linker.func("env", "typed", [](int32_t n) { return n; }) ||
        !its_linker.func("env", "untyped", [](int32_t n) { return n; }))
        fail("the module can't be loaded");
    const auto its_instance = its_linker.instantiate(its_store, *its_module);
    const auto loop = its_instance.value_or(Instance{}).func("count");
    auto sliced = Execution::create(loop.value_or(Func{}), slices);
    if (!sliced || sliced->resume({.fuel = 1}) != ExecutionState::out_of_fuel)
        fail("an execution does not run out of fuel");
    const double slice = measure("resume for one iteration", count / 16, [&](int n) {
        for (int i = 0; i < n; ++i)
            if (sliced->resume({.fuel = 1}) != ExecutionState::out_of_fuel)
                fail("an execution does not run out of fuel");
    });
    compare(slice, call, 3, checks);
    return 0;
}
