// The snippets of docs/executions.md about coroutines, whole and as a test: two guests that talk to each
// other.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/coroutine.hpp>
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

// Both speak through mailboxes: `ask` sends the numbers up to n, and adds what it receives; `answer` sends
// back the double of what it receives, until that is 0.
constexpr std::string_view guests = R"((module
    (import "host" "send" (func $send (param i32 i32)))
    (import "host" "receive" (func $receive (param i32) (result i32)))
    (func (export "ask") (param $n i32) (result i32) (local $sum i32)
      (loop $next
        (call $send (i32.const 0) (local.get $n))
        (local.set $sum (i32.add (local.get $sum) (call $receive (i32.const 1))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (call $send (i32.const 0) (i32.const 0))
      (local.get $sum))
    (func (export "answer") (param $count i32) (result i32) (local $got i32)
      (block $end
        (loop $next
          (br_if $end (i32.eqz (local.tee $got (call $receive (i32.const 0)))))
          (call $send (i32.const 1) (i32.mul (local.get $got) (i32.const 2)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next)))
      (local.get $count))))";

// [executor
/// An event loop without events.
class Queue final : public Executor {
public:
    void schedule(Continuation& continuation) noexcept override {
        continuation.next = nullptr;
        *last_ = &continuation;
        last_ = &continuation.next;
    }
    void run() {
        while (Continuation* const next = first_) {
            first_ = next->next;
            if (first_ == nullptr)
                last_ = &first_;
            next->run(*next);
        }
    }

private:
    Continuation* first_ = nullptr;
    Continuation** last_ = &first_;
};
// executor]

// [mailbox
/// Messages for one reader.
class Mailbox {
public:
    void put(int32_t message) {
        messages_.push_back(message);
        if (reader_)
            std::exchange(reader_, nullptr).resume();
    }
    /// `co_await` gives the next message, when there is one.
    [[nodiscard]] auto next() noexcept {
        struct Awaiter {
            Mailbox& box;
            bool await_ready() const noexcept { return !box.messages_.empty(); }
            void await_suspend(std::coroutine_handle<> reader) noexcept { box.reader_ = reader; }
            int32_t await_resume() const noexcept {
                const int32_t message = box.messages_.front();
                box.messages_.pop_front();
                return message;
            }
        };
        return Awaiter{*this};
    }

private:
    std::deque<int32_t> messages_;
    std::coroutine_handle<> reader_;
};
// mailbox]

// [task
/// Runs an execution to its end, and is its result.
Task<int32_t> run(Execution execution) {
    auto state = co_await execution;
    while (state == ExecutionState::out_of_fuel) {
        co_await Yield{}; // it is the turn of others
        state = co_await Advance{execution, {.fuel = 1000}};
    }
    Value result;
    if (auto got = execution.results({&result, 1}); !got)
        co_return std::unexpected{got.error()}; // it has trapped
    co_return result.as<int32_t>();
}
// task]

void talk() {
    Engine engine{{.fuel = true}};
    Linker linker{engine};
    Store store{engine};
    const auto bytes = parse_wat(guests);
    const auto module = bytes ? engine.load(*bytes) : std::unexpected{bytes.error()};
    check(module.has_value(), "the module is not valid");
    if (!module)
        return;
    Queue queue;
    // [define
    Mailbox boxes[2];
    auto send =
        linker.func("host", "send", [&](int32_t box, int32_t message) { boxes[box & 1].put(message); });
    auto receive = linker.func(
        "host", "receive", host_coroutine<int32_t(int32_t)>(queue, [&](int32_t box) -> Task<int32_t, Trap> {
            co_return co_await boxes[box & 1].next();
        }));
    // define]
    const auto instance = linker.instantiate(store, *module);
    check(send && receive && instance, "the module can't be instantiated");
    if (!instance)
        return;
    auto ask = Execution::create(instance->func("ask").value_or(Func{}), {{Value{100}}});
    auto answer = Execution::create(instance->func("answer").value_or(Func{}), {{Value{0}}});
    check(ask && answer, "they can't be started");
    if (!ask || !answer)
        return;
    // [run
    auto asking = run(std::move(*ask));
    auto answering = run(std::move(*answer));
    asking.start(queue);
    answering.start(queue);
    queue.run(); // until both have ended, or wait for something that never comes
    // run]
    check(asking.done() && asking.take() == 100 * 101, "a wrong sum");
    check(answering.done() && answering.take() == 100, "a wrong count");
}

} // namespace

int main() {
    talk();
    return failures == 0 ? 0 : 1;
}
