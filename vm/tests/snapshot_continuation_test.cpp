#include "saved_modules.hpp"
#include "snapshot_fixture.hpp"

/// Continuations in snapshots: those that run, those that wait, and those that have not begun.

namespace warpbeam {
namespace {

class SnapshotContinuationTest : public SnapshotFixture {
protected:
    SnapshotContinuationTest() {
        for (Linker* const each : {&linker, &hosts})
            EXPECT_TRUE(each->host_call<int32_t(int32_t)>("env", "ask"));
        instance = instantiate(switching_module);
        modules = {instance.module()};
    }
    struct Outcome {
        int32_t result = 0;
        uint64_t fuel = 0;
        int stops = 0;
    };
    enum class Way { none, snapshot, fork };
    Outcome run(uint64_t slice, Way way) {
        const Value args[] = {4};
        Execution execution = std::move(*Execution::create(*instance.func("run"), args));
        std::optional<Restored> last;
        Outcome outcome;
        for (;; ++outcome.stops) {
            const auto state = execution.resume({.fuel = slice});
            outcome.fuel += slice;
            if (!state || *state == ExecutionState::trapped) {
                ADD_FAILURE() << (state ? execution.trap()->message() : state.error().message());
                return outcome;
            }
            if (*state == ExecutionState::done)
                break;
            if (way != Way::none) {
                Store& from = last ? last->store : store;
                const Instance instances[] = {last ? last->instances[0] : instance};
                const Execution* const executions[] = {&execution};
                const SnapshotContents contents{.instances = instances, .executions = executions};
                std::expected<Restored, Error> next = std::unexpected{Error{ErrorCode::usage}};
                if (way == Way::snapshot) {
                    const Bytes bytes = saved(from, contents);
                    next = restored(bytes);
                    EXPECT_TRUE(next) << next.error().message();
                    const Instance again[] = {next->instances[0]};
                    const Execution* const more[] = {&next->executions[0]};
                    EXPECT_EQ(saved(next->store, {.instances = again, .executions = more}), bytes);
                } else {
                    next = fork(from, contents);
                    EXPECT_TRUE(next) << next.error().message();
                }
                execution = std::move(next->executions[0]);
                last.emplace(std::move(*next));
            }
            if (execution.state() == ExecutionState::host_call) {
                const Value answer{execution.argument(0).as<int32_t>() * 3};
                EXPECT_TRUE(execution.answer({&answer, 1}));
            }
        }
        outcome.fuel -= execution.fuel();
        Value result;
        EXPECT_TRUE(execution.results({&result, 1}));
        outcome.result = result.as<int32_t>();
        return outcome;
    }
    /// A snapshot with continuations in globals, and an execution that waits in some.
    Bytes whole() {
        store.set_fuel(10'000);
        EXPECT_TRUE(instance.func("prepare")->call());
        const Value args[] = {4};
        Execution execution = std::move(*Execution::create(*instance.func("run"), args));
        while (*execution.resume({.fuel = 1000}) != ExecutionState::host_call) {
        }
        const Instance instances[] = {instance};
        const Execution* const executions[] = {&execution};
        return saved(store, {.instances = instances, .executions = executions});
    }
    Instance instance;
};

TEST_F(SnapshotContinuationTest, go_on_from_wherever_they_stop) {
    const Outcome whole = run(1'000'000, Way::none);
    EXPECT_GT(whole.stops, 2);
    for (const Way way : {Way::snapshot, Way::fork})
        for (const uint64_t slice : {1u, 5u}) {
            const Outcome sliced = run(slice, way);
            EXPECT_EQ(sliced.result, whole.result);
            EXPECT_EQ(sliced.fuel, whole.fuel);
        }
}

TEST_F(SnapshotContinuationTest, in_globals) {
    store.set_fuel(10'000);
    ASSERT_TRUE(instance.func("prepare")->call());
    const Instance instances[] = {instance};
    const Bytes bytes = saved(store, {.instances = instances});
    for (const bool forks : {false, true}) {
        auto copy = forks ? fork(store, {.instances = instances}) : restored(bytes);
        ASSERT_TRUE(copy) << copy.error().message();
        EXPECT_EQ(copy->store.usage().heap_bytes, store.usage().heap_bytes);
        copy->store.set_fuel(10'000);
        Value result;
        ASSERT_TRUE(copy->instances[0].func("bound")->call({}, {&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), 42);
        ASSERT_TRUE(copy->instances[0].func("kept")->call({}, {&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), 1); // what it yields next
        // Both were used, or moved on.
        EXPECT_FALSE(copy->instances[0].func("bound")->call({}, {&result, 1}));
        const Instance again[] = {copy->instances[0]};
        BytesSink sink;
        EXPECT_TRUE(save(copy->store, {.instances = again}, sink));
    }
}

TEST_F(SnapshotContinuationTest, every_shorter_snapshot_is_refused) {
    const Bytes bytes = whole();
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(restored(std::span{bytes}.first(size))) << size;
}

TEST_F(SnapshotContinuationTest, every_byte_changed_with_the_right_digest) {
    const Bytes bytes = whole();
    for (size_t i = 0; i < bytes.size() - 32; ++i)
        for (const uint8_t to : {uint8_t{0}, uint8_t{1}, uint8_t{0xff}, static_cast<uint8_t>(bytes[i] + 1),
                                 static_cast<uint8_t>(bytes[i] - 1), static_cast<uint8_t>(bytes[i] ^ 4)}) {
            Bytes changed = bytes;
            changed[i] = to;
            const Digest digest = sha256(std::span{changed}.first(changed.size() - 32));
            std::ranges::copy(digest, changed.end() - 32);
            auto made = restored(changed);
            if (!made)
                continue;
            for (Execution& each : made->executions) {
                const Value answer{1};
                if (each.state() == ExecutionState::host_call)
                    (void)each.answer({&answer, 1});
                (void)each.resume({.fuel = 100});
            }
            made->store.set_fuel(1000);
            for (const Instance& each : made->instances) {
                Value result;
                (void)each.func("bound")->call({}, {&result, 1});
                (void)each.func("kept")->call({}, {&result, 1});
            }
            made->store.collect();
        }
}

} // namespace
} // namespace warpbeam
