#include "../src/thread_ids.hpp"
#include "threads_fixture.hpp"

#include <warpbeam/wasi/streams.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <poll.h>
#include <pthread.h>
#include <string>
#include <sys/socket.h>
#include <thread>

/// What threads do, and which programs can have them.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::PipesTest;
using warpbeam::wasi::testing::program;
using warpbeam::wasi::testing::ThreadsTest;

namespace {

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

/// Notes which signals its thread does not take.
class SignalsTask final : public ThreadTask {
public:
    void run() noexcept override {
        (void)pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        is_done = true;
        is_done.notify_all();
    }
    sigset_t blocked{};
    std::atomic<bool> is_done = false;
};

TEST(NativeThreads, signals_are_taken_by_the_threads_that_were_there_before) {
    sigset_t before;
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &before), 0);
    static SignalsTask task; // its thread may still have it when this one goes on
    task.is_done = false;    // if tests are repeated
    ASSERT_TRUE(native_threads().start(task));
    task.is_done.wait(false);
    sigset_t after;
    ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &after), 0);
    for (const int signal : {SIGINT, SIGTERM, SIGALRM, SIGUSR1, SIGCHLD, SIGSEGV, SIGABRT})
        EXPECT_EQ(sigismember(&after, signal), sigismember(&before, signal)) << signal;
    for (const int signal : {SIGINT, SIGTERM, SIGALRM, SIGUSR1, SIGCHLD})
        EXPECT_EQ(sigismember(&task.blocked, signal), 1) << signal;
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
        EXPECT_EQ(sigismember(&task.blocked, fault), 0) << fault;
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

TEST_F(ThreadsTest, a_wait_that_ended_with_its_run_does_not_shorten_a_later_one) {
    using namespace std::chrono_literals;
    using Clock = std::chrono::steady_clock;
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param i32 i32)
        (call $raise (i32.const 0))
        (call $sleep (i32.const 3072) (i64.const 3_600_000_000_000)))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 1))
        (call $sleep (i32.const 2048) (i64.const 50_000_000)))
      (func (export "next") (call $sleep (i32.const 3072) (i64.const 40_000_000))))")),
              "returned");
    const auto begin = Clock::now();
    EXPECT_EQ(text_of(threads->run(instance.func("next").value())), "returned");
    EXPECT_GE(Clock::now() - begin, 40ms);
}

// ---- WASI in several threads ----

TEST_F(PipesTest, one_thread_reads_while_another_writes) {
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

TEST_F(PipesTest, a_full_pipe_does_not_stop_the_other_threads) {
    // The thread fills a pipe that is not read until the main thread has written elsewhere.
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

TEST_F(PipesTest, a_socket_without_room_for_messages_does_not_stop_the_other_threads) {
    int ends[2] = {-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_EQ(context.add_file(native_file(ends[0]).value()).value(), 5u);
    // Nobody receives, and the socket waits by itself.
    std::thread peer{[&] {
        pollfd written{writes.other, POLLIN, 0};
        EXPECT_EQ(::poll(&written, 1, 2000), 1) << "the main thread waits for the other one";
        ::close(ends[1]);
    }};
    EXPECT_EQ(text_of(run(R"(
      (func (export "wasi_thread_start") (param i32 i32)
        (drop (call $buffer (i32.const 2048) (i32.const 65536) (i32.const 16384)))
        (loop $again
          (call $raise (i32.const 0))
          (br_if $again (i32.eqz
            (call $write (i32.const 5) (i32.const 2048) (i32.const 1) (i32.const 2056))))))
      (func (export "_start")
        (drop (call $go (i32.const 0)))
        (call $await (i32.const 0) (i32.const 2))
        (call $sleep (i32.const 3072) (i64.const 20_000_000))
        (if (call $write (i32.const 4) (call $buffer (i32.const 3072) (i32.const 8192) (i32.const 1)) (i32.const 1)
                         (i32.const 3080)) (then unreachable)))
    )")),
              "returned");
    peer.join();
}

TEST_F(PipesTest, a_descriptor_that_is_closed_during_a_read_is_gone) {
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
