#include "fixture.hpp"
#include "repeat.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

/// The time that lowering takes is linear in the size of a body, whatever its shape. Here it is compared with
/// that of another body, by factors far from those of a loop over all operands for each instruction.

namespace warpbeam {
namespace {

/// Seconds of CPU time since some moment; on Windows, where that has steps of milliseconds, of the time that
/// passes.
double now() {
#ifdef _WIN32
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#else
    return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
#endif
}

/// Seconds to load a module, the least of several times.
double seconds_to_load(const Vec<uint8_t>& bytes, bool eager) {
    Config config;
    config.eager = eager;
    config.features = FeatureSet::all();
    double least = 1e9;
    for (int i = 0; i < 5; ++i) {
        Engine engine{config};
        const double begin = now();
        const auto module = engine.load(bytes);
        least = std::min(least, now() - begin);
        EXPECT_TRUE(module) << module.error().message();
    }
    return least;
}

/// Seconds to lower all of a module, without its validation, which compares all types at each branch.
double seconds(const std::string& wat) {
    const Vec<uint8_t> bytes = assemble(wat);
    return seconds_to_load(bytes, true) - seconds_to_load(bytes, false);
}

/// A block whose label takes that many values, with `body` after them.
std::string block_with(size_t values, const std::string& body) {
    const std::string types = repeat("i32 ", values);
    return "(module (type $t (func (result " + types + "))) (func (param i32) block (type $t) " +
           repeat("(i32.const 1)", values) + body + " end " + repeat("drop ", values) + "))";
}

TEST(LoweringTime, of_a_branch_table_does_not_depend_on_its_values) {
    // Targets of one label, and of two in turn.
    for (const char* const targets : {"0 0 ", "0 1 "}) {
        const auto table = [&](size_t values) {
            const std::string types = repeat("i32 ", values);
            return "(module (type $t (func (result " + types +
                   "))) (func (param i32) block (type $t) block (type $t)" + "(i32.const 9)" +
                   repeat("(i32.const 1)", values) + "(local.get 0) br_table " + repeat(targets, 20'000) +
                   "0 end end " + repeat("drop ", values) + "))";
        };
        EXPECT_LT(seconds(table(1000)), 20 * seconds(table(1)));
    }
}

TEST(LoweringTime, of_branches_with_many_values_is_linear) {
    const std::string branches = repeat("(br_if 0 (local.get 0))", 5000);
    EXPECT_LT(seconds(block_with(1000, branches)), 20 * seconds(block_with(10, branches)));
}

TEST(LoweringTime, of_locals_that_are_set_while_they_are_operands_is_linear) {
    const auto body = [](size_t locals) {
        std::string text = "(module (func (local " + repeat("i32 ", locals) + ")";
        for (size_t i = 0; i < locals; ++i)
            text += "local.get " + std::to_string(i) + " ";
        text += repeat("i32.const 1 ", locals);
        for (size_t i = 0; i < locals; ++i)
            text += "(local.set " + std::to_string(i) + " (i32.const 2))";
        return text + repeat("drop ", 2 * locals) + "))";
    };
    EXPECT_LT(seconds(body(16'000)), 12 * seconds(body(4000)));
}

TEST(LoweringTime, of_large_frames_is_linear) {
    const auto far_locals = [](size_t count) {
        std::string text = "(module (func (local " + repeat("v128 ", 50'000) + ")";
        for (size_t i = 0; i < count; ++i)
            text += "(local.set " + std::to_string(49'999 - i) + " (local.get " + std::to_string(49'000 - i) +
                    "))";
        return text + "))";
    };
    EXPECT_LT(seconds(far_locals(40'000)), 20 * seconds(far_locals(5'000)));
    const auto operands = [](size_t count) {
        return "(module (func (param i32) " + repeat("(i32.add (local.get 0) (i32.const 3))", count) +
               repeat("(block) (drop)", count) + "))";
    };
    EXPECT_LT(seconds(operands(400'000)), 20 * seconds(operands(100'000)));
}

} // namespace
} // namespace warpbeam
