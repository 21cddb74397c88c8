#include "fixture.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/root.hpp>

#include <algorithm>

/// The limit of a heap, met exactly: what just fits is made, and a byte less refuses it; and objects of every
/// size keep what they contain beside each other.

namespace warpbeam {
namespace {

constexpr std::string_view lists = R"((module
    (type $node (struct (field (ref null $node)) (field i64)))
    (type $bytes (array (mut i8)))
    (type $all (array (mut (ref null $bytes))))
    (tag $tag (param i64 i64))
    (global $list (mut (ref null $node)) (ref.null $node))
    (global $all (mut (ref null $all)) (ref.null $all))
    (func (export "nodes") (param $n i32)
        (loop $more
            (global.set $list (struct.new $node (global.get $list) (i64.const 1)))
            (br_if $more (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "bytes") (param $n i32) (drop (array.new_default $bytes (local.get $n))))
    (func (export "throw") (param $n i32) (throw $tag (i64.const 1) (i64.const 2)))
    ;; Arrays of up to $n bytes, with their sizes as contents, of which each third is replaced.
    (func (export "mixed") (param $n i32) (local $i i32) (local $j i32)
        (global.set $all (array.new_default $all (local.get $n)))
        (loop $rounds
            (local.set $i (i32.const 0))
            (loop $more
                (if (i32.or (i32.eqz (local.get $j)) (i32.eqz (i32.rem_u (i32.add (local.get $i) (local.get $j)) (i32.const 3))))
                    (then (array.set $all (global.get $all) (local.get $i)
                        (array.new $bytes (local.get $i) (local.get $i)))))
                (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
            (br_if $rounds (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 4))))
        (local.set $i (i32.const 0))
        (loop $check
            (local.set $j (array.len (array.get $all (global.get $all) (local.get $i))))
            (if (i32.ne (local.get $j) (local.get $i)) (then unreachable))
            (if (local.get $j) (then
                (loop $each
                    (if (i32.ne (array.get_u $bytes (array.get $all (global.get $all) (local.get $i))
                                    (local.tee $j (i32.sub (local.get $j) (i32.const 1))))
                                (i32.and (local.get $i) (i32.const 255)))
                        (then unreachable))
                    (br_if $each (local.get $j)))))
            (br_if $check (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n)))))))";

class HeapLimits : public VmTest {
protected:
    /// How a call ends in a store whose heap has this limit.
    std::optional<TrapCode> called(uint64_t limit, std::string_view name, int32_t n) {
        Store limited{engine, {.heap_bytes = limit}};
        const auto instance = Instance::create(limited, module_);
        EXPECT_TRUE(instance);
        const Value args[] = {n};
        const auto call = instance->func(name)->call(args);
        EXPECT_LE(limited.usage().heap_bytes, limit);
        return call ? std::nullopt : std::optional{call.error().code()};
    }
    /// What a call leaves in a heap without a limit.
    uint64_t size_of(std::string_view name, int32_t n) {
        Store own{engine};
        const auto instance = Instance::create(own, module_);
        const Value args[] = {n};
        (void)instance->func(name)->call(args);
        return own.usage().heap_bytes;
    }

    Module module_ = load(lists);
};

TEST_F(HeapLimits, as_many_objects_as_fit) {
    const uint64_t node = size_of("nodes", 1);
    ASSERT_EQ(node, 24u);
    for (const int32_t count : {1, 2, 100, 1000, 5000}) {
        const uint64_t whole = node * static_cast<uint64_t>(count);
        EXPECT_EQ(called(whole, "nodes", count), std::nullopt) << count;
        EXPECT_EQ(called(whole - 1, "nodes", count), TrapCode::heap_exhausted) << count;
        EXPECT_EQ(called(whole, "nodes", count + 1), TrapCode::heap_exhausted) << count;
    }
}

TEST_F(HeapLimits, arrays_of_every_size) {
    for (const int32_t size :
         {0,      1,      4,      5,      100,    1000,   4'000,  8'000,   8'176,     8'192,
          16'000, 16'384, 32'000, 32'752, 32'768, 33'000, 65'536, 100'000, 1'000'000, 20'000'000}) {
        const uint64_t whole = size_of("bytes", size);
        EXPECT_EQ(whole, (uint64_t{12} + static_cast<uint64_t>(size) + 7) / 8 * 8) << size;
        EXPECT_EQ(called(whole, "bytes", size), std::nullopt) << size;
        EXPECT_EQ(called(whole - 1, "bytes", size), TrapCode::heap_exhausted) << size;
    }
}

TEST_F(HeapLimits, exceptions) {
    const uint64_t whole = size_of("throw", 0);
    EXPECT_EQ(called(whole, "throw", 0), TrapCode::uncaught_exception);
    EXPECT_EQ(called(whole - 1, "throw", 0), TrapCode::heap_exhausted);
}

TEST_F(HeapLimits, no_heap_at_all) {
    EXPECT_EQ(called(0, "nodes", 1), TrapCode::heap_exhausted);
    EXPECT_EQ(called(0, "bytes", 0), TrapCode::heap_exhausted);
}

TEST_F(HeapLimits, objects_that_the_host_makes) {
    Store own{engine, {.heap_bytes = 10 * 24}};
    const auto instance = Instance::create(own, module_);
    ASSERT_TRUE(instance);
    const TypeId node = module_.types()[0];
    std::vector<Root> kept;
    for (int i = 0; i < 10; ++i) {
        const RootScope scope{own};
        const Value values[] = {Value::null(HeapType::none), int64_t{i}};
        const auto made = StructRef::create(own, node, values);
        ASSERT_TRUE(made) << i;
        kept.emplace_back(own, made->value());
    }
    const Value values[] = {Value::null(HeapType::none), int64_t{0}};
    const auto beyond = StructRef::create(own, node, values);
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error().code(), ErrorCode::limit);
    // What is dropped makes room.
    kept.pop_back();
    EXPECT_TRUE(StructRef::create(own, node, values));
}

TEST_F(HeapLimits, arrays_of_every_size_beside_each_other) {
    const auto instance = Instance::create(store, module_);
    ASSERT_TRUE(instance);
    const Value args[] = {2500};
    const auto called = instance->func("mixed")->call(args);
    EXPECT_TRUE(called) << (called ? "" : called.error().message());
    EXPECT_GT(store.heap().collections, 0u);
}

// Of every kind of field, and in every order of two kinds: no field lies beyond its object.
TEST_F(HeapLimits, structures_of_every_shape_beside_each_other) {
    constexpr std::string_view kinds[] = {"i8", "i16", "i32", "i64", "f32", "f64", "v128", "(ref null i31)"};
    std::string text = "(module";
    std::vector<std::vector<size_t>> shapes;
    for (size_t first = 0; first < std::size(kinds); ++first)
        for (size_t second = 0; second < std::size(kinds); ++second)
            for (const size_t count : {1u, 2u, 3u, 5u, 9u}) {
                std::vector<size_t> shape(count, first);
                shape[count / 2] = second;
                text += "(type (struct";
                for (const size_t kind : shape)
                    text += " (field (mut " + std::string{kinds[kind]} + "))";
                text += "))";
                shapes.push_back(std::move(shape));
            }
    const Module module = load(text + ")");
    const auto value = [](size_t kind, uint32_t number) -> Value {
        switch (kind) {
        case 0:
            return number & 0xff;
        case 1:
            return number & 0xffff;
        case 2:
            return number;
        case 3:
            return uint64_t{number} << 32 | number;
        case 4:
            return static_cast<float>(number);
        case 5:
            return static_cast<double>(number);
        case 6: {
            V128 bytes;
            bytes.bytes.fill(static_cast<uint8_t>(number));
            return bytes;
        }
        default:
            return Value::i31(number);
        }
    };
    std::vector<Root> kept;
    uint32_t number = 1;
    for (size_t i = 0; i < shapes.size(); ++i) {
        std::vector<Value> fields;
        for (const size_t kind : shapes[i])
            fields.push_back(value(kind, number++));
        const RootScope scope{store};
        const auto made = StructRef::create(store, module.types()[i], fields);
        ASSERT_TRUE(made) << i << " " << made.error().message();
        kept.emplace_back(store, made->value());
    }
    number = 1;
    for (size_t i = 0; i < shapes.size(); ++i) {
        const auto object = StructRef::from(store, kept[i].value());
        ASSERT_TRUE(object) << i;
        for (size_t field = 0; field < shapes[i].size(); ++field) {
            const Value expected = value(shapes[i][field], number++);
            const Value found = *object->get(field);
            EXPECT_TRUE(
                std::equal(found.slots(), found.slots() + (shapes[i][field] == 6 ? 2 : 1), expected.slots()))
                << i << " " << field;
        }
    }
}

// What a program passes on by mistake: any word near objects, of which only their addresses are references.
TEST_F(HeapLimits, words_beside_objects_are_no_references) {
    const Module module = load(R"((module (type $pair (struct (field i64) (field i64) (field i64)))
                                          (type $bytes (array i8))))");
    const TypeId pair = module.types()[0];
    const Value fields[] = {int64_t{-1}, int64_t{-1}, int64_t{-1}};
    std::vector<Root> kept;
    std::vector<uint64_t> objects;
    const auto keep = [&](const Value& value) {
        kept.emplace_back(store, value);
        objects.push_back(value.slots()[0]);
    };
    {
        const RootScope scope{store};
        for (int i = 0; i < 100; ++i) {
            keep(StructRef::create(store, pair, fields)->value());
            (void)StructRef::create(store, pair, fields); // leaves a gap
            keep(ArrayRef::create(store, module.types()[1], 60'000, Value{-1})->value());
        }
    }
    for (int round = 0; round < 2; ++round) {
        std::ranges::sort(objects);
        size_t found = 0;
        for (const uint64_t object : {objects.front(), objects.back(), objects[objects.size() / 2]})
            for (uint64_t word = object - 200'000; word != object + 200'000; word += 4) {
                const bool is_object = std::ranges::binary_search(objects, word);
                const Value value = Value::from_slots(ValType::reference(HeapType::any, true), &word);
                if (round == 1 || is_object) {
                    EXPECT_EQ(StructRef::from(store, value) || ArrayRef::from(store, value), is_object)
                        << word - object;
                }
                found += is_object ? 1 : 0;
            }
        EXPECT_GE(found, 3u);
        // Without the objects that nothing keeps, and without half of the others.
        while (kept.size() > 100) {
            std::erase(objects, kept.back().value().slots()[0]);
            kept.pop_back();
        }
        store.collect();
    }
}

} // namespace
} // namespace warpbeam
