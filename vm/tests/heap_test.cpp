#include "fixture.hpp"

#include <warpbeam/vm/gc.hpp>

#include <algorithm>

/// What the heap takes, and what its limit and its collections cost.

namespace warpbeam {
namespace {

class HeapTest : public VmTest {
protected:
    using VmTest::VmTest;

    static std::expected<void, Trap> call(Instance instance, std::string_view name, int32_t a, int32_t b,
                                          int32_t c) {
        return instance.func(name)->call(std::array<Value, 3>{a, b, c}, {});
    }
};

/// Keeps n objects alive and replaces them, at random places, k times.
constexpr std::string_view replacing = R"((module
    (type $bytes (array (mut i8)))
    (type $any (array (mut anyref)))
    (type $s1 (struct (field i64)))
    (type $s3 (struct (field i64 i64 i64)))
    (type $s9 (struct (field i64 i64 i64 i64 i64 i64 i64 i64 i64)))
    (type $s17 (struct (field i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)))
    (global $kept (mut (ref null $any)) (ref.null $any))
    (global $seed (mut i32) (i32.const 1))
    (func $random (result i32)
        (global.set $seed (i32.add (i32.mul (global.get $seed) (i32.const 1664525)) (i32.const 1013904223)))
        (i32.shr_u (global.get $seed) (i32.const 8)))
    (func $make (param $size i32) (param $kind i32) (result anyref)
        (block $bytes (block $17 (block $9 (block $3 (block $1
            (br_table $1 $3 $9 $17 $bytes
                (select (local.get $kind) (i32.const 4) (i32.eqz (local.get $size)))))
            (return (struct.new_default $s1)))
            (return (struct.new_default $s3)))
            (return (struct.new_default $s9)))
            (return (struct.new_default $s17)))
        (array.new_default $bytes (local.get $size)))
    ;; Arrays of so many bytes; structures of four sizes when that is 0.
    (func (export "replace") (param $n i32) (param $size i32) (param $k i32) (local $i i32)
        (global.set $kept (array.new_default $any (local.get $n)))
        (loop $fill
            (array.set $any (global.get $kept) (local.get $i)
                (call $make (local.get $size) (i32.and (local.get $i) (i32.const 3))))
            (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
        (local.set $i (i32.const 0))
        (loop $more
            ;; What has a place keeps its size, so that what lives takes the same at all times.
            (local.set $n (i32.rem_u (call $random) (array.len (global.get $kept))))
            (array.set $any (global.get $kept) (local.get $n)
                (call $make (local.get $size) (i32.and (local.get $n) (i32.const 3))))
            (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $k)))))
    (func (export "drop") (param i32 i32 i32) (global.set $kept (ref.null $any)))))";

TEST_F(HeapTest, stays_below_twice_the_live_data_for_every_size) {
    // What a heap takes at least: a block for each of a few sizes, and what is allocated between collections.
    constexpr double least = 2 << 20;
    for (const int32_t size : {0, 16, 60, 130, 650, 1100, 5000, 8100, 9300, 12000, 16200, 17000, 21600, 25000,
                               32300, 33000, 70'000, 2'000'000}) {
        Store own{engine};
        const auto instance = Linker{engine}.instantiate(own, load(replacing));
        ASSERT_TRUE(instance);
        const int32_t count = size == 0 ? 200'000 : std::max(20'000'000 / (size + 16), 10);
        ASSERT_TRUE(call(*instance, "replace", count, size, 4 * count));
        const uint64_t element =
            size == 0 ? 8 + (8 + 24 + 72 + 136) / 4 : static_cast<uint64_t>((12 + size + 7) & ~7);
        const auto live = static_cast<double>(static_cast<uint64_t>(count) * (8 + element));
        EXPECT_LE(static_cast<double>(own.heap().peak), 2 * live + least) << size;
        EXPECT_GT(own.heap().collections, 3u) << size;
    }
}

TEST_F(HeapTest, gives_the_memory_of_one_phase_to_the_next) {
    const Instance instance = instantiate(replacing);
    constexpr double live = 20e6;
    for (const int32_t size : {16, 5000, 33'000, 21'600, 2'000'000, 650}) {
        ASSERT_TRUE(call(instance, "replace", static_cast<int32_t>(live) / (size + 16), size, 1));
        ASSERT_TRUE(call(instance, "drop", 0, 0, 0));
    }
    // One phase's objects may still lie there while the next one's are made.
    EXPECT_LE(static_cast<double>(store.heap().peak), 2.5 * live);
}

class FullHeapTest : public HeapTest {
protected:
    explicit FullHeapTest(Config config = with_fuel())
        : HeapTest{config, {.heap_bytes = uint64_t{64} << 20}}, instance_{instantiate(nodes)} {
        store.set_fuel(UINT64_MAX);
        const auto full = (*instance_.func<int32_t(int32_t)>("build"))(INT32_MAX);
        EXPECT_FALSE(full);
        EXPECT_EQ(full.error().code(), TrapCode::heap_exhausted);
        EXPECT_TRUE(run("pop", 3));
    }

    static Config with_fuel() {
        Config config;
        config.fuel = true;
        return config;
    }
    std::expected<int32_t, Trap> run(std::string_view name, int32_t argument) {
        return (*instance_.func<int32_t(int32_t)>(name))(argument);
    }

    static constexpr std::string_view nodes = R"((module
        (type $node (struct (field (ref null $node)) (field i64)))
        (global $list (mut (ref null $node)) (ref.null $node))
        (func (export "build") (param $n i32) (result i32)
            (loop $more
                (global.set $list (struct.new $node (global.get $list) (i64.const 1)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.const 0))
        (func (export "pop") (param $n i32) (result i32)
            (loop $more
                (global.set $list (struct.get $node 0 (global.get $list)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.const 0))
        (func (export "churn") (param $n i32) (result i32)
            (loop $more
                (drop (struct.new $node (ref.null $node) (i64.const 1)))
                (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (i32.const 0))
        (func (export "two") (param $n i32) (result i32)
            (drop (array.new_default $big (local.get $n)))
            (drop (array.new_default $big (local.get $n)))
            (i32.const 0))
        (type $big (array i8))
        (func (export "clear") (param i32) (result i32) (global.set $list (ref.null $node)) (i32.const 0))))";
    Instance instance_;
};

TEST_F(FullHeapTest, allocations_take_fuel_and_collections_do_not) {
    const auto taken = [&](std::string_view name, int32_t argument) {
        constexpr uint64_t plenty = 1'000'000'000;
        store.set_fuel(plenty);
        EXPECT_TRUE(run(name, argument)) << name;
        return plenty - store.fuel();
    };
    const uint64_t before = store.heap().collections;
    EXPECT_TRUE(run("pop", 100'000));
    // A node has 24 bytes, and 64 bytes are a unit.
    constexpr uint64_t expected = 1 + 80'000 + 80'000 * 24 / 64;
    EXPECT_EQ(taken("churn", 80'000), expected);
    EXPECT_EQ(taken("churn", 80'000), expected);
    EXPECT_GT(store.heap().collections, before) << "there were collections";
    EXPECT_TRUE(run("clear", 0));
    EXPECT_EQ(taken("churn", 80'000), expected);
    store.set_fuel(100);
    store.collect();
    EXPECT_EQ(store.fuel(), 100u);
}

TEST_F(FullHeapTest, is_full_at_the_same_object_every_time) {
    const uint64_t used = store.usage().heap_bytes;
    EXPECT_TRUE(run("clear", 0));
    store.collect();
    const auto count = [&] {
        constexpr uint64_t plenty = 1'000'000'000;
        store.set_fuel(plenty);
        EXPECT_EQ(run("build", INT32_MAX).error().code(), TrapCode::heap_exhausted);
        return plenty - store.fuel();
    };
    const uint64_t first = count();
    // Holes of all kinds in the blocks make no difference.
    for (int i = 1; i < 6; ++i) {
        EXPECT_TRUE(run("pop", 300'000 * i + 7));
        EXPECT_TRUE(run("churn", 100'000));
        EXPECT_TRUE(run("clear", 0));
        store.collect();
        EXPECT_EQ(count(), first);
    }
    EXPECT_LE(used, uint64_t{64} << 20);
}

TEST_F(FullHeapTest, a_heap_that_stays_full_is_exhausted) {
    const uint64_t before = store.heap().collections;
    const auto churned = run("churn", 1'000'000);
    ASSERT_FALSE(churned);
    EXPECT_EQ(churned.error().code(), TrapCode::heap_exhausted);
    EXPECT_LT(store.heap().collections, before + 20) << "nearly each allocation would collect";
    // With room again, everything goes on.
    EXPECT_TRUE(run("pop", 200'000));
    EXPECT_TRUE(run("churn", 1'000'000));
    EXPECT_TRUE(run("clear", 0));
    EXPECT_TRUE(run("build", 1'000'000));
}

class InterruptedHeapTest : public HeapTest {
protected:
    InterruptedHeapTest() : HeapTest{Config{.interruption = true, .collect_always = true}} {}
};

TEST_F(InterruptedHeapTest, code_stops_before_the_object_is_made) {
    ASSERT_TRUE(linker.func("env", "stop", [this] { store.interrupt_handle().interrupt(); }));
    const Instance instance = instantiate(R"((module (type $s (struct))
        (import "env" "stop" (func $stop))
        (global $beyond (export "beyond") (mut i32) (i32.const 0))
        (func (export "f")
            (call $stop) (drop (struct.new $s)) (global.set $beyond (i32.const 1)))))");
    EXPECT_EQ(trap_of(instance, "f"), "interrupted");
    EXPECT_EQ(instance.global("beyond")->get().as<int32_t>(), 0);
}

} // namespace
} // namespace warpbeam
