#include "fixture.hpp"

#include <warpbeam/memory/memory_image.hpp>
#include <warpbeam/vm/memory_view.hpp>

#include <fstream>
#include <vector>

/// Instance::reset, with and without an image of the data segments.

namespace warpbeam {
namespace {

class Reset : public VmTest {
protected:
    int32_t call(Instance instance, std::string_view name, int32_t argument = 0) {
        const auto result = (*instance.func<int32_t(int32_t)>(name))(argument);
        return result ? *result : -1000;
    }
};

constexpr std::string_view everything = R"((module
    (import "env" "shared" (global $outer (mut i32)))
    (import "env" "table" (table $theirs 4 funcref))
    (import "env" "memory" (memory $theirs 1))
    (memory $m (export "m") 1 10) (export "theirs" (memory $theirs))
    (table $t (export "t") 3 20 funcref)
    (global $g (export "g") (mut i32) (i32.const 5)) (global $r (mut funcref) (ref.func $one))
    (data $d (memory $m) (i32.const 8) "first") (data $p "passive") (data (memory $theirs) (i32.const 0) "x")
    (elem (table $t) (i32.const 1) func $one $two) (elem $e funcref (ref.func $one) (ref.func $two))
    (elem (table $theirs) (i32.const 0) func $two)
    (func $start (global.set $g (i32.const 77)) (i32.store8 $m (i32.const 0) (i32.const 3)))
    (start $start)
    (func $one (param i32) (result i32) (i32.const 1))
    (func $two (param i32) (result i32) (i32.const 2))
    (func (export "spoil") (param i32) (result i32)
        (global.set $g (i32.const 6)) (global.set $outer (i32.const 6)) (global.set $r (ref.null func))
        (drop (memory.grow $m (i32.const 3)))
        (memory.fill $m (i32.const 0) (i32.const 255) (i32.const 200000))
        (memory.fill $theirs (i32.const 0) (i32.const 255) (i32.const 10))
        (drop (table.grow $t (ref.func $two) (i32.const 9)))
        (table.fill $t (i32.const 0) (ref.null func) (i32.const 3))
        (table.fill $theirs (i32.const 0) (ref.null func) (i32.const 4))
        (data.drop $p) (elem.drop $e) (i32.const 0))
    (func (export "byte") (param i32) (result i32) (i32.load8_u $m (local.get 0)))
    (func (export "global") (param i32) (result i32) (global.get $g))
    (func (export "kept") (param i32) (result i32) (ref.is_null (global.get $r)))
    (func (export "table_size") (param i32) (result i32) (table.size $t))
    (func (export "memory_size") (param i32) (result i32) (memory.size $m))
    (func (export "element") (param i32) (result i32)
        (call_indirect $t (param i32) (result i32) (i32.const 0) (local.get 0)))
    (func (export "segments") (param i32) (result i32)
        (memory.init $m $p (i32.const 100) (i32.const 0) (i32.const 7))
        (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
        (i32.load8_u $m (i32.const 100)))))";

TEST_F(Reset, brings_back_what_belongs_to_the_instance) {
    auto outer = Global::create(store, {ValType::i32, true}, 4);
    auto table = Table::create(store, {funcref, {.min = 4}}, Func{});
    auto memory = Memory::create(store, {.limits = {.min = 1}});
    ASSERT_TRUE(linker.define("env", "shared", *outer) && linker.define("env", "table", *table) &&
                linker.define("env", "memory", *memory));
    const Instance instance = instantiate(everything);
    EXPECT_EQ(call(instance, "global"), 77);
    EXPECT_EQ(call(instance, "byte", 0), 3);
    const Func before = *instance.func("element");
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(call(instance, "spoil"), 0);
        EXPECT_EQ(call(instance, "memory_size"), 4);
        EXPECT_EQ(store.usage().memory_bytes, 5u * 65536);
        EXPECT_EQ(store.usage().table_elements, 16u);
        ASSERT_TRUE(instance.reset());
        EXPECT_EQ(store.usage().memory_bytes, 2u * 65536);
        EXPECT_EQ(store.usage().table_elements, 7u);
        EXPECT_EQ(call(instance, "global"), 5) << "the start function does not run";
        EXPECT_EQ(call(instance, "byte", 0), 0);
        EXPECT_EQ(call(instance, "byte", 8), 'f');
        EXPECT_EQ(call(instance, "byte", 12), 't');
        EXPECT_EQ(call(instance, "byte", 13), 0);
        EXPECT_EQ(call(instance, "byte", 65536), -1000);
        EXPECT_EQ(call(instance, "kept"), 0);
        EXPECT_EQ(call(instance, "table_size"), 3);
        EXPECT_EQ(call(instance, "memory_size"), 1);
        EXPECT_EQ(call(instance, "element", 0), -1000);
        EXPECT_EQ(call(instance, "element", 2), 2);
        EXPECT_EQ(call(instance, "segments"), 'p');
        EXPECT_EQ(call(instance, "element", 0), 1);
        EXPECT_EQ(MemoryView{*instance.memory("theirs")}.read<uint8_t>(0), 255) << "imports are not touched";
        EXPECT_TRUE(table->get(0)->as<Func>().is_null());
        EXPECT_EQ(outer->get().as<int32_t>(), 6);
    }
    EXPECT_TRUE(before == *instance.func("element"));
}

std::string big(size_t size, char letter) { return std::string(size, letter); }

TEST_F(Reset, shares_large_data_between_instances) {
    const auto module =
        load("(module (memory (export \"m\") 8) (data (i32.const 5000) \"" + big(200'000, 'a') +
             "\") (data (i32.const 100000) \"" + big(150'000, 'b') + "\"))");
    std::vector<Memory> memories;
    std::vector<Instance> instances;
    for (int i = 0; i < 4; ++i) {
        const auto instance = linker.instantiate(store, module);
        ASSERT_TRUE(instance);
        instances.push_back(*instance);
        memories.push_back(*instance->memory("m"));
    }
    const auto intact = [](Memory memory) {
        return MemoryView{memory}.read<char>(4999) == '\0' && MemoryView{memory}.read<char>(5000) == 'a' &&
               MemoryView{memory}.read<char>(99'999) == 'a' &&
               MemoryView{memory}.read<char>(100'000) == 'b' &&
               MemoryView{memory}.read<char>(249'999) == 'b' &&
               MemoryView{memory}.read<char>(250'000) == '\0' &&
               MemoryView{memory}.read<char>(500'000) == '\0';
    };
    for (int round = 0; round < 2; ++round)
        for (size_t i = 0; i < memories.size(); ++i) {
            for (const Memory memory : memories)
                EXPECT_TRUE(intact(memory));
            for (const uint64_t address : {4999u, 5000u, 100'000u, 500'000u})
                EXPECT_TRUE(MemoryView{memories[i]}.write<char>(address, 'z'));
            EXPECT_FALSE(intact(memories[i]));
            ASSERT_TRUE(instances[i].reset());
        }
}

#ifdef __linux__
/// How many bytes of images are mapped in this process.
uint64_t mapped_images() {
    std::ifstream maps("/proc/self/maps");
    uint64_t bytes = 0;
    for (std::string line; std::getline(maps, line);)
        if (line.find("warpbeam image") != std::string::npos) {
            size_t end = 0;
            const uint64_t first = std::stoull(line, &end, 16);
            bytes += std::stoull(line.substr(end + 1), nullptr, 16) - first;
        }
    return bytes;
}

TEST_F(Reset, shares_only_what_is_close_together) {
    const uint8_t byte[] = {1};
    const MemoryImage::Piece piece[] = {{0, byte}};
    if (!MemoryImage::create(piece) || !std::ifstream("/proc/self/maps"))
        GTEST_SKIP() << "no images here, or they can't be seen";
    const auto image_of = [&](std::string_view wat) {
        Store own{engine};
        Linker imports{engine};
        EXPECT_TRUE(imports.define("m", "m", *Memory::create(own, {.limits = {.min = 1}})));
        const auto module = load(wat);
        EXPECT_TRUE(imports.instantiate(own, module));
        const auto second = imports.instantiate(own, module);
        EXPECT_TRUE(second && MemoryView{*second->memory("m")}.read<char>(70'000) == 'a');
        return mapped_images();
    };
    const std::string data = "(data (i32.const 70000) \"" + big(100'000, 'a') + "\")";
    const std::string memory = "(memory (export \"m\") 200) ";
    const uint64_t near = image_of("(module " + memory + data + "(data (i32.const 200000) \"b\"))");
    EXPECT_GE(near, 100'000u);
    EXPECT_LE(near, 200'000u) << "from the first byte to the last";
    EXPECT_EQ(image_of("(module " + memory + data + "(data (i32.const 10000000) \"b\"))"), 0u);
    EXPECT_EQ(image_of("(module " + memory + data + "(data (i32.const 0) \"b\"))"), 172'032u);
    // What is worth while, and at most twice as large as what it holds, to the byte.
    const auto only = [&](size_t size) { return "(data (i32.const 70000) \"" + big(size, 'a') + "\")"; };
    EXPECT_GT(image_of("(module " + memory + only(16 * 1024) + ")"), 0u);
    EXPECT_EQ(image_of("(module " + memory + only(16 * 1024 - 1) + ")"), 0u);
    EXPECT_GT(image_of("(module " + memory + data + "(data (i32.const 270002) \"b\"))"), 0u);
    EXPECT_EQ(image_of("(module " + memory + data + "(data (i32.const 270003) \"b\"))"), 0u);
    // Of a second memory, and beside memories of others.
    const std::string second = "(data (memory 1) (i32.const 70000) \"" + big(100'000, 'a') + "\")";
    EXPECT_GT(image_of("(module (memory 1)" + memory + second + ")"), 0u);
    EXPECT_GT(image_of("(module (import \"m\" \"m\" (memory 1))" + memory + second + ")"), 0u);
}

TEST_F(Reset, shares_data_at_computed_places) {
    const auto shares = [&](std::string_view globals, std::string_view offset, char first) {
        Store own{engine};
        const auto module = load("(module (memory (export \"m\") 8) " + std::string{globals} + "(data " +
                                 std::string{offset} + " \"" + big(100'000, 'a') + "\"))");
        for (int i = 0; i < 2; ++i) {
            const auto instance = linker.instantiate(own, module);
            EXPECT_TRUE(instance && MemoryView{*instance->memory("m")}.read<char>(0) == first &&
                        MemoryView{*instance->memory("m")}.read<char>(30) == 'a');
        }
        return mapped_images() != 0;
    };
    if (!shares("", "(i32.const 0)", 'a'))
        GTEST_SKIP() << "no images here";
    EXPECT_TRUE(shares("", "(i32.add (i32.const 0) (i32.const 0))", 'a'));
    EXPECT_TRUE(shares(
        "", "(i32.sub (i32.mul (i32.const 5) (i32.const 7)) (i32.add (i32.const 3) (i32.const 2)))", '\0'));
    EXPECT_TRUE(shares("", "(i32.add (i32.const -1) (i32.const 11))", '\0')) << "it wraps";
    EXPECT_TRUE(shares("(global $b i32 (i32.const 20))", "(i32.add (global.get $b) (i32.const 10))", '\0'));
    // What would take ages to find out is copied.
    std::string doubling = "(global i32 (i32.const 0))";
    for (int i = 0; i < 40; ++i)
        doubling += "(global i32 (i32.add (global.get " + std::to_string(i) + ") (global.get " +
                    std::to_string(i) + ")))";
    EXPECT_FALSE(shares(doubling, "(global.get 40)", 'a'));
}
#endif

TEST_F(Reset, of_each_table) {
    const Instance instance = instantiate(R"((module
        (table $a 2 funcref) (table $b 2 funcref) (table $c 2 funcref)
        (elem (table $b) (i32.const 0) func $f) (elem (table $c) (i32.const 1) func $f)
        (func $f)
        (func (export "spoil") (param i32) (result i32)
            (table.set $a (i32.const 0) (ref.func $f)) (table.set $b (i32.const 0) (ref.null func))
            (table.set $b (i32.const 1) (ref.func $f)) (table.set $c (i32.const 0) (ref.func $f))
            (i32.add (table.grow $b (ref.func $f) (i32.const 3)) (table.grow $c (ref.func $f) (i32.const 4))))
        (func (export "state") (param i32) (result i32)
            (i32.add
                (i32.add (i32.mul (ref.is_null (table.get $a (i32.const 0))) (i32.const 1))
                         (i32.mul (ref.is_null (table.get $b (i32.const 0))) (i32.const 10)))
                (i32.add
                    (i32.add (i32.mul (ref.is_null (table.get $b (i32.const 1))) (i32.const 100))
                             (i32.mul (ref.is_null (table.get $c (i32.const 0))) (i32.const 1000)))
                    (i32.add (i32.mul (table.size $b) (i32.const 10000))
                             (i32.mul (table.size $c) (i32.const 100000))))))))");
    EXPECT_EQ(call(instance, "state"), 221101);
    EXPECT_EQ(call(instance, "spoil"), 4);
    EXPECT_EQ(call(instance, "state"), 650010);
    ASSERT_TRUE(Instance{instance}.reset());
    EXPECT_EQ(call(instance, "state"), 221101);
}

TEST_F(Reset, a_segment_that_traps_leaves_what_the_specification_says) {
    // The one before it is applied, the one after it is not, however often it is tried.
    const auto module =
        load("(module (import \"env\" \"m\" (memory 1)) (memory (export \"own\") 8) "
             "(func (export \"f\")) (data (memory 0) (i32.const 0) \"yes\") "
             "(data (memory 1) (i32.const 0) \"" +
             big(100'000, 'a') +
             "\") "
             "(data (memory 0) (i32.const 65535) \"no\") (data (memory 0) (i32.const 9) \"no\"))");
    for (int i = 0; i < 3; ++i) {
        Store own{engine};
        Linker own_linker{engine};
        auto memory = Memory::create(own, {.limits = {.min = 1}});
        ASSERT_TRUE(own_linker.define("env", "m", *memory));
        EXPECT_FALSE(own_linker.instantiate(own, module));
        EXPECT_EQ(MemoryView{*memory}.read<char>(0), 'y');
        EXPECT_EQ(MemoryView{*memory}.read<char>(9), '\0');
    }
}

TEST_F(Reset, computed_offsets_are_no_obstacle) {
    auto base = Global::create(store, {ValType::i32, false}, 3000);
    ASSERT_TRUE(linker.define("env", "base", *base));
    const auto module = load("(module (import \"env\" \"base\" (global i32)) (memory (export \"m\") 8) "
                             "(data (global.get 0) \"" +
                             big(100'000, 'a') + "\"))");
    for (int i = 0; i < 3; ++i) {
        const auto instance = linker.instantiate(store, module);
        ASSERT_TRUE(instance);
        const Memory memory = *instance->memory("m");
        EXPECT_EQ(MemoryView{memory}.read<char>(3000), 'a');
        EXPECT_TRUE(MemoryView{memory}.write<char>(3000, 'b'));
        ASSERT_TRUE(instance->reset());
        EXPECT_EQ(MemoryView{memory}.read<char>(3000), 'a');
    }
}

TEST(ResetThreads, leaves_a_shared_memory_alone) {
    // Other threads use it.
    Engine engine{{.features = FeatureSet::all()}};
    Store store{engine};
    Linker linker{engine};
    const auto module = engine.load(assemble(R"((module
        (memory (export "m") 1 2 shared) (data (i32.const 0) "a")))"));
    ASSERT_TRUE(module);
    const auto instance = linker.instantiate(store, *module);
    ASSERT_TRUE(instance);
    const Memory memory = *instance->memory("m");
    EXPECT_EQ(MemoryView{memory}.read<char>(0), 'a');
    EXPECT_TRUE(MemoryView{memory}.write<char>(0, 'b') && memory.grow(1));
    ASSERT_TRUE(instance->reset());
    EXPECT_EQ(MemoryView{memory}.read<char>(0), 'b');
    EXPECT_EQ(memory.pages(), 2u);
}

TEST_F(Reset, is_refused_while_code_runs) {
    std::optional<Instance> instance;
    std::optional<ErrorCode> refused;
    ASSERT_TRUE(linker.func("env", "f", [&] {
        if (const auto reset = instance->reset(); !reset)
            refused = reset.error().code();
    }));
    instance = instantiate(R"((module (import "env" "f" (func $f))
        (memory (export "m") 1) (data (i32.const 0) "a")
        (func (export "run") (i32.store8 (i32.const 0) (i32.const 7)) (call $f))))");
    EXPECT_EQ(trap_of(*instance, "run"), "");
    EXPECT_EQ(refused, ErrorCode::usage);
    EXPECT_EQ(MemoryView{*instance->memory("m")}.read<uint8_t>(0), 7);
    EXPECT_TRUE(instance->reset());
    EXPECT_EQ(MemoryView{*instance->memory("m")}.read<char>(0), 'a');
}

} // namespace
} // namespace warpbeam
