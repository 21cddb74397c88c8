#include "fixture.hpp"

#include <warpbeam/memory/accounting_allocator.hpp>

#include <vector>

/// What a store may take, what it takes, and who is asked.

namespace warpbeam {
namespace {

/// Notes what it is asked, and allows memories up to some size.
class Policy final : public GrowthPolicy {
public:
    bool allow_memory(const Store& store, const MemoryType& type, uint64_t from,
                      uint64_t to) noexcept override {
        memories.push_back({from, to, store.usage().memory_bytes, type.limits.max});
        return to <= most;
    }
    bool allow_table(const Store& store, const TableType&, uint64_t from, uint64_t to) noexcept override {
        tables.push_back({from, to, store.usage().table_elements, 0});
        return to <= most;
    }
    struct Question {
        uint64_t from;
        uint64_t to;
        uint64_t used;
        uint64_t max;
        bool operator==(const Question&) const = default;
    };
    std::vector<Question> memories;
    std::vector<Question> tables;
    uint64_t most = UINT64_MAX;
};

class StoreLimitsTest : public VmTest {
protected:
    std::expected<Instance, InstantiationError> make(Store& in, std::string_view wat) {
        return linker.instantiate(in, load(wat));
    }
};

constexpr std::string_view growing = R"((module
    (memory (export "m") 1 5) (table (export "t") 2 funcref)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "grow_table") (param i32) (result i32)
        (table.grow (ref.null func) (local.get 0)))))";

int32_t call(Instance instance, std::string_view name, int32_t argument) {
    return (*instance.func<int32_t(int32_t)>(name))(argument).value();
}

TEST_F(StoreLimitsTest, the_policy_is_asked_before_each_growth) {
    Policy policy;
    Store asked{engine, {.growth = &policy}};
    const auto instance = make(asked, growing);
    ASSERT_TRUE(instance);
    const std::vector<Policy::Question> first{{0, 65536, 0, 5}};
    EXPECT_EQ(policy.memories, first);
    EXPECT_EQ(policy.tables.size(), 1u);

    policy.most = 3 * 65536;
    EXPECT_EQ(call(*instance, "grow", 2), 1);
    EXPECT_EQ((policy.memories.back()), (Policy::Question{65536, 3 * 65536, 65536, 5}));
    EXPECT_EQ(call(*instance, "grow", 1), -1) << "the policy refuses";
    EXPECT_EQ(policy.memories.size(), 3u);
    EXPECT_EQ(call(*instance, "grow", 10), -1);
    EXPECT_EQ(policy.memories.size(), 3u) << "what the type forbids is not asked about";
    EXPECT_EQ(instance->memory("m")->grow(1).error().code(), ErrorCode::limit);
    EXPECT_EQ(policy.memories.size(), 4u);
    EXPECT_EQ(asked.usage().memory_bytes, 3u * 65536);

    policy.most = 10;
    EXPECT_EQ(call(*instance, "grow_table", 8), 2);
    EXPECT_EQ(call(*instance, "grow_table", 1), -1);
    EXPECT_EQ(policy.tables.back(), (Policy::Question{10, 11, 10, 0}));
    EXPECT_EQ(asked.usage().table_elements, 10u);
}

TEST_F(StoreLimitsTest, the_policy_may_refuse_new_objects) {
    Policy policy;
    policy.most = 65536;
    Store asked{engine, {.growth = &policy}};
    const auto memory = Memory::create(asked, {.limits = {.min = 2}});
    ASSERT_FALSE(memory);
    EXPECT_EQ(memory.error().code(), ErrorCode::limit);
    EXPECT_NE(memory.error().message().find("policy"), std::string_view::npos);
    EXPECT_TRUE(Memory::create(asked, {.limits = {.min = 1}}));
    EXPECT_EQ(make(asked, "(module (memory 2))").error().code(), ErrorCode::limit);
    EXPECT_EQ(Table::create(asked, {funcref, {.min = 70'000}}, Func{}).error().code(), ErrorCode::limit);
    EXPECT_EQ(asked.usage().memories, 1u);
    EXPECT_EQ(asked.usage().tables, 0u);
    EXPECT_EQ(asked.usage().memory_bytes, 65536u);
    EXPECT_EQ(asked.usage().table_elements, 0u);
}

TEST_F(StoreLimitsTest, a_huge_growth_asks_no_policy_and_breaks_nothing) {
    Policy policy;
    Store asked{engine, {.growth = &policy}};
    const auto memory = Memory::create(asked, {.limits = {.min = 1, .is_64 = true}});
    ASSERT_TRUE(memory);
    const size_t questions = policy.memories.size();
    EXPECT_FALSE(memory->grow(UINT64_MAX));
    EXPECT_FALSE(memory->grow(UINT64_MAX >> 16));
    EXPECT_EQ(policy.memories.size(), questions);
    EXPECT_EQ(asked.usage().memory_bytes, 65536u);
}

TEST_F(StoreLimitsTest, memories_and_tables_are_counted) {
    Store small{engine, {.memories = 2, .tables = 1}};
    const auto instance = make(small, growing);
    ASSERT_TRUE(instance);
    EXPECT_EQ(make(small, growing).error().message(), "store table limit reached (1)");
    EXPECT_EQ(small.usage().memories, 1u) << "what the failed instantiation made is gone";
    EXPECT_TRUE(Memory::create(small, {.limits = {.min = 1}}));
    const auto third = Memory::create(small, {});
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().code(), ErrorCode::limit);
    EXPECT_EQ(third.error().message(), "store memory limit reached (2)");
    const StoreUsage usage = small.usage();
    EXPECT_EQ(usage.memories, 2u);
    EXPECT_EQ(usage.tables, 1u);
    EXPECT_EQ(usage.instances, 1u);
    EXPECT_EQ(usage.memory_bytes, 2u * 65536);
    EXPECT_EQ(usage.table_elements, 2u);
}

TEST_F(StoreLimitsTest, the_policy_is_not_asked_what_a_shared_memory_forbids) {
    Policy policy;
    Config config;
    config.features.enable(Feature::threads);
    Engine threads{config};
    Store asked{threads, {.growth = &policy}};
    const auto memory =
        Memory::create(asked, {.limits = {.min = 1, .max = 3, .has_max = true}, .shared = true});
    ASSERT_TRUE(memory);
    EXPECT_EQ(policy.memories.size(), 1u);
    EXPECT_FALSE(memory->grow(3));
    EXPECT_FALSE(memory->grow(UINT64_MAX));
    EXPECT_EQ(policy.memories.size(), 1u);
    EXPECT_EQ(memory->grow(2), 1u);
    EXPECT_EQ((policy.memories.back()), (Policy::Question{65536, 3 * 65536, 3 * 65536, 3}));
}

/// Does what it must not: grows what it is asked about, and makes more.
class Meddler final : public GrowthPolicy {
public:
    bool allow_memory(const Store&, const MemoryType&, uint64_t, uint64_t) noexcept override {
        if (armed && memory != nullptr)
            (void)memory->grow(std::exchange(armed, 0));
        if (armed && store != nullptr) {
            armed = 0;
            (void)Memory::create(*store, {.limits = {.min = 1}});
        }
        return true;
    }
    bool allow_table(const Store&, const TableType&, uint64_t, uint64_t) noexcept override {
        if (armed && table != nullptr)
            (void)table->grow(std::exchange(armed, 0), Func{});
        if (armed && store != nullptr) {
            armed = 0;
            (void)Table::create(*store, {funcref, {.min = 1}}, Func{});
        }
        return true;
    }
    uint64_t armed = 0;
    Memory* memory = nullptr;
    Table* table = nullptr;
    Store* store = nullptr;
};

TEST_F(StoreLimitsTest, hold_whatever_the_policy_does) {
    Meddler policy;
    Store asked{
        engine,
        {.memory_bytes = 12 * 65536, .table_elements = 12, .memories = 2, .tables = 2, .growth = &policy}};
    const auto instance = make(asked, growing);
    ASSERT_TRUE(instance);
    Memory memory = *Memory::create(asked, {.limits = {.min = 1}});
    policy.memory = &memory;
    policy.armed = 6;
    EXPECT_FALSE(memory.grow(5)) << "it is not as large any more as the policy was told";
    EXPECT_EQ(memory.pages(), 7u);
    policy.armed = 4;
    EXPECT_EQ(call(*instance, "grow", 2), -1) << "the policy has taken what there was";
    EXPECT_EQ(memory.pages(), 11u);
    EXPECT_EQ(asked.usage().memory_bytes, 12u * 65536);
    EXPECT_FALSE(memory.grow(1));
    EXPECT_FALSE(memory.grow(1000));
    policy.memory = nullptr;

    Table table = *Table::create(asked, {funcref, {.min = 1}}, Func{});
    policy.table = &table;
    policy.armed = 5;
    EXPECT_FALSE(table.grow(3, Func{}));
    EXPECT_EQ(table.size(), 6u);
    policy.armed = 4;
    EXPECT_EQ(call(*instance, "grow_table", 3), -1);
    EXPECT_EQ(asked.usage().table_elements, 12u);
    EXPECT_FALSE(table.grow(1, Func{}));
}

TEST_F(StoreLimitsTest, hold_whatever_the_policy_makes) {
    Meddler policy;
    Store asked{engine, {.memory_bytes = 65536, .memories = 1, .tables = 1, .growth = &policy}};
    policy.store = &asked;
    policy.armed = 1;
    EXPECT_EQ(Memory::create(asked, {.limits = {.min = 1}}).error().code(), ErrorCode::limit);
    policy.armed = 1;
    EXPECT_EQ(Table::create(asked, {funcref, {.min = 1}}, Func{}).error().code(), ErrorCode::limit);
    EXPECT_EQ(asked.usage().memories, 1u);
    EXPECT_EQ(asked.usage().memory_bytes, 65536u);
    EXPECT_EQ(asked.usage().tables, 1u);
    EXPECT_EQ(asked.usage().table_elements, 1u);
}

TEST_F(StoreLimitsTest, hold_for_each_of_what_the_policy_makes) {
    Meddler policy;
    Store few{engine, {.memories = 1, .growth = &policy}};
    policy.store = &few;
    policy.armed = 1;
    const auto second = Memory::create(few, {.limits = {.min = 1}});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message(), "the growth policy used up the space for a memory of 1 page");
    EXPECT_EQ(few.usage().memories, 1u);
    Store small{engine, {.memory_bytes = 65536, .growth = &policy}};
    policy.store = &small;
    policy.armed = 1;
    EXPECT_FALSE(Memory::create(small, {.limits = {.min = 1}}));
    EXPECT_EQ(small.usage().memory_bytes, 65536u);
}

TEST(StoreAccounting, a_stack_is_as_large_as_it_has_to_be) {
    // What docs/memory.md promises to those who count.
    AccountingAllocator counted;
    Engine own{{.stack_size = 1 << 20, .allocator = &counted}};
    const auto module = own.load(assemble(R"((module
        (func $f (export "f") (param $n i32) (result i32)
          (if (result i32) (local.get $n)
            (then (i32.add (i32.const 1) (call $f (i32.sub (local.get $n) (i32.const 1)))))
            (else (i32.const 0))))))"));
    ASSERT_TRUE(module);
    Store own_store{own};
    const auto instance = Instance::create(own_store, *module);
    ASSERT_TRUE(instance);
    const auto f = *instance->func<int32_t(int32_t)>("f");
    const uint64_t before = counted.blocks().live;
    EXPECT_EQ(f(5), 5);
    const uint64_t shallow = counted.blocks().live - before;
    EXPECT_LE(shallow, 2000u) << "with the code of the function";
    EXPECT_EQ(f(20'000), 20'000);
    const uint64_t deep = counted.blocks().live - before;
    EXPECT_GT(deep, size_t{512} << 10);
    EXPECT_LE(deep, (size_t{1} << 20) + 2000);
    EXPECT_EQ(f(1'000'000).error().code(), TrapCode::call_stack_exhausted);
    EXPECT_LE(counted.blocks().live - before, (size_t{1} << 20) + 2000);
    EXPECT_EQ(f(5), 5);
}

TEST_F(StoreLimitsTest, a_whole_life_leaves_nothing) {
    AccountingAllocator counted;
    {
        Config config;
        config.allocator = &counted;
        Engine own{config};
        const auto bytes = assemble(growing);
        const auto module = own.load(bytes);
        ASSERT_TRUE(module);
        Store own_store{own};
        Linker own_linker{own};
        const auto instance = own_linker.instantiate(own_store, *module);
        ASSERT_TRUE(instance);
        EXPECT_EQ(call(*instance, "grow", 3), 1);
        EXPECT_GT(counted.blocks().live, 0u);
        EXPECT_EQ(counted.blocks().live >= own_store.usage().heap_bytes, true);
        if (counted.reserved().live != 0) {
            EXPECT_EQ(counted.committed().live, own_store.usage().memory_bytes);
        }
        ASSERT_TRUE(instance->reset());
        if (counted.reserved().live != 0) {
            EXPECT_EQ(counted.committed().live, 65536u);
        }
        EXPECT_EQ(own_store.usage().memory_bytes, 65536u);
    }
    EXPECT_EQ(counted.blocks().live, 0u);
    EXPECT_EQ(counted.reserved().live, 0u);
    EXPECT_EQ(counted.committed().live, 0u);
}

} // namespace
} // namespace warpbeam
