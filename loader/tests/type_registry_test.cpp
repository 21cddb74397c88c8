#include <gtest/gtest.h>
#include <warpbeam/loader/type_registry.hpp>
#include <warpbeam/memory/accounting_allocator.hpp>

#include <thread>
#include <vector>

namespace warpbeam {
namespace {

constexpr TypeId self(uint32_t member) { return TypeRegistry::first_member + member; }
constexpr ValType ref(TypeId id, bool nullable = true) {
    return ValType::reference(HeapType::defined(id), nullable);
}

SubType structure(std::span<const FieldType> fields, TypeId super = SubType::no_supertype) {
    SubType type;
    type.kind = CompositeKind::struct_;
    type.is_final = false;
    type.supertype = super;
    type.fields = fields;
    return type;
}

SubType function(std::span<const ValType> params, std::span<const ValType> results) {
    SubType type;
    type.func = {params, results};
    return type;
}

TEST(TypeRegistry, equal_groups_share_their_ids) {
    TypeRegistry types;
    const ValType params[] = {ValType::i32, ValType::i64};
    const SubType one[] = {function(params, {})};
    const SubType other[] = {function({}, params)};
    const TypeId first = types.add_group(one);
    EXPECT_EQ(types.add_group(one), first);
    EXPECT_NE(types.add_group(other), first);
    EXPECT_EQ(types.func(first).params.size(), 2u);
    EXPECT_NE(types.func(first).params.data(), params) << "the contents are copied";
}

TEST(TypeRegistry, ids_that_are_not_there_are_refused) {
    TypeRegistry types;
    const ValType unknown[] = {ref(7)};
    const ValType beyond[] = {ref(self(1))};
    const FieldType field[] = {{ref(7), false}};
    for (const SubType& type : {structure({}, 7), structure(field), function(unknown, {}),
                                function({}, unknown), function(beyond, {})})
        EXPECT_EQ(types.add_group({&type, 1}), TypeRegistry::failed);
    SubType described = structure({});
    described.descriptor = 7;
    EXPECT_EQ(types.add_group({&described, 1}), TypeRegistry::failed);
    const ValType own[] = {ref(self(0))};
    const SubType good[] = {function(own, {})};
    EXPECT_NE(types.add_group(good), TypeRegistry::failed);
}

TEST(TypeRegistry, the_first_id_that_is_not_there) {
    TypeRegistry types;
    EXPECT_FALSE(types.contains(0));
    const SubType base[] = {structure({})};
    ASSERT_EQ(types.add_group(base), 0u);
    EXPECT_TRUE(types.contains(0));
    EXPECT_FALSE(types.contains(1));
    const FieldType to_first[] = {{ref(0), false}};
    const FieldType to_second[] = {{ref(1), false}};
    const SubType good[] = {structure(to_first)};
    const SubType bad[] = {structure(to_second)};
    EXPECT_EQ(types.add_group(bad), TypeRegistry::failed);
    EXPECT_EQ(types.add_group(good), 1u);
    EXPECT_NE(types.add_group(bad), TypeRegistry::failed);
    // Members of a group of two.
    for (uint32_t member = 0; member < 4; ++member) {
        const FieldType to_member[] = {{ref(self(member)), false}};
        const SubType pair[] = {structure({}), structure(to_member)};
        EXPECT_EQ(types.add_group(pair) != TypeRegistry::failed, member < 2) << member;
    }
}

TEST(TypeRegistry, gives_its_memory_back) {
    AccountingAllocator allocator;
    {
        TypeRegistry types{allocator};
        const std::vector<SubType> many(10'000, structure({}));
        ASSERT_NE(types.add_group(many), TypeRegistry::failed);
        EXPECT_NE(allocator.blocks().live, 0u);
    }
    EXPECT_EQ(allocator.blocks().live, 0u);
}

TEST(TypeRegistry, without_memory_it_has_no_types) {
    AccountingAllocator none{Allocator::standard(), 0};
    TypeRegistry types{none};
    const SubType one[] = {structure({})};
    EXPECT_EQ(types.add_group(one), TypeRegistry::failed);
    EXPECT_FALSE(types.contains(0));
}

TEST(TypeRegistry, has_room_for_three_million_types) {
    AccountingAllocator counted{Allocator::standard(), 1 << 20};
    TypeRegistry types{counted};
    const SubType first[] = {structure({})};
    ASSERT_EQ(types.add_group(first), 0u);
    const std::vector<SubType> many(max_type_id, structure({}));
    const uint64_t calls = counted.blocks().calls;
    EXPECT_EQ(types.add_group(many), TypeRegistry::failed);
    EXPECT_EQ(counted.blocks().calls, calls) << "one too many";
    EXPECT_EQ(types.add_group({many.data(), max_type_id - 1}), TypeRegistry::failed);
    EXPECT_GT(counted.blocks().calls, calls) << "there are enough ids, but no memory";
    EXPECT_FALSE(types.contains(1));
}

TEST(TypeRegistry, an_empty_group_takes_no_memory) {
    AccountingAllocator counted;
    TypeRegistry types{counted};
    const uint64_t calls = counted.blocks().calls;
    EXPECT_EQ(types.add_group({}), 0u);
    EXPECT_EQ(counted.blocks().calls, calls);
}

TEST(TypeRegistry, a_group_that_refers_to_an_earlier_type_is_found_again) {
    TypeRegistry types;
    const SubType first[] = {structure({})};
    ASSERT_EQ(types.add_group(first), 0u);
    const FieldType to_first[] = {{ref(0), false}};
    const SubType pair[] = {structure(to_first), structure({})};
    EXPECT_EQ(types.add_group(pair), 1u);
    EXPECT_EQ(types.add_group(pair), 1u);
}

TEST(TypeRegistry, groups_with_the_same_first_member_stay_apart) {
    // So many that some have the same hash, of 32 bits, whatever its seed is.
    TypeRegistry types;
    const SubType first[] = {structure({})};
    ASSERT_EQ(types.add_group(first), 0u);
    for (uint32_t n = 0; n < 1u << 18; ++n) {
        const FieldType to_earlier[] = {{ref(n), false}};
        const SubType pair[] = {structure({}), structure(to_earlier)};
        ASSERT_EQ(types.add_group(pair), 1 + 2 * n);
    }
}

TEST(TypeRegistry, types_that_differ_in_one_part_alone_have_different_hashes) {
    // If they had one, each would be compared with all others, which takes minutes.
    TypeRegistry types;
    constexpr uint32_t count = 1u << 16;
    const SubType first[] = {structure({})};
    ASSERT_EQ(types.add_group(first), 0u);
    const auto add = [&](uint32_t part, TypeId id) {
        const ValType value[] = {ref(id)};
        const FieldType field[] = {{ref(id), false}};
        SubType type = part == 0   ? structure(field)
                       : part == 1 ? structure({}, id)
                       : part == 2 ? function(value, {})
                                   : function({}, value);
        if (part == 4) {
            type = SubType{};
            type.kind = CompositeKind::cont;
            type.cont = id;
        }
        return types.add_group({&type, 1});
    };
    for (uint32_t part = 0; part < 5; ++part)
        for (uint32_t i = 0; i < count; ++i)
            ASSERT_EQ(add(part, i), part * count + i + 1) << part;
}

TEST(TypeRegistry, recursion_is_equal_up_to_renaming) {
    TypeRegistry types;
    const FieldType to_self[] = {{ref(self(0)), false}};
    const SubType list[] = {structure(to_self)};
    const TypeId first = types.add_group(list);
    EXPECT_EQ(types[first].fields[0].storage, ref(first)) << "references to members are closed";
    EXPECT_EQ(types.add_group(list), first);
}

TEST(TypeRegistry, a_reference_to_an_equal_type_is_not_recursion) {
    TypeRegistry types;
    const FieldType to_self[] = {{ref(self(0)), false}};
    const SubType list[] = {structure(to_self)};
    const TypeId first = types.add_group(list);
    const FieldType to_first[] = {{ref(first), false}};
    const SubType unrolled[] = {structure(to_first)};
    EXPECT_NE(types.add_group(unrolled), first);
}

TEST(TypeRegistry, the_same_among_others) {
    TypeRegistry types;
    const ValType one[] = {ValType::i32}, two[] = {ValType::i64};
    const SubType others[] = {function(one, {}), function(two, {})};
    const TypeId before = types.add_group(others);
    const FieldType to_before[] = {{ref(before + 1), false}};
    const SubType refers[] = {structure(to_before)};
    const TypeId first = types.add_group(refers);
    EXPECT_EQ(types.add_group(refers), first);
    const FieldType to_self[] = {{ref(self(0)), false}};
    const SubType list[] = {structure(to_self)};
    const TypeId recursive = types.add_group(list);
    EXPECT_EQ(types.add_group(list), recursive);
    const FieldType to_list[] = {{ref(recursive), false}};
    const SubType unrolled[] = {structure(to_list)};
    EXPECT_NE(types.add_group(unrolled), recursive);
}

TEST(TypeRegistry, the_size_of_a_group_matters) {
    TypeRegistry types;
    const SubType alone[] = {structure({})};
    const SubType both[] = {structure({}), structure({})};
    const TypeId first = types.add_group(alone);
    const TypeId pair = types.add_group(both);
    EXPECT_NE(pair, first);
    EXPECT_EQ(types.add_group(both), pair);
}

TEST(TypeRegistry, subtypes) {
    TypeRegistry types;
    const FieldType field[] = {{ValType::i32, false}};
    const SubType base[] = {structure({})};
    const TypeId top = types.add_group(base);
    const SubType derived[] = {structure(field, top)};
    const TypeId middle = types.add_group(derived);
    const SubType again[] = {structure(field, middle)};
    const TypeId bottom = types.add_group(again);
    EXPECT_EQ(types[bottom].depth, 2u);
    EXPECT_TRUE(types.is_subtype(bottom, top));
    EXPECT_TRUE(types.is_subtype(bottom, bottom));
    EXPECT_FALSE(types.is_subtype(top, bottom));
    EXPECT_TRUE(types.matches(ref(bottom, false), ref(top, true)));
    EXPECT_FALSE(types.matches(ref(bottom, true), ref(top, false)));
}

TEST(TypeRegistry, abstract_heap_types) {
    TypeRegistry types;
    const SubType func[] = {function({}, {})};
    const SubType object[] = {structure({})};
    const HeapType f = HeapType::defined(types.add_group(func));
    const HeapType s = HeapType::defined(types.add_group(object));
    const auto below = [&](HeapType sub, HeapType super) { return types.matches(sub, super); };
    for (const HeapType super : {HeapType::any, HeapType::eq, HeapType::struct_}) {
        EXPECT_TRUE(below(s, super));
        EXPECT_TRUE(below(HeapType::none, super));
        EXPECT_FALSE(below(f, super));
    }
    EXPECT_TRUE(below(f, HeapType::func));
    EXPECT_TRUE(below(HeapType::nofunc, f));
    EXPECT_FALSE(below(HeapType::none, f));
    EXPECT_TRUE(below(HeapType::none, s));
    EXPECT_FALSE(below(s, HeapType::array));
    EXPECT_TRUE(below(HeapType::i31, HeapType::eq));
    EXPECT_FALSE(below(HeapType::eq, HeapType::i31));
    EXPECT_TRUE(below(HeapType::noextern, HeapType::extern_));
    EXPECT_TRUE(below(HeapType::noexn, HeapType::exn));
    EXPECT_FALSE(below(HeapType::extern_, HeapType::any));
    EXPECT_TRUE(below(HeapType::bot, f));
    // The top of each is the one that it is below.
    const HeapType tops[] = {HeapType::func, HeapType::extern_, HeapType::any, HeapType::exn, HeapType::cont};
    for (uint32_t code = HeapType::func; code < HeapType::bot; ++code) {
        const HeapType heap = HeapType::from_code(code);
        for (const HeapType top : tops)
            EXPECT_EQ(types.top_of(heap) == top, below(heap, top)) << code;
    }
    EXPECT_EQ(types.top_of(f), HeapType{HeapType::func});
    EXPECT_EQ(types.top_of(s), HeapType{HeapType::any});
}

TEST(TypeRegistry, extern_types) {
    TypeRegistry types;
    ExternType wide, narrow;
    wide.kind = narrow.kind = ExternKind::memory;
    wide.memory.limits = {.min = 1, .max = 0, .has_max = false, .is_64 = false};
    narrow.memory.limits = {.min = 2, .max = 4, .has_max = true, .is_64 = false};
    EXPECT_TRUE(types.matches(narrow, wide));
    EXPECT_FALSE(types.matches(wide, narrow));
    narrow.memory.shared = true;
    EXPECT_FALSE(types.matches(narrow, wide));
    const auto matches = [&](Limits sub, Limits super) {
        wide.memory.limits = super;
        narrow.memory = {.limits = sub, .shared = false};
        return types.matches(narrow, wide);
    };
    const Limits two_to_four{.min = 2, .max = 4, .has_max = true, .is_64 = false};
    EXPECT_TRUE(matches(two_to_four, two_to_four));
    EXPECT_FALSE(matches({.min = 1, .max = 4, .has_max = true, .is_64 = false}, two_to_four));
    EXPECT_FALSE(matches({.min = 2, .max = 5, .has_max = true, .is_64 = false}, two_to_four));
    EXPECT_FALSE(matches({.min = 2, .max = 0, .has_max = false, .is_64 = false}, two_to_four));
    EXPECT_FALSE(matches({.min = 2, .max = 4, .has_max = true, .is_64 = true}, two_to_four));

    ExternType any, i31;
    any.kind = i31.kind = ExternKind::global;
    any.global = {ValType::reference(HeapType::any, true), false};
    i31.global = {ValType::reference(HeapType::i31, true), false};
    EXPECT_TRUE(types.matches(i31, any));
    any.global.is_mutable = i31.global.is_mutable = true;
    EXPECT_FALSE(types.matches(i31, any));
}

TEST(TypeRegistry, threads_agree) {
    TypeRegistry types;
    std::vector<std::vector<TypeId>> ids(4);
    std::vector<std::thread> threads;
    for (std::vector<TypeId>& mine : ids)
        threads.emplace_back([&types, &mine] {
            std::vector<ValType> params;
            for (int i = 0; i < 200; ++i) {
                params.push_back(i % 2 == 0 ? ValType::i32 : ValType::f64);
                const SubType group[] = {function(params, {})};
                mine.push_back(types.add_group(group));
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    for (const std::vector<TypeId>& mine : ids)
        EXPECT_EQ(mine, ids[0]);
}

} // namespace
} // namespace warpbeam
