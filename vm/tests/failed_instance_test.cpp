#include "fixture.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>
#include <warpbeam/vm/memory_view.hpp>

/// A failed instantiation leaves nothing behind, unless something can still refer to it.

namespace warpbeam {
namespace {

class FailedInstance : public ::testing::Test {
protected:
    Module load(std::string_view wat) {
        auto module = engine.load(assemble(wat));
        if (!module)
            throw std::runtime_error{std::string{module.error().message()}};
        return *module;
    }
    /// How many bytes of blocks a hundred failures leave. The module has what it keeps after the first two.
    uint64_t left_by(const Module& module) {
        EXPECT_FALSE(linker.instantiate(store, module));
        EXPECT_FALSE(linker.instantiate(store, module));
        const uint64_t before = counted.blocks().live;
        for (int i = 0; i < 100; ++i)
            EXPECT_FALSE(linker.instantiate(store, module));
        EXPECT_EQ(store.usage().memories, own_memories);
        EXPECT_EQ(store.usage().memory_bytes, own_memories * 65536u);
        return counted.blocks().live - before;
    }

    AccountingAllocator counted;
    Engine engine{{.allocator = &counted}};
    Store store{engine, {.memories = 3}};
    Linker linker{engine};
    uint32_t own_memories = 0;
};

TEST_F(FailedInstance, leaves_nothing_when_a_limit_forbids_it) {
    ASSERT_TRUE(linker.func("env", "f", [](int32_t x) { return x; }));
    const auto module = load(R"((module (import "env" "f" (func (param i32) (result i32)))
        (memory 1) (memory 1) (memory 1) (memory 1) (table 100 funcref) (tag)
        (global i32 (i32.const 1)) (global funcref (ref.func 1)) (func) (func) (elem funcref (ref.func 1))))");
    EXPECT_EQ(left_by(module), 0u);
    EXPECT_EQ(store.usage().instances, 0u);
    EXPECT_EQ(store.usage().tables, 0u);
    EXPECT_EQ(store.usage().table_elements, 0u);
}

TEST_F(FailedInstance, leaves_no_object_alive) {
    const auto module = load(R"((module (type $a (array i64))
        (global (ref $a) (array.new_default $a (i32.const 10000))) (memory 1) (table 20000000 funcref)))");
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(linker.instantiate(store, module).error().code(), ErrorCode::limit);
    store.collect();
    EXPECT_LT(store.heap().survived, 100'000u);
}

TEST_F(FailedInstance, leaves_nothing_when_a_segment_traps_before_anything_refers_to_it) {
    EXPECT_EQ(left_by(load(R"((module (memory 1) (table 5 funcref) (func $f) (elem (i32.const 0) $f)
        (data (i32.const 65536) "x")))")),
              0u);
    EXPECT_EQ(left_by(load(R"((module (table 5 funcref) (func $f) (elem (i32.const 5) $f)))")), 0u);
    auto memory = Memory::create(store, {.limits = {.min = 1}});
    own_memories = 1;
    ASSERT_TRUE(linker.define("env", "m", *memory));
    EXPECT_EQ(left_by(load(R"((module (import "env" "m" (memory 1)) (func $f)
        (data (i32.const 0) "yes") (data (i32.const 65536) "no")))")),
              0u);
    EXPECT_EQ(MemoryView{*memory}.read<char>(0), 'y') << "as the specification says";
    EXPECT_EQ(store.usage().instances, 0u);
}

TEST_F(FailedInstance, stays_when_a_table_of_others_has_its_functions) {
    auto table = Table::create(store, {funcref, {.min = 2}}, Func{});
    ASSERT_TRUE(table && linker.define("env", "t", *table));
    {
        const auto module = load(R"((module (import "env" "t" (table 2 funcref)) (memory 1)
            (type $s (struct (field i32))) (global $g (ref $s) (struct.new $s (i32.const 40)))
            (func $f (result i32) (i32.add (struct.get $s 0 (global.get $g)) (i32.load (i32.const 0))))
            (elem (i32.const 1) $f) (data (i32.const 0) "\02\00\00\00") (elem (i32.const 2) $f)))");
        // The later element segment traps before any data is there.
        EXPECT_FALSE(linker.instantiate(store, module));
    }
    EXPECT_EQ(store.usage().instances, 1u);
    EXPECT_EQ(store.usage().memories, 1u);
    store.collect();
    // Whatever is made afterwards must not take its place.
    const auto other =
        load("(module (memory 1) (func (result i32) (i32.const 7)) (global i32 (i32.const 9)))");
    EXPECT_TRUE(linker.instantiate(store, other));
    const auto function = table->get(1)->as<Func>().typed<int32_t()>();
    ASSERT_TRUE(function);
    EXPECT_EQ((*function)(), 40);
}

TEST_F(FailedInstance, stays_when_its_start_function_has_run) {
    std::optional<Func> kept;
    ASSERT_TRUE(linker.func("env", "keep", [&](Func f) { kept = f; }));
    const auto module = load(R"((module (import "env" "keep" (func $keep (param funcref))) (memory 1)
        (func $f (export "f") (result i32) (i32.load8_u (i32.const 3))) (data (i32.const 0) "abcd")
        (func $s (call $keep (ref.func $f)) unreachable) (start $s)))");
    EXPECT_FALSE(linker.instantiate(store, module));
    ASSERT_TRUE(kept);
    EXPECT_EQ((*kept->typed<int32_t()>())(), 'd');
    EXPECT_EQ(store.usage().instances, 1u);
}

TEST_F(FailedInstance, gives_its_host_functions_back) {
    const auto alive = std::make_shared<int>(0);
    {
        Linker own{engine};
        ASSERT_TRUE(own.func("env", "f", [alive] { ++*alive; }));
        const auto module =
            load(R"((module (import "env" "f" (func)) (memory 1) (memory 1) (memory 1) (memory 1)))");
        EXPECT_FALSE(own.instantiate(store, module));
    }
    EXPECT_EQ(alive.use_count(), 1);
}

} // namespace
} // namespace warpbeam
