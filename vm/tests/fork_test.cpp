#include "snapshot_fixture.hpp"

#include <warpbeam/vm/host_object.hpp>

#include <cstdlib>
#include <thread>

/// Stores that are copied, also while executions wait.

namespace warpbeam {
namespace {

class CloningHost final : public SnapshotHost {
public:
    std::optional<ExternRef> clone_extern(Store& to, const Store& from,
                                          ExternRef reference) noexcept override {
        if (reference.is_host())
            return reference;
        const std::string* const text = reference.object<std::string>(from);
        const auto made = ExternRef::create(to, text != nullptr ? *text + "!" : std::string{});
        return made ? std::optional{*made} : std::nullopt;
    }
};

class ForkTest : public SnapshotFixture {
protected:
    static Config without_fuel() {
        Config config;
        config.features = FeatureSet::all();
        return config;
    }
    ForkTest() : SnapshotFixture{without_fuel()} {
        EXPECT_TRUE(linker.host_call<int32_t(int32_t)>("env", "ask"));
        EXPECT_TRUE(linker.func("env", "add", [this](int32_t n) { return added += n; }));
    }
    int32_t added = 0;
};

TEST_F(ForkTest, both_go_their_own_way) {
    const Instance instance = instantiate(R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (import "env" "add" (func $add (param i32) (result i32)))
        (memory (export "m") 20) (global $g (mut i32) (i32.const 1))
        (type $box (struct (field (mut i32)))) (global $box (ref $box) (struct.new $box (i32.const 100)))
        (func (export "run") (result i32)
            (i32.store (i32.const 70000) (i32.const 5))
            (global.set $g (call $ask (i32.const 3)))
            (i32.store (i32.const 70000) (i32.add (i32.load (i32.const 70000)) (global.get $g)))
            (struct.set $box 0 (global.get $box) (i32.add (struct.get $box 0 (global.get $box)) (global.get $g)))
            (drop (call $add (global.get $g)))
            (i32.add (i32.load (i32.const 70000)) (struct.get $box 0 (global.get $box))))))");
    Execution execution = std::move(*Execution::create(*instance.func("run")));
    ASSERT_EQ(*execution.resume(), ExecutionState::host_call);
    const Instance instances[] = {instance};
    const Execution* const executions[] = {&execution};
    auto copy = fork(store, {.instances = instances, .executions = executions});
    ASSERT_TRUE(copy) << copy.error().message();
    const auto finish = [](Execution& each, int32_t with) {
        const Value answer{with};
        EXPECT_TRUE(each.answer({&answer, 1}));
        EXPECT_EQ(*each.resume(), ExecutionState::done);
        Value result;
        EXPECT_TRUE(each.results({&result, 1}));
        return result.as<int32_t>();
    };
    EXPECT_EQ(finish(execution, 1), 5 + 1 + 101);
    int32_t other = 0;
    std::thread{[&] { other = finish(copy->executions[0], 20); }}.join();
    EXPECT_EQ(other, 5 + 20 + 120);
    EXPECT_EQ(added, 21);
    EXPECT_EQ(instance.memory("m")->data()[70000], 6);
    EXPECT_EQ(copy->instances[0].memory("m")->data()[70000], 25);
}

TEST_F(ForkTest, external_references_are_cloned_by_the_host) {
    const Instance instance = instantiate(R"((module (global (export "x") (mut externref) (ref.null extern))
        (global (export "y") (mut externref) (ref.null extern))))");
    ASSERT_TRUE(instance.global("x")->set(*ExternRef::create(store, std::string{"one"})));
    ASSERT_TRUE(instance.global("y")->set(ExternRef::host(6)));
    const Instance instances[] = {instance};
    EXPECT_FALSE(fork(store, {.instances = instances}));
    CloningHost cloning;
    auto copy = fork(store, {.instances = instances}, {.host = &cloning, .limits = {}});
    ASSERT_TRUE(copy) << copy.error().message();
    copy->store.collect();
    const auto x = copy->instances[0].global("x")->get().as<ExternRef>();
    ASSERT_NE(x.object<std::string>(copy->store), nullptr);
    EXPECT_EQ(*x.object<std::string>(copy->store), "one!");
    EXPECT_EQ(copy->instances[0].global("y")->get().as<ExternRef>().payload(), 6u);
    EXPECT_EQ(*instance.global("x")->get().as<ExternRef>().object<std::string>(store), "one");
}

TEST_F(ForkTest, a_thousand_forks_of_64_mebibytes) {
    if (sizeof(void*) < 8 || std::getenv("WARPBEAM_EMULATED") != nullptr)
        GTEST_SKIP() << "addresses of 32 bits are not enough, and an emulator takes half an hour";
#ifdef _WIN32
    GTEST_SKIP() << "a fork is a copy there";
#endif
    const Instance instance = instantiate(R"((module (memory (export "m") 1024)
        (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864)))
        (func (export "set") (param i32) (i32.store (i32.const 1000000) (local.get 0)))
        (func (export "get") (result i32) (i32.load (i32.const 1000000)))))");
    ASSERT_TRUE(instance.func("fill")->call());
    const Instance instances[] = {instance};
    std::vector<Restored> forks;
    for (int32_t i = 0; i < 1000; ++i) {
        auto made = fork(store, {.instances = instances});
        ASSERT_TRUE(made) << i << ": " << made.error().message();
        const Value args[] = {i};
        ASSERT_TRUE(made->instances[0].func("set")->call(args));
        forks.push_back(std::move(*made));
    }
    for (int32_t i = 0; i < 1000; ++i) {
        Value result;
        ASSERT_TRUE(forks[static_cast<size_t>(i)].instances[0].func("get")->call({}, {&result, 1}));
        EXPECT_EQ(result.as<int32_t>(), i);
    }
    EXPECT_EQ(instance.memory("m")->data()[1'000'000], 1);
}

/// A host call that the module does not import: the embedder has put the function where the guest finds it.
TEST_F(ForkTest, an_execution_may_wait_for_a_function_that_no_module_imports) {
    const Instance instance = instantiate(R"((module (type $ask (func (param i32) (result i32)))
        (table (export "table") 2 funcref)
        (func (export "call") (param i32) (result i32)
            (i32.add (call_indirect (type $ask) (local.get 0) (i32.const 1)) (i32.const 1)))
        (func (export "clear") (table.set (i32.const 1) (ref.null func)))))");
    const auto ask = linker.get(store, "env", "ask");
    ASSERT_TRUE(ask);
    ASSERT_TRUE(instance.table("table")->set(1, std::get<Func>(*ask)));
    const Value args[] = {5};
    Execution called = std::move(*Execution::create(*instance.func("call"), args));
    ASSERT_EQ(*called.resume(), ExecutionState::host_call);
    Execution direct = std::move(*Execution::create(std::get<Func>(*ask), args));
    ASSERT_EQ(*direct.resume(), ExecutionState::host_call);
    const Instance instances[] = {instance};
    const Execution* const executions[] = {&called, &direct};
    // Once while the table has it, and once when only the executions do.
    for (const bool is_cleared : {false, true}) {
        if (is_cleared) {
            ASSERT_TRUE(instance.func("clear")->call());
        }
        auto copy = fork(store, {.instances = instances, .executions = executions});
        ASSERT_TRUE(copy) << copy.error().message();
        for (size_t i = 0; i < 2; ++i) {
            Execution& each = copy->executions[i];
            EXPECT_EQ(each.argument(0).get<int32_t>(), 5);
            const Value answer{7};
            ASSERT_TRUE(each.answer({&answer, 1}));
            ASSERT_EQ(*each.resume(), ExecutionState::done);
            Value result;
            ASSERT_TRUE(each.results({&result, 1}));
            EXPECT_EQ(result.as<int32_t>(), i == 0 ? 8 : 7);
        }
    }
}

} // namespace
} // namespace warpbeam
