#include "disassembly/handler_index.hpp"
#include "fixture.hpp"
#include "handlers/joined_list.hpp"
#include "handlers/joined_table.hpp"

#include <warpbeam/vm/disassembly.hpp>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

/// Instructions that are joined (handlers/joined.hpp).

namespace warpbeam::vm {
namespace {

std::string_view name_of(const Choice& choice) { return vm::name_of(choice.form); }

TEST(Joined, instructions_exist_and_come_after_their_beginnings) {
    if (joined_entries() == 0)
        GTEST_SKIP() << "only with tail calls";
    const HandlerIndex* const index = HandlerIndex::get();
    ASSERT_NE(index, nullptr);
    for (size_t i = 0; i < joined_count; ++i) {
        SCOPED_TRACE(i);
        const JoinedChoices& row = joined_list[i];
        JoinedNumber joined = joined_part(key_of(row.parts[0]));
        JoinedNumber parts[max_joined] = {joined};
        for (size_t part = 0; part < row.count; ++part)
            ASSERT_TRUE(exists(row.parts[part])) << name_of(row.parts[part]);
        for (size_t part = 1; part < row.count; ++part) {
            // Only the last one may go elsewhere for good, or be where an execution can stop.
            EXPECT_EQ(row_of(row.parts[part - 1].form).effects &
                          (effect::ends | effect::calls | effect::safepoint),
                      0)
                << name_of(row.parts[part - 1]);
            parts[part] = joined_part(key_of(row.parts[part]));
            joined = join(joined, parts[part]);
            ASSERT_NE(joined, 0) << "the row's beginning is missing, or comes later";
        }
        EXPECT_EQ(joined_handler(joined), joined_entry(i).handler) << "the row is there twice";
        EXPECT_EQ(longest_joined(parts), joined);
        EXPECT_EQ(*index->find(joined_handler(joined)), row.parts[0]);
    }
}

TEST(Joined, keys_of_choices_are_different) {
    std::vector<ChoiceKey> keys;
    for (const HandlerGroup& group : handler_groups())
        for (size_t i = 0; i < group.count; ++i)
            for (size_t number = 0; number < combinations(group.form); ++number)
                keys.push_back(key_of({group.form, op_at(group.family, i), variant_of(group.form, number)}));
    std::ranges::sort(keys);
    EXPECT_EQ(std::ranges::adjacent_find(keys), keys.end());
}

TEST(Joined, others_are_not) {
    const JoinedNumber jump = joined_part(key_of({Form::jump, Op::nop, {}}));
    EXPECT_EQ(join(jump, jump), 0);
    EXPECT_EQ(join(jump, 0), 0);
    EXPECT_EQ(join(0, jump), 0);
    EXPECT_EQ(join(0, 0), 0);
    EXPECT_EQ(joined_part(key_of({Form::call, Op::nop, {}})), 0);
    const JoinedNumber two[max_joined] = {jump, jump};
    EXPECT_EQ(longest_joined(two), 0);
    const JoinedNumber alone[max_joined] = {jump};
    EXPECT_EQ(longest_joined(alone), 0);
}

/// A loop that is one handler stops when it is asked to.
class JoinedLoopTest : public VmTest {
protected:
    static Config patched() {
        Config config;
        config.interruption = config.patched_interruption = true;
        return config;
    }
    JoinedLoopTest() : VmTest{patched()} {}
};

TEST_F(JoinedLoopTest, is_interrupted) {
    // The first is one instruction; the others are joined, if anything is.
    const Instance instance = instantiate(R"((module (memory (export "memory") 1)
        (func (export "latch") (param $i i64)
          (loop $l (br_if $l (i64.ne (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const -1)))))
        (func (export "sum") (param $i i64) (local $sum i64)
          (loop $l (local.set $sum (i64.add (local.get $sum) (local.get $i)))
            (br_if $l (i64.ne (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const -1)))))
        (func (export "test") (param $i i64)
          (block $out (loop $l (br_if $out (i64.eqz (local.get $i)))
            (local.set $i (i64.or (local.get $i) (i64.const 1))) (br $l))))
        (func (export "tail") (param $i i64) (return_call 3 (i64.or (local.get $i) (i64.const 1))))))");
    for (const char* const name : {"latch", "sum", "test", "tail"}) {
        SCOPED_TRACE(name);
        const InterruptHandle handle = store.interrupt_handle();
        std::thread other{[handle] {
            std::this_thread::sleep_for(std::chrono::milliseconds{20});
            handle.interrupt();
        }};
        const Value args[] = {Value{int64_t{1}}};
        const auto called = instance.func(name)->call(args, {});
        other.join();
        ASSERT_FALSE(called);
        EXPECT_EQ(called.error().code(), TrapCode::interrupted);
    }
}

/// Accesses that leave their bounds to guard pages are joined as those that check them, which then check.
class JoinedGuardedTest : public VmTest {
protected:
    static Config guarded() {
        Config config;
        config.guard_pages = true;
        return config;
    }
    JoinedGuardedTest() : VmTest{guarded()} {}
};

TEST_F(JoinedGuardedTest, accesses_are_joined) {
    if (joined_entries() == 0 || !engine.guard_pages())
        GTEST_SKIP() << "only with tail calls and guard pages";
    constexpr std::string_view wat = R"((module (memory (export "memory") 1)
        (func (export "f") (param $i i32) (result i32) (local $sum i32)
          (loop $l
            (local.set $sum (i32.add (local.get $sum) (i32.mul (i32.load (local.get $i)) (i32.const 3))))
            (br_if $l (i32.ne (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.const 65544))))
          (local.get $sum))))";
    const Instance instance = instantiate(wat);
    const auto listing = list_code(engine, load(wat), 0);
    ASSERT_TRUE(listing);
    std::string lines;
    for (const CodeLine& line : listing->lines())
        lines.append(line.text) += '\n';
    EXPECT_NE(lines.find("i32.load "), std::string::npos) << lines;
    EXPECT_EQ(lines.find("guarded"), std::string::npos) << lines;
    const auto sum = instance.func("f");
    ASSERT_TRUE(sum);
    const Value args[] = {Value{int32_t{0}}};
    Value results[1];
    const auto called = sum->call(args, results);
    ASSERT_FALSE(called);
    EXPECT_EQ(called.error().code(), TrapCode::memory_out_of_bounds);
}

} // namespace
} // namespace warpbeam::vm
