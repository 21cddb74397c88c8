#pragma once

#include <gtest/gtest.h>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/threads.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <fcntl.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

/// Programs that start threads, for tests. Meant to be run under ThreadSanitizer too (preset `tsan`).

namespace warpbeam::wasi::testing {

/// What programs have in common: imports, and functions to wait for each other. A word in memory is raised
/// by `$raise`, and `$await` waits until it has reached a number.
inline constexpr std::string_view prelude = R"(
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "env" "memory" (memory 2 4 shared))
  (export "memory" (memory 0))
  (func $raise (param $at i32)
    (drop (i32.atomic.rmw.add (local.get $at) (i32.const 1)))
    (drop (memory.atomic.notify (local.get $at) (i32.const -1))))
  (func $await (param $at i32) (param $least i32) (local $seen i32)
    (loop $again
      (local.set $seen (i32.atomic.load (local.get $at)))
      (if (i32.lt_s (local.get $seen) (local.get $least))
        (then (drop (memory.atomic.wait32 (local.get $at) (local.get $seen) (i64.const -1)))
              (br $again)))))
  ;; One buffer, whose list is at $list and whose length is there.
  (func $buffer (param $list i32) (param $at i32) (param $size i32) (result i32)
    (i32.store (local.get $list) (local.get $at))
    (i32.store offset=4 (local.get $list) (local.get $size))
    (local.get $list))
  ;; Waits for a clock.
  (func $sleep (param $at i32) (param $nanoseconds i64)
    (i32.store offset=16 (local.get $at) (i32.const 1))
    (i64.store offset=24 (local.get $at) (local.get $nanoseconds))
    (drop (call $poll (local.get $at) (i32.add (local.get $at) (i32.const 64)) (i32.const 1)
                      (i32.add (local.get $at) (i32.const 128)))))
  ;; Spawns, and traps if that is impossible.
  (func $go (param $what i32) (result i32) (local $id i32)
    (local.set $id (call $spawn (local.get $what)))
    (if (i32.le_s (local.get $id) (i32.const 0)) (then unreachable))
    (local.get $id))
)";

/// A module with these functions.
inline std::string program(std::string_view functions) {
    return "(module " + std::string{prelude} + std::string{functions} + ")";
}

/// Prepares programs and runs them, by default with what threads need.
class ThreadsTest : public ::testing::Test {
protected:
    static Config config() {
        Config with;
        with.features.enable(Feature::threads);
        with.interruption = true;
        return with;
    }

    std::expected<Threads, Error> prepare(std::string_view text, const ThreadSettings& settings = {},
                                          const Config& with = config()) {
        engine.emplace(with);
        const auto bytes = parse_wat(text);
        if (!bytes)
            throw std::runtime_error{std::string{bytes.error().message()}};
        const auto loaded = engine->load(*bytes);
        if (!loaded)
            throw std::runtime_error{std::string{loaded.error().message()}};
        module = *loaded;
        linker.emplace(*engine);
        store.emplace(*engine);
        EXPECT_TRUE(define(*linker, context));
        return Threads::create(*linker, context, module, settings);
    }
    /// Runs a program to its end.
    ProgramEnd run(std::string_view functions, const ThreadSettings& settings = {},
                   const Config& with = config()) {
        threads.reset();
        auto made = prepare(program(functions), settings, with);
        EXPECT_TRUE(made) << made.error().message();
        threads.emplace(std::move(*made));
        const auto instantiated = threads->instantiate(*store);
        EXPECT_TRUE(instantiated) << instantiated.error().message();
        if (!instantiated)
            return {};
        instance = *instantiated;
        ProgramEnd ended = threads->run(instance.func("_start").value());
        EXPECT_EQ(threads->count(), 0u);
        return ended;
    }
    static std::string text_of(const ProgramEnd& end) {
        if (!end.trap)
            return "returned";
        const std::string who = end.thread == 0 ? "main" : "thread";
        return end.trap->code() == TrapCode::exit ? who + " exit " + std::to_string(end.trap->exit_status())
                                                  : who + " " + std::string{end.trap->message()};
    }
    uint32_t word(uint32_t address) {
        return MemoryView{instance.memory("memory").value()}.read<uint32_t>(address).value();
    }
    /// A pipe, of which the program has the end for reading or that for writing.
    struct Pipe {
        uint32_t number; ///< in the program
        int other;       ///< the test's end
    };
    Pipe pipe(bool reads) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const int theirs = ends[reads ? 0 : 1];
        return {context.add_file(native_file(theirs).value()).value(), ends[reads ? 1 : 0]};
    }

    Context context;
    std::optional<Engine> engine;
    Module module;
    std::optional<Linker> linker;
    std::optional<Store> store;
    std::optional<Threads> threads;
    Instance instance;
};

/// A program that has a pipe to read from, descriptor 3, and one to write to, 4.
class PipesTest : public ThreadsTest {
protected:
    PipesTest() : reads{pipe(true)}, writes{pipe(false)} {}
    ~PipesTest() override {
        ::close(reads.other);
        ::close(writes.other);
    }
    Pipe reads;
    Pipe writes;
};

} // namespace warpbeam::wasi::testing
