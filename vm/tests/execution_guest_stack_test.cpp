#include "execution_fixture.hpp"

/// Executions of guests that keep C frames in linear memory.

namespace warpbeam {
namespace {

/// As LLVM compiles C: `f` keeps its argument in a frame in memory while it asks.
constexpr const char* c_guest = R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
    (memory (export "memory") 1)
    (global $sp (mut i32) (i32.const 65536))
    (func $frame (param $n i32) (result i32) (local $fp i32)
      (global.set $sp (local.tee $fp (i32.sub (global.get $sp) (i32.const 16))))
      (i32.store (local.get $fp) (local.get $n))
      (drop (call $ask (i32.const 1)))
      (local.set $n (i32.load (local.get $fp)))
      (global.set $sp (i32.add (local.get $fp) (i32.const 16)))
      (local.get $n))
    (func (export "f") (param i32) (result i32) (call $frame (local.get 0)))
    (func (export "leaf") (param i32) (result i32) (call $ask (local.get 0)))
    (func (export "fail") (param i32) (result i32)
      (global.set $sp (i32.sub (global.get $sp) (i32.const 64))) (drop (call $ask (i32.const 1))) (unreachable))
    (func (export "sp") (result i32) (global.get $sp))))";

class CGuestTest : public ExecutionTest {
protected:
    Execution waiting(std::string_view name, int32_t argument) {
        Execution execution = start(instance, name, {argument});
        EXPECT_EQ(execution.resume(), ExecutionState::host_call);
        EXPECT_TRUE(execution.answer({{Value{0}}}));
        return execution;
    }
    [[nodiscard]] int32_t sp() const { return *(*instance.func<int32_t()>("sp"))(); }
    Instance instance = instantiate(c_guest);
};

TEST_F(CGuestTest, goes_on_in_the_reverse_order_only) {
    Execution first = waiting("f", 1);
    Execution second = waiting("f", 2);
    Execution third = waiting("f", 3);
    for (Execution* const early : {&first, &second})
        EXPECT_EQ(early->resume().error().message(),
                  "the guest's stack has frames of executions that began later: finish or drop those first");
    EXPECT_EQ(third.resume(), ExecutionState::done);
    EXPECT_EQ(second.resume(), ExecutionState::done);
    EXPECT_EQ(first.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(first), 1);
    EXPECT_EQ(result_of(second), 2);
    EXPECT_EQ(result_of(third), 3);
    EXPECT_EQ(sp(), 65536);
}

TEST_F(CGuestTest, is_free_without_frames_of_others) {
    Execution framed = waiting("f", 1);
    Execution leaf = waiting("leaf", 2);
    EXPECT_EQ(framed.resume(), ExecutionState::done);
    EXPECT_FALSE(leaf.resume()) << "its caller's frames would be where the other's were";
}

TEST_F(CGuestTest, gives_its_frames_back_when_it_is_dropped_or_traps) {
    Execution first = waiting("f", 1);
    {
        const Execution second = waiting("f", 2);
        EXPECT_FALSE(first.resume());
    }
    Execution failing = waiting("fail", 3);
    EXPECT_EQ(failing.resume(), ExecutionState::trapped);
    EXPECT_EQ(first.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(first), 1);
    EXPECT_EQ(sp(), 65536);
}

TEST_F(CGuestTest, each_has_its_order_in_each_instance) {
    Execution first = waiting("f", 1);
    const Instance other_instance = instantiate(c_guest);
    Execution other = start(other_instance, "f", {5});
    ASSERT_EQ(other.resume(), ExecutionState::host_call);
    EXPECT_EQ(first.resume(), ExecutionState::done);
    ASSERT_TRUE(other.answer({{Value{0}}}));
    EXPECT_EQ(other.resume(), ExecutionState::done);
    EXPECT_EQ(result_of(other), 5);
}

TEST_F(ExecutionTest, of_guests_without_a_stack_in_memory_go_on_in_any_order) {
    // A counter is no stack pointer, though it is the first global.
    const Instance instance = instantiate(R"((module (import "env" "ask" (func $ask (param i32) (result i32)))
        (memory 1) (global $count (mut i32) (i32.const 0))
        (func (export "f") (result i32)
          (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (call $ask (global.get $count)))))");
    Execution first = start(instance, "f");
    Execution second = start(instance, "f");
    ASSERT_EQ(first.resume(), ExecutionState::host_call);
    ASSERT_EQ(second.resume(), ExecutionState::host_call);
    for (Execution* const each : {&first, &second}) {
        ASSERT_TRUE(each->answer({{Value{7}}}));
        EXPECT_EQ(each->resume(), ExecutionState::done);
    }
}

} // namespace
} // namespace warpbeam
