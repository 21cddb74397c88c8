#include "snapshot_fixture.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/host_object.hpp>

/// Instances at rest: everything that they consist of is there again.

namespace warpbeam {
namespace {

/// Names external references by their numbers, and one function.
class NumberHost final : public SnapshotHost {
public:
    bool name_extern(const Store&, ExternRef reference, Vec<uint8_t>& name) noexcept override {
        return reference.is_host() && name.push(static_cast<uint8_t>(reference.payload()));
    }
    bool name_func(Func, Vec<uint8_t>& name) noexcept override { return name.push('f'); }
    std::optional<ExternRef> find_extern(Store&, std::span<const uint8_t> name) noexcept override {
        return name.size() == 1 ? std::optional{ExternRef::host(name[0] + 100u)} : std::nullopt;
    }
    std::optional<Func> find_func(Store& store, std::span<const uint8_t> name) noexcept override {
        EXPECT_EQ(name.size(), 1u);
        return *Func::wrap(store, [](int32_t n) { return n + 1000; });
    }
};

class SnapshotStateTest : public SnapshotFixture {
protected:
    SnapshotStateTest() {
        host = &names;
        for (Linker* const each : {&linker, &hosts})
            EXPECT_TRUE(each->func("host", "twice", [](int32_t n) { return 2 * n; }));
    }
    Restored copy_of(const Instance& instance, std::span<const Value> values = {}) {
        modules = {instance.module()};
        const Instance instances[] = {instance};
        const SnapshotContents contents{.instances = instances, .executions = {}, .values = values};
        const Bytes bytes = saved(store, contents, {.host = host});
        auto made = restored(bytes);
        if (!made)
            throw std::runtime_error{std::string{made.error().message()}};
        const Instance again[] = {made->instances[0]};
        std::vector<Value> held;
        for (const Root& root : made->values)
            held.push_back(root.value());
        if (!renames) {
            EXPECT_EQ(
                saved(made->store, {.instances = again, .executions = {}, .values = held}, {.host = host}),
                bytes);
        }
        made->store.set_fuel(1'000'000);
        return std::move(*made);
    }
    template <typename Result = int32_t, typename... A>
    static Result call(const Instance& instance, const char* name, A... args) {
        const Value given[] = {Value{0}, Value{args}...};
        Value result;
        const auto called =
            instance.func(name)->call(std::span{given}.subspan(1), std::span{&result, size_t{1}});
        EXPECT_TRUE(called) << (called ? "" : called.error().message());
        return called ? result.as<Result>() : Result{};
    }

    static std::string trap_of_call(const Instance& instance, const char* name) {
        Value result;
        const auto called = instance.func(name)->call({}, {&result, 1});
        return called ? std::string{} : std::string{called.error().message()};
    }

    NumberHost names;
    bool renames = false; ///< whether the restored references have other names
};

TEST_F(SnapshotStateTest, memories_globals_tables_and_segments) {
    store.set_fuel(1'000'000);
    const Instance instance = instantiate(R"((module
        (import "host" "twice" (func $twice (param i32) (result i32)))
        (memory 2 9) (data (i32.const 10) "initial") (data $p "passive") (data $q "gone")
        (global $i (mut i32) (i32.const 1)) (global $l (mut i64) (i64.const 2)) (global $f (mut f32) (f32.const 3))
        (global $d (mut f64) (f64.const 4)) (global $v (mut v128) (v128.const i64x2 5 6))
        (global $r (mut funcref) (ref.null func))
        (table $t 4 20 funcref) (elem $e func $seven $twice) (elem $dropped func $seven) (elem $last func $twice $seven)
        (func $seven (export "seven") (result i32) (i32.const 7))
        (func (export "change")
            (drop (memory.grow (i32.const 3)))
            (i32.store8 (i32.const 10) (i32.const 73))
            (i32.store (i32.const 300000) (i32.const 0x12345678))
            (data.drop $q) (elem.drop $dropped)
            (global.set $i (i32.const -1)) (global.set $l (i64.const -2)) (global.set $f (f32.const -3.5))
            (global.set $d (f64.const -4.5)) (global.set $v (v128.const i64x2 -5 -6))
            (global.set $r (ref.func $twice))
            (drop (table.grow $t (ref.func $seven) (i32.const 3)))
            (table.set $t (i32.const 1) (ref.func $twice)))
        (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
        (func (export "i") (result i32) (global.get $i))
        (func (export "l") (result i64) (global.get $l))
        (func (export "f") (result f32) (global.get $f))
        (func (export "d") (result f64) (global.get $d))
        (func (export "v") (result i64) (i64x2.extract_lane 1 (global.get $v)))
        (func (export "r") (result i32) (table.set $t (i32.const 0) (global.get $r))
            (call_indirect $t (param i32) (result i32) (i32.const 21) (i32.const 0)))
        (func (export "t") (result i32) (call_indirect $t (result i32) (i32.const 6)))
        (func (export "sizes") (result i32) (i32.add (table.size $t) (i32.mul (memory.size) (i32.const 100))))
        (func (export "passive") (result i32) (memory.init $p (i32.const 0) (i32.const 0) (i32.const 4))
            (i32.load (i32.const 0)))
        (func (export "gone") (result i32) (memory.init $q (i32.const 0) (i32.const 0) (i32.const 1)) (i32.const 0))
        (func (export "init") (result i32) (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
            (call_indirect $t (param i32) (result i32) (i32.const 4) (i32.const 1)))
        (func (export "last") (result i32) (table.init $t $last (i32.const 0) (i32.const 1) (i32.const 1))
            (call_indirect $t (result i32) (i32.const 0)))
        (func (export "declared") (result i32) (table.init $t $dropped (i32.const 0) (i32.const 0) (i32.const 1))
            (i32.const 0))
        (elem declare func $twice $seven)))");
    ASSERT_TRUE(instance.func("change")->call());
    const Restored copy = copy_of(instance);
    const Instance& restored = copy.instances[0];
    EXPECT_EQ(call(restored, "load", 10), 0x74696e49); // "Init"
    EXPECT_EQ(call(restored, "load", 300'000), 0x12345678);
    EXPECT_EQ(call(restored, "i"), -1);
    EXPECT_EQ(call<int64_t>(restored, "l"), -2);
    EXPECT_EQ(call<float>(restored, "f"), -3.5f);
    EXPECT_EQ(call<double>(restored, "d"), -4.5);
    EXPECT_EQ(call<int64_t>(restored, "v"), -6);
    EXPECT_EQ(call(restored, "r"), 42);
    EXPECT_EQ(call(restored, "t"), 7);
    EXPECT_EQ(call(restored, "sizes"), 507);
    EXPECT_EQ(call(restored, "passive"), 0x73736170);
    EXPECT_NE(trap_of_call(restored, "gone"), "");
    EXPECT_EQ(call(restored, "init"), 8);
    EXPECT_EQ(call(restored, "last"), 7);
    EXPECT_NE(trap_of_call(restored, "declared"), "");
}

TEST_F(SnapshotStateTest, objects_with_cycles_and_shared_parts) {
    store.set_fuel(1'000'000);
    const Instance instance = instantiate(R"((module
        (rec (type $node (struct (field (mut (ref null $node))) (field i8) (field (mut i16)) (field i64)
                                 (field f32) (field f64) (field v128) (field anyref) (field funcref)))
             (type $sub (array (mut (ref null $node)))))
        (type $bytes (array (mut i8))) (type $longs (array i64)) (type $vectors (array v128))
        (global $root (mut anyref) (ref.null any))
        (func $f (result i32) (i32.const 99)) (elem declare func $f)
        (func $node (param $next (ref null $node)) (param $any anyref) (result (ref $node))
            (struct.new $node (local.get $next) (i32.const -3) (i32.const -4) (i64.const -5) (f32.const 6.5)
                (f64.const 7.5) (v128.const i64x2 8 9) (local.get $any) (ref.func $f)))
        (func (export "make") (local $a (ref $node)) (local $b (ref $node)) (local $all (ref $sub))
            (local.set $a (call $node (ref.null $node) (array.new_fixed $bytes 3 (i32.const 1) (i32.const 2) (i32.const 255))))
            (local.set $b (call $node (local.get $a) (ref.i31 (i32.const -1))))
            (struct.set $node 0 (local.get $a) (local.get $b))
            (local.set $all (array.new $sub (local.get $a) (i32.const 300)))
            (array.set $sub (local.get $all) (i32.const 299) (local.get $b))
            (array.set $sub (local.get $all) (i32.const 298) (ref.null $node))
            (global.set $root (local.get $all)))
        (func $at (param i32) (result (ref null $node))
            (array.get $sub (ref.cast (ref $sub) (global.get $root)) (local.get 0)))
        (func (export "cycle") (result i32)
            (ref.eq (struct.get $node 0 (struct.get $node 0 (call $at (i32.const 0)))) (call $at (i32.const 1))))
        (func (export "different") (result i32) (ref.eq (call $at (i32.const 0)) (call $at (i32.const 299))))
        (func (export "null") (result i32) (ref.is_null (call $at (i32.const 298))))
        (func (export "fields") (result i32)
            (i32.add (struct.get_s $node 1 (call $at (i32.const 0)))
                (i32.add (struct.get_u $node 2 (call $at (i32.const 299)))
                    (i32.trunc_f64_s (f64.mul (f64.const 2) (struct.get $node 5 (call $at (i32.const 0))))))))
        (func (export "vector") (result i32)
            (i32.wrap_i64 (i64x2.extract_lane 1 (struct.get $node 6 (call $at (i32.const 0))))))
        (func (export "i31") (result i32)
            (i31.get_s (ref.cast (ref i31) (struct.get $node 7 (call $at (i32.const 299))))))
        (func (export "byte") (result i32)
            (array.get_u $bytes (ref.cast (ref $bytes) (struct.get $node 7 (call $at (i32.const 0)))) (i32.const 2)))
        (func (export "call") (result i32) (table.set (i32.const 0) (struct.get $node 8 (call $at (i32.const 0))))
            (call_indirect (result i32) (i32.const 0)))
        (table 1 funcref)))");
    ASSERT_TRUE(instance.func("make")->call());
    Restored copy = copy_of(instance);
    copy.store.collect();
    const Instance& restored = copy.instances[0];
    EXPECT_EQ(call(restored, "cycle"), 1);
    EXPECT_EQ(call(restored, "different"), 0);
    EXPECT_EQ(call(restored, "null"), 1);
    EXPECT_EQ(call(restored, "fields"), -3 + 65532 + 15);
    EXPECT_EQ(call(restored, "vector"), 9);
    EXPECT_EQ(call(restored, "i31"), -1);
    EXPECT_EQ(call(restored, "byte"), 255);
    EXPECT_EQ(call(restored, "call"), 99);
    EXPECT_EQ(copy.store.usage().heap_bytes, store.usage().heap_bytes);
}

TEST_F(SnapshotStateTest, exceptions) {
    store.set_fuel(1'000'000);
    const Instance instance = instantiate(R"((module
        (tag $e (param i32 i64)) (global $caught (mut exnref) (ref.null exn))
        (func (export "catch")
            (block $h (result exnref)
                (try_table (catch_all_ref $h) (throw $e (i32.const 3) (i64.const 4)))
                (unreachable))
            (global.set $caught))
        (func (export "again") (result i32)
            (block $h (result i32 i64)
                (try_table (catch $e $h) (throw_ref (global.get $caught)))
                (unreachable))
            (i32.wrap_i64) (i32.mul (i32.const 10)) (i32.add))))");
    ASSERT_TRUE(instance.func("catch")->call());
    EXPECT_EQ(call(copy_of(instance).instances[0], "again"), 43);
}

TEST_F(SnapshotStateTest, references_of_the_host_have_names) {
    store.set_fuel(1'000'000);
    const Instance instance = instantiate(R"((module
        (global $x (export "x") (mut externref) (ref.null extern))
        (table $t (export "t") 2 funcref) (func (export "call") (param i32) (result i32)
            (call_indirect $t (param i32) (result i32) (local.get 0) (i32.const 0)))))");
    ASSERT_TRUE(instance.global("x")->set(ExternRef::host(7)));
    const Func own = *Func::wrap(store, [](int32_t n) { return n; });
    ASSERT_TRUE(instance.table("t")->set(0, own));
    renames = true;
    const Value values[] = {ExternRef::host(8), 5, own};
    const Restored copy = copy_of(instance, values);
    EXPECT_EQ(copy.instances[0].global("x")->get().as<ExternRef>().payload(), 107u);
    EXPECT_EQ(call(copy.instances[0], "call", 1), 1001);
    ASSERT_EQ(copy.values.size(), 3u);
    EXPECT_EQ(copy.values[0].value().as<ExternRef>().payload(), 108u);
    EXPECT_EQ(copy.values[1].value().as<int32_t>(), 5);
    EXPECT_TRUE(copy.values[2].value().as<Func>());

    // Without names there is no snapshot.
    BytesSink sink;
    const Instance instances[] = {instance};
    const auto refused = save(store, {.instances = instances}, sink);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::usage);
}

TEST_F(SnapshotStateTest, a_memory_of_small_pages) {
    store.set_fuel(1'000'000);
    const Instance instance = instantiate(R"((module
        (memory (export "m") 5 20 (pagesize 1)) (data (i32.const 1) "abc")
        (func (export "grow") (drop (memory.grow (i32.const 2))) (i32.store8 (i32.const 6) (i32.const 9)))))");
    ASSERT_TRUE(instance.func("grow")->call());
    const Restored copy = copy_of(instance);
    const Memory memory = *copy.instances[0].memory("m");
    constexpr uint8_t bytes[] = {0, 'a', 'b', 'c', 0, 0, 9};
    EXPECT_TRUE(std::ranges::equal(memory.data(), bytes));
    EXPECT_TRUE(memory.grow(13));
    EXPECT_FALSE(memory.grow(1));
}

TEST_F(SnapshotStateTest, instances_that_share_objects) {
    store.set_fuel(1'000'000);
    const Module first = load(R"((module (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 5))
        (table (export "t") 3 funcref) (func (export "f") (result i32) (i32.load (i32.const 0)))))");
    const Module second = load(R"((module (import "a" "m" (memory 1)) (import "a" "g" (global $g (mut i32)))
        (import "a" "t" (table $t 3 funcref)) (import "a" "f" (func $f (result i32)))
        (func (export "write") (param i32) (i32.store (i32.const 0) (local.get 0)) (global.set $g (local.get 0))
            (table.set $t (i32.const 2) (ref.func $f)))
        (func (export "read") (result i32) (i32.add (call_indirect $t (result i32) (i32.const 2)) (global.get $g)))
        (elem declare func $f)))");
    const Instance a = *linker.instantiate(store, first);
    ASSERT_TRUE(linker.define_instance("a", a));
    const Instance b = *linker.instantiate(store, second);
    const Value args[] = {21};
    ASSERT_TRUE(b.func("write")->call(args));
    // The first one is found through the second.
    modules = {first, second};
    const Instance instances[] = {b};
    auto copy = restored(saved(store, {.instances = instances}));
    ASSERT_TRUE(copy) << copy.error().message();
    ASSERT_EQ(copy->instances.size(), 1u);
    copy->store.set_fuel(100);
    EXPECT_EQ(call(copy->instances[0], "read"), 42);
    const Value other[] = {1};
    ASSERT_TRUE(copy->instances[0].func("write")->call(other));
    EXPECT_EQ(call(copy->instances[0], "read"), 2);
    EXPECT_EQ(call(b, "read"), 42);
}

TEST_F(SnapshotStateTest, carries_modules_into_another_engine) {
    store.set_fuel(1'000'000);
    const Instance instance = instantiate(R"((module (global $g (mut i32) (i32.const 0))
        (func (export "add") (param i32) (result i32)
            (global.set $g (i32.add (global.get $g) (local.get 0))) (global.get $g))))");
    EXPECT_EQ(call(instance, "add", 5), 5);
    const Instance instances[] = {instance};
    const Bytes bytes = saved(store, {.instances = instances}, {.carry_modules = true});
    const Engine other{configuration()};
    BytesSource source{bytes, 3};
    SnapshotSource* const sources[] = {&source};
    auto copy = restore(other, sources);
    ASSERT_TRUE(copy) << copy.error().message();
    copy->store.set_fuel(100);
    EXPECT_EQ(call(copy->instances[0], "add", 6), 11);

    // An engine that lacks what the snapshot needs says so.
    Config without = configuration();
    without.fuel = false;
    BytesSource again{bytes};
    SnapshotSource* const more[] = {&again};
    const auto refused = restore(Engine{without}, more);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), ErrorCode::usage);
}

TEST_F(SnapshotStateTest, refuses_shared_memories_running_code_and_other_stores) {
    const Instance instance = instantiate("(module (memory 1 2 shared))");
    const Instance instances[] = {instance};
    BytesSink sink;
    const auto shared = save(store, {.instances = instances}, sink);
    ASSERT_FALSE(shared);
    EXPECT_NE(shared.error().message().find("shared"), std::string_view::npos);
    Store other{engine};
    EXPECT_EQ(save(other, {.instances = instances}, sink).error().code(), ErrorCode::usage);
    EXPECT_TRUE(sink.bytes.empty());

    store.set_fuel(100);
    std::optional<Error> inside;
    ASSERT_TRUE(linker.func("host", "save", [&](Caller& caller) {
        if (auto made = save(caller.store(), {}, sink); !made)
            inside = made.error();
    }));
    const Instance calling =
        instantiate(R"((module (import "host" "save" (func $s)) (func (export "f") (call $s))))");
    ASSERT_TRUE(calling.func("f")->call());
    ASSERT_TRUE(inside);
    EXPECT_EQ(inside->code(), ErrorCode::usage);
}

TEST_F(SnapshotStateTest, an_instance_whose_instantiation_trapped_is_saved_with_what_it_has_written) {
    store.set_fuel(1'000'000);
    const Instance table = instantiate(R"((module (table (export "t") 2 funcref)
        (func (export "call") (result i32) (call_indirect (result i32) (i32.const 0)))))");
    ASSERT_TRUE(linker.define_instance("a", table));
    const Module trapping = load(R"((module (import "a" "t" (table 1 funcref)) (memory 1 5)
        (data (i32.const 10) "\05") (data (i32.const 65536) "x") (data (i32.const 20) "y")
        (func $get (result i32) (drop (memory.grow (i32.const 1)))
            (i32.add (i32.load8_u (i32.const 10))
                (i32.add (i32.load8_u (i32.const 20)) (i32.load8_u (i32.const 65536)))))
        (elem (i32.const 0) $get)))");
    ASSERT_FALSE(linker.instantiate(store, trapping));
    const Instance instances[] = {table};
    for (int grown = 0; grown < 2; ++grown) {
        auto copy = restored(saved(store, {.instances = instances}, {.carry_modules = true}));
        ASSERT_TRUE(copy) << copy.error().message();
        copy->store.set_fuel(1'000'000);
        EXPECT_EQ(call(copy->instances[0], "call"), 5);
        EXPECT_EQ(call(table, "call"), 5);
    }
}

/// Counts reservations of address space.
class ReservingAllocator final : public Allocator {
public:
    void* allocate(size_t size, size_t alignment) noexcept override {
        return standard().allocate(size, alignment);
    }
    void deallocate(void* block, size_t size, size_t alignment) noexcept override {
        standard().deallocate(block, size, alignment);
    }
    void* reserve(size_t size) noexcept override {
        ++reservations;
        return Allocator::reserve(size);
    }
    int reservations = 0;
};

TEST(SnapshotState, small_memories_share_an_address_range_unless_they_have_images) {
    ReservingAllocator allocator;
    Engine own{{.allocator = &allocator}};
    Store from{own};
    const auto module = own.load(assemble("(module (memory 1) (memory 1) (data (i32.const 3) \"few\"))"));
    ASSERT_TRUE(module);
    const auto reservations = [&](const auto& make) {
        const int before = allocator.reservations;
        const auto made = make();
        EXPECT_TRUE(made);
        return allocator.reservations - before;
    };
    std::optional<Instance> first;
    EXPECT_EQ(reservations([&] { return first = *Instance::create(from, *module); }), 1);
    EXPECT_EQ(reservations([&] { return Instance::create(from, *module); }), 0);
    const Instance instances[] = {*first};
    BytesSink sink;
    ASSERT_TRUE(save(from, {.instances = instances}, sink, {.carry_modules = true}));
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(reservations([&] {
                      BytesSource source{sink.bytes};
                      SnapshotSource* const sources[] = {&source};
                      return restore(own, sources);
                  }),
                  0)
            << i;
}

TEST_F(SnapshotStateTest, limits_of_the_new_store_count) {
    store.set_fuel(1'000'000);
    const Instance instance = instantiate(R"((module (memory 3) (table 100 externref)
        (type $a (array i64)) (global (ref $a) (array.new $a (i64.const 1) (i32.const 1000)))))");
    const Instance instances[] = {instance};
    modules = {instance.module()};
    const Bytes bytes = saved(store, {.instances = instances});
    const auto refusal = [&](const StoreLimits& limits) {
        BytesSource source{bytes};
        SnapshotSource* const sources[] = {&source};
        RestoreOptions with = options();
        with.limits = limits;
        const auto made = restore(engine, sources, with);
        return made ? std::optional<ErrorCode>{} : std::optional{made.error().code()};
    };
    EXPECT_EQ(refusal({}), std::nullopt);
    EXPECT_EQ(refusal({.memory_bytes = 2 << 16}), ErrorCode::limit);
    EXPECT_EQ(refusal({.table_elements = 99}), ErrorCode::limit);
    EXPECT_EQ(refusal({.heap_bytes = 8000}), ErrorCode::limit);
    EXPECT_EQ(refusal({.instances = 0}), ErrorCode::limit);
}

} // namespace
} // namespace warpbeam
