#include "snapshot_fixture.hpp"

#include <array>

/// What may be saved together, and what a restoring host has to have.

namespace warpbeam {
namespace {

class SnapshotContentsTest : public SnapshotFixture {
protected:
    SnapshotContentsTest() {
        for (Linker* const each : {&linker, &hosts})
            EXPECT_TRUE(each->host_call<int32_t()>("host", "receive"));
        store.set_fuel(1'000'000);
    }
    /// An execution that waits for its message, with 16 bytes of the guest's stack.
    Execution waiting(const Instance& instance) {
        auto made = Execution::create(*instance.func("f"));
        EXPECT_TRUE(made);
        EXPECT_EQ(made->resume({.fuel = 1000}), ExecutionState::host_call);
        return std::move(*made);
    }
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
