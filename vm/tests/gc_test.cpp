#include "fixture.hpp"

#include <warpbeam/vm/exception.hpp>
#include <warpbeam/vm/gc.hpp>

#include <random>
#include <vector>

/// Structures and arrays, and the collector that ends them.

namespace warpbeam {
namespace {

class GcTest : public VmTest {
protected:
    using VmTest::VmTest;

    /// Calls an export that takes an i32 and returns one.
    static std::expected<int32_t, Trap> call(Instance instance, std::string_view name, int32_t argument) {
        const auto func = instance.func<int32_t(int32_t)>(name);
        EXPECT_TRUE(func) << func.error().message();
        return (*func)(argument);
    }
    static TrapCode trap_code(Instance instance, std::string_view name, int32_t argument) {
        const auto result = call(instance, name, argument);
        EXPECT_FALSE(result);
        return result ? TrapCode::usage : result.error().code();
    }
    Value reference(Instance instance, std::string_view name) {
        Value result;
        const auto called = instance.func(name)->call({}, {&result, 1});
        EXPECT_TRUE(called) << called.error().message();
        return result;
    }
};

constexpr std::string_view lists = R"((module
    (type $node (struct (field $next (mut (ref null $node))) (field $value i32)))
    (type $bytes (array (mut i8)))
    (type $refs (array (mut anyref)))
    (global $list (mut (ref null $node)) (ref.null $node))
    ;; A list of n nodes that the global holds.
    (func (export "build") (param $n i32) (result i32)
        (global.set $list (ref.null $node))
        (loop $more
            (if (local.get $n) (then
                (global.set $list (struct.new $node (global.get $list) (local.get $n)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br $more))))
        (i32.const 0))
    ;; The sum of the first n values.
    (func (export "sum") (param $n i32) (result i32) (local $sum i32) (local $at (ref null $node))
        (local.set $at (global.get $list))
        (loop $more
            (if (i32.and (i32.ne (local.get $n) (i32.const 0)) (i32.eqz (ref.is_null (local.get $at)))) (then
                (local.set $sum (i32.add (local.get $sum) (struct.get $node $value (local.get $at))))
                (local.set $at (struct.get $node $next (local.get $at)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br $more))))
        (local.get $sum))
    (func (export "drop") (param i32) (result i32) (global.set $list (ref.null $node)) (i32.const 0))
    ;; n unreachable rings of two nodes each.
    (func (export "cycles") (param $n i32) (result i32) (local $a (ref null $node))
        (loop $more
            (local.set $a (struct.new $node (ref.null $node) (i32.const 1)))
            (struct.set $node $next (local.get $a) (struct.new $node (local.get $a) (i32.const 2)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (br_if $more (local.get $n)))
        (i32.const 0))
    (func (export "bytes") (param $n i32) (result i32) (array.len (array.new_default $bytes (local.get $n))))
    (func (export "refs") (param $n i32) (result i32) (array.len (array.new_default $refs (local.get $n))))
    ;; The largest array and the index after its end.
    (func (export "beyond") (param $n i32) (result i32)
        (array.get_u $bytes (array.new_default $bytes (local.get $n)) (local.get $n)))
    (func (export "node") (result (ref null $node)) (struct.new $node (ref.null $node) (i32.const 42)))
    (func (export "wide") (param $n i32) (result i32) (local $a (ref null $refs)) (local $i i32)
        (local.set $a (array.new_default $refs (local.get $n)))
        (loop $more
            (array.set $refs (local.get $a) (local.get $i)
                (struct.new $node (struct.new $node (ref.null $node) (local.get $i)) (local.get $i)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $more (i32.lt_u (local.get $i) (local.get $n))))
        (struct.get $node $value (struct.get $node $next (ref.cast (ref $node)
            (array.get $refs (local.get $a) (i32.sub (local.get $n) (i32.const 1))))))))
)";

TEST_F(GcTest, marks_a_list_of_a_million_nodes_without_recursion) {
    const Instance instance = instantiate(lists);
    ASSERT_TRUE(call(instance, "build", 1'000'000));
    store.collect();
    EXPECT_GE(store.heap().survived, 24'000'000u);
    EXPECT_EQ(*call(instance, "sum", 1000), 500'500);
    ASSERT_TRUE(call(instance, "drop", 0));
    store.collect();
    EXPECT_LT(store.heap().survived, 100'000u);
    EXPECT_LT(store.heap().bytes, 2'000'000u);
}

TEST_F(GcTest, stays_below_twice_the_live_data) {
    const Instance instance = instantiate(lists);
    // The list lives on while ten times as much garbage is made.
    ASSERT_TRUE(call(instance, "build", 1'000'000));
    store.collect();
    const auto live = static_cast<double>(store.heap().survived);
    ASSERT_TRUE(call(instance, "cycles", 5'000'000));
    EXPECT_GT(store.heap().collections, 3u);
    EXPECT_LE(static_cast<double>(store.heap().peak), 2 * live);
}

TEST_F(GcTest, collects_cycles) {
    const Instance instance = instantiate(lists);
    ASSERT_TRUE(call(instance, "cycles", 1'000'000));
    EXPECT_LE(store.heap().peak, 1'200'000u);
}

TEST_F(GcTest, keeps_what_long_arrays_refer_to) {
    const Instance instance = instantiate(lists);
    EXPECT_EQ(*call(instance, "wide", 200'000), 199'999);
}

TEST_F(GcTest, checks_lengths_and_indices) {
    const Instance instance = instantiate(lists);
    EXPECT_EQ(trap_code(instance, "refs", -1), TrapCode::heap_exhausted);
    EXPECT_EQ(trap_code(instance, "bytes", -1), TrapCode::heap_exhausted);
    for (const int32_t four_gibibytes :
         {0x1fff'ffff, 0x2000'0000}) // which 32-bit addresses can't tell from few
        EXPECT_EQ(trap_code(instance, "refs", four_gibibytes), TrapCode::heap_exhausted);
    EXPECT_EQ(*call(instance, "bytes", 100'000'000), 100'000'000);
    EXPECT_EQ(trap_code(instance, "beyond", 5), TrapCode::array_out_of_bounds);
    EXPECT_EQ(trap_code(instance, "beyond", 100'000), TrapCode::array_out_of_bounds);
    EXPECT_EQ(*call(instance, "bytes", 0), 0);
}

class LimitedGcTest : public GcTest {
protected:
    LimitedGcTest() : GcTest{{}, {.heap_bytes = 4 << 20}} {}
};

TEST_F(LimitedGcTest, traps_at_the_limit_and_goes_on) {
    const Instance instance = instantiate(lists);
    const auto full = call(instance, "build", 1'000'000);
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code(), TrapCode::heap_exhausted);
    EXPECT_EQ(full.error().message(), "heap exhausted");
    ASSERT_EQ(full.error().backtrace().size(), 1u);
    EXPECT_LE(store.usage().heap_bytes, 4u << 20);
    EXPECT_LE(store.heap().peak, 9u << 19) << "what blocks and cells add";
    ASSERT_TRUE(call(instance, "drop", 0));
    EXPECT_TRUE(call(instance, "build", 50'000));
    EXPECT_EQ(*call(instance, "sum", 3), 6);
    EXPECT_EQ(trap_code(instance, "bytes", 4 << 20), TrapCode::heap_exhausted);
    EXPECT_EQ(*call(instance, "sum", 3), 6);
}

TEST_F(GcTest, keeps_what_the_host_holds) {
    const Instance instance = instantiate(lists);
    const Root root{store, reference(instance, "node")};
    Value scoped;
    {
        const RootScope scope{store};
        scoped = reference(instance, "node");
        store.collect();
        EXPECT_EQ(StructRef::from(store, scoped)->get(1)->as<int32_t>(), 42);
    }
    store.collect();
    EXPECT_FALSE(StructRef::from(store, scoped)) << "its scope has ended";
    EXPECT_EQ(StructRef::from(store, root.value())->get(1)->as<int32_t>(), 42);
}

TEST_F(GcTest, refuses_a_reference_that_was_let_go) {
    const Instance instance = instantiate(R"((module (type $s (struct (field i32)))
        (func (export "make") (result (ref null $s)) (struct.new $s (i32.const 7)))
        (func (export "read") (param (ref null $s)) (result i32) (struct.get $s 0 (local.get 0)))))");
    Value value;
    {
        const RootScope scope{store};
        value = reference(instance, "make");
    }
    store.collect();
    Value result;
    const auto called = instance.func("read")->call({&value, 1}, {&result, 1});
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::usage);
}

TEST_F(GcTest, takes_no_other_object_for_an_exception_that_was_let_go) {
    const auto module = load("(module (type $s (struct (field i64) (field i64))))");
    const TypeId s = module.types()[0];
    const std::array<Value, 2> fields{int64_t{1}, int64_t{2}};
    constexpr ValType carried[] = {ValType::i64};
    const Tag tag = *Tag::create(store, carried);
    const Tag nested = *Tag::create(store, std::array{ValType::reference(HeapType::exn, true)});
    const auto same_place = [](const Value& a, const Value& b) { return a.slots()[0] == b.slots()[0]; };

    const Value exception = Exception::create(tag, std::array<Value, 1>{int64_t{1}})->reference();
    store.collect();
    EXPECT_FALSE(Exception::from(store, exception));
    const Value structure = [&] {
        const RootScope scope{store};
        const Value made = StructRef::create(store, s, fields)->value();
        EXPECT_TRUE(same_place(made, exception)) << "the test needs this";
        EXPECT_FALSE(Exception::from(store, exception));
        EXPECT_FALSE(Exception::create(nested, {&exception, 1}));
        return Value::from_slots(ValType::reference(HeapType::any, true), made.slots());
    }();
    store.collect();
    const Exception other = *Exception::create(tag, std::array<Value, 1>{int64_t{1}});
    EXPECT_TRUE(same_place(other.reference(), structure)) << "the test needs this";
    EXPECT_FALSE(Global::create(store, {structure.type(), false}, structure));
}

TEST_F(GcTest, lets_the_host_read_write_and_make_objects) {
    const auto module = load(R"((module
        (type $s (struct (field (mut i8)) (field f64) (field (mut (ref null $s))) (field v128)))
        (type $a (array (mut i16)))))");
    const TypeId s = module.types()[0];
    const Value fields[] = {-1, 2.5, Value::null(HeapType::none), V128{}};
    const auto object = StructRef::create(store, s, fields);
    ASSERT_TRUE(object) << object.error().message();
    EXPECT_EQ(object->get(0)->as<int32_t>(), 255);
    EXPECT_EQ(object->get(1)->as<double>(), 2.5);
    EXPECT_TRUE(object->set(2, object->value()));
    EXPECT_EQ(StructRef::from(store, *object->get(2))->type(), s);
    EXPECT_EQ(object->set(1, 1.0).error().message(), "the field is immutable");
    EXPECT_EQ(object->set(0, 1.0).error().message(), "the value does not match the field's type");
    for (const size_t beyond : {size_t{4}, size_t{5}, SIZE_MAX}) {
        const auto read = object->get(beyond);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().message(),
                  "field index " + std::to_string(beyond) + " out of range: the structure has 4 fields");
        EXPECT_EQ(object->set(beyond, 1.0).error().message(), read.error().message());
    }
    EXPECT_FALSE(StructRef::create(store, s, std::span{fields, 3}));

    const auto array = ArrayRef::create(store, module.types()[1], 3, 0x12345);
    ASSERT_TRUE(array);
    EXPECT_EQ(array->get(2)->as<int32_t>(), 0x2345);
    EXPECT_TRUE(array->set(2, 1));
    EXPECT_EQ(array->get(2)->as<int32_t>(), 1);
    for (const uint32_t beyond : {3u, 4u, UINT32_MAX}) {
        const auto read = array->get(beyond);
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error().message(),
                  "array index " + std::to_string(beyond) + " out of range: the array has 3 elements");
        EXPECT_EQ(array->set(beyond, 1).error().message(), read.error().message());
    }
    EXPECT_FALSE(ArrayRef::create(store, s, 3, 1));
    EXPECT_FALSE(ArrayRef::from(store, object->value()));
    EXPECT_EQ(dynamic_type(store, Value::i31(1)), HeapType::i31);
    EXPECT_EQ(dynamic_type(store, array->value()), HeapType::defined(module.types()[1], true));
}

class EagerGcTest : public GcTest {
protected:
    EagerGcTest() : GcTest{Config{.collect_always = true}} {}
};

TEST_F(EagerGcTest, sees_nested_runs) {
    // The host function calls back while its caller holds an object in its frame alone.
    ASSERT_TRUE(linker.func(
        "env", "back", [](Caller& caller) { (void)std::get<Func>(*caller.find_export("garbage")).call(); }));
    const Instance instance = instantiate(R"((module (type $s (struct (field i32)))
        (import "env" "back" (func $back))
        (func (export "garbage") (drop (struct.new $s (i32.const 1))))
        (func (export "run") (result i32)
            (struct.new $s (i32.const 42)) (call $back) (drop (struct.new $s (i32.const 2)))
            (struct.get $s 0))))");
    EXPECT_EQ(value_of(instance, "run"), 42);
    EXPECT_GE(store.heap().collections, 3u);
}

TEST_F(EagerGcTest, sees_constant_expressions_and_segments) {
    const Instance instance = instantiate(R"((module (type $s (struct (field i32) (field (ref null $s))))
        (global $g (ref $s) (struct.new $s (i32.const 1) (struct.new $s (i32.const 2) (ref.null $s))))
        (table $t 2 (ref null $s)) (elem $e (ref $s)
            (struct.new $s (i32.const 3) (global.get $g)) (struct.new $s (i32.const 4) (ref.null $s)))
        (func (export "run") (result i32)
            (drop (struct.new $s (i32.const 0) (ref.null $s)))
            (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 2))
            (elem.drop $e)
            (drop (struct.new $s (i32.const 0) (ref.null $s)))
            (i32.add
                (i32.mul (i32.const 10) (struct.get $s 0 (table.get $t (i32.const 1))))
                (struct.get $s 0 (struct.get $s 1 (struct.get $s 1 (table.get $t (i32.const 0)))))))))");
    EXPECT_EQ(value_of(instance, "run"), 42);
}

TEST_F(GcTest, an_object_has_the_types_above_its_own_and_no_others) {
    const Instance instance = instantiate(R"((module
        (type $a (sub (struct)))
        (type $b (sub $a (struct (field i32))))
        (type $c (sub $b (struct (field i32 i64))))
        (type $d (sub $a (struct (field i64))))
        (func $types (param $x anyref) (result i32)
            (i32.add
                (i32.add (ref.test (ref $a) (local.get $x)) (i32.mul (i32.const 10) (ref.test (ref $b) (local.get $x))))
                (i32.add (i32.mul (i32.const 100) (ref.test (ref $c) (local.get $x)))
                         (i32.mul (i32.const 1000) (ref.test (ref $d) (local.get $x))))))
        (func (export "a") (result i32) (call $types (struct.new $a)))
        (func (export "b") (result i32) (call $types (struct.new_default $b)))
        (func (export "c") (result i32) (call $types (struct.new_default $c)))
        (func (export "d") (result i32) (call $types (struct.new_default $d)))))");
    EXPECT_EQ(value_of(instance, "a"), 1);
    EXPECT_EQ(value_of(instance, "b"), 11);
    EXPECT_EQ(value_of(instance, "c"), 111);
    EXPECT_EQ(value_of(instance, "d"), 1001);
}

class DescriptorTest : public GcTest {
protected:
    DescriptorTest() : GcTest{Config{.features = FeatureSet::all(), .collect_always = true}} {}
};

TEST_F(DescriptorTest, lets_a_described_type_extend_one_that_is_not) {
    const Instance instance = instantiate(R"((module
        (type $base (sub (struct (field i32) (field i8))))
        (rec
            (type $a (sub $base (descriptor $da) (struct (field i32) (field i8) (field i32))))
            (type $da (describes $a) (struct (field i32))))
        (func $first (param (ref $base)) (result i32)
            (i32.add (struct.get $base 0 (local.get 0)) (struct.get_u $base 1 (local.get 0))))
        (func (export "run") (result i32) (local $a (ref null $a))
            (local.set $a (struct.new_desc $a (i32.const 30) (i32.const 5) (i32.const 4)
                (struct.new $da (i32.const 3))))
            (drop (struct.new $da (i32.const 9)))
            (i32.add
                (i32.add (call $first (ref.as_non_null (local.get $a))) (struct.get $a 2 (local.get $a)))
                (struct.get $da 0 (ref.get_desc $a (local.get $a)))))))");
    EXPECT_EQ(value_of(instance, "run"), 42);
}

TEST_F(DescriptorTest, a_type_that_adds_no_fields_may_be_described) {
    const Instance instance = instantiate(R"((module
        (type $base (sub (struct (field i32) (field i8))))
        (rec
            (type $a (sub $base (descriptor $da) (struct (field i32) (field i8))))
            (type $da (describes $a) (struct (field i32))))
        (rec
            (type $empty (descriptor $de) (struct))
            (type $de (describes $empty) (struct (field i32))))
        (func (export "run") (result i32) (local $a (ref null $a)) (local $e (ref null $empty))
            (local.set $a (struct.new_desc $a (i32.const 30) (i32.const 5) (struct.new $da (i32.const 3))))
            (local.set $e (struct.new_desc $empty (struct.new $de (i32.const 4))))
            (drop (struct.new $da (i32.const 9)))
            (i32.add
                (i32.add (struct.get $a 0 (local.get $a)) (struct.get_u $a 1 (local.get $a)))
                (i32.add (struct.get $da 0 (ref.get_desc $a (local.get $a)))
                         (struct.get $de 0 (ref.get_desc $empty (local.get $e))))))))");
    EXPECT_EQ(value_of(instance, "run"), 42);
}

TEST_F(DescriptorTest, a_subtype_of_a_described_type_has_its_fields_after_the_descriptor) {
    const Instance instance = instantiate(R"((module
        (type $base (sub (struct (field i32))))
        (rec ;; without a field after the descriptor
            (type $a (sub $base (descriptor $da) (struct (field i32))))
            (type $da (sub (describes $a) (struct (field i32)))))
        (rec
            (type $b (sub $a (descriptor $db) (struct (field i32) (field i64) (field i8))))
            (type $db (sub $da (describes $b) (struct (field i32) (field i32)))))
        (func $first (param $a (ref $a)) (result i32)
            (i32.add (struct.get $a 0 (local.get $a)) (struct.get $da 0 (ref.get_desc $a (local.get $a)))))
        (func (export "run") (result i32) (local $b (ref null $b))
            (local.set $b (struct.new_desc $b (i32.const 10) (i64.const -1) (i32.const 5)
                (struct.new $db (i32.const 20) (i32.const 7))))
            (drop (struct.new $db (i32.const 9) (i32.const 9)))
            (if (i64.ne (struct.get $b 1 (local.get $b)) (i64.const -1)) (then unreachable))
            (i32.add
                (i32.add (call $first (ref.as_non_null (local.get $b))) (struct.get_u $b 2 (local.get $b)))
                (struct.get $db 1 (ref.get_desc $b (local.get $b)))))))");
    EXPECT_EQ(value_of(instance, "run"), 42);
}

/// Objects of the store and what they should hold: a graph that changes at random.
TEST_F(GcTest, agrees_with_a_model) {
    const auto module = load(R"((module (type $s (struct (field i32) (field (mut (ref null $s)))
        (field (mut (ref null $s)))))))");
    const TypeId type = module.types()[0];
    struct Node {
        int32_t number;
        int edge[2];
    };
    std::vector<Node> model;
    std::vector<Root> roots; // one for each tenth node
    std::mt19937 random{7};
    const Value null = Value::null(HeapType::none);
    for (int round = 0; round < 300; ++round) {
        const RootScope scope{store};
        // A graph of its own each round, its first node rooted.
        std::vector<StructRef> nodes;
        std::vector<Node> graph;
        for (int i = 0; i < 20; ++i) {
            const Value fields[] = {static_cast<int32_t>(random()), null, null};
            nodes.push_back(*StructRef::create(store, type, fields));
            graph.push_back({fields[0].as<int32_t>(), {-1, -1}});
        }
        for (int i = 0; i < 40; ++i) {
            const size_t from = random() % 20;
            const size_t which = random() % 2;
            const size_t to = random() % 20;
            ASSERT_TRUE(nodes[from].set(1 + which, nodes[to].value()));
            graph[from].edge[which] = static_cast<int>(to);
        }
        roots.emplace_back(store, nodes[0].value());
        if (round % 10 == 0)
            store.collect();
        // Walks both in step from the root of this round and of one before.
        StructRef at = nodes[0];
        for (size_t now = 0, steps = 0; steps < 30; ++steps) {
            ASSERT_EQ(at.get(0)->as<int32_t>(), graph[now].number);
            const size_t which = random() % 2;
            if (graph[now].edge[which] < 0) {
                ASSERT_TRUE(at.get(1 + which)->is_null());
                break;
            }
            now = static_cast<size_t>(graph[now].edge[which]);
            at = *StructRef::from(store, *at.get(1 + which));
        }
        model.push_back(graph[0]);
    }
    store.collect();
    for (size_t i = 0; i < roots.size(); ++i)
        ASSERT_EQ(StructRef::from(store, roots[i].value())->get(0)->as<int32_t>(), model[i].number);
    roots.clear();
    store.collect();
    EXPECT_EQ(store.heap().survived, 0u);
}

TEST(GcBlocks, are_listed_without_copying_the_list_for_each) {
    CountingAllocator counting;
    Engine engine{{.allocator = &counting}};
    Store store{engine};
    const auto module = engine.load(assemble(lists));
    ASSERT_TRUE(module);
    constexpr size_t arrays = 1000;
    counting.allow(SIZE_MAX);
    const RootScope scope{store};
    for (size_t i = 0; i < arrays; ++i)
        ASSERT_TRUE(ArrayRef::create(store, module->types()[1], 100'000, 0));
    EXPECT_LT(counting.calls(), arrays + 50);
}

TEST(GcBlocks, hold_several_objects_of_some_kilobytes_each) {
    CountingAllocator counting;
    Engine engine{{.allocator = &counting}};
    Store store{engine};
    const auto module = engine.load(assemble(lists));
    ASSERT_TRUE(module);
    counting.allow(SIZE_MAX);
    const RootScope scope{store};
    for (size_t i = 0; i < 600; ++i)
        ASSERT_TRUE(ArrayRef::create(store, module->types()[1], 5'000, 0));
    EXPECT_LT(counting.calls(), 100u); // each in a block of its own would waste most of its 64 KiB
}

TEST(GcOutOfMemory, is_a_trap_wherever_it_happens) {
    const Vec<uint8_t> bytes = assemble(lists);
    for (size_t budget = 0, succeeded = 0; succeeded == 0; ++budget) {
        ASSERT_LT(budget, 2000u);
        CountingAllocator failing;
        failing.allow(budget);
        {
            Engine engine{{.allocator = &failing}};
            const auto module = engine.load(bytes);
            if (!module)
                continue;
            Store store{engine};
            Linker linker{engine};
            const auto instance = linker.instantiate(store, *module);
            if (!instance)
                continue;
            const auto build = instance->func<int32_t(int32_t)>("build");
            ASSERT_TRUE(build);
            const auto built = (*build)(100'000);
            if (!built) {
                EXPECT_EQ(built.error().code(), TrapCode::out_of_memory) << built.error().message();
            }
            store.collect();
            succeeded += built.has_value();
        }
        EXPECT_EQ(failing.live(), 0u);
    }
}

/// A list whose items each refer to a leaf that refers to another one, so that for each item one more object
/// waits to be looked at; and an array that is looked at in pieces, which have a list of their own.
constexpr std::string_view leaves = R"((module
    (type $leaf (struct (field (ref null $leaf)) (field i32)))
    (type $list (struct (field (ref null $leaf)) (field (ref null $list))))
    (type $array (array (mut (ref null $leaf))))
    (global $list (mut (ref null $list)) (ref.null $list))
    (global $array (mut (ref null $array)) (ref.null $array))
    (func $leaf (param $n i32) (result (ref $leaf))
        (struct.new $leaf (struct.new $leaf (ref.null $leaf) (i32.const 1)) (local.get $n)))
    (func (export "build") (param $n i32) (result i32)
        (global.set $array (array.new_default $array (local.get $n)))
        (loop $more
            (global.set $list (struct.new $list (call $leaf (local.get $n)) (global.get $list)))
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (array.set $array (global.get $array) (local.get $n) (call $leaf (local.get $n)))
            (br_if $more (local.get $n)))
        (i32.const 0))
    ;; The sum of the numbers in all leaves that leaves refer to; traps if one is missing.
    (func (export "sum") (param $n i32) (result i32) (local $sum i32) (local $at (ref null $list))
        (local.set $at (global.get $list))
        (loop $more
            (local.set $n (i32.sub (local.get $n) (i32.const 1)))
            (local.set $sum (i32.add (local.get $sum) (i32.add
                (struct.get $leaf 1 (struct.get $leaf 0 (struct.get $list 0 (local.get $at))))
                (struct.get $leaf 1 (struct.get $leaf 0 (array.get $array (global.get $array) (local.get $n)))))))
            (local.set $at (struct.get $list 1 (local.get $at)))
            (br_if $more (local.get $n)))
        (local.get $sum))
    (func (export "drop") (param i32) (result i32)
        (global.set $list (ref.null $list)) (global.set $array (ref.null $array)) (i32.const 0))))";

TEST(GcOutOfMemory, loses_nothing_if_too_many_objects_wait_to_be_looked_at) {
    constexpr int32_t count = 20'000;
    CountingAllocator failing;
    Engine engine{{.allocator = &failing}};
    const auto module = engine.load(assemble(leaves));
    ASSERT_TRUE(module);
    Store store{engine};
    const auto instance = Linker{engine}.instantiate(store, *module);
    ASSERT_TRUE(instance);
    const auto call = [&](const char* name) { return (*instance->func<int32_t(int32_t)>(name))(count); };
    store.collect(); // it needs its first memory
    ASSERT_EQ(call("build"), 0);
    for (const size_t budget : {0u, 1u, 2u, 3u, 20u}) {
        failing.allow(budget);
        store.collect();
        EXPECT_EQ(failing.calls(), budget) << "there was room for all";
        failing.allow(SIZE_MAX);
        // What took the place of a lost object would have other numbers.
        ASSERT_EQ(call("build"), 0);
        EXPECT_EQ(call("sum"), 2 * count) << budget;
    }
    const uint64_t full = store.heap().survived;
    EXPECT_GT(full, uint64_t{count} * 2 * 3 * sizeof(uint64_t));
    ASSERT_EQ(call("drop"), 0);
    failing.allow(0);
    store.collect();
    EXPECT_LT(store.heap().survived, full / 100);
}

} // namespace
} // namespace warpbeam
