#include "fixture.hpp"

#include <warpbeam/vm/memory_view.hpp>

/// Memories, tables, globals and tags as the embedder makes and uses them.

namespace warpbeam {
namespace {

class MemoryTest : public VmTest {};
class TableTest : public VmTest {};
class GlobalTest : public VmTest {};
class TagTest : public VmTest {};

constexpr MemoryType pages(uint64_t min, uint64_t max) {
    return {.limits = {.min = min, .max = max, .has_max = true}};
}
constexpr TableType elements(ValType type, uint64_t min, uint64_t max) {
    return {type, {.min = min, .max = max, .has_max = true}};
}

TEST_F(MemoryTest, is_read_and_written_within_its_bounds) {
    const auto memory = Memory::create(store, pages(1, 2));
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size(), 65536u);
    EXPECT_TRUE(MemoryView{*memory}.write<uint32_t>(4, 0x0403'0201));
    EXPECT_EQ(memory->data()[4], 1);
    EXPECT_EQ(memory->data()[7], 4);
    EXPECT_EQ(MemoryView{*memory}.read<uint16_t>(5), 0x0302);
    EXPECT_TRUE(MemoryView{*memory}.write(65532, 1.5f));
    EXPECT_EQ(MemoryView{*memory}.read<float>(65532), 1.5f);
    EXPECT_FALSE(MemoryView{*memory}.write<uint32_t>(65533, 1));
    EXPECT_FALSE(MemoryView{*memory}.read<uint8_t>(65536));
    EXPECT_FALSE(MemoryView{*memory}.read<uint64_t>(UINT64_MAX));
    EXPECT_TRUE(MemoryView{*memory}.at(65536, 0));
    EXPECT_FALSE(MemoryView{*memory}.at(65537, 0));
    EXPECT_FALSE(MemoryView{*memory}.at(1, UINT64_MAX));
}

TEST_F(MemoryTest, grows_to_its_maximum) {
    const auto memory = Memory::create(store, pages(1, 2));
    EXPECT_EQ(memory->grow(1), 1u);
    EXPECT_EQ(memory->pages(), 2u);
    EXPECT_EQ(memory->type().limits.min, 2u) << "the present size counts";
    const auto refused = memory->grow(1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(), "a memory of 131072 bytes can't grow by 1 page");
    EXPECT_FALSE(memory->grow(UINT64_MAX));
    EXPECT_EQ(memory->pages(), 2u);
}

TEST_F(MemoryTest, is_refused_when_its_type_is_wrong) {
    EXPECT_EQ(Memory::create(store, pages(2, 1)).error().code(), ErrorCode::usage);
    EXPECT_EQ(Memory::create(store, pages(65537, 65537)).error().code(), ErrorCode::usage);
    EXPECT_EQ(Memory::create(store, {.limits = {}, .page_size_log2 = 12}).error().code(), ErrorCode::usage);
    EXPECT_TRUE(Memory::create(store, {.limits = {}, .page_size_log2 = 0}));
}

TEST_F(MemoryTest, obeys_the_limits_of_its_store) {
    Store small{engine, {.memory_bytes = 3 * 65536}};
    const auto memory = Memory::create(small, pages(1, 10));
    ASSERT_TRUE(memory);
    EXPECT_EQ(small.usage().memory_bytes, 65536u);
    EXPECT_EQ(memory->grow(1), 1u);
    const auto second = Memory::create(small, pages(2, 2));
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), ErrorCode::limit);
    EXPECT_EQ(second.error().message(), "a memory of 2 pages exceeds the store's limit of 196608 bytes");
    EXPECT_FALSE(memory->grow(2));
    EXPECT_EQ(memory->grow(1), 2u);
    EXPECT_EQ(small.usage().memory_bytes, 3u * 65536);
}

TEST_F(MemoryTest, of_code_obeys_the_limits_too) {
    Store small{engine, {.memory_bytes = 2 * 65536}};
    const auto instance = Instance::create(small, load(R"((module (memory 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "size") (result i32) (memory.size))))"));
    ASSERT_TRUE(instance);
    const auto grow = *instance->func<int32_t(int32_t)>("grow");
    EXPECT_EQ(grow(2), -1);
    EXPECT_EQ(grow(1), 1);
    EXPECT_EQ(grow(1), -1);
    EXPECT_EQ(grow(0), 2);
    EXPECT_EQ(value_of(*instance, "size"), 2);
}

TEST_F(MemoryTest, of_64_bits_grows_as_far_as_it_may) {
    const Instance instance = instantiate(R"((module (memory i64 1)
        (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))))");
    const auto grow = *instance.func<int64_t(int64_t)>("grow");
    EXPECT_EQ(grow(1), 1);
    EXPECT_EQ(grow(INT64_MAX), -1);
    EXPECT_EQ(grow(-1), -1);
    EXPECT_EQ(grow(int64_t{1} << 48), -1);
    EXPECT_EQ(grow(0), 2);
}

TEST_F(TableTest, holds_references) {
    const auto table = Table::create(store, elements(externref, 2, 4), ExternRef::host(1));
    ASSERT_TRUE(table);
    EXPECT_EQ(table->get(1)->get<ExternRef>(), ExternRef::host(1));
    EXPECT_TRUE(table->set(1, ExternRef{}));
    EXPECT_TRUE(table->get(1)->is_null());
    EXPECT_EQ(table->get(2).error().message(), "table index 2 out of range: the table has 2 elements");
    EXPECT_EQ(table->set(2, ExternRef{}).error().code(), ErrorCode::usage);
    EXPECT_EQ(table->set(0, Func{}).error().message(), "the value does not match the table's element type");
    EXPECT_EQ(table->set(0, 1).error().code(), ErrorCode::usage);
}

TEST_F(TableTest, grows_to_its_maximum) {
    const auto table = Table::create(store, elements(externref, 1, 3), ExternRef{});
    EXPECT_EQ(table->grow(2, ExternRef::host(7)), 1u);
    EXPECT_EQ(table->get(0)->get<ExternRef>(), ExternRef{});
    EXPECT_EQ(table->get(2)->get<ExternRef>(), ExternRef::host(7));
    EXPECT_EQ(table->type().limits.min, 3u);
    EXPECT_EQ(table->grow(1, ExternRef{}).error().code(), ErrorCode::limit);
    EXPECT_EQ(table->grow(UINT64_MAX, ExternRef{}).error().code(), ErrorCode::limit);
    EXPECT_EQ(table->grow(0, Func{}).error().code(), ErrorCode::usage);
    EXPECT_EQ(table->size(), 3u);
}

TEST_F(TableTest, is_refused_when_its_type_is_wrong) {
    EXPECT_EQ(Table::create(store, elements(ValType::i32, 1, 1), 0).error().code(), ErrorCode::usage);
    EXPECT_EQ(Table::create(store, elements(funcref, 2, 1), Func{}).error().code(), ErrorCode::usage);
    const ValType some = ValType::reference(HeapType::func, false);
    EXPECT_EQ(Table::create(store, elements(some, 1, 1), Func{}).error().code(), ErrorCode::usage);
    const auto func = Func::wrap(store, [] {});
    EXPECT_TRUE(Table::create(store, elements(some, 1, 1), *func));
}

TEST_F(TableTest, obeys_the_limits_of_its_store) {
    Store small{engine, {.table_elements = 10}};
    const auto table = Table::create(small, elements(funcref, 4, 100), Func{});
    ASSERT_TRUE(table);
    EXPECT_FALSE(Table::create(small, elements(funcref, 7, 7), Func{}));
    EXPECT_FALSE(table->grow(7, Func{}));
    EXPECT_EQ(table->grow(6, Func{}), 4u);
    EXPECT_EQ(small.usage().table_elements, 10u);
}

TEST_F(TableTest, is_shared_with_code) {
    const auto table = Table::create(store, elements(funcref, 3, 3), Func{});
    ASSERT_TRUE(linker.define("env", "t", *table));
    const Instance instance = instantiate(R"((module
        (import "env" "t" (table $t 3 funcref))
        (type $i (func (result i32)))
        (func $seven (result i32) (i32.const 7))
        (elem (i32.const 1) $seven)
        (func (export "call") (param i32) (result i32) (call_indirect (type $i) (local.get 0)))))");
    const auto func = Func::wrap(store, []() -> int32_t { return 8; });
    ASSERT_TRUE(table->set(2, *func));
    const auto call = *instance.func<int32_t(int32_t)>("call");
    EXPECT_EQ(call(1), 7);
    EXPECT_EQ(call(2), 8);
    EXPECT_EQ((*table->get(1)->as<Func>().typed<int32_t()>())(), 7);
    EXPECT_EQ(call(0).error().code(), TrapCode::uninitialized_element);
}

TEST_F(GlobalTest, is_read_and_written) {
    const auto global = Global::create(store, {ValType::i64, true}, int64_t{5});
    ASSERT_TRUE(global);
    EXPECT_EQ(global->get().get<int64_t>(), 5);
    ASSERT_TRUE(linker.define("env", "g", *global));
    const Instance instance = instantiate(R"((module
        (import "env" "g" (global $g (mut i64)))
        (export "g" (global $g))
        (func (export "double") (global.set $g (i64.mul (global.get $g) (i64.const 2))))))");
    EXPECT_EQ(trap_of(instance, "double"), "");
    EXPECT_EQ(global->get().get<int64_t>(), 10);
    EXPECT_TRUE(instance.global("g")->set(int64_t{-1}));
    EXPECT_EQ(*instance.global("g"), *global);
    EXPECT_EQ(trap_of(instance, "double"), "");
    EXPECT_EQ(global->get().get<int64_t>(), -2);
}

TEST_F(GlobalTest, refuses_what_its_type_forbids) {
    const auto fixed = Global::create(store, {ValType::i32, false}, 5);
    EXPECT_EQ(fixed->set(6).error().message(), "the global is immutable");
    EXPECT_EQ(Global::create(store, {ValType::i32, false}, 5.0).error().code(), ErrorCode::usage);
    const auto variable = Global::create(store, {externref, true}, ExternRef{});
    EXPECT_EQ(variable->set(6).error().message(), "the value does not match the global's type");
    EXPECT_TRUE(variable->set(ExternRef::host(3)));
    EXPECT_EQ(variable->get().get<ExternRef>(), ExternRef::host(3));
}

TEST_F(GlobalTest, may_be_a_vector) {
    V128 vector;
    vector.bytes[15] = 4;
    const auto global = Global::create(store, {ValType::v128, false}, vector);
    EXPECT_EQ(global->get().get<V128>(), vector);
}

TEST_F(TagTest, knows_what_its_exceptions_carry) {
    const ValType params[] = {ValType::i32, externref};
    const auto tag = Tag::create(store, params);
    ASSERT_TRUE(tag);
    ASSERT_EQ(tag->params().size(), 2u);
    EXPECT_EQ(tag->params()[1], externref);
    EXPECT_NE(*tag, *Tag::create(store, params)) << "each is a tag of its own";
}

} // namespace
} // namespace warpbeam
