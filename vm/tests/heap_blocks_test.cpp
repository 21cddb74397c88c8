#include "fixture.hpp"
#include "framing_allocator.hpp"
#include "ordered_allocator.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/root.hpp>

/// What the heap does at the exact edges of its rules: when it is collected, which blocks it keeps, what it
/// calls exhausted. Each number follows from the size of a block, 65,472 bytes, of which cells get 64,416.

namespace warpbeam {
namespace {

constexpr std::string_view arrays = R"((module
    (type $bytes (array (mut i8)))
    (type $all (array (mut (ref null $bytes))))
    (global $all (mut (ref null $all)) (ref.null $all))
    (global $next (mut i32) (i32.const 0))
    (func $make (param $size i32) (result (ref $bytes))
        (array.new_default $bytes (i32.sub (local.get $size) (i32.const 12))))
    (func (export "waste") (param $n i32) (param $size i32)
        (loop $more
            (drop (call $make (local.get $size)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "begin") (param i32 i32) (global.set $all (array.new_default $all (i32.const 900))))
    (func (export "keep") (param $n i32) (param $size i32)
        (loop $more
            (array.set $all (global.get $all) (global.get $next) (call $make (local.get $size)))
            (global.set $next (i32.add (global.get $next) (i32.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "drop") (param $i i32) (param i32)
        (array.set $all (global.get $all) (local.get $i) (ref.null $bytes)))))";

constexpr uint64_t block = 65'472;
/// What `begin` makes: a list of 900 references, in a block of its own.
constexpr uint64_t list = 16 + 900 * 8;
/// So many objects of 32 bytes fill a block.
constexpr int32_t in_block = 2013;
/// An object whose own block is as large as those of cells, but can't be one that was theirs.
constexpr int32_t whole_block = 65'432;

/// A store whose blocks lie in order, so that all numbers are the same in each run.
class HeapBlocks : public ::testing::Test {
protected:
    void SetUp() override {
        // Cells of other sizes, and pointers of four bytes, have other numbers.
        if (is_small || sizeof(void*) != 8)
            GTEST_SKIP() << "the numbers are those of a full build for 64 bits";
        open(UINT64_MAX);
    }
    /// Begins again with a heap that has this limit.
    void open(uint64_t limit) {
        store = Store{engine, {.heap_bytes = limit}};
        const auto module = engine.load(assemble(arrays));
        ASSERT_TRUE(module);
        instance = std::move(*Instance::create(store, *module));
    }
    /// Calls a function of the module; `size` is that of each object in bytes.
    [[nodiscard]] bool call(const char* name, int32_t n = 0, int32_t size = 0) {
        const Value args[] = {n, size};
        return instance.func(name)->call(args).has_value();
    }
    [[nodiscard]] uint64_t collections() const { return store.heap().collections; }
    [[nodiscard]] uint64_t bytes() const { return store.heap().bytes; }

    OrderedAllocator allocator;
    Engine engine{{.allocator = &allocator}};
    Store store{engine};
    Instance instance;
};

TEST_F(HeapBlocks, is_not_collected_as_long_as_what_is_made_fits) {
    // The last object needs a new block.
    constexpr int32_t count = 9 * in_block + 1;
    open(uint64_t{32} * count);
    ASSERT_TRUE(call("waste", count, 32));
    EXPECT_EQ(collections(), 0u);
    ASSERT_TRUE(call("waste", 1, 32));
    EXPECT_EQ(collections(), 1u);
}

TEST_F(HeapBlocks, is_collected_for_a_large_object_once_a_quarter_of_a_megabyte_is_made) {
    constexpr int32_t quarter = (1 << 18) / 32;
    ASSERT_TRUE(call("waste", quarter - 1, 32));
    ASSERT_TRUE(call("waste", 1, 2'000'000));
    EXPECT_EQ(collections(), 0u);
    open(UINT64_MAX);
    ASSERT_TRUE(call("waste", quarter, 32));
    ASSERT_TRUE(call("waste", 1, 2'000'000));
    EXPECT_EQ(collections(), 1u);
}

TEST_F(HeapBlocks, collections_of_the_host_are_not_futile) {
    constexpr int32_t count = 800;
    open(list + uint64_t{32} * count);
    ASSERT_TRUE(call("begin"));
    ASSERT_TRUE(call("keep", count, 32));
    for (int i = 0; i < 12; ++i)
        store.collect();
    ASSERT_TRUE(call("drop", 0));
    EXPECT_TRUE(call("waste", 1, 32)) << "which the place that is free now is for";
}

TEST_F(HeapBlocks, collections_that_free_a_64th_of_the_limit_are_not_futile) {
    constexpr int32_t part = 400;
    open(64 * part);
    ASSERT_TRUE(call("begin"));
    ASSERT_TRUE(call("keep", 562, 32));
    ASSERT_EQ(list + 562 * 32, 63u * part);
    EXPECT_TRUE(call("waste", 20 * part / 16, 16));
    EXPECT_GE(collections(), 19u);
    // With eight bytes less they are, and the ninth is the last.
    open(64 * part);
    ASSERT_TRUE(call("begin"));
    ASSERT_TRUE(call("keep", 561, 32));
    ASSERT_TRUE(call("keep", 1, 40));
    EXPECT_FALSE(call("waste", 1000, 8 + 16));
    EXPECT_EQ(collections(), 9u);
}

TEST_F(HeapBlocks, is_collected_for_an_object_as_large_as_its_limit_but_not_for_a_larger_one) {
    constexpr int32_t limit = 60'000;
    open(limit);
    EXPECT_TRUE(call("waste", 2, limit));
    EXPECT_EQ(collections(), 1u);
    EXPECT_FALSE(call("waste", 1, limit + 8));
    EXPECT_EQ(collections(), 1u);
}

TEST_F(HeapBlocks, the_largest_cells_share_a_block) {
    ASSERT_TRUE(call("waste", 2, 32'208));
    EXPECT_EQ(bytes(), block);
    ASSERT_TRUE(call("waste", 1, 32'216));
    EXPECT_EQ(bytes(), block + 40 + 32'216);
}

TEST_F(HeapBlocks, keeps_free_blocks_up_to_its_limit) {
    open(3 * block);
    ASSERT_TRUE(call("waste", 3 * in_block, 32));
    store.collect();
    EXPECT_EQ(bytes(), 3 * block);
    open(3 * block - 8);
    ASSERT_TRUE(call("waste", 3 * in_block, 32));
    store.collect();
    EXPECT_EQ(bytes(), 2 * block);
}

TEST_F(HeapBlocks, free_blocks_stay_as_long_as_there_is_room_for_others) {
    // Cells of 20,368 bytes have blocks of their own size.
    constexpr uint64_t other = 1056 + 3 * 20'368;
    ASSERT_TRUE(call("waste", 8 * in_block, 32));
    store.collect();
    ASSERT_EQ(bytes(), 8 * block);
    ASSERT_TRUE(call("waste", 1, 20'000));
    EXPECT_EQ(bytes(), 8 * block + other);

    open(UINT64_MAX);
    ASSERT_TRUE(call("waste", 16 * in_block, 32));
    store.collect();
    ASSERT_EQ(bytes(), 16 * block);
    ASSERT_TRUE(call("waste", 1, 20'000)); // beyond a megabyte
    EXPECT_EQ(bytes(), other);

    // As many as there is just room for.
    open(9 * block);
    ASSERT_TRUE(call("waste", 8 * in_block, 32));
    store.collect();
    ASSERT_EQ(bytes(), 8 * block);
    ASSERT_TRUE(call("waste", 1, whole_block));
    EXPECT_EQ(bytes(), 9 * block);
}

TEST_F(HeapBlocks, free_blocks_make_room_for_some_more_than_the_next) {
    // 28 blocks with 16 arrays each, and the block of the list.
    constexpr uint64_t live = 29 * block;
    constexpr uint64_t limit = 47 * block;
    open(limit);
    ASSERT_TRUE(call("begin"));
    ASSERT_TRUE(call("keep", 28 * 16, 4024));
    store.collect();
    ASSERT_EQ(bytes(), live);
    ASSERT_TRUE(call("waste", 18 * in_block, 32));
    store.collect();
    ASSERT_EQ(bytes(), limit);
    // For a block that has no place, and 16 more.
    ASSERT_TRUE(call("waste", 1, whole_block));
    EXPECT_EQ(bytes(), limit - 17 * block + block);
}

// Pages of large blocks are given back in parts of 8 MB, by the system's allocator alone.
TEST(HeapBlocksOfTheSystem, large_arrays_of_any_number_of_parts) {
    Engine engine;
    const auto module = engine.load(assemble(arrays));
    ASSERT_TRUE(module);
    for (const int32_t parts : {1, 2, 3})
        for (const int32_t beyond : {-16, -8, 0, 8, 16}) {
            Store store{engine};
            const auto instance = Instance::create(store, *module);
            ASSERT_TRUE(instance);
            const Value begin[] = {0, 0}, waste[] = {1, (parts << 23) - 40 + beyond}, keep[] = {1, 50'000};
            ASSERT_TRUE(instance->func("begin")->call(begin));
            ASSERT_TRUE(instance->func("waste")->call(waste));
            ASSERT_TRUE(instance->func("keep")->call(keep));
            store.collect();
            EXPECT_LT(store.heap().bytes, 200'000u) << parts << " " << beyond;
        }
}

TEST(HeapBlocksOfAnEmbedder, have_nothing_after_them_that_is_an_object) {
    FramingAllocator allocator;
    Engine engine{{.allocator = &allocator}};
    const auto module = engine.load(assemble("(module (type (array i8)))"));
    ASSERT_TRUE(module);
    // Cells that fill their blocks to the end, and an object that has one for itself.
    for (const uint32_t size : {16u, 24u, 32u, 50'000u}) {
        Store store{engine};
        const RootScope scope{store};
        const auto made = ArrayRef::create(store, module->types()[0], size - 12, Value{0});
        ASSERT_TRUE(made);
        const uint64_t object = made->value().slots()[0];
        for (uint64_t word = object; word <= object + 66'000; word += 8) {
            const Value value = Value::from_slots(ValType::reference(HeapType::any, true), &word);
            EXPECT_EQ(ArrayRef::from(store, value).has_value(), word == object)
                << size << " " << word - object;
        }
    }
}

} // namespace
} // namespace warpbeam
