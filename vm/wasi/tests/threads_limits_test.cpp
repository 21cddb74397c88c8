#include "threads_fixture.hpp"

#include <atomic>
#include <string>

/// What limits the threads of a program.

using namespace warpbeam;
using namespace warpbeam::wasi;
using warpbeam::wasi::testing::program;
using warpbeam::wasi::testing::ThreadsTest;

namespace {

/// Takes every task, and lets threads of the test run them.
class CountingStarter final : public ThreadStarter {
public:
    /// Has this number of threads.
    explicit CountingStarter(int available) : left{available} {}
    bool start(ThreadTask& task) noexcept override {
        if (left.fetch_sub(1) <= 0)
            return false;
        return native_threads().start(task);
    }
    std::atomic<int> left;
};

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

/// Fails after a number of allocations, in any thread.
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

} // namespace
