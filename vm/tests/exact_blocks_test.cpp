#include "execution_fixture.hpp"
#include "framing_allocator.hpp"
#include "repeat.hpp"
#include "store/data_images.hpp"
#include "store/stacks.hpp"

#include <warpbeam/vm/gc.hpp>
#include <warpbeam/vm/root.hpp>

/// Values of any number: nothing is written after the block that has room for them, and none is lost.

namespace warpbeam {
namespace {

/// Functions that take many values and return their sum, or return many; `count` of them.
std::string module_of(size_t count) {
    const std::string args = repeat("(local.get #)", count);
    const std::string sum =
        "(i64.const 0)" +
        repeat("(i64.add (i64.mul (local.get #) (i64.add (i64.const #) (i64.const 1))))", count);
    const std::string spread = repeat("(i64.add (local.get 0) (i64.const #))", count);
    const std::string values = repeat(" i64", count);
    return "(module (type $many (func (param" + values +
           ") (result i64))) (type $few (func (param i64) (result" + values +
           "))) (type $takes (cont $many)) (type $gives (cont $few)) (func $sum (export \"sum\") (type "
           "$many) " +
           sum + ") (func $spread (export \"spread\") (type $few) " + spread +
           ") (elem declare func $sum $spread) (func (export \"none\"))"
           "(func (export \"continued_sum\") (type $many) " +
           args +
           "(cont.new $takes (ref.func $sum)) (resume $takes))"
           "(func (export \"continued_spread\") (type $few) (local.get 0) (cont.new $gives (ref.func "
           "$spread)) "
           "(resume $gives)))";
}

class ExactBlocks : public ::testing::Test {
protected:
    FramingAllocator allocator_;
    Engine engine{{.features = FeatureSet::all(), .allocator = &allocator_}};
};

TEST_F(ExactBlocks, of_stacks) {
    for (size_t count = 1; count < 140; ++count) {
        SCOPED_TRACE(count);
        const auto module = engine.load(assemble(module_of(count)));
        ASSERT_TRUE(module) << module.error().message();
        std::vector<Value> numbers;
        int64_t weighted = 0;
        for (size_t i = 0; i < count; ++i) {
            numbers.emplace_back(static_cast<int64_t>(100 + i));
            weighted += static_cast<int64_t>((100 + i) * (i + 1));
        }
        const auto run = [&](std::string_view name, bool at_once, std::span<const Value> args,
                             std::span<Value> results) {
            Store store{engine};
            const auto instance = Instance::create(store, *module);
            ASSERT_TRUE(instance);
            if (at_once) {
                // It leaves a stack with which the next one can begin at once.
                ASSERT_EQ(Execution::start(*instance->func("none"), {}, {})->state, ExecutionState::done);
                const auto started = Execution::start(*instance->func(name), args, results);
                ASSERT_TRUE(started);
                EXPECT_EQ(started->state, ExecutionState::done);
            } else {
                auto execution = Execution::create(*instance->func(name), args);
                ASSERT_TRUE(execution);
                EXPECT_EQ(execution->resume(), ExecutionState::done);
                EXPECT_TRUE(execution->results(results));
            }
        };
        for (const bool at_once : {false, true}) {
            for (const std::string_view name : {"sum", "continued_sum"}) {
                Value sum;
                run(name, at_once, numbers, {&sum, 1});
                EXPECT_EQ(sum.as<int64_t>(), weighted) << name;
            }
            for (const std::string_view name : {"spread", "continued_spread"}) {
                std::vector<Value> results(count);
                run(name, at_once, {{Value{int64_t{100}}}}, results);
                for (size_t i = 0; i < count; ++i)
                    EXPECT_EQ(results[i].as<int64_t>(), numbers[i].as<int64_t>()) << name << " " << i;
            }
        }
    }
}

TEST_F(ExactBlocks, grow_when_they_are_full_and_not_before) {
    const auto bytes_for = [&](size_t count) {
        const auto module = engine.load(assemble(module_of(count)));
        Store store{engine};
        const auto instance = Instance::create(store, *module);
        const auto execution =
            Execution::create(*instance->func("sum"), std::vector<Value>(count, Value{int64_t{1}}));
        EXPECT_TRUE(execution);
        return store.usage().execution_bytes;
    };
    // What calls need beside the values.
    const size_t records = vm::call_records * sizeof(vm::Record);
    for (const size_t size : {512u, 1024u, 2048u}) {
        const size_t fit = (size - records) / 8;
        EXPECT_EQ(bytes_for(fit), size);
        EXPECT_EQ(bytes_for(fit + 1), 2 * size);
    }
}

// What `start` with values of the host's types does is another way in.
TEST_F(ExactBlocks, of_typed_calls) {
    const auto module = engine.load(assemble(R"((module
        (func (export "none"))
        (func (export "three") (param i32 i64 f64) (result f64 i64 i32)
            (local.get 2) (local.get 1) (local.get 0))
        (func (export "many") (param i32) (result i32 i32 i32 i32)
            (local.get 0) (i32.add (local.get 0) (i32.const 1)) (i32.add (local.get 0) (i32.const 2))
            (i32.add (local.get 0) (i32.const 3)))))"));
    ASSERT_TRUE(module);
    Store store{engine};
    const auto instance = Instance::create(store, *module);
    ASSERT_TRUE(instance);
    const Func three = *instance->func("three"), many = *instance->func("many");
    const auto start = [&](const Func& func, std::span<uint64_t> frame, size_t params, size_t results) {
        uint64_t fuel = 0;
        std::optional<StartedCall> stopped;
        ASSERT_EQ(Execution::start(*instance->func("none"), {}, {})->state, ExecutionState::done);
        EXPECT_TRUE(detail::start_slots(func, frame.data(), params, results, {}, fuel, stopped));
        EXPECT_FALSE(stopped);
    };
    uint64_t frame[] = {1, 2, 0x4008'0000'0000'0000, 0x1111, 0x1111};
    start(three, frame, 3, 3);
    EXPECT_EQ(frame[0], 0x4008'0000'0000'0000u);
    EXPECT_EQ(frame[1], 2u);
    EXPECT_EQ(static_cast<uint32_t>(frame[2]), 1u);
    EXPECT_EQ(frame[3], 0x1111u) << "which is not a value";
    // More than the stack of the call before has room for.
    constexpr size_t count = 100;
    const auto large = engine.load(assemble(module_of(count)));
    ASSERT_TRUE(large);
    const auto many_values = Instance::create(store, *large);
    ASSERT_TRUE(many_values);
    uint64_t values[count];
    std::ranges::fill(values, 1);
    const Func sum = *many_values->func("sum"), spread = *many_values->func("spread");
    uint64_t fuel = 0;
    std::optional<StartedCall> stopped;
    EXPECT_FALSE(detail::start_slots(sum, values, count, 1, {}, fuel, stopped));
    EXPECT_FALSE(detail::start_slots(spread, values, 1, count, {}, fuel, stopped));
    // With such a stack at hand.
    const std::vector<Value> args(count, Value{int64_t{1}});
    Value result;
    ASSERT_EQ(Execution::start(sum, args, {&result, 1})->state, ExecutionState::done);
    EXPECT_TRUE(detail::start_slots(sum, values, count, 1, {}, fuel, stopped));
    EXPECT_EQ(values[0], count * (count + 1) / 2);
    values[0] = 5;
    EXPECT_TRUE(detail::start_slots(spread, values, 1, count, {}, fuel, stopped));
    for (size_t i = 0; i < count; ++i)
        EXPECT_EQ(values[i], 5 + i);

    uint64_t other[] = {7, 0x1111, 0x1111, 0x1111, 0x1111};
    start(many, other, 1, 4);
    for (uint32_t i = 0; i < 4; ++i)
        EXPECT_EQ(static_cast<uint32_t>(other[i]), 7 + i);
    EXPECT_EQ(other[4], 0x1111u);
}

TEST_F(ExactBlocks, of_arrays_in_constant_expressions) {
    // So large that it has a block of its own, which it fills to the end.
    for (const size_t length : {3u, 8101u}) {
        std::string values;
        for (size_t i = 0; i < length; ++i)
            values += "(i32.const " + std::to_string(i + 5) + ")";
        const auto module = engine.load(
            assemble("(module (type $a (array i32)) (global (export \"a\") (ref $a) (array.new_fixed $a " +
                     std::to_string(length) + values + ")))"));
        ASSERT_TRUE(module);
        Store store{engine};
        const auto instance = Instance::create(store, *module);
        ASSERT_TRUE(instance);
        const RootScope scope{store};
        const auto array = ArrayRef::from(store, instance->global("a")->get());
        ASSERT_TRUE(array);
        ASSERT_EQ(array->size(), length);
        for (uint32_t i = 0; i < length; ++i)
            EXPECT_EQ(array->get(i)->as<int32_t>(), static_cast<int32_t>(i) + 5) << i;
    }
}

// Data for another's memory: then there are no images at all.
TEST_F(ExactBlocks, of_memories_without_images) {
    const std::string data = "(data (memory 0) (i32.const 0) \"" + std::string(20'000, 'i') +
                             "\")(data (memory 1) (i32.const 0) \"" + std::string(20'000, 'a') + "\")";
    const auto module = engine.load(
        assemble("(module (import \"m\" \"m\" (memory 1)) (memory (export \"a\") 1)" + data + ")"));
    ASSERT_TRUE(module);
    vm::DataImages* const none = vm::DataImages::create(*module, allocator_);
    ASSERT_NE(none, nullptr);
    EXPECT_EQ(none->of(0), nullptr);
    EXPECT_EQ(none->of(1), nullptr);
    destroy(allocator_, none);
    Store store{engine};
    const Extern imported = *Memory::create(store, {.limits = {.min = 1}});
    for (int i = 0; i < 2; ++i) {
        const auto instance = Instance::create(store, *module, {&imported, 1});
        ASSERT_TRUE(instance);
        EXPECT_EQ(instance->memory("a")->data()[19'999], 'a');
        EXPECT_EQ(instance->memory("a")->data()[20'000], 0);
    }
}

TEST_F(ExactBlocks, of_imports) {
    for (size_t count = 1; count < 20; ++count) {
        std::string imports;
        for (size_t i = 0; i < count; ++i)
            imports += "(import \"m\" \"g\" (global i32))";
        const auto module = engine.load(assemble("(module " + imports + ")"));
        ASSERT_TRUE(module);
        Store store{engine};
        const Extern one = *Global::create(store, {.content = ValType::i32, .is_mutable = false}, Value{7});
        for (size_t given = 0; given < count + 5; ++given) {
            const std::vector<Extern> values(given, one);
            EXPECT_EQ(Instance::create(store, *module, values).has_value(), given >= count) << given;
        }
    }
}

TEST(ScarceCalls, few_values_need_no_memory) {
    Config config;
    config.features = FeatureSet::all();
    ScarceStore scarce{config};
    const std::vector<ValType> params(7, ValType::i64);
    const ValType result[] = {ValType::i64};
    const auto sum = Func::wrap(
        scarce.store, FuncType{params, result},
        [](Caller&, std::span<const Value> args, std::span<Value> results) -> std::expected<void, Trap> {
            int64_t all = 0;
            for (const Value& arg : args)
                all += arg.as<int64_t>();
            results[0] = all;
            return {};
        });
    ASSERT_TRUE(sum);
    const auto module = scarce.engine.load(assemble(module_of(16)));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(scarce.store, *module);
    ASSERT_TRUE(instance);
    const std::vector<Value> seven(7, Value{int64_t{6}}), sixteen(16, Value{int64_t{1}});
    Value last;
    const auto call = [&](const Func& func, std::span<const Value> args) {
        ASSERT_TRUE(func.call(args, {&last, 1})); // what is made at the first use
        last = Value{};
        scarce.allocator.allow(0);
        EXPECT_TRUE(func.call(args, {&last, 1}));
        scarce.allocator.allow(SIZE_MAX);
    };
    call(*sum, seven);
    EXPECT_EQ(last.as<int64_t>(), 42);
    call(*instance->func("sum"), sixteen);
    EXPECT_EQ(last.as<int64_t>(), 136);
}

} // namespace
} // namespace warpbeam
