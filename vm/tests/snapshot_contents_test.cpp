#include "snapshot_fixture.hpp"

#include <array>

/// What may be saved together, and what a restoring host has to have.

namespace warpbeam {
namespace {

class SnapshotContentsTest : public ReceivingFixture {
protected:
    std::string refusal(const SnapshotContents& contents) {
        BytesSink sink;
        const auto made = save(store, contents, sink);
        const auto forked = fork(store, contents);
        EXPECT_FALSE(made);
        EXPECT_FALSE(forked);
        if (made || forked)
            return "";
        EXPECT_EQ(made.error().code(), ErrorCode::usage);
        EXPECT_EQ(made.error().message(), forked.error().message());
        return std::string{made.error().message()};
    }

    /// `f` waits for a message, with 16 bytes of the guest's stack.
    static constexpr const char* guest = R"((module (import "host" "receive" (func $receive (result i32)))
        (memory 1) (global $sp (export "__stack_pointer") (mut i32) (i32.const 1000))
        (func (export "f") (result i32) (local i32)
            (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
            (local.set 0 (call $receive))
            (global.set $sp (i32.add (global.get $sp) (i32.const 16)))
            (local.get 0))))";
};

TEST_F(SnapshotContentsTest, an_execution_only_once_and_no_null_pointer) {
    Execution execution = waiting(instantiate(guest));
    const Execution* const twice[] = {&execution, &execution};
    EXPECT_EQ(refusal({.executions = twice}), "execution 1 is execution 0 again");
    const Execution* const null[] = {nullptr};
    EXPECT_EQ(refusal({.executions = null}), "execution 0 is empty or belongs to another store");
}

TEST_F(SnapshotContentsTest, with_an_execution_those_above_it_on_the_guests_stack) {
    const Instance instance = instantiate(guest);
    modules = {instance.module()};
    Execution first = waiting(instance);
    Execution second = waiting(instance);
    Execution third = waiting(instance);
    const auto words = [](size_t i) {
        return "execution " + std::to_string(i) +
               " waits below another one on the guest's stack, which has to be included too";
    };
    const Execution* const below[] = {&first};
    EXPECT_EQ(refusal({.executions = below}), words(0));
    const Execution* const gap[] = {&third, &first};
    EXPECT_EQ(refusal({.executions = gap}), words(1));
    // The others can be there in any order, and the last ones alone.
    const Execution* const all[] = {&second, &first, &third};
    auto copy = restored(saved(store, {.executions = all}));
    ASSERT_TRUE(copy);
    for (const size_t i : {2u, 0u, 1u}) {
        ASSERT_TRUE(copy->executions[i].answer(std::array{Value{5}}));
        EXPECT_EQ(copy->executions[i].resume({.fuel = 1000}), ExecutionState::done);
    }
    const Execution* const top[] = {&third};
    EXPECT_TRUE(restored(saved(store, {.executions = top})));
}

TEST_F(SnapshotContentsTest, an_import_that_is_missing_or_has_changed_is_named) {
    const Instance instance = instantiate(guest);
    modules = {instance.module()};
    const Instance instances[] = {instance};
    const Bytes bytes = saved(store, {.instances = instances});
    const auto refused = [&](const Linker& with) {
        BytesSource source{bytes};
        SnapshotSource* const sources[] = {&source};
        const auto made =
            restore(engine, sources, {.modules = modules, .linker = &with, .host = nullptr, .limits = {}});
        EXPECT_FALSE(made);
        EXPECT_EQ(made.error().code(), ErrorCode::unlinkable);
        return std::string{made.error().message()};
    };
    Linker empty{engine};
    EXPECT_NE(refused(empty).find("host.receive"), std::string::npos);
    Linker other{engine};
    ASSERT_TRUE(other.host_call<int64_t()>("host", "receive"));
    EXPECT_NE(refused(other).find("host.receive: expected func (result i32), found func (result i64)"),
              std::string::npos)
        << refused(other);
}

/// Functions that return a number, and are named by it.
class NumberedFuncs final : public SnapshotHost {
public:
    bool name_func(Func function, Vec<uint8_t>& name) noexcept override {
        Value number;
        if (!function.call({}, {&number, 1}))
            return false;
        for (size_t i = 0; i < length; ++i)
            if (!name.push(static_cast<uint8_t>(number.as<int32_t>())))
                return false;
        return true;
    }
    std::optional<Func> find_func(Store& store, std::span<const uint8_t> name) noexcept override {
        const int32_t number = name[0] + 10;
        const auto made = Func::wrap(store, [number] { return number; });
        return made ? std::optional{*made} : std::nullopt;
    }
    size_t length = 1;
};

TEST_F(SnapshotContentsTest, functions_imported_under_the_same_names_need_names_of_their_own) {
    Config config;
    config.features = FeatureSet::all();
    Engine own{config};
    Store from{own};
    std::vector<Instance> instances;
    for (int32_t i = 1; i <= 2; ++i) {
        Linker each{own};
        ASSERT_TRUE(each.func("env", "who", [i] { return i; }));
        const auto module = own.load(assemble(R"((module (import "env" "who" (func $who (result i32)))
            (func (export "f") (result i32) (call $who))))"));
        ASSERT_TRUE(module);
        instances.push_back(*each.instantiate(from, *module));
        instances.push_back(*each.instantiate(from, *module)); // with the same function
    }
    BytesSink sink;
    const auto refused = save(from, {.instances = instances}, sink);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("several host functions are imported as env.who"),
              std::string_view::npos)
        << refused.error().message();
    NumberedFuncs names;
    const Bytes bytes = saved(from, {.instances = instances}, {.host = &names, .carry_modules = true});
    BytesSource source{bytes};
    SnapshotSource* const sources[] = {&source};
    auto made = restore(own, sources, {.host = &names});
    ASSERT_TRUE(made) << made.error().message();
    for (size_t i = 0; i < 4; ++i)
        EXPECT_EQ((*made->instances[i].func<int32_t()>("f"))(), static_cast<int32_t>(11 + i / 2));
    // A name that could not be restored.
    names.length = (1 << 20) + 1;
    const auto too_long = save(from, {.instances = instances}, sink, {.host = &names});
    ASSERT_FALSE(too_long);
    EXPECT_EQ(too_long.error().code(), ErrorCode::usage);
}

TEST_F(SnapshotContentsTest, a_function_is_named_by_an_import_of_any_instance) {
    // Only an instance that is not part of the snapshot imports it.
    const Instance other = instantiate(R"((module (import "host" "receive" (func $receive (result i32)))
        (export "receive" (func $receive))))");
    const Value values[] = {*other.func("receive")};
    auto copy = restored(saved(store, {.values = values}));
    ASSERT_TRUE(copy) << copy.error().message();
    EXPECT_TRUE(copy->values[0].value().as<Func>());
}

TEST_F(SnapshotContentsTest, a_function_of_another_instance_comes_with_the_object_that_refers_to_it) {
    const Instance holder = instantiate(R"((module
        (type $seven (func (result i32)))
        (type $box (struct (field i32) (field (mut funcref))))
        (type $boxes (array (mut funcref)))
        (global $box (mut (ref null $box)) (ref.null $box))
        (global $boxes (mut (ref null $boxes)) (ref.null $boxes))
        (func (export "put") (param funcref)
            (global.set $box (struct.new $box (i32.const 1) (local.get 0)))
            (global.set $boxes (array.new $boxes (local.get 0) (i32.const 3))))
        (func (export "field") (result i32)
            (call_ref $seven (ref.cast (ref $seven) (struct.get $box 1 (global.get $box)))))
        (func (export "element") (result i32)
            (call_ref $seven (ref.cast (ref $seven) (array.get $boxes (global.get $boxes) (i32.const 2)))))))");
    const Instance other = instantiate("(module (func (export \"seven\") (result i32) (i32.const 7)))");
    modules = {holder.module(), other.module()};
    ASSERT_TRUE((*holder.func<void(Func)>("put"))(*other.func("seven")));
    const Instance instances[] = {holder};
    auto copy = restored(saved(store, {.instances = instances}));
    ASSERT_TRUE(copy) << copy.error().message();
    copy->store.set_fuel(1000);
    EXPECT_EQ(value_of(copy->instances[0], "field"), 7);
    EXPECT_EQ(value_of(copy->instances[0], "element"), 7);
    auto forked = fork(store, {.instances = instances});
    ASSERT_TRUE(forked);
    forked->store.set_fuel(1000);
    EXPECT_EQ(value_of(forked->instances[0], "field"), 7);
}

TEST_F(SnapshotContentsTest, fuel_is_limited_and_taken_back) {
    const Instance instance = instantiate("(module (func (export \"f\") (loop (br 0))))");
    modules = {instance.module()};
    auto execution = Execution::create(*instance.func("f"));
    ASSERT_TRUE(execution);
    store.interrupt_handle().interrupt();
    ASSERT_EQ(execution->resume({.fuel = 1'000'000}), ExecutionState::interrupted);
    const uint64_t left = execution->fuel();
    const Execution* const executions[] = {&*execution};
    const Bytes bytes = saved(store, {.executions = executions});
    for (const uint64_t max : {uint64_t{0}, uint64_t{7}, UINT64_MAX}) {
        BytesSource source{bytes};
        SnapshotSource* const sources[] = {&source};
        RestoreOptions with = options();
        with.max_fuel = max;
        auto copy = restore(engine, sources, with);
        ASSERT_TRUE(copy) << copy.error().message();
        EXPECT_EQ(copy->executions[0].fuel(), std::min(max, left));
    }
    EXPECT_EQ(execution->take_fuel(), left);
    EXPECT_EQ(execution->fuel(), 0u);
    EXPECT_EQ(execution->take_fuel(), 0u);
    EXPECT_EQ(execution->resume(), ExecutionState::out_of_fuel);
    EXPECT_EQ(Execution{}.take_fuel(), 0u);
}

TEST_F(SnapshotContentsTest, as_much_fuel_as_there_may_be_is_restored) {
    const Instance instance = instantiate(R"((module (import "host" "receive" (func $ask (result i32)))
        (func (export "f") (result i32) (drop (call $ask)) (drop (call $ask)) (call $ask))))");
    modules = {instance.module()};
    auto execution = Execution::create(*instance.func("f"));
    ASSERT_TRUE(execution);
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(execution->resume({.fuel = UINT64_MAX}), ExecutionState::host_call);
        const Execution* const executions[] = {&*execution};
        const auto copy = restored(saved(store, {.executions = executions}));
        ASSERT_TRUE(copy) << copy.error().message();
        EXPECT_EQ(copy->executions[0].fuel(), execution->fuel());
        EXPECT_TRUE(fork(store, {.executions = executions}));
        ASSERT_TRUE(execution->answer({{Value{1}}}));
    }
}

TEST_F(SnapshotContentsTest, stacks_that_the_limits_do_not_allow_are_named_as_what_they_exceed) {
    constexpr std::string_view text = R"((module (func $f (export "f") (param i32)
        (if (local.get 0) (then (call $f (i32.sub (local.get 0) (i32.const 1)))) (else (loop (br 0)))))))";
    const Instance instance = instantiate(text);
    modules = {instance.module()};
    const Value args[] = {1000};
    auto execution = Execution::create(*instance.func("f"), args);
    ASSERT_TRUE(execution);
    ASSERT_EQ(execution->resume({.fuel = 100'000}), ExecutionState::out_of_fuel);
    const Execution* const executions[] = {&*execution};
    const Bytes bytes = saved(store, {.executions = executions});
    const auto restored_with = [&](uint64_t execution_bytes, size_t stack_size) {
        Config config = engine.config();
        config.stack_size = stack_size;
        const Engine other{config};
        const Module again = *other.load(assemble(text));
        BytesSource source{bytes};
        SnapshotSource* const sources[] = {&source};
        auto copy =
            restore(other, sources, {.modules = {&again, 1}, .limits = {.execution_bytes = execution_bytes}});
        return copy ? std::string{} : std::string{copy.error().message()};
    };
    EXPECT_EQ(restored_with(1 << 20, 1 << 20), "");
    EXPECT_EQ(restored_with(10'000, 1 << 20), "the stacks of executions exceed StoreLimits::execution_bytes");
    EXPECT_EQ(restored_with(1 << 20, 10'000), "a stack is larger than Config::stack_size allows");
}

TEST_F(SnapshotContentsTest, an_engine_without_the_stops_of_loops_says_so) {
    Config config;
    config.interruption = true;
    Engine interrupted{config};
    Store from{interrupted};
    const auto module = interrupted.load(*parse_wat("(module (func (export \"f\") (loop (br 0))))"));
    ASSERT_TRUE(module);
    const auto instance = Instance::create(from, *module);
    ASSERT_TRUE(instance);
    auto execution = Execution::create(*instance->func("f"));
    ASSERT_TRUE(execution);
    from.interrupt_handle().interrupt();
    ASSERT_EQ(execution->resume(), ExecutionState::interrupted);
    const Execution* const executions[] = {&*execution};
    const Bytes bytes = saved(from, {.executions = executions}, {.carry_modules = true});
    const auto restored_with = [&](bool interruption) {
        Config with;
        with.interruption = interruption;
        BytesSource source{bytes};
        SnapshotSource* const sources[] = {&source};
        return restore(Engine{with}, sources);
    };
    EXPECT_TRUE(restored_with(true));
    const auto without = restored_with(false);
    ASSERT_FALSE(without);
    EXPECT_NE(without.error().message().find("if Config::fuel or Config::interruption is on"),
              std::string_view::npos)
        << without.error().message();
}

} // namespace
} // namespace warpbeam
