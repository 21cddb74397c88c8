// The snippets of docs/embedding.md, whole and as a test: the lines between the marks are those that the page
// shows.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/linker.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/vm/worker_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace warpbeam;

int failures = 0;
void check(bool good, const char* what) {
    if (!good) {
        std::fprintf(stderr, "%s\n", what);
        ++failures;
    }
}

void fail(std::string_view why) { check(false, std::string{why}.c_str()); }

Module load(const Engine& engine, std::string_view wat) {
    const auto bytes = parse_wat(wat);
    auto module = bytes ? engine.load(*bytes) : std::expected<Module, Error>{std::unexpected{bytes.error()}};
    check(module.has_value(), "a module is not valid");
    return module.value_or(Module{});
}

// ---- Plug-ins with callbacks and state ----

constexpr std::string_view plugin_text = R"((module
    (import "host" "log" (func $log (param i32 i32)))
    (import "host" "counter" (func $counter (param i64) (result i64)))
    (memory (export "memory") 1)
    (data (i32.const 16) "hello")
    (func (export "event") (param i64) (result i64)
        (call $log (i32.const 16) (i32.const 5))
        (call $counter (local.get 0)))))";

// [plugin
/// What the host knows about one running plug-in.
struct Plugin {
    std::string log;
    int64_t total = 0;
};

std::expected<void, Error> define_host(Linker& linker) {
    auto log = [](Caller& caller, uint32_t address, uint32_t size) -> std::expected<void, Trap> {
        const auto memory = caller.memory();
        if (!memory)
            return std::unexpected{Trap::host("the plug-in exports no memory")};
        const auto text = MemoryView{*memory}.at(address, size);
        if (!text)
            return std::unexpected{text.error()}; // the address or the size is wrong
        auto& plugin = *static_cast<Plugin*>(caller.store().data());
        plugin.log.append(reinterpret_cast<const char*>(text->data()), text->size());
        return {};
    };
    auto counter = [](Caller& caller, int64_t more) {
        return static_cast<Plugin*>(caller.store().data())->total += more;
    };
    if (auto defined = linker.func("host", "log", log); !defined)
        return defined;
    return linker.func("host", "counter", counter);
}
// plugin]

void run_plugins() {
    const Engine engine;
    const Module module = load(engine, plugin_text);
    Linker linker{engine};
    check(define_host(linker).has_value(), "the host's functions are not defined");
    // [instances
    auto linked = linker.resolve(module); // looks up and checks the imports, once
    if (!linked)
        return fail(linked.error().message()); // names all imports that are missing or do not fit
    std::vector<Plugin> plugins(3);
    for (Plugin& state : plugins) {
        Store store{engine}; // one for each plug-in, so that none can touch another
        store.set_data(&state);
        auto instance = linked->instantiate(store);
        if (!instance)
            return fail(instance.error().message());
        auto event = instance->func<int64_t(int64_t)>("event");
        for (int64_t i = 1; event && i <= 4; ++i)
            if (auto handled = (*event)(i); !handled)
                return fail(handled.error().message());
    }
    // instances]
    for (const Plugin& state : plugins)
        check(state.total == 10 && state.log == "hellohellohellohello", "a plug-in's state is wrong");
}

// ---- Limits and deadlines ----

constexpr std::string_view guest = R"((module (memory (export "memory") 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "spin") (loop (br 0)))
    (func (export "work") (result i32) (i32.const 42))))";

void limit() {
    // [limits
    Engine engine{{.fuel = true, .interruption = true, .stack_size = 256 * 1024}};
    Store store{engine, {.memory_bytes = 4 << 20, .table_elements = 1000}};
    store.set_fuel(1'000'000);
    // limits]
    const auto instance = Instance::create(store, load(engine, guest));
    if (!instance)
        return check(false, "no instance");
    const auto grow = instance->func<int32_t(int32_t)>("grow");
    check(grow && (*grow)(100) == -1, "the limit of memory is not obeyed");
    const auto spin = instance->func<void()>("spin");
    check(spin && (*spin)().error().code() == TrapCode::out_of_fuel, "fuel does not end");
    // [deadline
    store.set_fuel(UINT64_MAX);
    const InterruptHandle deadline = store.new_interrupt_handle();
    std::promise<void> done;
    std::thread watchdog{[&] {
        if (done.get_future().wait_for(std::chrono::milliseconds{20}) == std::future_status::timeout)
            deadline.interrupt();
    }};
    const auto result = (*spin)();
    done.set_value();
    watchdog.join();
    store.clear_interrupt(); // in case the watchdog was late
    const bool late = !result && result.error().code() == TrapCode::interrupted;
    // deadline]
    check(late, "the deadline was not kept");
    deadline.interrupt(); // without effect
    check((*instance->func<int32_t()>("work"))() == 42, "the store can't be used again");
}

// ---- A module that threads share ----

void share() {
    const Engine engine;
    const Module module = load(engine, guest);
    // [threads
    std::vector<std::future<int32_t>> results;
    for (int i = 0; i < 4; ++i)
        results.push_back(std::async(std::launch::async, [engine, module] {
            Store store{engine}; // engine and module are shared; a store belongs to one thread at a time
            const auto instance = Instance::create(store, module);
            const auto work =
                instance ? instance->func<int32_t()>("work") : std::unexpected{Error{ErrorCode::usage}};
            const auto result = work ? (*work)() : std::unexpected{Trap{TrapCode::usage}};
            return result.value_or(-1);
        }));
    // threads]
    for (auto& result : results)
        check(result.get() == 42, "a thread got another result");
}

// ---- Lowering on all processors ----

// [pool
/// Runs the parts on as many threads as the machine has processors. A program with a thread pool uses that.
class Threads final : public WorkerPool {
public:
    void run(Work& work, size_t count) noexcept override {
        std::atomic<size_t> next = 0;
        const auto some = [&] {
            for (size_t number = 0; (number = next++) < count;)
                work.part(number);
        };
        std::vector<std::jthread> others;
        for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i)
            others.emplace_back(some);
        some();
    }
};
// pool]

void lower() {
    const Engine engine;
    const Module module = load(engine, guest);
    // [lower
    Threads threads;
    const std::expected<void, Error> lowered = engine.lower(module, threads);
    // lower]
    check(lowered.has_value(), "a module could not be lowered");
}

} // namespace

int main() {
    run_plugins();
    limit();
    share();
    lower();
    return failures;
}
