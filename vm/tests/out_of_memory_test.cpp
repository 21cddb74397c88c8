#include "fixture.hpp"
#include "repeat.hpp"
#include "store/internal.hpp"

#include <warpbeam/vm/guest_allocator.hpp>
#include <warpbeam/vm/memory_view.hpp>

/// What happens when the n-th allocation fails, for each n: an error, never a crash, and no leak.

namespace warpbeam {
namespace {

constexpr std::string_view everything = R"((module $m
    (import "env" "f" (func $f (param i32) (result i32)))
    (import "env" "u" (func $u (param i32)))
    (memory (export "memory") 2) (memory $s 1 2 shared) (memory $own (export "own") 1 4)
    (global (export "__heap_base") i32 (i32.const 60000))
    (type $pair (struct (field i32) (field (mut anyref)))) (type $list (array (mut i32)))
    (global $o (mut (ref null $pair)) (struct.new $pair (i32.const 5) (array.new_default $list (i32.const 3))))
    (elem $objects (ref null $list) (array.new $list (i32.const 1) (i32.const 2)))
    (table $t 8 funcref) (table $i 4 (ref i31) (ref.i31 (i32.const 1)))
    (global $g (mut i64) (i64.add (i64.const 1) (i64.const 2)))
    (tag $e (param i32))
    (elem (i32.const 0) $a $b) (elem $p funcref (ref.func $a) (ref.null func))
    (data (i32.const 0) "%s") (data $d "passive")
    (func (export "malloc") (param i32) (result i32) (i32.const 1024)) (func (export "free") (param i32))
    (func (export "objects") (param i32) (result i32) (local $l (ref $list))
        (local.set $l (array.new_fixed $list 2 (local.get 0) (i32.const 6)))
        (global.set $o (struct.new $pair (local.get 0) (local.get $l)))
        (array.get $list (ref.cast (ref $list) (struct.get $pair 1 (global.get $o))) (i32.const 0)))
    (func (export "throw") (param i32) (result i32)
        (block $caught (result i32)
            (try_table (catch $e $caught) (throw $e (local.get 0)))
            (i32.const 0)))
    (func $a (param i32) (result i32) (call $f (local.get 0)))
    (func $b (call $u (i32.const 0)))
    (func $start (drop (memory.grow (i32.const 1))) (drop (table.grow $t (ref.null func) (i32.const 100))))
    (start $start)
    (func (export "run") (param i32) (result i32)
        (table.init $t $p (i32.const 2) (i32.const 0) (i32.const 2))
        (call $b)
        (call_indirect $t (param i32) (result i32) (local.get 0) (i32.const 0)))
    (func $trap (unreachable))
    (func (export "trap") (call $trap))))";

Vec<uint8_t> assemble_everything() {
    std::string wat{everything};
    return assemble(wat.replace(wat.find("%s"), 2, std::string(100'000, 'x')));
}

/// Allocates with the guest's malloc and with our own allocator; whether everything worked.
bool allocate_in(Instance instance) {
    for (const GuestAllocatorOptions& options :
         {GuestAllocatorOptions{}, GuestAllocatorOptions{.memory = "own", .own = true}}) {
        const auto allocator = GuestAllocator::of(instance, options);
        if (!allocator) {
            EXPECT_EQ(allocator.error().code(), TrapCode::out_of_memory);
            return false;
        }
        Vec<GuestBuffer> blocks;
        for (uint64_t i = 0; i < 20; ++i) {
            auto block = allocator->allocate(i * 700);
            if (!block) {
                EXPECT_EQ(block.error().code(), TrapCode::out_of_memory) << block.error().message();
                return false;
            }
            EXPECT_TRUE(blocks.push(std::move(*block)));
        }
        if (!allocator->write_c_string("text")) // its bookkeeping may find no memory, too
            return false;
    }
    return true;
}

/// Loads, links, instantiates and calls; whether everything worked.
bool use_everything(Allocator& allocator, std::span<const uint8_t> bytes, bool guard_pages) {
    Config config;
    config.guard_pages = guard_pages;
    config.features.enable(Feature::threads);
    config.allocator = &allocator;
    Engine engine{config};
    const auto module = engine.load(bytes);
    if (!module) {
        EXPECT_EQ(module.error().code(), ErrorCode::out_of_memory) << module.error().message();
        return false;
    }
    Store store{engine};
    Linker linker{engine};
    const std::string captured = "a string that lives on the heap";
    const ValType param[] = {ValType::i32};
    const auto typed =
        linker.func("env", "f", [captured](int32_t x) { return x + static_cast<int32_t>(captured.size()); });
    const auto untyped = linker.func(
        "env", "u", FuncType{param, {}},
        [](Caller&, std::span<const Value>, std::span<Value>) -> std::expected<void, Trap> { return {}; });
    for (const auto* defined : {&typed, &untyped})
        if (!*defined) {
            EXPECT_EQ(defined->error().code(), ErrorCode::out_of_memory);
            return false;
        }
    const auto instance = linker.instantiate(store, *module);
    if (!instance) {
        if (instance.error().trap() != nullptr) {
            EXPECT_EQ(instance.error().trap()->code(), TrapCode::out_of_memory);
        } else
            EXPECT_EQ(instance.error().code(), ErrorCode::out_of_memory) << instance.error().message();
        return false;
    }
    const auto run = instance->func<int32_t(int32_t)>("run");
    EXPECT_TRUE(run);
    const auto result = (*run)(1);
    if (!result) {
        EXPECT_EQ(result.error().code(), TrapCode::out_of_memory) << result.error().message();
        return false;
    }
    EXPECT_EQ(*result, 32);
    for (const char* const name : {"objects", "throw"}) {
        const auto returned = (*instance->func<int32_t(int32_t)>(name))(3);
        if (!returned) {
            EXPECT_TRUE(returned.error().code() == TrapCode::out_of_memory) << returned.error().message();
            return false;
        }
        EXPECT_EQ(*returned, 3);
    }
    if (!allocate_in(*instance))
        return false;
    const auto trapped = instance->func("trap")->call();
    EXPECT_FALSE(trapped);
    if (trapped.error().code() == TrapCode::out_of_memory)
        return false;
    EXPECT_EQ(trapped.error().message(), "unreachable");
    if (trapped.error().backtrace().size() != 2)
        return false;
    // The second instance shares an image, and so does the first from its reset on.
    Store other{engine};
    const auto again = linker.instantiate(other, *module);
    const auto reset = instance->reset();
    if (!reset) {
        EXPECT_EQ(reset.error().code(), ErrorCode::out_of_memory) << reset.error().message();
    }
    if (again && reset) {
        for (const Instance& either : {*again, *instance})
            EXPECT_EQ(MemoryView{*either.memory("memory")}.read<char>(99'999), 'x');
    }
    return again && reset;
}

void fail_everywhere(bool guard_pages) {
    const Vec<uint8_t> bytes = assemble_everything();
    CountingAllocator counting;
    ASSERT_TRUE(use_everything(counting, bytes, guard_pages));
    EXPECT_EQ(counting.live(), 0u);
    const size_t calls = counting.calls();
    EXPECT_GT(calls, 30u);
    for (size_t n = 0; n < calls; ++n) {
        CountingAllocator failing;
        failing.allow(n);
        use_everything(failing, bytes, guard_pages);
        EXPECT_EQ(failing.live(), 0u) << "leaked when everything failed after " << n << " calls";
        CountingAllocator flaky;
        flaky.refuse_one(n);
        use_everything(flaky, bytes, guard_pages);
        EXPECT_EQ(flaky.live(), 0u) << "leaked when call " << n << " failed";
    }
}

TEST(OutOfMemory, is_an_error_wherever_it_happens) { fail_everywhere(false); }

TEST(OutOfMemory, is_an_error_wherever_it_happens_with_guard_pages) {
    if (!Engine{{.guard_pages = true}}.guard_pages())
        GTEST_SKIP() << "no guard pages on this platform";
    fail_everywhere(true);
}

TEST(OutOfMemory, ends_what_an_engine_can_do_that_found_none) {
    const auto bytes = assemble(R"((module (type $s (struct (field i32)))
        (global (ref $s) (struct.new $s (i32.const 1)))))");
    size_t broken = 0;
    for (size_t n = 0; n < 6; ++n) {
        CountingAllocator flaky;
        flaky.refuse_one(n);
        Engine engine{{.eager = true, .allocator = &flaky}};
        if (vm::Internal::layouts(engine) != nullptr)
            continue;
        ++broken;
        flaky.refuse_one(SIZE_MAX);
        const auto module = engine.load(bytes);
        ASSERT_FALSE(module);
        EXPECT_EQ(module.error().code(), ErrorCode::out_of_memory);
        // Modules may come from elsewhere.
        LoadOptions options;
        options.types = &engine.types();
        const auto loaded = Module::load(bytes, options);
        ASSERT_TRUE(loaded);
        Store store{engine};
        const auto instance = Instance::create(store, *loaded);
        ASSERT_FALSE(instance);
        EXPECT_EQ(instance.error().code(), ErrorCode::out_of_memory);
    }
    EXPECT_EQ(broken, 2u); // the engine itself, and its layouts
}

TEST(OutOfMemory, of_lowering_loses_no_reference) {
    // The map of references has a node for each, beyond what its table begins with.
    constexpr int32_t count = 300;
    const auto bytes = assemble(
        "(module (type $one (struct (field i32))) (func (export \"f\") (result i32) (local $sum i32)" +
        repeat("(struct.new $one (i32.const #))", count) +
        repeat("struct.get $one 0 local.get $sum i32.add local.set $sum ", count) + "local.get $sum))");
    CountingAllocator flaky;
    const Engine engine{{.collect_always = true, .allocator = &flaky}};
    size_t failed = 0;
    bool refused = true;
    for (size_t n = 0; refused; ++n) {
        Store store{engine};
        const auto module = engine.load(bytes);
        ASSERT_TRUE(module);
        const auto instance = Instance::create(store, *module);
        ASSERT_TRUE(instance);
        const auto f = *instance->func<int32_t()>("f");
        flaky.refuse_one(n);
        const auto sum = f();
        refused = flaky.calls() > n;
        flaky.refuse_one(SIZE_MAX);
        if (sum) {
            EXPECT_EQ(*sum, count * (count - 1) / 2) << n;
        } else {
            // A stack that can't grow is exhausted.
            EXPECT_TRUE(sum.error().code() == TrapCode::out_of_memory ||
                        sum.error().code() == TrapCode::call_stack_exhausted)
                << n << ": " << sum.error().message();
            ++failed;
        }
    }
    EXPECT_GT(failed, 10u);
}

TEST(OutOfMemory, leaves_a_store_that_reports_it) {
    CountingAllocator none;
    Engine engine{{.allocator = &none}};
    none.allow(0);
    Store store{engine};
    EXPECT_EQ(Memory::create(store, {}).error().code(), ErrorCode::out_of_memory);
    EXPECT_EQ(Table::create(store, {funcref, {}}, Func{}).error().code(), ErrorCode::out_of_memory);
    EXPECT_EQ(Global::create(store, {ValType::i32, false}, 1).error().code(), ErrorCode::out_of_memory);
    EXPECT_EQ(Tag::create(store, {}).error().code(), ErrorCode::out_of_memory);
    EXPECT_EQ(Func::wrap(store, [] {}).error().code(), ErrorCode::out_of_memory);
    store.set_fuel(3);
    EXPECT_EQ(store.fuel(), 0u);
    EXPECT_EQ(store.usage().memory_bytes, 0u);
    store.interrupt_handle().interrupt();
}

TEST(OutOfMemory, does_not_hide_which_imports_are_missing) {
    CountingAllocator counting;
    Engine engine{{.allocator = &counting}};
    Store store{engine};
    const auto bytes = assemble(R"((module (import "a" "b" (func))))");
    const auto module = engine.load(bytes);
    ASSERT_TRUE(module);
    Linker linker{engine};
    counting.allow(1); // the table of imports
    const auto instance = linker.instantiate(store, *module);
    ASSERT_FALSE(instance);
    EXPECT_EQ(instance.error().code(), ErrorCode::unlinkable);
    EXPECT_FALSE(instance.error().message().empty());
}

} // namespace
} // namespace warpbeam
