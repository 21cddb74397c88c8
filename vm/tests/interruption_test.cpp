#include "fixture.hpp"
#include "repeat.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/root.hpp>
#include <warpbeam/vm/snapshot.hpp>

#include <cstdlib>
#include <ctime>
#include <optional>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/// How soon what takes long stops when it is interrupted. The time is that of this thread on its processor,
/// so other programs don't count.

namespace warpbeam {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WARPBEAM_SLOW_BUILD 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WARPBEAM_SLOW_BUILD 1
#endif
#ifdef WARPBEAM_SLOW_BUILD
constexpr double max_milliseconds = 100;
constexpr int scale = 16;
#else
constexpr double max_milliseconds = 10;
constexpr int scale = 1;
#endif

double milliseconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

class InterruptionTest : public VmTest {
protected:
    explicit InterruptionTest(StoreLimits limits = {}) : VmTest{config(), limits} {
        EXPECT_TRUE(linker.func("host", "stop", [this] { store.interrupt_handle().interrupt(); }));
    }
    void SetUp() override {
        if (std::getenv("WARPBEAM_EMULATED") != nullptr)
            GTEST_SKIP() << "in an emulator, work and no work take about as long";
#ifdef _WIN32
        GTEST_SKIP() << "the time of a thread is counted in steps of 16 ms";
#endif
    }
    static Config config() {
        Config config;
        config.interruption = true;
        config.limits.function_size = 16 << 20;
        return config;
    }

    /// Runs an execution that is interrupted all the time, except when it stands at a poll and so can't go
    /// on: it then stops at once several times, as no work does. Returns how often it stopped, and leaves the
    /// time of the longest slice in `longest`.
    uint64_t stops(Execution& execution) {
        constexpr double at_once = 0.001;
        uint64_t count = 0;
        longest = 0;
        int quick = 3; // slices in a row
        for (ExecutionState state{}; state != ExecutionState::done; ++count) {
            if (quick < 3)
                store.interrupt_handle().interrupt();
            else
                quick = 0;
            const double begin = milliseconds();
            const auto resumed = execution.resume();
            const double last = milliseconds() - begin;
            quick = last > at_once ? 0 : quick + 1;
            longest = std::max(longest, last);
            state = resumed ? *resumed : ExecutionState::trapped;
            if (state != ExecutionState::done && state != ExecutionState::interrupted) {
                ADD_FAILURE() << (execution.trap() != nullptr ? execution.trap()->message() : "an error");
                break;
            }
        }
        return count;
    }
    uint64_t stops(const Instance& instance, const char* name, std::initializer_list<Value> args = {}) {
        Execution execution =
            std::move(*Execution::create(*instance.func(name), {args.begin(), args.size()}));
        return stops(execution);
    }
    /// Runs `attempt` until no slice takes long. What always takes long fails every time; on a machine that
    /// is busy, or is itself a guest of one that is, many attempts may meet a pause that is not ours.
    template <typename Attempt>
    void expect_soon(Attempt attempt) {
        for (int i = 0; i < 20; ++i) {
            attempt();
            if (longest < max_milliseconds)
                return;
        }
        ADD_FAILURE() << longest << " ms is too long";
    }

    double longest = 0;
};

TEST_F(InterruptionTest, of_a_gibibyte_of_bulk_instructions) {
    const Instance instance = instantiate(R"((module (import "host" "stop" (func $stop))
        (memory (export "m") 16384) (table $t 3000000 funcref) (elem declare func $stop)
        (func (export "fill") (param $n i32) (call $stop)
            (memory.fill (i32.const 0) (i32.const 1) (local.get $n)))
        (func (export "copy") (param $n i32) (call $stop)
            (memory.copy (i32.const 7) (i32.const 0) (local.get $n)))
        (func (export "table") (param $n i32) (call $stop)
            (table.fill $t (i32.const 0) (ref.func $stop) (local.get $n))
            (table.copy $t $t (i32.const 1) (i32.const 0) (local.get $n)))))");
    const int32_t bytes = (1 << 30) / scale;
    const uint64_t portions = static_cast<uint64_t>(bytes) >> 16;
    expect_soon([&] { EXPECT_GE(stops(instance, "fill", {Value{bytes}}), portions); });
    const auto memory = instance.memory("m")->data();
    EXPECT_EQ(memory[0], 1);
    EXPECT_EQ(memory[static_cast<size_t>(bytes) - 1], 1);
    expect_soon([&] { EXPECT_GE(stops(instance, "copy", {Value{bytes - 7}}), portions - 1); });
    expect_soon([&] {
        EXPECT_GE(stops(instance, "table", {Value{2'000'000 / scale}}), 2 * 2'000'000u / scale / 8192);
    });
}

class LargeHeapTest : public InterruptionTest {
protected:
    LargeHeapTest() : InterruptionTest{{.heap_bytes = uint64_t{500} << 20}} {
        // Otherwise, once a program has freed a block of 32 MB, glibc gives back 64 MB at a time, which takes
        // it more than 20 ms.
#ifdef __GLIBC__
        mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
    }
};

TEST_F(LargeHeapTest, of_a_collection) {
    const Instance instance = instantiate(R"((module
        (type $leaf (struct (field i64)))
        (type $node (struct (field (ref null $node) (ref null $leaf) i64)))
        (import "host" "stop" (func $stop))
        (global $list (mut (ref null $node)) (ref.null $node))
        (func (export "build") (param $n i32)
            (loop $more
                (global.set $list (struct.new $node (global.get $list) (struct.new $leaf (i64.const 1))
                    (i64.extend_i32_u (local.get $n))))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export "churn") (param $n i32)
            (loop $more
                (call $stop)
                (drop (struct.new $node (ref.null $node) (struct.new $leaf (i64.const 1)) (i64.const 1)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export "sum") (result i64) (local $at (ref null $node)) (local $sum i64)
            (local.set $at (global.get $list))
            (loop $more
                (if (ref.is_null (local.get $at)) (then (return (local.get $sum))))
                (local.set $sum (i64.add (local.get $sum) (i64.add (struct.get $node 2 (local.get $at))
                    (struct.get $leaf 0 (struct.get $node 1 (local.get $at))))))
                (local.set $at (struct.get $node 0 (local.get $at)))
                (br $more))
            (unreachable))))");
    // 48 bytes for each, so that the heap is almost full.
    const int32_t count = 10'000'000 / scale;
    ASSERT_TRUE(instance.func("build")->call(std::array{Value{count}}, {}));
    if (scale == 1) {
        const uint64_t before = store.heap().collections;
        expect_soon([&] { EXPECT_GE(stops(instance, "churn", {Value{1'000'000}}), 1000u); });
        EXPECT_GT(store.heap().collections, before);
    } else {
        expect_soon([&] { (void)stops(instance, "churn", {Value{100'000}}); });
    }
    store.clear_interrupt();
    Value sum;
    ASSERT_TRUE(instance.func("sum")->call({}, {&sum, 1}));
    EXPECT_EQ(sum.as<int64_t>(), int64_t{count} * (count + 1) / 2 + count);
}

constexpr std::string_view arrays = R"((module
    (type $numbers (array (mut i64))) (type $bytes (array (mut i8)))
    (import "host" "stop" (func $stop))
    (global $kept (mut (ref null $numbers)) (ref.null $numbers))
    (func (export "fill") (param $n i32) (result i64)
        (call $stop)
        (global.set $kept (array.new $numbers (i64.const 7) (local.get $n)))
        (array.get $numbers (global.get $kept) (i32.sub (local.get $n) (i32.const 1))))
    (func (export "zero") (param $n i32) (result i64)
        (call $stop)
        (global.set $kept (ref.null $numbers))
        (global.set $kept (array.new_default $numbers (local.get $n)))
        (array.get $numbers (global.get $kept) (i32.sub (local.get $n) (i32.const 1))))
    (func (export "zeros")
        (array.fill $numbers (global.get $kept) (i32.const 0) (i64.const 9) (array.len (global.get $kept))))))";

TEST_F(LargeHeapTest, of_making_and_freeing_large_arrays) {
    const Instance instance = instantiate(arrays);
    const int32_t count = 50'000'000 / scale; // 400 MB
    for (const auto& made : {std::pair{"fill", 7}, std::pair{"zero", 0}})
        expect_soon([&] {
            // The one before is garbage, and has to be freed first.
            Execution execution = std::move(*Execution::create(*instance.func(made.first), {{Value{count}}}));
            EXPECT_GE(stops(execution), static_cast<uint64_t>(count) * 8 >> 17);
            Value last;
            ASSERT_TRUE(execution.results({&last, 1}));
            EXPECT_EQ(last.as<int64_t>(), made.second);
        });
}

TEST_F(InterruptionTest, an_unfinished_array_goes_with_its_execution) {
    const Instance instance = instantiate(arrays);
    const auto begun = [&](const char* name) {
        Execution execution = std::move(*Execution::create(*instance.func(name), {{Value{1'000'000}}}));
        EXPECT_EQ(execution.resume(), ExecutionState::interrupted); // in $stop
        store.interrupt_handle().interrupt();
        EXPECT_EQ(execution.resume(), ExecutionState::interrupted); // when a part is made
        return execution;
    };
    Execution first = begun("fill");
    Execution second = begun("zero");
    (void)begun("fill"); // dropped
    // A call that nothing can continue traps, and so gives up what it has made.
    store.interrupt_handle().interrupt();
    Value result;
    EXPECT_FALSE(instance.func("fill")->call({{Value{1'000'000}}}, {&result, 1}));
    store.clear_interrupt();
    // Saved and restored, the array begins again.
    const Execution* const executions[] = {&first};
    SnapshotBuffer bytes;
    ASSERT_TRUE(save(store, {.executions = executions}, bytes, {.carry_modules = true}));
    SnapshotBytes source{bytes.bytes()};
    SnapshotSource* const sources[] = {&source};
    auto copy = restore(engine, sources, {.linker = &linker});
    ASSERT_TRUE(copy) << copy.error().message();
    for (const auto& [execution, value] :
         {std::pair{&second, 0}, std::pair{&first, 7}, std::pair{&copy->executions[0], 7}}) {
        ASSERT_EQ(execution->resume(), ExecutionState::done);
        ASSERT_TRUE(execution->results({&result, 1}));
        EXPECT_EQ(result.as<int64_t>(), value);
    }
    Execution left = begun("zero"); // when the store is destroyed
    store = Store{engine};
}

TEST_F(InterruptionTest, unfinished_arrays_keep_the_limit_of_the_heap) {
    AccountingAllocator counting{Allocator::standard()};
    Config with = config();
    with.allocator = &counting;
    Engine own{with};
    Linker none{own};
    Store small{own, {.heap_bytes = 20 << 20}};
    ASSERT_TRUE(none.func("host", "stop", [&] { small.interrupt_handle().interrupt(); }));
    const auto module = own.load(assemble(arrays));
    ASSERT_TRUE(module);
    const auto made = none.instantiate(small, *module);
    ASSERT_TRUE(made);
    const uint64_t before = counting.blocks().live;
    // Each is 8 MB, so the third one costs the others what they have made.
    std::vector<Execution> all;
    for (int i = 0; i < 3; ++i) {
        all.push_back(std::move(*Execution::create(*made->func("zero"), {{Value{1'000'000}}})));
        ASSERT_EQ(all.back().resume(), ExecutionState::interrupted); // in `stop`
        small.interrupt_handle().interrupt();
        ASSERT_EQ(all.back().resume(), ExecutionState::interrupted); // when a part is made
    }
    EXPECT_LT(counting.blocks().live - before, uint64_t{20} << 20);
    small.clear_interrupt();
    for (Execution& each : all)
        ASSERT_EQ(each.resume(), ExecutionState::done); // one is garbage when the next one is made
}

TEST_F(InterruptionTest, unfinished_arrays_that_just_fit_stay) {
    constexpr uint64_t size = 16 + 8 * 1'000'000;
    constexpr uint64_t head = 40; // of a block, which counts as long as the array is unfinished
    store = Store{engine, {.heap_bytes = head + 2 * size}};
    const Instance instance = instantiate(arrays);
    std::vector<Execution> both;
    for (int i = 0; i < 2; ++i) {
        both.push_back(std::move(*Execution::create(*instance.func("zero"), {{Value{1'000'000}}})));
        ASSERT_EQ(both.back().resume(), ExecutionState::interrupted); // in `stop`
    }
    // In turns, so that one would begin again whenever the other one does.
    int turns = 0;
    for (bool done = false; !done && turns < 1000; ++turns) {
        done = true;
        for (Execution& each : both)
            if (each.state() != ExecutionState::done) {
                store.interrupt_handle().interrupt();
                ASSERT_NE(each.resume(), ExecutionState::trapped);
                done = false;
            }
    }
    EXPECT_GT(turns, 100) << "parts of 64 KiB";
    for (const Execution& each : both)
        EXPECT_EQ(each.state(), ExecutionState::done);
    store.clear_interrupt();
}

TEST_F(InterruptionTest, an_array_begins_again_if_its_room_was_taken_when_it_is_complete) {
    for (const bool kept : {false, true}) {
        store = Store{engine, {.heap_bytes = 12 << 20}};
        const Instance instance = instantiate(arrays);
        Execution array = std::move(*Execution::create(*instance.func("zero"), {{Value{1'000'000}}})); // 8 MB
        ASSERT_EQ(array.resume(), ExecutionState::interrupted); // in `stop`
        store.interrupt_handle().interrupt();
        ASSERT_EQ(array.resume(), ExecutionState::interrupted); // when a part is made
        store.clear_interrupt();
        // What is not made in steps does not ask those that are made to begin again.
        std::optional<RootScope> scope{std::in_place, store};
        ASSERT_TRUE(ArrayRef::create(store, instance.module().types()[0], 800'000, Value{int64_t{1}}));
        if (kept) {
            EXPECT_EQ(array.resume(), ExecutionState::trapped);
            EXPECT_EQ(array.trap()->code(), TrapCode::heap_exhausted);
        } else {
            scope.reset();
            EXPECT_EQ(array.resume(), ExecutionState::done) << "a collection has made room";
        }
    }
}

TEST_F(InterruptionTest, an_array_begins_again_if_its_segment_was_reset) {
    constexpr int count = 30'000;
    const Instance instance = instantiate(R"((module
        (import "host" "stop" (func $stop))
        (type $s (struct (field i32))) (type $t (struct (field i64 i64))) (type $a (array (mut (ref null $s))))
        (func (export "make") (param $n i32) (result i32) (local $a (ref null $a)) (local $sum i32)
            (call $stop)
            (local.set $a (array.new_elem $a $e (i32.const 0) (local.get $n)))
            (loop $more
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (local.set $sum
                    (i32.add (local.get $sum) (struct.get $s 0 (array.get $a (local.get $a) (local.get $n)))))
                (br_if $more (local.get $n)))
            (local.get $sum))
        (func (export "others") (param $n i32)
            (loop $more
                (drop (struct.new $t (i64.const -1) (i64.const -1)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (elem $e (ref null $s))" + repeat("(item (struct.new $s (i32.const 7)))", count) +
                                          "))");
    Execution array = std::move(*Execution::create(*instance.func("make"), {{Value{count}}}));
    ASSERT_EQ(array.resume(), ExecutionState::interrupted); // in `stop`
    store.interrupt_handle().interrupt();
    ASSERT_EQ(array.resume(), ExecutionState::interrupted); // when a part is made
    store.clear_interrupt();
    ASSERT_TRUE(instance.reset());
    store.collect();
    ASSERT_TRUE(instance.func("others")->call({{Value{3 * count}}}));
    ASSERT_EQ(array.resume(), ExecutionState::done);
    Value sum;
    ASSERT_TRUE(array.results({&sum, 1}));
    EXPECT_EQ(sum.as<int32_t>(), 7 * count);
}

// The next node is followed before the leaf, so all leaves wait in the mark stack.
TEST_F(LargeHeapTest, of_a_collection_with_a_deep_mark_stack) {
    const Instance instance = instantiate(R"((module
        (type $leaf (struct (field (ref null $leaf) i64)))
        (type $node (struct (field (ref null $leaf) (ref null $node))))
        (import "host" "stop" (func $stop))
        (global $list (mut (ref null $node)) (ref.null $node))
        (func (export "build") (param $n i32)
            (loop $more
                (global.set $list
                    (struct.new $node (struct.new $leaf (ref.null $leaf) (i64.const 1)) (global.get $list)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export "churn") (param $n i32)
            (loop $more
                (call $stop)
                (drop (struct.new $node (struct.new $leaf (ref.null $leaf) (i64.const 1)) (ref.null $node)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
        (func (export "sum") (result i64) (local $at (ref null $node)) (local $sum i64)
            (local.set $at (global.get $list))
            (loop $more
                (if (ref.is_null (local.get $at)) (then (return (local.get $sum))))
                (local.set $sum (i64.add (local.get $sum) (struct.get $leaf 1 (struct.get $node 0 (local.get $at)))))
                (local.set $at (struct.get $node 1 (local.get $at)))
                (br $more))
            (unreachable))))");
    const int32_t count = 10'000'000 / scale;
    ASSERT_TRUE(instance.func("build")->call(std::array{Value{count}}, {}));
    const uint64_t before = store.heap().collections;
    expect_soon([&] { (void)stops(instance, "churn", {Value{scale == 1 ? 1'000'000 : 100'000}}); });
    EXPECT_TRUE(store.heap().collections > before || scale != 1);
    store.clear_interrupt();
    Value sum;
    ASSERT_TRUE(instance.func("sum")->call({}, {&sum, 1}));
    EXPECT_EQ(sum.as<int64_t>(), count);
}

constexpr std::string_view churning = R"((module
    (type $leaf (struct (field i64)))
    (import "host" "stop" (func $stop))
    (import "host" "wait" (func $wait))
    (table $t 0 anyref)
    (func (export "grow") (param $n i32)
        (drop (table.grow $t (struct.new $leaf (i64.const 5)) (local.get $n))))
    (func (export "get") (param $n i32) (result i64)
        (struct.get $leaf 0 (ref.cast (ref $leaf) (table.get $t (local.get $n)))))
    (func (export "waits") (param $n i64) (result i64) (local $x (ref null $leaf))
        (local.set $x (struct.new $leaf (local.get $n)))
        (call $wait)
        (struct.get $leaf 0 (local.get $x)))
    (func (export "churn") (param $n i32)
        (loop $more
            (call $stop)
            (drop (struct.new $leaf (i64.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))))";

class ManyRootsTest : public LargeHeapTest {
protected:
    ManyRootsTest() {
        EXPECT_TRUE(linker.func("host", "wait", [](Caller& caller) -> std::expected<void, Trap> {
            return std::unexpected{caller.suspend()};
        }));
        instance = instantiate(churning);
    }
    void churn() {
        expect_soon([&] {
            const uint64_t before = store.heap().collections;
            (void)stops(instance, "churn", {Value{200'000}});
            EXPECT_GT(store.heap().collections, before);
        });
        store.clear_interrupt();
    }
    Instance instance;
};

TEST_F(ManyRootsTest, of_a_collection_with_a_large_table) {
    const int32_t count = 5'000'000 / scale;
    ASSERT_TRUE(instance.func("grow")->call(std::array{Value{count}}, {}));
    churn();
    Value found;
    ASSERT_TRUE(instance.func("get")->call(std::array{Value{count - 1}}, {&found, 1}));
    EXPECT_EQ(found.as<int64_t>(), 5);
}

TEST_F(ManyRootsTest, of_a_collection_with_many_executions) {
    const int64_t count = 100'000 / scale;
    std::vector<Execution> waiting;
    for (int64_t i = 0; i < count; ++i) {
        auto execution = Execution::create(*instance.func("waits"), std::array{Value{i}});
        ASSERT_TRUE(execution) << execution.error().message();
        ASSERT_EQ(execution->resume(), ExecutionState::host_call);
        waiting.push_back(std::move(*execution));
    }
    churn();
    for (int64_t i = 0; i < count; ++i) {
        Execution& execution = waiting[static_cast<size_t>(i)];
        ASSERT_TRUE(execution.answer({}));
        ASSERT_EQ(execution.resume(), ExecutionState::done);
        Value result;
        ASSERT_TRUE(execution.results({&result, 1}));
        ASSERT_EQ(result.as<int64_t>(), i);
    }
}

// What the host does while only a part of the roots is marked.
TEST_F(ManyRootsTest, that_the_host_changes_between_two_steps) {
    ASSERT_TRUE(instance.func("grow")->call(std::array{Value{1'000'000}}, {}));
    const auto begin_collection = [&] {
        Execution churn =
            std::move(*Execution::create(*instance.func("churn"), std::array{Value{1'000'000}}));
        const uint64_t before = store.heap().collections;
        while (store.heap().collections == before)
            EXPECT_EQ(churn.resume(), ExecutionState::interrupted);
        return churn;
    };
    for (int32_t i = 0; i < 8; ++i) {
        std::vector<Execution> waiting;
        for (int64_t j = 0; j < 4; ++j) {
            waiting.push_back(std::move(*Execution::create(*instance.func("waits"), std::array{Value{j}})));
            ASSERT_EQ(waiting.back().resume(), ExecutionState::host_call);
        }
        Execution churn = begin_collection();
        waiting.erase(waiting.begin() + i % 4);
        store.clear_interrupt();
        ASSERT_TRUE(instance.func("grow")->call(std::array{Value{1}}, {})) << "ends the collection";
        for (size_t j = 0; j < waiting.size(); ++j) {
            ASSERT_TRUE(waiting[j].answer({}));
            ASSERT_EQ(waiting[j].resume(), ExecutionState::done);
            Value result;
            ASSERT_TRUE(waiting[j].results({&result, 1}));
            ASSERT_EQ(result.as<int64_t>(), static_cast<int64_t>(j) + (static_cast<int64_t>(j) >= i % 4));
        }
    }
}

/// A module with a function whose body has this size, and one that calls the import `h.s` and then that.
std::vector<uint8_t> with_large_function(size_t bytes, bool is_reached = true) {
    const auto number = [](size_t value) {
        std::vector<uint8_t> leb;
        for (; value >= 128; value >>= 7)
            leb.push_back(static_cast<uint8_t>(value | 128));
        leb.push_back(static_cast<uint8_t>(value));
        return leb;
    };
    std::vector<uint8_t> module{0, 'a', 's', 'm', 1, 0, 0, 0};
    const auto section = [&](uint8_t id, const std::vector<uint8_t>& content) {
        module.push_back(id);
        for (const auto& part : {number(content.size()), content})
            module.insert(module.end(), part.begin(), part.end());
    };
    section(1, {2, 0x60, 0, 0, 0x60, 0, 1, 0x7f});
    section(2, {1, 1, 'h', 1, 's', 0, 0});
    section(3, {2, 1, 1});
    section(7, {1, 1, 'f', 0, 1});
    // i = i + 1; block (br_if 0 (i)) i = i + 3 end
    const std::vector<uint8_t> unit{0x20, 0, 0x41, 1, 0x6a, 0x21, 0, 0x02, 0x40, 0x20, 0,   0x0d,
                                    0,    1, 0x20, 0, 1,    0x41, 3, 0x6a, 0x21, 0,    0x0b};
    std::vector<uint8_t> large{1, 1, 0x7f};
    if (!is_reached)
        large.insert(large.end(), {0x20, 0, 0x0f});
    while (large.size() < bytes)
        large.insert(large.end(), unit.begin(), unit.end());
    large.insert(large.end(), {0x20, 0, 0x0b});
    const std::vector<uint8_t> first{0, 0x10, 0, 0x10, 2, 0x0b};
    std::vector<uint8_t> code{2};
    for (const auto& part : {number(first.size()), first, number(large.size()), large})
        code.insert(code.end(), part.begin(), part.end());
    section(10, code);
    return module;
}

class LargeFunctionTest : public InterruptionTest {
protected:
    LargeFunctionTest() {
        EXPECT_TRUE(linker.func("h", "s", [this] { store.interrupt_handle().interrupt(); }));
    }
    /// Of a module that is loaded anew, so that nothing is lowered.
    Execution of_large_function(std::span<const uint8_t> bytes) {
        const auto module = engine.load(bytes);
        EXPECT_TRUE(module) << (module ? "" : module.error().message());
        const auto instance = linker.instantiate(store, *module);
        EXPECT_TRUE(instance);
        return std::move(*Execution::create(*instance->func("f")));
    }
};

TEST_F(LargeFunctionTest, is_interrupted_while_it_is_lowered) {
    const std::vector<uint8_t> bytes = with_large_function((10 << 20) / scale);
    expect_soon([&] {
        Execution execution = of_large_function(bytes);
        EXPECT_GE(stops(execution), 100u / scale);
        Value result;
        ASSERT_TRUE(execution.results({&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), static_cast<int32_t>(((10 << 20) / scale - 3 + 22) / 23));
    });
}

TEST_F(LargeFunctionTest, is_interrupted_where_it_is_not_reached) {
    const std::vector<uint8_t> bytes = with_large_function((10 << 20) / scale, false);
    expect_soon([&] {
        Execution execution = of_large_function(bytes);
        EXPECT_GE(stops(execution), 50u / scale);
    });
}

TEST_F(LargeFunctionTest, may_be_finished_by_another_store) {
    const std::vector<uint8_t> bytes = with_large_function(2 << 20);
    const auto module = engine.load(bytes);
    ASSERT_TRUE(module);
    const auto instance = linker.instantiate(store, *module);
    ASSERT_TRUE(instance);
    {
        Execution dropped = std::move(*Execution::create(*instance->func("f")));
        EXPECT_EQ(*dropped.resume(), ExecutionState::interrupted);
    }
    Store other{engine};
    Linker others{engine};
    ASSERT_TRUE(others.func("h", "s", [] {}));
    const auto second = others.instantiate(other, *module);
    ASSERT_TRUE(second);
    Value result;
    EXPECT_TRUE(second->func("f")->call({}, {&result, 1})) << "continues what the other one began";
}

} // namespace
} // namespace warpbeam
