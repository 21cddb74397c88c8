#include "fixture.hpp"

#include <warpbeam/vm/memory_view.hpp>

namespace warpbeam {
namespace {

class InstanceTest : public VmTest {};

TEST_F(InstanceTest, finds_its_exports_by_name_and_kind) {
    const Instance instance = instantiate(R"((module
        (func (export "f")) (table (export "t") 1 funcref) (memory (export "m") 1)
        (global (export "g") i32 (i32.const 3)) (tag (export "e") (param i64))))");
    EXPECT_TRUE(instance.func("f"));
    EXPECT_EQ(instance.table("t")->size(), 1u);
    EXPECT_EQ(instance.memory("m")->pages(), 1u);
    EXPECT_EQ(instance.global("g")->get().as<int32_t>(), 3);
    EXPECT_EQ(instance.tag("e")->params()[0], ValType::i64);
    EXPECT_EQ(instance.func("x").error().message(), "no export named `x`");
    EXPECT_EQ(instance.func("t").error().message(), "the export `t` is not a function");
    EXPECT_EQ(instance.memory("f").error().message(), "the export `f` is not a memory");
    EXPECT_FALSE(instance.find_export(""));
    ASSERT_EQ(instance.module().exports().size(), 5u);
    EXPECT_EQ(kind_of(instance.get(instance.module().exports()[2])), ExternKind::memory);
    EXPECT_EQ(instance.store(), &store);
}

TEST_F(InstanceTest, evaluates_constant_expressions) {
    const Instance instance = instantiate(R"((module
        (global $a (export "a") i32 (i32.add (i32.const -1) (i32.mul (i32.const 0x40000000) (i32.const 4))))
        (global $b (export "b") i32 (i32.sub (global.get $a) (i32.const 1)))
        (global (export "c") i64 (i64.sub (i64.mul (i64.const 3) (i64.const -5)) (i64.add (i64.const 1) (i64.const 2))))
        (global (export "d") f32 (f32.const -0x1p-149))
        (global (export "e") f64 (f64.const 1.5))
        (global (export "f") funcref (ref.func $f))
        (global (export "n") externref (ref.null extern))
        (global (export "i") i31ref (ref.i31 (i32.const -1)))
        (global $v (export "v") v128 (v128.const i64x2 1 2))
        (global (export "w") v128 (global.get $v))
        (func $f (export "func"))))");
    const auto value = [&](std::string_view name) { return instance.global(name)->get(); };
    EXPECT_EQ(value("a").as<int32_t>(), -1);
    EXPECT_EQ(value("b").as<int32_t>(), -2);
    EXPECT_EQ(value("c").as<int64_t>(), -18);
    EXPECT_EQ(value("d").as<float>(), -0x1p-149f);
    EXPECT_EQ(value("e").as<double>(), 1.5);
    EXPECT_EQ(value("f").as<Func>(), *instance.func("func"));
    EXPECT_TRUE(value("n").is_null());
    EXPECT_EQ(value("i").i31_bits(), 0x7fff'ffffu);
    EXPECT_EQ(value("w").as<V128>().bytes[8], 2);
}

TEST_F(InstanceTest, initialises_tables) {
    const Instance instance = instantiate(R"((module
        (type $i (func (result i32)))
        (func $f (result i32) (i32.const 1))
        (func $g (result i32) (i32.const 2))
        (table (export "t") 4 (ref $i) (ref.func $f))
        (elem (i32.const 1) (ref $i) (ref.func $g) (item (ref.func $g)))
        (elem (offset (i32.const 3)) (ref $i))))");
    const Table table = *instance.table("t");
    const auto call = [&](uint64_t i) { return *(*table.get(i)->as<Func>().typed<int32_t()>())(); };
    EXPECT_EQ(call(0), 1);
    EXPECT_EQ(call(1), 2);
    EXPECT_EQ(call(2), 2);
    EXPECT_EQ(call(3), 1);
}

TEST_F(InstanceTest, applies_data_segments_in_order) {
    const Instance instance = instantiate(R"((module
        (memory (export "m") 1)
        (global $at i32 (i32.const 2))
        (data (i32.const 0) "abcdef") (data (global.get $at) "XY") (data "passive") (data (i32.const 65536) "")))");
    const auto bytes = *MemoryView{*instance.memory("m")}.at(0, 6);
    EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "abXYef");
}

TEST_F(InstanceTest, each_memory_has_its_own_data) {
    const auto data = [](int memory, char letter, size_t size) {
        return "(data (memory " + std::to_string(memory) + ") (i32.const 5) \"" + std::string(size, letter) +
               "\")";
    };
    // Without data for the imported one, instances share the pages of the others.
    for (const auto& [size, has_data] : {std::pair{100u, true}, {50'000u, true}, {50'000u, false}}) {
        const Memory imported = *Memory::create(store, {.limits = {.min = 1}});
        Linker own{engine};
        ASSERT_TRUE(own.define("m", "m", imported));
        const auto module =
            load("(module (import \"m\" \"m\" (memory 1)) (memory (export \"a\") 1)"
                 "(memory (export \"b\") 1) (memory (export \"c\") 1)" +
                 (has_data ? data(0, 'i', size) : "") + data(1, 'a', size) + data(3, 'c', size) + ")");
        for (int round = 0; round < 2; ++round) {
            const auto instance = own.instantiate(store, module);
            ASSERT_TRUE(instance);
            const auto holds = [&](const Memory& memory, char letter, size_t count) {
                const auto bytes = memory.data();
                EXPECT_EQ(static_cast<size_t>(std::ranges::count(bytes, static_cast<uint8_t>(letter))),
                          count);
                EXPECT_EQ(static_cast<size_t>(std::ranges::count(bytes, 0)), bytes.size() - count);
                if (count != 0) {
                    EXPECT_EQ(bytes[5], letter);
                    bytes[5] = 0; // the next instance has its own
                }
            };
            holds(*instance->memory("a"), 'a', size);
            holds(*instance->memory("b"), 'b', 0);
            holds(*instance->memory("c"), 'c', size);
            holds(imported, 'i', has_data ? size : 0);
        }
    }
}

class EagerInstanceTest : public VmTest {
protected:
    EagerInstanceTest() : VmTest{{.features = FeatureSet::all(), .collect_always = true}} {}
};

TEST_F(EagerInstanceTest, objects_of_segments_live_while_the_others_are_made) {
    const Instance instance = instantiate(R"((module
        (type $box (struct (field i32)))
        (table $t 9 (ref null $box))
        (elem $a (ref null $box) (item (struct.new $box (i32.const 1))) (item (struct.new $box (i32.const 2))))
        (elem $b (ref null $box) (item (struct.new $box (i32.const 3))) (item (struct.new $box (i32.const 4))))
        (elem $c (ref null $box) (item (struct.new $box (i32.const 5))) (item (struct.new $box (i32.const 6))))
        (func $get (param i32) (result i32) (struct.get $box 0 (table.get $t (local.get 0))))
        (func (export "all") (result i32)
            (table.init $t $a (i32.const 0) (i32.const 0) (i32.const 2))
            (table.init $t $b (i32.const 2) (i32.const 0) (i32.const 2))
            (table.init $t $c (i32.const 4) (i32.const 0) (i32.const 2))
            (i32.add (i32.add (call $get (i32.const 0)) (i32.mul (call $get (i32.const 1)) (i32.const 10)))
                (i32.add
                    (i32.add (i32.mul (call $get (i32.const 2)) (i32.const 100))
                             (i32.mul (call $get (i32.const 3)) (i32.const 1000)))
                    (i32.add (i32.mul (call $get (i32.const 4)) (i32.const 10000))
                             (i32.mul (call $get (i32.const 5)) (i32.const 100000))))))))");
    EXPECT_EQ(value_of(instance, "all"), 654321);
}

TEST_F(InstanceTest, keeps_the_effects_of_segments_before_the_one_that_traps) {
    const auto memory = Memory::create(store, {.limits = {.min = 1}});
    const auto table = Table::create(store, {funcref, {.min = 2}}, Func{});
    ASSERT_TRUE(linker.define("env", "m", *memory));
    ASSERT_TRUE(linker.define("env", "t", *table));
    const auto instance = linker.instantiate(store, load(R"((module
        (import "env" "m" (memory 1)) (import "env" "t" (table 2 funcref))
        (func $f (result i32) (i32.load8_u (i32.const 0)))
        (elem (i32.const 1) $f)
        (data (i32.const 0) "A") (data (i32.const 65535) "BC") (data (i32.const 1) "D")))"));
    ASSERT_FALSE(instance);
    ASSERT_NE(instance.error().trap(), nullptr);
    EXPECT_FALSE(instance.error().code());
    EXPECT_EQ(instance.error().trap()->code(), TrapCode::memory_out_of_bounds);
    EXPECT_EQ(
        instance.error().message(),
        "out of bounds memory access: data segment 1 writes 2 bytes at 65535, but the memory has 65536");
    EXPECT_EQ(MemoryView{*memory}.read<char>(0), 'A');
    EXPECT_EQ(MemoryView{*memory}.read<char>(1), '\0');
    EXPECT_EQ(MemoryView{*memory}.read<char>(65535), '\0') << "a segment that does not fit writes nothing";
    EXPECT_EQ((*table->get(1)->as<Func>().typed<int32_t()>())(), 'A') << "its function lives on";
}

TEST_F(InstanceTest, traps_when_elements_do_not_fit) {
    EXPECT_EQ(refusal(R"((module (table 1 funcref) (func $f) (elem (i32.const 0) $f $f)))"),
              "out of bounds table access: element segment 0 writes 2 elements at 0, but the table has 1");
    EXPECT_EQ(refusal(R"((module (table i64 1 funcref) (func $f) (elem (i64.const -1) $f)))"),
              "out of bounds table access: element segment 0 writes 1 element at 18446744073709551615, but "
              "the table has 1");
}

TEST_F(InstanceTest, drops_active_and_declared_segments) {
    const Instance instance = instantiate(R"((module
        (memory 1) (table 4 funcref) (func $f)
        (data $d (i32.const 0) "x") (elem $e (i32.const 0) $f) (elem $r declare func $f) (elem $p func $f)
        (func (export "data") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))
        (func (export "elem") (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))
        (func (export "declared") (table.init $r (i32.const 0) (i32.const 0) (i32.const 1)))
        (func (export "passive") (table.init $p (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $p))))");
    EXPECT_NE(trap_of(instance, "data"), "");
    EXPECT_NE(trap_of(instance, "elem"), "");
    EXPECT_NE(trap_of(instance, "declared"), "");
    EXPECT_EQ(trap_of(instance, "passive"), "");
    EXPECT_NE(trap_of(instance, "passive"), "");
}

TEST_F(InstanceTest, runs_the_start_function) {
    const Instance instance = instantiate(R"((module
        (global $g (export "g") (mut i32) (i32.const 1))
        (func $start (global.set $g (i32.const 9)))
        (start $start)))");
    EXPECT_EQ(instance.global("g")->get().as<int32_t>(), 9);
    const auto failed = Instance::create(store, load(R"((module $m (func $s (unreachable)) (start $s)))"));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message(), "unreachable");
    ASSERT_EQ(failed.error().trap()->backtrace().size(), 1u);
    EXPECT_EQ(failed.error().trap()->backtrace()[0].func_name(), "s");
}

TEST_F(InstanceTest, shares_code_but_not_state) {
    const Module module = load(R"((module
        (global $g (mut i32) (i32.const 0))
        (func (export "next") (result i32)
            (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))))");
    const auto a = Instance::create(store, module);
    const auto b = Instance::create(store, module);
    EXPECT_EQ(value_of(*a, "next"), 1);
    EXPECT_EQ(value_of(*a, "next"), 2);
    EXPECT_EQ(value_of(*b, "next"), 1);
}

TEST_F(InstanceTest, calls_other_instances_with_their_own_memory) {
    const Instance a = instantiate(R"((module
        (memory 1) (data (i32.const 0) "\07")
        (func (export "read") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "grow") (drop (memory.grow (i32.const 1))))))");
    ASSERT_TRUE(linker.define_instance("a", a));
    const Instance b = instantiate(R"((module
        (import "a" "read" (func $read (param i32) (result i32))) (import "a" "grow" (func $grow))
        (memory 1) (data (i32.const 0) "\05")
        (func (export "run") (result i32)
            (call $grow)
            (i32.add (i32.mul (i32.load8_u (i32.const 0)) (i32.const 10)) (call $read (i32.const 0))))
        (func (export "tail") (result i32) (return_call $read (i32.const 0)))
        (func (export "through") (result i32)
            (i32.add (call $read (i32.const 0)) (i32.load8_u (i32.const 0))))))");
    EXPECT_EQ(value_of(b, "run"), 57);
    EXPECT_EQ(value_of(b, "tail"), 7);
    EXPECT_EQ(value_of(b, "through"), 12);
}

TEST_F(InstanceTest, takes_imports_in_order) {
    const Module module = load(R"((module
        (import "x" "f" (func $f (result i32))) (import "y" "g" (global $g i32))
        (func (export "sum") (result i32) (i32.add (call $f) (global.get $g)))))");
    const auto func = Func::wrap(store, []() -> int32_t { return 40; });
    const auto global = Global::create(store, {ValType::i32, false}, 2);
    const Extern imports[] = {*func, *global};
    const auto instance = Instance::create(store, module, imports);
    ASSERT_TRUE(instance) << instance.error().message();
    EXPECT_EQ(value_of(*instance, "sum"), 42);
    const auto few = Instance::create(store, module, std::span{imports}.first(1));
    ASSERT_FALSE(few);
    EXPECT_EQ(few.error().message(), "unknown import y.g: global i32");
    const Extern null[] = {Func{}, *global};
    EXPECT_EQ(Instance::create(store, module, null).error().code(), ErrorCode::usage);
}

TEST_F(InstanceTest, is_refused_with_objects_of_another_store_or_engine) {
    Store other{engine};
    const auto global = Global::create(other, {ValType::i32, false}, 2);
    const Extern imports[] = {*global};
    const auto instance = Instance::create(store, load(R"((module (import "y" "g" (global i32))))"), imports);
    ASSERT_FALSE(instance);
    EXPECT_EQ(instance.error().code(), ErrorCode::usage);
    EXPECT_EQ(instance.error().message(),
              "the import y.g was given an empty handle, or an object that belongs to another store");
    Engine stranger;
    const auto bytes = assemble("(module)");
    const auto module = stranger.load(bytes);
    const auto foreign = Instance::create(store, *module);
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().message(),
              "the store, the linker and the module do not all belong to the same engine");
}

TEST_F(InstanceTest, obeys_the_limits_of_its_store) {
    Store small{engine, {.memory_bytes = 65536, .table_elements = 5, .instances = 1}};
    EXPECT_EQ(Instance::create(small, load("(module (memory 1) (memory 1))")).error().code(),
              ErrorCode::limit);
    EXPECT_EQ(small.usage().memory_bytes, 0u) << "what a failed instantiation took is returned";
    EXPECT_EQ(Instance::create(small, load("(module (table 6 funcref))")).error().code(), ErrorCode::limit);
    EXPECT_TRUE(Instance::create(small, load("(module (memory 1) (table 5 funcref))")));
    const auto second = Instance::create(small, load("(module)"));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message(), "store instance limit reached (1)");
}

} // namespace
} // namespace warpbeam
