#include "../src/thread_ids.hpp"

#include <gtest/gtest.h>
#include <warpbeam/text/parse.hpp>
#include <warpbeam/vm/memory_view.hpp>
#include <warpbeam/wasi/file_systems.hpp>
#include <warpbeam/wasi/streams.hpp>
#include <warpbeam/wasi/threads.hpp>
#include <warpbeam/wasi/wasi.hpp>

#include <atomic>
#include <chrono>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <vector>

/// Programs that start threads. Meant to be run under ThreadSanitizer too (preset `tsan`).

using namespace warpbeam;
using namespace warpbeam::wasi;

namespace {

using namespace std::chrono_literals;

/// What programs have in common: imports, and functions to wait for each other. A word in memory is raised
/// by `$raise`, and `$await` waits until it has reached a number.
constexpr std::string_view prelude = R"(
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

std::string program(std::string_view functions) {
    return "(module " + std::string{prelude} + std::string{functions} + ")";
}

/// Takes every task, and lets threads of the test run them.
class CountingStarter final : public ThreadStarter {
public:
    /// Has so many threads.
    explicit CountingStarter(int available) : left{available} {}
    bool start(ThreadTask& task) noexcept override {
        if (left.fetch_sub(1) <= 0)
            return false;
        return native_threads().start(task);
    }
    std::atomic<int> left;
};

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

// ---- Threads that work ----

TEST_F(ThreadsTest, a_thread_gets_its_number_and_its_argument) {
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param $id i32) (param $argument i32)
        (i32.store (i32.const 4) (local.get $id))
        (i32.store (i32.const 8) (local.get $argument))
        (call $raise (i32.const 0)))
      (func (export "_start")
        (i32.store (i32.const 12) (call $go (i32.const 12345)))
        (call $await (i32.const 0) (i32.const 1)))
    )")),
              "returned");
    EXPECT_EQ(word(4), word(12));
    EXPECT_GE(word(4), 1u);
    EXPECT_LE(word(4), 0x1FFFFFFFu);
    EXPECT_EQ(word(8), 12345u);
}

/// A lock of the usual kind over plain accesses.
constexpr std::string_view lock = R"(
  (func $lock
    (block $have
      (br_if $have (i32.eqz (i32.atomic.rmw.cmpxchg (i32.const 1024) (i32.const 0) (i32.const 1))))
      (loop $again
        (br_if $have (i32.eqz (i32.atomic.rmw.xchg (i32.const 1024) (i32.const 2))))
        (drop (memory.atomic.wait32 (i32.const 1024) (i32.const 2) (i64.const -1)))
        (br $again))))
  (func $unlock
    (if (i32.eq (i32.atomic.rmw.xchg (i32.const 1024) (i32.const 0)) (i32.const 2))
      (then (drop (memory.atomic.notify (i32.const 1024) (i32.const 1))))))
)";

TEST_F(ThreadsTest, a_lock_excludes_the_other_threads) {
    EXPECT_EQ(text_of(run(std::string{lock} + R"(
      (func (export "wasi_thread_start") (param i32 i32) (local $n i32)
        (local.set $n (i32.const 500))
        (loop $again
          (call $lock)
          (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))
          (call $unlock)
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (call $raise (i32.const 0)))
      (func (export "_start") (local $n i32)
        (local.set $n (i32.const 8))
        (loop $again
          (drop (call $go (i32.const 0)))
          (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (call $await (i32.const 0) (i32.const 8)))
    )")),
              "returned");
    EXPECT_EQ(word(64), 4000u);
}

TEST_F(ThreadsTest, threads_start_threads_and_have_globals_of_their_own) {
    EXPECT_EQ(text_of(run(R"(
      (global $mine (mut i32) (i32.const 0))
      (func (export "wasi_thread_start") (param $id i32) (param $depth i32)
        (if (global.get $mine) (then unreachable))
        (global.set $mine (local.get $id))
        (if (local.get $depth)
          (then (drop (call $go (i32.sub (local.get $depth) (i32.const 1))))
                (drop (call $go (i32.sub (local.get $depth) (i32.const 1))))))
        (if (i32.ne (global.get $mine) (local.get $id)) (then unreachable))
        (call $raise (i32.const 0)))
      (func (export "_start")
        (drop (call $go (i32.const 4)))
        (call $await (i32.const 0) (i32.const 31)))
    )")),
              "returned");
}

TEST_F(ThreadsTest, many_threads_one_after_the_other_have_different_numbers) {
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param $id i32) (param $argument i32)
        (call $raise (i32.const 0)))
      (func (export "_start") (local $n i32) (local $id i32) (local $last i32)
        (loop $again
          (local.set $id (call $go (i32.const 0)))
          (if (i32.le_s (local.get $id) (local.get $last)) (then unreachable))
          (local.set $last (local.get $id))
          (local.set $n (i32.add (local.get $n) (i32.const 1)))
          (call $await (i32.const 0) (local.get $n))
          (br_if $again (i32.lt_u (local.get $n) (i32.const 400)))))
    )")),
              "returned");
}

TEST(ThreadIds, begin_again_and_skip_what_is_in_use) {
    ThreadIds ids{ThreadIds::last - 1};
    const auto used = [](uint32_t id) { return id <= 2 || id == 4; };
    EXPECT_EQ(ids.take(used), ThreadIds::last - 1);
    EXPECT_EQ(ids.take(used), ThreadIds::last);
    EXPECT_EQ(ids.take(used), 3u);
    EXPECT_EQ(ids.take(used), 5u);
}

TEST_F(ThreadsTest, a_start_function_runs_for_each_thread) {
    EXPECT_EQ(text_of(run(R"(
      (func $init (drop (i32.atomic.rmw.add (i32.const 32) (i32.const 1))))
      (start $init)
      (func (export "wasi_thread_start") (param i32 i32) (call $raise (i32.const 0)))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 2)))
    )")),
              "returned");
    EXPECT_EQ(word(32), 3u);
}

TEST_F(ThreadsTest, several_runs_in_the_same_memory) {
    const auto functions = R"(
      (func (export "wasi_thread_start") (param i32 i32)
        (call $raise (i32.const 0))
        (call $await (i32.const 4) (i32.const 1)))
      (func (export "_start")
        (i32.atomic.store (i32.const 0) (i32.const 0))
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 1))
        (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1))))
      (func (export "next") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))";
    EXPECT_EQ(text_of(run(functions)), "returned");
    EXPECT_EQ(text_of(threads->run(instance.func("_start").value())), "returned");
    EXPECT_EQ(word(8), 2u);
    // And calls that leave the threads as they are.
    EXPECT_FALSE(threads->call(instance.func("_start").value()));
    EXPECT_EQ(threads->count(), 1u);
    const Value arguments[] = {Value{41}};
    Value results[1];
    EXPECT_FALSE(threads->call(instance.func("next").value(), arguments, results));
    EXPECT_EQ(results[0].get<int32_t>(), 42);
    EXPECT_EQ(threads->count(), 1u);
    EXPECT_EQ(text_of(threads->finish()), "returned");
    EXPECT_EQ(threads->count(), 0u);
    // Calls that don't fit end the program.
    EXPECT_EQ(threads->call(instance.func("next").value())->trap->code(), TrapCode::host);
    EXPECT_EQ(threads->count(), 0u);
    // An ordinary call is not interrupted, and can't start threads while no program runs.
    EXPECT_TRUE((*instance.func<int32_t(int32_t)>("next"))(1));
}

// ---- The end of a program ----

/// What a thread does when another one ends the program.
struct Wait {
    const char* name;
    const char* code;
};
constexpr Wait waits[] = {
    {"loop", "(loop $for_ever (br $for_ever))"},
    {"yield", "(loop $for_ever (drop (call $yield)) (br $for_ever))"},
    {"memory.atomic.wait", "(drop (memory.atomic.wait32 (i32.const 512) (i32.const 0) (i64.const -1)))"},
    {"sleep", "(call $sleep (i32.const 2048) (i64.const 100_000_000_000))"},
    {"read", "(drop (call $read (i32.const 3) (call $buffer (i32.const 2048) (i32.const 4096) (i32.const 9)) "
             "(i32.const 1) (i32.const 2056)))"},
    {"write", "(loop $for_ever (drop (call $write (i32.const 4) (call $buffer (i32.const 2048) (i32.const 0) "
              "(i32.const 65536)) (i32.const 1) (i32.const 2056))) (br $for_ever))"},
    {"spawning", "(loop $for_ever (drop (call $spawn (i32.const 99))) (br $for_ever))"},
};

/// The main thread waits; a thread ends the program.
std::string main_waits(const Wait& wait, std::string_view end) {
    return std::string{R"((func (export "wasi_thread_start") (param i32 i32)
        (if (i32.eq (local.get 1) (i32.const 99)) (then return))
        (call $await (i32.const 0) (i32.const 1))
        (call $sleep (i32.const 3072) (i64.const 5_000_000)) )"} +
           std::string{end} + R"()
      (func (export "_start") (drop (call $go (i32.const 0))) (call $raise (i32.const 0)) )" +
           wait.code + ")";
}
/// A thread waits; the main thread ends the program.
std::string thread_waits(const Wait& wait, std::string_view end) {
    return std::string{R"((func (export "wasi_thread_start") (param i32 i32)
        (if (i32.eq (local.get 1) (i32.const 99)) (then return))
        (call $raise (i32.const 0)) )"} +
           wait.code + R"()
      (func (export "_start") (drop (call $go (i32.const 0))) (call $await (i32.const 0) (i32.const 1))
        (call $sleep (i32.const 3072) (i64.const 5_000_000)) )" +
           std::string{end} + ")";
}

class EndTest : public ThreadsTest {
protected:
    EndTest() : reads{pipe(true)}, writes{pipe(false)} {}
    ~EndTest() override {
        ::close(reads.other);
        ::close(writes.other);
    }
    Pipe reads;
    Pipe writes;
};

TEST_F(EndTest, a_trap_in_a_thread_ends_the_main_thread) {
    for (const Wait& wait : waits)
        EXPECT_EQ(text_of(run(main_waits(wait, "unreachable"))), "thread unreachable") << wait.name;
}
TEST_F(EndTest, an_exit_in_a_thread_ends_the_main_thread) {
    for (const Wait& wait : waits)
        EXPECT_EQ(text_of(run(main_waits(wait, "(call $exit (i32.const 7))"))), "thread exit 7") << wait.name;
}
TEST_F(EndTest, a_return_from_start_ends_the_threads) {
    for (const Wait& wait : waits)
        EXPECT_EQ(text_of(run(thread_waits(wait, ""))), "returned") << wait.name;
}
TEST_F(EndTest, an_exit_and_a_trap_in_the_main_thread_end_the_others) {
    for (const Wait& wait : waits) {
        EXPECT_EQ(text_of(run(thread_waits(wait, "(call $exit (i32.const 3))"))), "main exit 3") << wait.name;
        EXPECT_EQ(text_of(run(thread_waits(wait, "unreachable"))), "main unreachable") << wait.name;
    }
}
TEST_F(EndTest, an_interrupt_of_the_main_store_ends_all) {
    for (const Wait& wait : waits) {
        threads.reset();
        auto made = prepare(program(main_waits(wait, wait.code)));
        ASSERT_TRUE(made);
        threads.emplace(std::move(*made));
        instance = threads->instantiate(*store).value();
        std::thread other{[handle = store->interrupt_handle()] {
            std::this_thread::sleep_for(30ms);
            handle.interrupt();
        }};
        const ProgramEnd ended = threads->run(instance.func("_start").value());
        other.join();
        EXPECT_EQ(text_of(ended), "main interrupted") << wait.name;
        EXPECT_FALSE(ended.backtrace.empty()) << wait.name;
    }
}

TEST_F(ThreadsTest, the_end_of_one_thread_is_not_that_of_the_program) {
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param i32 i32) (call $raise (i32.const 0)))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 1))
        (call $sleep (i32.const 2048) (i64.const 10_000_000))
        (call $exit (i32.const 5)))
    )")),
              "main exit 5");
}

TEST_F(ThreadsTest, what_came_first_counts) {
    // All trap at about the same time; one of them is told, with its backtrace.
    const ProgramEnd ended = run(R"(
      (func $f (call $await (i32.const 0) (i32.const 5)) unreachable)
      (func (export "wasi_thread_start") (param i32 i32) (call $raise (i32.const 0)) (call $f))
      (func (export "_start") (local $n i32)
        (loop $again (drop (call $go (i32.const 0)))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5))))
        (call $f))
    )");
    ASSERT_TRUE(ended.trap);
    EXPECT_EQ(ended.trap->code(), TrapCode::unreachable);
    EXPECT_EQ(ended.trap->backtrace().size(), 2u);
}

TEST_F(ThreadsTest, a_trap_in_the_start_function_of_a_thread_ends_the_program) {
    EXPECT_EQ(text_of(run(R"(
      (func $init
        (if (i32.atomic.rmw.add (i32.const 32) (i32.const 1)) (then unreachable)))
      (start $init)
      (func (export "wasi_thread_start") (param i32 i32))
      (func (export "_start") (drop (call $spawn (i32.const 0))) (loop $for_ever (br $for_ever)))
    )")),
              "thread unreachable");
}

TEST_F(ThreadsTest, a_start_function_that_starts_threads_for_ever_reaches_the_limit) {
    auto made = prepare(program(R"(
      (func $init (drop (call $spawn (i32.const 0))))
      (start $init)
      (func (export "wasi_thread_start") (param i32 i32) (call $raise (i32.const 0)))
      (func (export "_start")))"),
                        {.max_threads = 20});
    ASSERT_TRUE(made);
    threads.emplace(std::move(*made));
    ASSERT_TRUE(threads->instantiate(*store));
    EXPECT_EQ(text_of(threads->finish()), "returned");
}

TEST_F(ThreadsTest, a_trap_in_the_main_start_function_ends_the_threads) {
    auto made = prepare(program(R"(
      (func $init
        (if (i32.eqz (i32.atomic.rmw.add (i32.const 32) (i32.const 1)))
          (then (drop (call $go (i32.const 0))) (call $await (i32.const 0) (i32.const 1)) unreachable)))
      (start $init)
      (func (export "wasi_thread_start") (param i32 i32) (call $raise (i32.const 0)) (loop $l (br $l)))
      (func (export "_start")))"));
    ASSERT_TRUE(made);
    threads.emplace(std::move(*made));
    const auto instantiated = threads->instantiate(*store);
    ASSERT_FALSE(instantiated);
    ASSERT_NE(instantiated.error().trap(), nullptr);
    EXPECT_EQ(instantiated.error().trap()->code(), TrapCode::unreachable);
    EXPECT_EQ(threads->count(), 0u);
}

TEST_F(ThreadsTest, destroying_ends_the_threads) {
    auto made = prepare(program(R"(
      (func (export "wasi_thread_start") (param i32 i32) (call $raise (i32.const 0)) (loop $l (br $l)))
      (func (export "_start")
        (drop (call $go (i32.const 0))) (drop (call $go (i32.const 0))) (call $await (i32.const 0) (i32.const 2))))"));
    ASSERT_TRUE(made);
    threads.emplace(std::move(*made));
    instance = threads->instantiate(*store).value();
    EXPECT_FALSE(threads->call(instance.func("_start").value()));
    EXPECT_EQ(threads->count(), 2u);
    threads.reset();
}

// ---- Limits ----

/// Starts threads that wait, until that fails; exits with the errno.
constexpr std::string_view spawn_until_failure = R"(
  (func (export "wasi_thread_start") (param i32 i32) (call $await (i32.const 0) (i32.const 1)))
  (func (export "_start") (local $id i32)
    (loop $again
      (local.set $id (call $spawn (i32.const 0)))
      (if (i32.gt_s (local.get $id) (i32.const 0))
        (then (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1))) (br $again))))
    (call $exit (i32.sub (i32.const 0) (local.get $id)))))";
const std::string again = "main exit " + std::to_string(static_cast<int>(Errno::again));

TEST_F(ThreadsTest, there_are_no_more_threads_than_there_may_be) {
    EXPECT_EQ(text_of(run(spawn_until_failure, {.max_threads = 5})), again);
    EXPECT_EQ(word(4), 5u);
    EXPECT_EQ(text_of(run(spawn_until_failure, {.max_threads = 0})), again);
    EXPECT_EQ(word(4), 0u);
}
TEST_F(ThreadsTest, a_starter_may_have_no_more_threads) {
    CountingStarter starter{3};
    EXPECT_EQ(text_of(run(spawn_until_failure, {.starter = &starter})), again);
    EXPECT_EQ(word(4), 3u);
}
TEST_F(ThreadsTest, the_limits_of_a_store_may_leave_no_room) {
    StoreLimits limits;
    limits.memory_bytes = 4 * 65536 - 1; // a shared memory counts with its maximum
    EXPECT_EQ(text_of(run(spawn_until_failure, {.limits = limits})), again);
    EXPECT_EQ(word(4), 0u);
}
TEST_F(ThreadsTest, memories_and_tables_of_all_threads_are_limited_together) {
    constexpr uint64_t page = 65536;
    StoreLimits limits;
    limits.memory_bytes = 4 * page + 25 * page; // the shared one, and two of these
    EXPECT_EQ(text_of(run("(memory 10) " + std::string{spawn_until_failure}, {.limits = limits})), again);
    EXPECT_EQ(word(4), 2u);
    limits = {};
    limits.table_elements = 39;
    EXPECT_EQ(text_of(run("(table 10 funcref) " + std::string{spawn_until_failure}, {.limits = limits})),
              again);
    EXPECT_EQ(word(4), 3u);
}
TEST_F(ThreadsTest, what_a_thread_has_is_given_back_at_its_end) {
    StoreLimits limits;
    limits.table_elements = 100;
    EXPECT_EQ(text_of(run(R"((table $t 10 funcref)
      (func (export "wasi_thread_start") (param i32 i32)
        (if (i32.ne (table.grow $t (ref.null func) (i32.const 80)) (i32.const 10)) (then unreachable))
        (if (i32.ne (table.grow $t (ref.null func) (i32.const 11)) (i32.const -1)) (then unreachable))
        (drop (i32.atomic.rmw.add (i32.const 4) (i32.const 1))))
      (func (export "_start") (local $n i32)
        (loop $again
          (loop $retry (br_if $retry (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0))))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20))))
        (loop $wait (drop (call $yield)) (br_if $wait (i32.lt_u (i32.atomic.load (i32.const 4)) (i32.const 20))))))",
                          {.max_threads = 1, .limits = limits})),
              "returned");
}
TEST_F(ThreadsTest, each_thread_has_its_part_of_the_heap) {
    StoreLimits limits;
    limits.heap_bytes = 1 << 20;
    const auto with = [](int objects) { // of 16 bytes
        return R"((type $list (struct (field (ref null $list))))
          (func (export "wasi_thread_start") (param i32 i32) (local $l (ref null $list)) (local $n i32)
            (loop $more (local.set $l (struct.new $list (local.get $l)))
              (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                                     (i32.const )" +
               std::to_string(objects) + R"())))
            (call $raise (i32.const 0)))
          (func (export "_start") (drop (call $go (i32.const 0))) (call $await (i32.const 0) (i32.const 1))))";
    };
    EXPECT_EQ(text_of(run(with(10'000), {.max_threads = 4, .limits = limits})), "returned");
    const ProgramEnd ended = run(with(20'000), {.max_threads = 4, .limits = limits});
    ASSERT_TRUE(ended.trap);
    EXPECT_EQ(ended.trap->code(), TrapCode::heap_exhausted);
}
/// A policy of the embedder is asked in every thread.
TEST_F(ThreadsTest, the_embedder_decides_about_growth) {
    struct Policy final : GrowthPolicy {
        bool allow_table(const Store&, const TableType&, uint64_t, uint64_t to) noexcept override {
            return to <= 10;
        }
    } policy;
    StoreLimits limits;
    limits.growth = &policy;
    EXPECT_EQ(text_of(run(R"((table $t 10 funcref)
      (func (export "wasi_thread_start") (param i32 i32)
        (if (i32.ne (table.grow $t (ref.null func) (i32.const 1)) (i32.const -1)) (then unreachable))
        (call $raise (i32.const 0)))
      (func (export "_start") (drop (call $go (i32.const 0))) (call $await (i32.const 0) (i32.const 1))))",
                          {.limits = limits})),
              "returned");
    EXPECT_EQ(text_of(run("(table 11 funcref) " + std::string{spawn_until_failure}, {.limits = limits})),
              again);
}

TEST_F(ThreadsTest, a_thread_that_has_ended_makes_room) {
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param i32 i32))
      (func (export "_start") (local $n i32)
        (loop $again
          (if (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0))
            (then (local.set $n (i32.add (local.get $n) (i32.const 1)))))
          (drop (call $yield))
          (br_if $again (i32.lt_u (local.get $n) (i32.const 50)))))
    )",
                          {.max_threads = 1})),
              "returned");
}

TEST_F(ThreadsTest, fuel_is_for_all_threads_together) {
    Config with = config();
    with.fuel = true;
    constexpr std::string_view three_loops = R"(
      (func $work (local $n i32)
        (loop $again (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1)))
                                             (i32.const 100_000))))
        (call $raise (i32.const 0)))
      (func (export "wasi_thread_start") (param i32 i32) (call $work))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (drop (call $go (i32.const 0)))
        (call $work)
        (call $await (i32.const 0) (i32.const 3))))";
    EXPECT_EQ(text_of(run(three_loops, {.fuel = 301'000}, with)), "returned");
    const ProgramEnd ended = run(three_loops, {.fuel = 299'000}, with);
    ASSERT_TRUE(ended.trap);
    EXPECT_EQ(ended.trap->code(), TrapCode::out_of_fuel);
    EXPECT_FALSE(ended.backtrace.empty());
    const ProgramEnd none = run(three_loops, {.fuel = 0}, with);
    ASSERT_TRUE(none.trap);
    EXPECT_EQ(none.trap->code(), TrapCode::out_of_fuel);
    // A loop in a thread does not last for ever.
    EXPECT_EQ(run(R"((func (export "wasi_thread_start") (param i32 i32) (loop $l (br $l)))
                     (func (export "_start") (drop (call $go (i32.const 0))) (call $await (i32.const 0) (i32.const 1))))",
                  {.fuel = 3'000'000}, with)
                  .trap->code(),
              TrapCode::out_of_fuel);
}

/// Fails after so many allocations, in whichever thread.
class ScarceMemory final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        return left.fetch_sub(1) > 0 ? standard().allocate(size, alignment) : nullptr;
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    std::atomic<int64_t> left = INT64_MAX;
};

TEST_F(ThreadsTest, memory_may_run_out_at_any_time) {
    ScarceMemory memory;
    Config with = config();
    with.allocator = &memory;
    int refused = 0;
    int failed_to_spawn = 0;
    bool has_worked = false;
    for (int64_t count = 0; count < 2000 && !has_worked; ++count) {
        SCOPED_TRACE(count);
        memory.left = INT64_MAX;
        threads.reset();
        auto made = prepare(program(R"(
          (func (export "wasi_thread_start") (param i32 i32) (call $raise (i32.const 0)))
          (func (export "_start") (local $id i32)
            (local.set $id (call $spawn (i32.const 0)))
            (if (i32.lt_s (local.get $id) (i32.const 0))
              (then (call $exit (i32.sub (i32.const 0) (local.get $id)))))
            (call $await (i32.const 0) (i32.const 1))))"),
                            {}, with);
        ASSERT_TRUE(made);
        threads.emplace(std::move(*made));
        memory.left = count;
        const auto instantiated = threads->instantiate(*store);
        if (!instantiated) {
            ++refused;
            continue;
        }
        const auto start = instantiated->func("_start");
        ASSERT_TRUE(start);
        const ProgramEnd end = threads->run(*start);
        EXPECT_EQ(threads->count(), 0u);
        has_worked = !end.trap;
        if (has_worked)
            continue;
        if (end.trap->code() == TrapCode::exit) {
            ++failed_to_spawn;
            EXPECT_EQ(end.trap->exit_status(), static_cast<int>(Errno::nomem));
        } else {
            EXPECT_EQ(end.trap->code(), TrapCode::out_of_memory) << end.trap->message();
        }
    }
    EXPECT_TRUE(has_worked);
    EXPECT_GT(refused, 10);
    EXPECT_GT(failed_to_spawn, 10);
    memory.left = INT64_MAX;
    threads.reset();
    store.reset();
    linker.reset();
    module = {};
    engine.reset();
}

// ---- WASI in several threads ----

TEST_F(EndTest, one_thread_reads_while_another_writes) {
    // The thread waits for input; the main thread goes on, and only then the input comes.
    std::thread peer{[&] {
        char byte = 0;
        EXPECT_EQ(::read(writes.other, &byte, 1), 1);
        EXPECT_EQ(::write(reads.other, "x", 1), 1);
    }};
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param i32 i32)
        (call $raise (i32.const 0))
        (if (call $read (i32.const 3) (call $buffer (i32.const 2048) (i32.const 4096) (i32.const 9)) (i32.const 1)
                        (i32.const 2056)) (then unreachable))
        (call $raise (i32.const 4)))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 1))
        (call $sleep (i32.const 3072) (i64.const 20_000_000))
        (if (call $write (i32.const 4) (call $buffer (i32.const 3072) (i32.const 8192) (i32.const 1)) (i32.const 1)
                         (i32.const 3080)) (then unreachable))
        (call $await (i32.const 4) (i32.const 1)))
    )")),
              "returned");
    peer.join();
    EXPECT_EQ(word(4096), 'x');
}

TEST_F(EndTest, a_full_pipe_does_not_stop_the_other_threads) {
    // The thread fills a pipe that nobody reads until the main thread has written elsewhere.
    const Pipe elsewhere = pipe(false);
    std::string received;
    std::thread peer{[&] {
        char byte = 0;
        EXPECT_EQ(::read(elsewhere.other, &byte, 1), 1);
        char some[4096];
        for (ssize_t size = 0;
             received.size() < 131072 && (size = ::read(writes.other, some, sizeof some)) > 0;)
            received.append(some, static_cast<size_t>(size));
    }};
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param i32 i32)
        (call $raise (i32.const 0))
        (memory.fill (i32.const 65536) (i32.const 97) (i32.const 65536))
        ;; Twice the same bytes, more than a pipe holds.
        (i64.store (i32.const 2048) (i64.const 0x0001_0000_0001_0000))
        (i64.store (i32.const 2056) (i64.const 0x0001_0000_0001_0000))
        (if (call $write (i32.const 4) (i32.const 2048) (i32.const 2) (i32.const 2064)) (then unreachable))
        (if (i32.ne (i32.load (i32.const 2064)) (i32.const 131072)) (then unreachable))
        (call $raise (i32.const 4)))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 1))
        (call $sleep (i32.const 3072) (i64.const 20_000_000))
        (if (call $write (i32.const 5) (call $buffer (i32.const 3072) (i32.const 8192) (i32.const 1)) (i32.const 1)
                         (i32.const 3080)) (then unreachable))
        (call $await (i32.const 4) (i32.const 1)))
    )")),
              "returned");
    peer.join();
    ::close(elsewhere.other);
    EXPECT_EQ(received, std::string(131072, 'a'));
}

TEST_F(EndTest, a_descriptor_that_is_closed_during_a_read_is_gone) {
    std::thread peer{[&] {
        char byte = 0;
        EXPECT_EQ(::read(writes.other, &byte, 1), 1); // it is closed now
        EXPECT_EQ(::write(reads.other, "x", 1), 1);
    }};
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param i32 i32)
        (call $raise (i32.const 0))
        (i32.store (i32.const 16) (call $read (i32.const 3)
          (call $buffer (i32.const 2048) (i32.const 4096) (i32.const 9)) (i32.const 1) (i32.const 2056)))
        (call $raise (i32.const 4)))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 1))
        (call $sleep (i32.const 3072) (i64.const 10_000_000))
        (if (call $close (i32.const 3)) (then unreachable))
        (drop (call $write (i32.const 4) (call $buffer (i32.const 3072) (i32.const 8192) (i32.const 1)) (i32.const 1)
                           (i32.const 3080)))
        (call $await (i32.const 4) (i32.const 1)))
    )")),
              "returned");
    peer.join();
    EXPECT_EQ(word(16), static_cast<uint32_t>(Errno::badf));
}

TEST_F(ThreadsTest, files_are_used_by_one_thread_at_a_time) {
    // A buffer in memory has no lock of its own.
    const Ref<OutputBuffer> out = create_file<OutputBuffer>(Allocator::standard(), Allocator::standard());
    ASSERT_TRUE(context.set_stream(Stream::out, out));
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param $id i32) (param $at i32) (local $n i32)
        (memory.fill (i32.add (local.get $at) (i32.const 64)) (i32.const 97) (i32.const 10))
        (loop $again
          (if (call $write (i32.const 1) (call $buffer (local.get $at) (i32.add (local.get $at) (i32.const 64))
                           (i32.const 10)) (i32.const 1) (i32.add (local.get $at) (i32.const 8))) (then unreachable))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200))))
        (call $raise (i32.const 0)))
      (func (export "_start") (local $n i32)
        (loop $again
          (drop (call $go (i32.add (i32.const 4096) (i32.mul (local.get $n) (i32.const 256)))))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 6))))
        (call $await (i32.const 0) (i32.const 6)))
    )")),
              "returned");
    EXPECT_EQ(out->text(), std::string(6 * 200 * 10, 'a'));
}

// ---- What can't have threads ----

TEST_F(ThreadsTest, a_module_must_have_what_threads_need) {
    const auto refusal = [&](std::string_view text, const Config& with = config()) {
        const auto made = prepare(text, {}, with);
        return made ? std::string{"none"} : std::string{made.error().message()};
    };
    constexpr std::string_view spawn = R"((import "wasi" "thread-spawn" (func (param i32) (result i32))))";
    constexpr std::string_view memory = R"((import "env" "memory" (memory 1 1 shared)))";
    const auto module_of = [](std::initializer_list<std::string_view> parts) {
        std::string text = "(module ";
        for (const std::string_view part : parts)
            text += part;
        return text + ")";
    };
    constexpr std::string_view entry = R"((func (export "wasi_thread_start") (param i32 i32)))";
    EXPECT_EQ(refusal(module_of({spawn, memory, entry})), "none");
    EXPECT_EQ(refusal(module_of({})), "none"); // it starts no threads
    EXPECT_NE(refusal(module_of({spawn, memory})).find("exports no function wasi_thread_start"),
              std::string::npos);
    EXPECT_NE(
        refusal(module_of({spawn, memory, R"((global (export "wasi_thread_start") i32 (i32.const 0)))"}))
            .find("exports no function wasi_thread_start"),
        std::string::npos);
    EXPECT_NE(refusal(module_of({spawn, memory, R"((func (export "wasi_thread_start") (param i32)))"}))
                  .find("two parameters"),
              std::string::npos);
    EXPECT_NE(refusal(module_of({spawn, "(memory 1 1 shared)", entry})).find("no shared memory"),
              std::string::npos);
    EXPECT_NE(refusal(module_of({spawn, R"((import "env" "memory" (memory 1 1)))", entry}))
                  .find("no shared memory"),
              std::string::npos);
    Config without = config();
    without.interruption = false;
    EXPECT_NE(refusal(module_of({spawn, memory, entry}), without).find("Config::interruption"),
              std::string::npos);
}

TEST_F(ThreadsTest, what_belongs_to_one_store_is_refused) {
    ASSERT_TRUE(prepare("(module)"));
    const auto bytes = parse_wat(R"((module (import "a" "g" (global i32))))");
    const auto other = engine->load(*bytes);
    ASSERT_TRUE(linker->define("a", "g", Global::create(*store, {ValType::i32, false}, Value{1}).value()));
    Linker fresh{*engine};
    ASSERT_TRUE(fresh.define("a", "g", Global::create(*store, {ValType::i32, false}, Value{1}).value()));
    const auto made = Threads::create(fresh, context, *other);
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().message().find("a.g, which belongs to one store"), std::string::npos);
}

TEST_F(ThreadsTest, an_import_that_nothing_defines_is_told_as_always) {
    auto made = prepare(R"((module (import "env" "memory" (memory 1 1 shared)) (import "a" "b" (func))))");
    ASSERT_TRUE(made);
    const auto instantiated = made->instantiate(*store);
    ASSERT_FALSE(instantiated);
    EXPECT_NE(instantiated.error().message().find("unknown import a.b"), std::string::npos);
}

TEST_F(ThreadsTest, a_memory_of_the_embedder_is_used) {
    auto made = prepare(program(R"(
      (func (export "wasi_thread_start") (param i32 i32)
        (i32.store (i32.const 4) (i32.const 9)) (call $raise (i32.const 0)))
      (func (export "_start") (drop (call $go (i32.const 0))) (call $await (i32.const 0) (i32.const 1))))"));
    ASSERT_TRUE(made);
    const auto memory = SharedMemory::create({.limits = {2, 4, true, false}, .shared = true}).value();
    ASSERT_TRUE(linker->define("env", "memory", Memory::create(*store, memory).value()));
    threads.emplace(std::move(*made));
    instance = threads->instantiate(*store).value();
    EXPECT_EQ(text_of(threads->run(instance.func("_start").value())), "returned");
    EXPECT_EQ(memory.data()[4], 9);
}

/// What ThreadSanitizer does not see: the numbers stay right when threads start and end all the time.
TEST_F(ThreadsTest, threads_that_end_while_others_start) {
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param $id i32) (param $n i32)
        (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
        (if (local.get $n) (then
          (loop $again
            (br_if $again (i32.lt_s (call $spawn (i32.sub (local.get $n) (i32.const 1))) (i32.const 0))))))
        (if (i32.eqz (local.get $n)) (then (call $raise (i32.const 0)))))
      (func (export "_start") (local $n i32)
        (loop $again
          ;; Threads that are about to end take room, too.
          (loop $retry (br_if $retry (i32.lt_s (call $spawn (i32.const 30)) (i32.const 0))))
          (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
        (call $await (i32.const 0) (i32.const 4)))
    )",
                          {.max_threads = 12})),
              "returned");
    EXPECT_EQ(word(8), 4u * 31);
}

} // namespace
