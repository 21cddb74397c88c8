// Prints what executions that wait take: executions_bench [-n COUNT]. With --check it fails if one takes 1
// KiB.

#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/vm/linker.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace warpbeam;

// (module
//   (import "env" "ask" (func $ask (param i32) (result i32)))
//   (func $inner (param i32) (result i32) (i32.add (call $ask (local.get 0)) (i32.const 1)))
//   (func (export "f") (param i32) (result i32) (i32.mul (call $inner (local.get 0)) (i32.const 2))))
constexpr uint8_t bytes[] = {
    0,  'a', 's',  'm',  1,    0,    0,    0,                           //
    1,  6,   1,    0x60, 1,    0x7f, 1,    0x7f,                        // type
    2,  11,  1,    3,    'e',  'n',  'v',  3,    'a',  's',  'k', 0, 0, // import
    3,  3,   2,    0,    0,                                             // functions
    7,  5,   1,    1,    'f',  0,    2,                                 // export
    10, 21,  2,                                                         // code
    9,  0,   0x20, 0,    0x10, 0,    0x41, 1,    0x6a, 0x0b,            //
    9,  0,   0x20, 0,    0x10, 1,    0x41, 2,    0x6c, 0x0b,
};

[[noreturn]] void fail(std::string_view why) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

/// The resident bytes of this process; 0 if the system does not say.
uint64_t resident() {
    std::ifstream status{"/proc/self/status"};
    for (std::string word; status >> word;)
        if (uint64_t kibibytes = 0; word == "VmRSS:" && status >> kibibytes)
            return kibibytes * 1024;
    return 0;
}

using Clock = std::chrono::steady_clock;
double nanoseconds_since(Clock::time_point start, size_t count) {
    const std::chrono::duration<double, std::nano> time = Clock::now() - start;
    return time.count() / static_cast<double>(count);
}

} // namespace

int main(int argc, char** argv) {
    size_t count = 1'000'000;
    bool checks = false;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view{argv[i]} == "-n" && i + 1 < argc)
            count = std::max(1ul, std::strtoul(argv[++i], nullptr, 10));
        else if (std::string_view{argv[i]} == "--check")
            checks = true;
        else
            fail("usage: executions_bench [-n COUNT] [--check]");
    }
    AccountingAllocator counted;
    Engine engine{{.allocator = &counted}};
    Linker linker{engine};
    Store store{engine};
    const auto module = engine.load(bytes);
    if (!module || !linker.host_call<int32_t(int32_t)>("env", "ask"))
        fail("the module can't be loaded");
    const auto instance = linker.instantiate(store, *module);
    const auto f = instance.value_or(Instance{}).func("f");
    if (!f)
        fail("the module can't be instantiated");

    std::vector<Execution> all(count);
    const uint64_t before = counted.blocks().live;
    const uint64_t resident_before = resident();
    auto start = Clock::now();
    for (size_t i = 0; i < count; ++i) {
        const Value args[] = {static_cast<int32_t>(i)};
        auto made = Execution::create(*f, args);
        if (!made || made->resume() != ExecutionState::host_call)
            fail("an execution does not wait");
        all[i] = std::move(*made);
    }
    const double starting = nanoseconds_since(start, count);
    const double taken = static_cast<double>(counted.blocks().live - before) / static_cast<double>(count);
    const double touched = static_cast<double>(resident() - resident_before) / static_cast<double>(count);
    std::printf("%zu executions wait: %.0f bytes each, %.0f of them resident\n", count, taken, touched);
    std::printf("to start one until it waits %6.1f ns\n", starting);

    start = Clock::now();
    for (size_t i = 0; i < count; ++i) {
        const Value answer[] = {static_cast<int32_t>(i)};
        Value result;
        if (!all[i].answer(answer) || all[i].resume() != ExecutionState::done ||
            !all[i].results({&result, 1}) || result.as<int32_t>() != static_cast<int32_t>(2 * (i + 1)))
            fail("an execution does not end");
    }
    std::printf("to answer and end it        %6.1f ns\n", nanoseconds_since(start, count));
    start = Clock::now();
    all.clear();
    std::printf("to drop it                  %6.1f ns\n", nanoseconds_since(start, count));
    if (checks && taken >= 1024)
        fail("that is too much memory");
    return 0;
}
