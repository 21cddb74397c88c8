#include "fixture.hpp"
#include "ordered_allocator.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/host_object.hpp>
#include <warpbeam/vm/root.hpp>

#include <array>

/// When a heap is collected, and how much memory it takes, for fixed work. If these numbers change, so does
/// the pace of collections: bench/gc says what that costs.

namespace warpbeam {
namespace {

constexpr std::string_view work = R"((module
    (type $node (struct (field (mut (ref null $node))) (field i64)))
    (type $bytes (array (mut i8)))
    (type $kept (array (mut (ref null $bytes))))
    (global $list (mut (ref null $node)) (ref.null $node))
    (global $kept (mut (ref null $kept)) (ref.null $kept))
    (global $last (mut (ref null $bytes)) (ref.null $bytes))
    ;; A list of $n nodes, each after $waste others that are dropped at once.
    (func (export "list") (param $n i32) (param $waste i32) (local $i i32)
        (global.set $list (ref.null $node))
        (loop $more
            (local.set $i (local.get $waste))
            (loop $again
                (if (local.get $i) (then
                    (drop (struct.new $node (ref.null $node) (i64.const 0)))
                    (local.set $i (i32.sub (local.get $i) (i32.const 1)))
                    (br $again))))
            (global.set $list (struct.new $node (global.get $list) (i64.extend_i32_u (local.get $n))))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    ;; $n arrays of up to $size bytes, of which the last 100 are kept.
    (func (export "arrays") (param $n i32) (param $size i32)
        (global.set $kept (array.new_default $kept (i32.const 100)))
        (loop $more
            (array.set $kept (global.get $kept) (i32.rem_u (local.get $n) (i32.const 100))
                (array.new_default $bytes (i32.rem_u (i32.mul (local.get $n) (i32.const 7919)) (local.get $size))))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    ;; $n arrays of $size bytes, one after the other.
    (func (export "same") (param $n i32) (param $size i32)
        (loop $more
            (global.set $last (array.new_default $bytes (local.get $size)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "drop") (param i32 i32)
        (global.set $list (ref.null $node)) (global.set $kept (ref.null $kept)))))";

struct Step {
    const char* name; ///< a function of the module, `collect` or `host objects`
    int32_t first;
    int32_t second;
    Store::HeapStatistics expected;
};

std::string text_of(const Store::HeapStatistics& all) {
    return std::to_string(all.bytes) + " bytes, peak " + std::to_string(all.peak) + ", survived " +
           std::to_string(all.survived) + ", collections " + std::to_string(all.collections);
}

/// Does all steps in one store, and compares after each. If code can be interrupted, it makes the larger
/// arrays in parts, with the same numbers.
void expect_pace(std::span<const Step> steps, const StoreLimits& limits, bool interruption) {
    // Cells of other sizes, and pointers of four bytes, have another pace.
    if (is_small || sizeof(void*) != 8)
        GTEST_SKIP() << "the numbers are those of a full build for 64 bits";
    OrderedAllocator allocator;
    Engine engine{{.interruption = interruption, .allocator = &allocator}};
    const auto module = engine.load(assemble(work));
    ASSERT_TRUE(module);
    Store store{engine, limits};
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    for (const Step& step : steps) {
        const std::string_view name{step.name};
        if (name == "collect") {
            store.collect();
        } else if (name == "host objects") {
            const RootScope scope{store};
            for (int32_t i = 0; i < step.first; ++i) {
                const RootScope each{store};
                ASSERT_TRUE(ExternRef::create(store, std::array<uint64_t, 50>{}));
            }
        } else {
            const Value args[] = {step.first, step.second};
            const auto called = instance->func(name)->call(args);
            ASSERT_TRUE(called) << name << ": " << called.error().message();
        }
        EXPECT_EQ(text_of(store.heap()), text_of(step.expected))
            << name << ' ' << step.first << ' ' << step.second << ", interruption " << interruption;
    }
}
void expect_pace(std::span<const Step> steps, const StoreLimits& limits) {
    for (const bool interruption : {false, true})
        expect_pace(steps, limits, interruption);
}

TEST(HeapPace, grows_with_what_lives) {
    const Step steps[] = {
        {"list", 1000, 0, {65472, 65472, 0, 0}},
        {"list", 20'000, 1, {1047552, 1047552, 0, 0}},
        {"list", 200'000, 3, {7201920, 7201920, 4059096, 15}},
        {"collect", 0, 0, {7201920, 7201920, 4800000, 16}},
        {"list", 1000, 1000, {5827008, 8576832, 23232, 36}},
        {"collect", 0, 0, {5827008, 8576832, 24000, 37}},
        {"drop", 0, 0, {5827008, 8576832, 24000, 37}},
        {"collect", 0, 0, {1047552, 8576832, 0, 38}},
        {"list", 300'000, 0, {7332864, 8576832, 5619552, 42}},
        {"collect", 0, 0, {7332864, 8576832, 7200000, 43}},
    };
    expect_pace(steps, {});
}

TEST(HeapPace, gives_the_blocks_of_one_size_to_another) {
    const Step steps[] = {
        {"arrays", 20'000, 100, {1047552, 1505856, 7312, 1}},
        {"arrays", 20'000, 4000, {3600960, 4124736, 202512, 48}},
        {"arrays", 2000, 30'000, {4313096, 4892584, 1518920, 76}},
        {"arrays", 300, 400'000, {23174376, 35454808, 20190816, 86}},
        {"collect", 0, 0, {20480504, 35454808, 19993320, 87}},
        {"arrays", 20'000, 100, {22117304, 35454808, 19993320, 87}},
        {"arrays", 20, 20'000'000, {23701992, 35454808, 19993320, 87}},
        {"drop", 0, 0, {23701992, 35454808, 19993320, 87}},
        {"collect", 0, 0, {65472, 35454808, 0, 88}},
        {"list", 100'000, 1, {2815296, 35454808, 2044344, 93}},
    };
    expect_pace(steps, {});
}

TEST(HeapPace, counts_arrays_of_more_than_a_megabyte) {
    const Step steps[] = {
        {"same", 1, 2'000'000, {2000056, 2000056, 0, 0}},
        {"list", 1, 0, {2065528, 2065528, 2000016, 1}},
        {"same", 10, 3'000'000, {6065584, 6065584, 3000040, 10}},
        {"list", 200'000, 0, {7910456, 7910456, 5250016, 12}},
    };
    expect_pace(steps, {});
}

TEST(HeapPace, counts_the_data_of_host_objects) {
    const Step steps[] = {
        {"host objects", 100, 0, {111072, 111072, 0, 0}},
        {"host objects", 100'000, 0, {136152, 1078248, 0, 45}},
        {"collect", 0, 0, {65472, 1078248, 0, 46}},
        {"host objects", 3000, 0, {420696, 1078248, 0, 47}},
        {"list", 10'000, 5, {916608, 1140888, 113472, 48}},
        {"collect", 0, 0, {916608, 1140888, 240000, 49}},
    };
    expect_pace(steps, {});
}

TEST(HeapPace, keeps_below_a_limit_by_collecting_more_often) {
    const Step steps[] = {
        {"list", 40'000, 5, {1440384, 1440384, 892968, 8}},
        {"list", 15'000, 30, {1113024, 1636800, 346896, 21}},
        {"arrays", 20'000, 4000, {4255680, 4583040, 565424, 104}},
        {"collect", 0, 0, {3470016, 4583040, 565320, 105}},
    };
    expect_pace(steps, {.heap_bytes = 2'000'000});
}

} // namespace
} // namespace warpbeam
