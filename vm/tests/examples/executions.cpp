// The snippets of docs/executions.md, whole and as a test: the lines between the marks are those that the
// page shows.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/guest_stacks.hpp>
#include <warpbeam/vm/linker.hpp>

#include <cstdio>
#include <deque>
#include <utility>

namespace {

using namespace warpbeam;

int failures = 0;
void check(bool good, const char* what) {
    if (!good) {
        std::fprintf(stderr, "%s\n", what);
        ++failures;
    }
}

// A process doubles what it receives until that is 0, and tells how often.
constexpr std::string_view process = R"((module
    (import "host" "receive" (func $receive (result i32)))
    (import "host" "send" (func $send (param i32)))
    (func (export "run") (result i32) (local $count i32) (local $got i32)
      (block $end
        (loop $next
          (br_if $end (i32.eqz (local.tee $got (call $receive))))
          (call $send (i32.mul (local.get $got) (i32.const 2)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next)))
      (local.get $count))))";

// [scheduler
/// A process and the messages that it has not received yet.
struct Process {
    Execution execution;
    std::deque<int32_t> messages;
    std::deque<int32_t> sent;
};

/// Runs a process for a while; returns whether it can go on at once.
bool run_slice(Process& self) {
    if (self.execution.state() == ExecutionState::host_call) {
        const HostCall call = self.execution.host_call();
        std::expected<void, Error> answered;
        if (call.name == "send") {
            self.sent.push_back(self.execution.argument(0).as<int32_t>());
            answered = self.execution.answer({});
        } else if (!self.messages.empty()) {
            answered = self.execution.answer({{Value{self.messages.front()}}});
            self.messages.pop_front();
        } else {
            return false; // it waits for a message
        }
        if (!answered)
            return false;
    }
    const auto state = self.execution.resume({.fuel = 1000});
    return state && *state != ExecutionState::done && *state != ExecutionState::trapped;
}
// scheduler]

void run_processes() {
    Engine engine{{.fuel = true}};
    Linker linker{engine};
    Store store{engine};
    const auto bytes = parse_wat(process);
    const auto module = bytes ? engine.load(*bytes) : std::unexpected{bytes.error()};
    check(module.has_value(), "the module is not valid");
    if (!module)
        return;
    // [start
    auto receive = linker.host_call<int32_t()>("host", "receive"); // no function: the owner answers
    auto send = linker.host_call<void(int32_t)>("host", "send");
    auto instance = linker.instantiate(store, *module);
    auto run = instance.value_or(Instance{}).func("run");
    auto execution = Execution::create(run.value_or(Func{})); // nothing has run yet
    // start]
    check(receive && send && execution, "it can't be started");
    if (!execution)
        return;
    Process one{std::move(*execution), {}, {}};
    while (run_slice(one)) {
    }
    check(one.execution.state() == ExecutionState::host_call, "it does not wait");
    // A million of them could wait here, each in less than 1 KiB.
    one.messages = {20, 21, 0};
    while (run_slice(one)) {
    }
    check(one.sent == std::deque<int32_t>{40, 42}, "wrong messages");
    // [end
    Value count;
    if (one.execution.state() == ExecutionState::done && one.execution.results({&count, 1}))
        std::printf("%d messages\n", count.as<int32_t>());
    else if (const Trap* const trap = one.execution.trap())
        std::printf("%.*s\n", static_cast<int>(trap->message().size()), trap->message().data());
    // end]
    check(count.as<int32_t>() == 2, "a wrong count");
}

// As a compiler for C makes it: it keeps its argument in a frame in memory while it waits.
constexpr std::string_view c_guest = R"((module
    (import "host" "receive" (func $receive (result i32)))
    (memory (export "memory") 1)
    (global $sp (export "__stack_pointer") (mut i32) (i32.const 65536))
    (func (export "run") (param $n i32) (result i32) (local $fp i32)
      (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
      (i32.store (local.get $fp) (local.get $n))
      (local.set $n (i32.add (call $receive) (i32.load (local.get $fp))))
      (global.set $sp (i32.add (local.get $fp) (i32.const 16)))
      (local.get $n))))";

void run_c_guest() {
    Engine engine;
    Linker linker{engine};
    Store store{engine};
    const auto bytes = parse_wat(c_guest);
    const auto module = bytes ? engine.load(*bytes) : std::unexpected{bytes.error()};
    check(module && linker.host_call<int32_t()>("host", "receive"), "the module is not valid");
    if (!module)
        return;
    // [instantiate
    auto starting = Execution::instantiate(linker, store, *module);
    if (!starting || starting->resume() != ExecutionState::done) // its start function may wait, too
        return;
    const Instance instance = starting->instance();
    // instantiate]
    const Func run = instance.func("run").value_or(Func{});
    // [stacks
    auto stacks = GuestStacks::of(instance, {.size = 64 * 1024});
    if (!stacks)
        return;
    auto first = stacks->create(run, {{Value{1}}});
    auto second = stacks->create(run, {{Value{2}}});
    // stacks]
    check(first && second, "it can't be started");
    if (!first || !second)
        return;
    check(first->resume() == ExecutionState::host_call && second->resume() == ExecutionState::host_call,
          "they do not wait");
    for (Execution* const each : {&*first, &*second}) {
        Value result;
        check(each->answer({{Value{40}}}) && each->resume() == ExecutionState::done &&
                  each->results({&result, 1}),
              "it does not end");
        check(result.as<int32_t>() == (each == &*first ? 41 : 42), "a wrong result");
    }
}

} // namespace

int main() {
    run_processes();
    run_c_guest();
    return failures == 0 ? 0 : 1;
}
