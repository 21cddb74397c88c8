#include "threads_fixture.hpp"

#include <chrono>
#include <string>
#include <thread>

/// How programs with threads end.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::PipesTest;
using warpbeam::wasi::testing::program;
using warpbeam::wasi::testing::ThreadsTest;

namespace {

using namespace std::chrono_literals;

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

class EndTest : public PipesTest {};

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
/// Threads share the code that is changed, and may all be running it.
TEST_F(EndTest, code_that_is_changed_to_stop_ends_too) {
    Config with = config();
    with.patched_interruption = true;
    for (const Wait& wait : waits) {
        EXPECT_EQ(text_of(run(main_waits(wait, "unreachable"), {}, with)), "thread unreachable") << wait.name;
        EXPECT_EQ(text_of(run(thread_waits(wait, "(call $exit (i32.const 3))"), {}, with)), "main exit 3")
            << wait.name;
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

/// It runs in the new thread: the one that spawns neither waits for it, nor can't be interrupted meanwhile.
TEST_F(ThreadsTest, a_start_function_that_loops_in_a_thread_ends_with_the_program) {
    constexpr const char* code = R"(
      (func $init
        (if (i32.atomic.rmw.add (i32.const 32) (i32.const 1)) (then (loop $l (br $l)))))
      (start $init)
      (func (export "wasi_thread_start") (param i32 i32))
      (func (export "_start") (drop (call $go (i32.const 0)))))";
    EXPECT_EQ(text_of(run(code)), "returned");
    threads.reset();
    auto made = prepare(program(std::string{R"((func (export "forever") (loop $l (br $l))))"} + code));
    ASSERT_TRUE(made);
    threads.emplace(std::move(*made));
    instance = threads->instantiate(*store).value();
    EXPECT_FALSE(threads->call(instance.func("_start").value()));
    std::thread other{[handle = store->interrupt_handle()] {
        std::this_thread::sleep_for(30ms);
        handle.interrupt();
    }};
    EXPECT_EQ(text_of(threads->run(instance.func("forever").value())), "main interrupted");
    other.join();
    EXPECT_EQ(threads->count(), 0u);
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

} // namespace
