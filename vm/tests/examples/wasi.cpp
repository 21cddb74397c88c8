// The snippets of docs/wasi.md, and the one of docs/embedding.md about WASI, whole and as a test: the lines
// between the marks are those that the page shows.

#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/execution.hpp>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/saved_files.hpp>
#include <warpbeam/wasi/streams.hpp>
#include <warpbeam/wasi/threads.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <cstdio>
#include <string>
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

// Copies its input to its output and to the file /copy, until the input ends; then exits with status 7.
constexpr std::string_view program_text = R"((module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "copy")
    (func $check (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
    (func (export "_start")
      (call $check (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
        (i64.const 0x42) (i64.const 0) (i32.const 0) (i32.const 16)))
      (loop $next
        (i32.store (i32.const 32) (i32.const 100))
        (i32.store (i32.const 36) (i32.const 50))
        (call $check (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 40)))
        (i32.store (i32.const 36) (i32.load (i32.const 40)))
        (call $check (call $write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 44)))
        (call $check (call $write (i32.load (i32.const 16)) (i32.const 32) (i32.const 1) (i32.const 44)))
        (br_if $next (i32.load (i32.const 40))))
      (call $exit (i32.const 7)))))";

// Starts a thread, which exits with its argument.
constexpr std::string_view threads_text = R"((module
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "env" "memory" (memory 1 1 shared))
    (export "memory" (memory 0))
    (func (export "wasi_thread_start") (param $id i32) (param $argument i32)
      (call $exit (local.get $argument)))
    (func (export "_start")
      (drop (call $spawn (i32.const 5)))
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))))";

Module load(const Engine& engine, std::string_view text = program_text) {
    const auto bytes = parse_wat(text);
    auto module = bytes ? engine.load(*bytes) : std::expected<Module, Error>{std::unexpected{bytes.error()}};
    check(module.has_value(), "the module is not valid");
    return module.value_or(Module{});
}

// [capture
/// Runs a program with some input. It sees no file of this machine, and what it writes is in `output`.
/// Returns its exit status.
std::expected<int, Trap> run_captured(const Engine& engine, const Module& module, std::string_view input,
                                      std::string& output) {
    Allocator& allocator = Allocator::standard();
    const auto in = wasi::create_file<wasi::InputBuffer>(allocator, allocator);
    const auto out = wasi::create_file<wasi::OutputBuffer>(allocator, allocator);
    auto files = wasi::memory_directory({.bytes = 1 << 20});
    wasi::Context context;
    Linker linker{engine};
    if (!in || !out || !files || !in->add(input) || !context.add_arg("program") ||
        !context.set_stream(wasi::Stream::in, in) || !context.set_stream(wasi::Stream::out, out) ||
        !context.add_directory("/", *files) || !wasi::define(linker, context, wasi::pointers_of(module)))
        return std::unexpected{Trap{TrapCode::out_of_memory}};
    in->close(); // the input ends there

    Store store{engine};
    const auto instance = linker.instantiate(store, module);
    const auto start = instance ? instance->func<void()>("_start") : std::unexpected{Error{ErrorCode::usage}};
    if (!start)
        return std::unexpected{Trap{TrapCode::usage}};
    const auto ended = (*start)();
    output = out->text();
    if (!ended && ended.error().code() == TrapCode::exit)
        return ended.error().exit_status(); // proc_exit ends the program, and not the process
    return ended ? std::expected<int, Trap>{0} : std::unexpected{ended.error()};
}
// capture]

/// A program that waits for input without a thread of its own.
void serve(const Engine& engine, const Module& module) {
    Allocator& allocator = Allocator::standard();
    const auto in = wasi::create_file<wasi::InputBuffer>(allocator, allocator);
    const auto out = wasi::create_file<wasi::OutputBuffer>(allocator, allocator);
    wasi::Context context;
    Linker linker{engine};
    check(in && out && context.set_stream(wasi::Stream::in, in) &&
              context.set_stream(wasi::Stream::out, out) &&
              context.add_directory("/", *wasi::memory_directory()) && wasi::define(linker, context),
          "the context can't be made");
    Store store{engine};
    const auto instance = linker.instantiate(store, module);
    const auto start = instance ? instance->func("_start") : std::unexpected{Error{ErrorCode::usage}};
    check(start.has_value(), "the program can't be made");
    if (!start)
        return;
    // [waiting
    context.set_suspends(true);
    auto execution = Execution::create(*start);
    while (execution && *execution->resume() == ExecutionState::interrupted) {
        const auto waits = context.take_waits();
        if (!waits)
            break; // it was interrupted
        // It waits for standard input. A server waits for waits->streams, and up to waits->nanoseconds, of
        // all of its programs together, by poll or io_uring; here, the input comes from somewhere else.
        if (out->text().empty())
            check(in->add("one more line").has_value(), "no memory");
        else
            in->close();
    }
    // waiting]
    check(execution && execution->state() == ExecutionState::trapped &&
              execution->trap()->code() == TrapCode::exit && out->text() == "one more line",
          "the program did not go on");
}

/// The state of a program beside its store.
void save(const wasi::Context& context, Ref<wasi::Directory> directory) {
    // [saving
    SnapshotBuffer files;
    if (const auto saved = wasi::save_files(context, files); !saved)
        return check(false, std::string{saved.error().message()}.c_str());
    // Later, perhaps in another process; the store is restored as docs/snapshots.md says.
    wasi::Context restored;
    SnapshotBytes bytes{files.bytes()};
    if (!restored.add_directory("/data", directory) || !wasi::restore_files(restored, bytes))
        return check(false, "a file has changed, or is missing");
    // saving]
    check(restored.descriptors().find(3) != nullptr, "the directory is missing");
}

/// A program with threads.
void run_threads() {
    Config config;
    config.interruption = true;
    config.features.enable(Feature::threads);
    const Engine engine{config};
    const Module module = load(engine, threads_text);
    // [threads
    wasi::Context context;
    Linker linker{engine}; // its engine has Config::interruption, and the feature `threads`
    if (!wasi::define(linker, context))
        return check(false, "no memory");
    auto threads = wasi::Threads::create(linker, context, module, {.max_threads = 8});
    if (!threads) // the module lacks something, and the message says what
        return check(false, std::string{threads.error().message()}.c_str());
    Store store{engine}; // of the main thread
    const auto instance = threads->instantiate(store);
    const auto start = instance ? instance->func("_start") : std::unexpected{Error{ErrorCode::usage}};
    if (!start)
        return check(false, "it can't be instantiated");
    const wasi::ProgramEnd end = threads->run(*start); // all threads have ended now
    // threads]
    check(end.thread == 1 && end.trap && end.trap->exit_status() == 5,
          "the thread has not ended the program");
}

// [recording
/// What the calls of a program did, one after another.
class Recording final : public wasi::CallSink, public wasi::CallSource {
public:
    std::expected<void, Trap> write(std::span<const std::span<const uint8_t>> parts) noexcept override {
        auto& record = records_.emplace_back();
        for (const auto part : parts)
            record.insert(record.end(), part.begin(), part.end());
        return {};
    }
    std::expected<std::span<const uint8_t>, Trap> next() noexcept override {
        if (next_ == records_.size())
            return std::unexpected{Trap::host("the recording ends here")};
        return records_[next_++];
    }
    /// When it is replayed, this is what the program writes to its standard streams.
    std::expected<void, Trap> write(wasi::Stream, std::span<const uint8_t> bytes) noexcept override {
        output.append(bytes.begin(), bytes.end());
        return {};
    }
    std::string output;

private:
    std::vector<std::vector<uint8_t>> records_;
    size_t next_ = 0;
};
// recording]

/// Runs a program in that world. Returns its exit status.
int run_in(wasi::Context& context, const Module& module) {
    Config config;
    config.deterministic = true;
    const Engine engine{config};
    Linker linker{engine};
    Store store{engine};
    check(wasi::define(linker, context).has_value(), "WASI is not there");
    const auto instance = linker.instantiate(store, *engine.load(module.bytes()));
    const auto start = instance ? instance->func<void()>("_start") : std::unexpected{Error{ErrorCode::usage}};
    const auto ended = start ? (*start)() : std::unexpected{Trap{TrapCode::usage}};
    return ended ? 0 : ended.error().exit_status();
}

/// A program that runs again, without its files and its input.
void record(const Module& module) {
    Allocator& allocator = Allocator::standard();
    const auto in = wasi::create_file<wasi::InputBuffer>(allocator, allocator);
    const auto out = wasi::create_file<wasi::OutputBuffer>(allocator, allocator);
    Recording recording;
    {
        wasi::Context context;
        check(in && out && in->add("some text") && context.set_stream(wasi::Stream::in, in) &&
                  context.set_stream(wasi::Stream::out, out) &&
                  context.add_directory("/", *wasi::memory_directory()),
              "the context can't be made");
        in->close();
        // [recorded
        context.record(&recording);
        // recorded]
        check(run_in(context, module) == 7 && out->text() == "some text", "the program did something else");
    }
    wasi::Context context;
    // [replayed
    context.replay(&recording);
    // replayed]
    check(run_in(context, module) == 7 && recording.output == "some text", "the replay did something else");
}

} // namespace

int main() {
    const Engine engine;
    const Module module = load(engine);
    std::string output;
    const auto status = run_captured(engine, module, "some text", output);
    check(status && *status == 7 && output == "some text", "the output was not captured");
    serve(engine, module);
    record(module);
    const auto directory = wasi::memory_directory();
    wasi::Context context;
    if (directory && context.add_directory("/data", *directory))
        save(context, *wasi::memory_directory());
    run_threads();
    return failures;
}
