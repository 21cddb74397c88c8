#include "fixture.hpp"

namespace warpbeam {
namespace {

Config with_fuel() {
    Config config;
    config.features = FeatureSet::all();
    config.fuel = true;
    return config;
}

class BulkFuelTest : public VmTest {
protected:
    BulkFuelTest() : VmTest{with_fuel()} {}

    /// Calls `name` with so much fuel, and tells what its trap is, and that there is no fuel left.
    void runs_out(const Instance& instance, const char* name, uint64_t fuel) {
        SCOPED_TRACE(name);
        store.set_fuel(fuel);
        EXPECT_EQ(trap_of(instance, name), "out of fuel");
        EXPECT_EQ(store.fuel(), 0u);
    }
    /// Calls `name` with more fuel than it needs, and returns how much it took.
    uint64_t taken(const Instance& instance, const char* name) {
        constexpr uint64_t plenty = 1'000'000'000;
        store.set_fuel(plenty);
        const auto called = instance.func(name)->call();
        EXPECT_TRUE(called) << name << ": " << (called ? "" : called.error().message());
        return plenty - store.fuel();
    }
};

// 1 for the call, and 1 for each 64 bytes.
constexpr uint64_t mebibyte = 1 + (1u << 20) / 64;

TEST_F(BulkFuelTest, instructions_on_bytes_take_it_by_the_bytes) {
    const Instance instance = instantiate(R"((module (memory $m 64) (memory $n 64)
        (data $d ")" + std::string(6400, 'x') +
                                          R"(")
        (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 1048576)))
        (func (export "copy") (memory.copy (i32.const 0) (i32.const 64) (i32.const 1048576)))
        (func (export "copy_up") (memory.copy (i32.const 64) (i32.const 0) (i32.const 1048576)))
        (func (export "other") (memory.copy $n $m (i32.const 0) (i32.const 64) (i32.const 1048576)))
        (func (export "init") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 6400)))
        (func (export "small") (memory.fill (i32.const 0) (i32.const 1) (i32.const 63)))
        (func (export "none") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0)))))");
    for (const char* const name : {"fill", "copy", "copy_up", "other"}) {
        EXPECT_EQ(taken(instance, name), mebibyte) << name;
        runs_out(instance, name, 20);
        runs_out(instance, name, mebibyte - 1);
    }
    EXPECT_EQ(taken(instance, "init"), 101u);
    runs_out(instance, "init", 100);
    EXPECT_EQ(taken(instance, "small"), 2u) << "a part of a unit is taken, too";
    EXPECT_EQ(taken(instance, "none"), 1u);
}

TEST_F(BulkFuelTest, bytes_are_written_as_far_as_it_lasts) {
    const Instance instance = instantiate(R"((module (memory (export "m") 1)
        (func (export "fill") (memory.fill (i32.const 100) (i32.const 7) (i32.const 10000)))
        (func (export "up") (memory.copy (i32.const 200) (i32.const 100) (i32.const 10000)))
        (func (export "down") (memory.copy (i32.const 100) (i32.const 200) (i32.const 10000)))))");
    Memory memory = *instance.memory("m");
    const auto bytes = [&] { return std::vector<uint8_t>(memory.data().begin(), memory.data().end()); };
    const auto start = [&] {
        for (size_t i = 0; i < memory.size(); ++i)
            memory.data()[i] = static_cast<uint8_t>(i * 31 >> 3);
        return bytes();
    };
    // What fuel of 4 is enough for, when the call takes 1.
    constexpr size_t part = 3 * 64;
    const auto move = [](std::vector<uint8_t>& all, size_t to, size_t from) {
        const std::vector<uint8_t> before = all;
        for (size_t i = 0; i < part; ++i)
            all.at(to + i) = before.at(from + i);
    };
    std::vector<uint8_t> expected = start();
    for (size_t i = 0; i < part; ++i)
        expected.at(100 + i) = 7;
    runs_out(instance, "fill", 4);
    EXPECT_EQ(bytes(), expected);

    // What overlaps is copied from its end.
    expected = start();
    move(expected, 200 + 10000 - part, 100 + 10000 - part);
    runs_out(instance, "up", 4);
    EXPECT_EQ(bytes(), expected);

    expected = start();
    move(expected, 100, 200);
    runs_out(instance, "down", 4);
    EXPECT_EQ(bytes(), expected);
}

TEST_F(BulkFuelTest, a_memory_that_grows_takes_it_up_to_its_maximum) {
    constexpr std::string_view growing = R"((module
        (memory $m 1 4) (memory $big i64 1 (pagesize 1))
        (func (export "one") (drop (memory.grow $m (i32.const 1))))
        (func (export "two") (drop (memory.grow $m (i32.const 2))))
        (func (export "three") (drop (memory.grow $m (i32.const 3))))
        (func (export "four") (drop (memory.grow $m (i32.const 4))))
        (func (export "huge") (drop (memory.grow $big (i64.const 0x3fffffffffffffff))))
        (func (export "larger") (drop (memory.grow $big (i64.const 0x4000000000000000))))))";
    constexpr uint64_t page = 65536 / 64;
    store = Store{engine, {.memory_bytes = 64 << 20}}; // no allocator is asked for what is huge
    const auto of = [&](const char* name) { return taken(instantiate(growing), name); };
    EXPECT_EQ(of("one"), 1 + page);
    EXPECT_EQ(of("two"), 1 + 2 * page);
    EXPECT_EQ(of("three"), 1 + 3 * page);
    EXPECT_EQ(of("four"), 1u) << "which is refused";
    // What no machine has room for is refused, too; what is just below that has its price.
    EXPECT_EQ(of("larger"), 1u);
    store.set_fuel(1000);
    EXPECT_EQ(trap_of(instantiate(growing), "huge"), "out of fuel");
}

TEST_F(BulkFuelTest, out_of_bounds_comes_before_out_of_fuel) {
    const Instance instance = instantiate(R"((module (memory 1)
        (func (export "fill") (memory.fill (i32.const 100) (i32.const 7) (i32.const 65536)))))");
    store.set_fuel(2);
    EXPECT_EQ(trap_of(instance, "fill"), "out of bounds memory access: 65536 bytes at 100, memory has 65536");
    EXPECT_EQ(store.fuel(), 1u);
}

TEST_F(BulkFuelTest, instructions_on_elements_take_it_by_their_bytes) {
    store.set_fuel(1000); // for the arrays in globals
    const Instance instance = instantiate(R"((module (table $t 10000 funcref) (table $u 10000 funcref)
        (type $bytes (array (mut i8))) (type $longs (array (mut i64))) (type $refs (array (mut funcref)))
        (global $b (ref $bytes) (array.new_default $bytes (i32.const 6400)))
        (global $l (ref $longs) (array.new_default $longs (i32.const 800)))
        (global $r (ref $refs) (array.new_default $refs (i32.const 800)))
        (func $f) (elem $e func )" +
                                          [] {
                                              std::string all;
                                              for (int i = 0; i < 800; ++i)
                                                  all += "$f ";
                                              return all;
                                          }() +
                                          R"() (data $d ")" + std::string(6400, 'x') + R"(")
        (func (export "table.fill") (table.fill $t (i32.const 0) (ref.null func) (i32.const 800)))
        (func (export "table.copy") (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 800)))
        (func (export "table.copy up") (table.copy $u $u (i32.const 1) (i32.const 0) (i32.const 800)))
        (func (export "table.init") (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 800)))
        (func (export "array.fill") (array.fill $bytes (global.get $b) (i32.const 0) (i32.const 1) (i32.const 6400)))
        (func (export "array.copy") (array.copy $longs $longs (global.get $l) (i32.const 0) (global.get $l)
            (i32.const 0) (i32.const 800)))
        (func (export "array.init_data") (array.init_data $longs $d (global.get $l) (i32.const 0) (i32.const 0)
            (i32.const 800)))
        (func (export "array.init_elem") (array.init_elem $refs $e (global.get $r) (i32.const 0) (i32.const 0)
            (i32.const 800)))))");
    for (const char* const name : {"table.fill", "table.copy", "table.copy up", "table.init", "array.fill",
                                   "array.copy", "array.init_data", "array.init_elem"}) {
        EXPECT_EQ(taken(instance, name), 101u) << name;
        runs_out(instance, name, 100);
        runs_out(instance, name, 2);
    }
}

TEST_F(BulkFuelTest, what_is_not_done_in_parts_is_not_begun_without_enough) {
    const Instance instance = instantiate(R"((module (table $t 0 funcref) (type $a (array i64))
        (func (export "grow") (drop (table.grow $t (ref.null func) (i32.const 8000))))
        (func (export "refused") (drop (table.grow $t (ref.null func) (i32.const -1))))
        (func $nothing)
        (func (export "new") (drop (array.new_default $a (i32.const 8000))) (call $nothing))))");
    EXPECT_EQ(taken(instance, "grow"), 1001u);
    const auto stops = [&](const char* name) {
        store.set_fuel(1000);
        EXPECT_EQ(instance.func(name)->call().error().code(), TrapCode::out_of_fuel) << name;
        EXPECT_EQ(store.fuel(), 999u) << name << ": the entry of the function took one";
    };
    stops("grow");
    stops("new");
    EXPECT_EQ(taken(instance, "refused"), 1u) << "nothing was touched";
    EXPECT_EQ(taken(instance, "new"), 1003u) << "it has a head of 16 bytes";
}

TEST_F(BulkFuelTest, growing_a_memory_takes_it_by_the_bytes_that_are_added) {
    const Instance instance =
        instantiate(R"((module (memory $m (export "m") 1 5) (memory $small 0 8000 (pagesize 1))
        (memory $long i64 0)
        (func (export "grow") (drop (memory.grow $m (i32.const 2))))
        (func (export "small") (drop (memory.grow $small (i32.const 640))))
        (func (export "none") (drop (memory.grow $m (i32.const 0))))
        (func (export "refused") (drop (memory.grow $m (i32.const 5))))
        (func (export "huge") (drop (memory.grow $long (i64.const 0xffffffffffff))))))");
    store.set_fuel(2000);
    EXPECT_EQ(instance.func("grow")->call().error().code(), TrapCode::out_of_fuel);
    EXPECT_EQ(store.fuel(), 1999u) << "nothing is done";
    EXPECT_EQ(instance.memory("m")->size(), 65536u);
    EXPECT_EQ(taken(instance, "grow"), 1u + 2 * 1024);
    EXPECT_EQ(taken(instance, "small"), 11u);
    EXPECT_EQ(taken(instance, "none"), 1u);
    EXPECT_EQ(taken(instance, "refused"), 1u);
    EXPECT_EQ(taken(instance, "huge"), 1u) << "no machine has room for that";
}

TEST_F(BulkFuelTest, is_taken_by_constant_expressions) {
    const Module module = load(R"((module (type $a (array i64))
        (global (ref $a) (array.new $a (i64.const 1) (i32.const 8000)))))");
    store.set_fuel(999);
    const auto refused = Instance::create(store, module);
    ASSERT_FALSE(refused);
    ASSERT_TRUE(refused.error().trap());
    EXPECT_EQ(refused.error().trap()->code(), TrapCode::out_of_fuel);
    EXPECT_EQ(store.fuel(), 999u);
    store.set_fuel(2000);
    EXPECT_TRUE(Instance::create(store, module));
    EXPECT_EQ(store.fuel(), 999u);
}

TEST(BulkFuel, is_not_counted_unless_asked_for) {
    Engine engine;
    Store store{engine};
    store.set_fuel(5);
    EXPECT_EQ(store.fuel(), 0u);
    const auto module = engine.load(assemble(R"((module (memory 64) (func (export "f")
        (memory.fill (i32.const 0) (i32.const 1) (i32.const 4194304)))))"));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    EXPECT_TRUE(instance->func("f")->call());
}

} // namespace
} // namespace warpbeam
