// The snippets of docs/executions.md about poll(2), whole and as a test: guests that read from pipes.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/coroutine.hpp>
#include <warpbeam/vm/linker.hpp>

#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>
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

// Copies a file to another, and adds one to each byte.
constexpr std::string_view filter = R"((module
    (import "host" "read" (func $read (param i32) (result i32)))
    (import "host" "write" (func $write (param i32 i32)))
    (import "host" "close" (func $close (param i32)))
    (func (export "copy") (param $from i32) (param $to i32) (result i32) (local $count i32) (local $byte i32)
      (block $end
        (loop $next
          (br_if $end (i32.lt_s (local.tee $byte (call $read (local.get $from))) (i32.const 0)))
          (call $write (local.get $to) (i32.add (local.get $byte) (i32.const 1)))
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $next)))
      (call $close (local.get $to))
      (local.get $count))))";

// [loop
/// An event loop around poll(2).
class PollLoop final : public Executor {
public:
    void schedule(Continuation& continuation) noexcept override {
        continuation.next = std::exchange(ready_, &continuation);
    }
    /// `co_await` goes on when the file can be read without blocking.
    [[nodiscard]] auto readable(int file) noexcept {
        struct Awaiter {
            PollLoop& loop;
            int file;
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<> reader) const {
                loop.files_.push_back({file, POLLIN, 0});
                loop.readers_.push_back(reader);
            }
            void await_resume() const noexcept {}
        };
        return Awaiter{*this, file};
    }
    /// Runs until nothing waits for a file.
    void run() {
        while (true) {
            while (ready_ != nullptr) {
                Continuation& next = *ready_;
                ready_ = next.next;
                next.run(next);
            }
            if (files_.empty() || (::poll(files_.data(), files_.size(), -1) < 0 && errno != EINTR))
                return;
            for (size_t i = files_.size(); i-- > 0;)
                if (files_[i].revents != 0) {
                    const auto reader = readers_[i];
                    files_.erase(files_.begin() + static_cast<ptrdiff_t>(i));
                    readers_.erase(readers_.begin() + static_cast<ptrdiff_t>(i));
                    reader.resume();
                }
        }
    }

private:
    Continuation* ready_ = nullptr;
    std::vector<pollfd> files_;
    std::vector<std::coroutine_handle<>> readers_; // one for each file
};
// loop]

Task<int32_t> run(Execution execution) {
    const auto state = co_await execution;
    Value result;
    if (state != ExecutionState::done || !execution.results({&result, 1}))
        co_return -1;
    co_return result.as<int32_t>();
}

void copy() {
    Engine engine;
    Linker linker{engine};
    Store store{engine};
    const auto bytes = parse_wat(filter);
    const auto module = bytes ? engine.load(*bytes) : std::unexpected{bytes.error()};
    int input[2];
    int middle[2];
    int output[2];
    if (!module || ::pipe(input) != 0 || ::pipe(middle) != 0 || ::pipe(output) != 0)
        return check(false, "the module or the pipes can't be made");
    PollLoop loop;
    // [read
    auto read = linker.func("host", "read",
                            host_coroutine<int32_t(int32_t)>(loop, [&](int32_t file) -> Task<int32_t, Trap> {
                                co_await loop.readable(file);
                                unsigned char byte = 0;
                                co_return ::read(file, &byte, 1) == 1 ? byte : -1;
                            }));
    // read]
    auto write = linker.func("host", "write", [](int32_t file, int32_t number) -> std::expected<void, Trap> {
        const auto byte = static_cast<unsigned char>(number);
        if (::write(file, &byte, 1) != 1)
            return std::unexpected{Trap::host("the file can't be written")};
        return {};
    });
    auto close = linker.func("host", "close", [](int32_t file) { ::close(file); });
    const auto instance = linker.instantiate(store, *module);
    if (!read || !write || !close || !instance)
        return check(false, "the module can't be instantiated");
    const Func copies = instance->func("copy").value_or(Func{});
    auto second = Execution::create(copies, {{Value{middle[0]}, Value{output[1]}}});
    auto first = Execution::create(copies, {{Value{input[0]}, Value{middle[1]}}});
    if (!first || !second)
        return check(false, "they can't be started");
    auto one = run(std::move(*first));
    auto two = run(std::move(*second));
    two.start(loop);
    one.start(loop);
    check(::write(input[1], "HAL", 3) == 3, "the pipe can't be written");
    ::close(input[1]);
    loop.run();
    check(one.done() && one.take() == 3 && two.done() && two.take() == 3, "a wrong count");
    char text[4] = "";
    check(::read(output[0], text, 3) == 3 && std::string_view{text} == "JCN", "a wrong text");
    for (const int file : {input[0], middle[0], output[0]})
        ::close(file);
}

} // namespace

int main() {
    copy();
    return failures == 0 ? 0 : 1;
}
