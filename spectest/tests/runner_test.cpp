// A test runner must be seen to fail: for every kind of directive, one that holds and some that do not.

#include <gtest/gtest.h>
#include <warpbeam/spectest/runner.hpp>

#include <string>
#include <vector>

namespace warpbeam::spectest {
namespace {

struct Outcome {
    Counts counts;
    std::vector<std::string> findings;
};

Outcome run(const std::string& script, bool compare_messages = false) {
    Outcome outcome;
    RunOptions options;
    options.compare_messages = compare_messages;
    outcome.counts = run_script("test.wast", script, options,
                                [&](const Finding& finding) { outcome.findings.push_back(finding.text()); });
    EXPECT_EQ(outcome.counts.skipped, 0u);
    return outcome;
}

constexpr const char* module = R"((module $m
  (global (export "g") i32 (i32.const 7))
  (func (export "id32") (param i32) (result i32) (local.get 0))
  (func (export "id64") (param i64) (result i64) (local.get 0))
  (func (export "idf") (param f32) (result f32) (local.get 0))
  (func (export "idd") (param f64) (result f64) (local.get 0))
  (func (export "two") (result i32 i64) (i32.const 1) (i64.const 2))
  (func (export "extern") (param externref) (result externref) (local.get 0))
  (func $f (export "funcref") (result funcref) (ref.func $f))
  (func (export "div") (result i32) (i32.div_s (i32.const 1) (i32.const 0)))
  (func $deep (export "deep") (call $deep))
  (func (export "nothing")))
)";

/// What is reported for one directive after the module; empty if it passes.
std::string verdict(const std::string& directive) {
    const Outcome outcome = run(module + directive);
    EXPECT_EQ(outcome.counts.passed + outcome.counts.failed, 2u) << directive;
    EXPECT_EQ(outcome.counts.failed, outcome.findings.size()) << directive;
    if (outcome.findings.empty())
        return {};
    EXPECT_EQ(outcome.findings[0].substr(0, 14), "test.wast:13: ") << outcome.findings[0];
    return outcome.findings[0].substr(14);
}

TEST(Runner, assert_return_of_numbers) {
    EXPECT_EQ(verdict(R"((assert_return (invoke "id32" (i32.const -1)) (i32.const 0xffffffff)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (invoke "id32" (i32.const 5)) (i32.const 6)))"),
              "result 0: expected i32 6, found i32 5");
    EXPECT_EQ(verdict(R"((assert_return (invoke "id32" (i32.const 5)) (i64.const 5)))"),
              "result 0: expected i64 5, found i32 5");
    EXPECT_EQ(verdict(R"((assert_return (invoke "id64" (i64.const -9)) (i64.const -8)))"),
              "result 0: expected i64 -8, found i64 -9");
    EXPECT_EQ(verdict(R"((assert_return (invoke "idd" (f64.const 0)) (f64.const -0)))"),
              "result 0: expected f64 -0 (0x8000000000000000), found f64 0 (0x0000000000000000)");
    EXPECT_EQ(verdict(R"((assert_return (invoke "two") (i32.const 1) (i64.const 2)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (invoke "two") (i32.const 1) (i64.const 3)))"),
              "result 1: expected i64 3, found i64 2");
    EXPECT_EQ(verdict(R"((assert_return (invoke "two") (i32.const 1)))"), "expected 1 result, found 2");
    EXPECT_EQ(verdict(R"((assert_return (invoke "nothing") (i32.const 1)))"), "expected 1 result, found 0");
    EXPECT_EQ(verdict(R"((assert_return (get "g") (i32.const 7)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (get $m "g") (i32.const 8)))"),
              "result 0: expected i32 8, found i32 7");
}

TEST(Runner, assert_return_of_referents) {
    const auto failures = [](const std::string& expected) {
        return run("(module (type $a (array i8)) (type $s (struct))"
                   "(func (export \"f\") (param i32) (result anyref)"
                   "(if (result anyref) (local.get 0) (then (array.new_default $a (i32.const 3)))"
                   "(else (struct.new $s)))))" +
                   expected)
            .counts.failed;
    };
    EXPECT_EQ(failures(R"((assert_return (invoke "f" (i32.const 1)) (ref.array)))"), 0u);
    EXPECT_EQ(failures(R"((assert_return (invoke "f" (i32.const 1)) (ref.eq)))"), 0u);
    EXPECT_EQ(failures(R"((assert_return (invoke "f" (i32.const 1)) (ref.struct)))"), 1u);
    EXPECT_EQ(failures(R"((assert_return (invoke "f" (i32.const 0)) (ref.struct)))"), 0u);
    EXPECT_EQ(failures(R"((assert_return (invoke "f" (i32.const 0)) (ref.array)))"), 1u);
    EXPECT_EQ(failures(R"((assert_return (invoke "f" (i32.const 0)) (ref.i31)))"), 1u);
}

TEST(Runner, assert_return_of_nans) {
    EXPECT_EQ(verdict(R"((assert_return (invoke "idf" (f32.const -nan)) (f32.const nan:canonical)))"), "");
    EXPECT_EQ(
        verdict(R"((assert_return (invoke "idf" (f32.const nan:0x600000)) (f32.const nan:arithmetic)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (invoke "idf" (f32.const nan:0x600000)) (f32.const nan:canonical)))"),
              "result 0: expected f32 nan:canonical, found f32 nan (0x7fe00000)");
    EXPECT_NE(
        verdict(R"((assert_return (invoke "idf" (f32.const nan:0x200000)) (f32.const nan:arithmetic)))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "idf" (f32.const 1)) (f32.const nan:arithmetic)))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "idf" (f32.const inf)) (f32.const nan:canonical)))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "idd" (f64.const nan)) (f64.const nan:0x1)))"), "");
}

TEST(Runner, assert_return_of_references) {
    EXPECT_EQ(verdict(R"((assert_return (invoke "extern" (ref.extern 3)) (ref.extern 3)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (invoke "extern" (ref.extern 3)) (ref.extern)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (invoke "extern" (ref.null extern)) (ref.null)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (invoke "extern" (ref.extern 3)) (ref.extern 4)))"),
              "result 0: expected ref.extern 4, found host reference 3");
    EXPECT_NE(verdict(R"((assert_return (invoke "extern" (ref.null extern)) (ref.extern 0)))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "extern" (ref.null extern)) (ref.extern)))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "extern" (ref.extern 0)) (ref.null extern)))"), "");
    EXPECT_EQ(verdict(R"((assert_return (invoke "funcref") (ref.func)))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "funcref") (ref.extern)))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "funcref") (ref.null func)))"), "");
}

TEST(Runner, assert_return_of_alternatives) {
    EXPECT_EQ(
        verdict(R"((assert_return (invoke "id32" (i32.const 2)) (either (i32.const 1) (i32.const 2))))"), "");
    EXPECT_EQ(
        verdict(R"((assert_return (invoke "id32" (i32.const 3)) (either (i32.const 1) (i32.const 2))))"),
        "result 0: expected either (i32 1) (i32 2), found i32 3");
}

TEST(Runner, impossible_actions) {
    EXPECT_NE(verdict(R"((assert_return (invoke "none")))"), "");
    EXPECT_NE(verdict(R"((assert_trap (invoke "none") "unreachable"))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke $other "nothing")))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "id32" (i64.const 1)) (i32.const 1)))"), "");
    EXPECT_NE(verdict(R"((assert_trap (invoke "id32") "wrong arguments are not a trap"))"), "");
    EXPECT_NE(verdict(R"((invoke "div"))"), "");
    EXPECT_EQ(verdict(R"((invoke "nothing"))"), "");
    EXPECT_NE(verdict(R"((register "x" $other))"), "");
    EXPECT_NE(verdict(R"((module instance $i $other))"), "");
}

TEST(Runner, assert_trap) {
    EXPECT_EQ(verdict(R"((assert_trap (invoke "div") "integer divide by zero"))"), "");
    EXPECT_EQ(verdict(R"((assert_trap (invoke "nothing") "unreachable"))"),
              "returned, expected trap: unreachable");
    EXPECT_NE(verdict(R"((assert_trap (invoke "deep") "unreachable"))"), "");
    EXPECT_NE(verdict(R"((assert_return (invoke "div") (i32.const 0)))"), "");
    EXPECT_EQ(verdict(R"((assert_trap (module (func unreachable) (start 0)) "unreachable"))"), "");
    EXPECT_NE(verdict(R"((assert_trap (module (func) (start 0)) "unreachable"))"), "");
    EXPECT_NE(verdict(R"((assert_trap (module (import "a" "b" (func))) "unreachable"))"), "");
}

TEST(Runner, assert_exhaustion_and_assert_exception) {
    EXPECT_EQ(verdict(R"((assert_exhaustion (invoke "deep") "call stack exhausted"))"), "");
    EXPECT_NE(verdict(R"((assert_exhaustion (invoke "nothing") "call stack exhausted"))"), "");
    EXPECT_NE(verdict(R"((assert_exhaustion (invoke "div") "call stack exhausted"))"), "");
    EXPECT_NE(verdict(R"((assert_exception (invoke "nothing")))"), "");
    EXPECT_NE(verdict(R"((assert_exception (invoke "div")))"), "");
}

TEST(Runner, modules_that_must_be_refused) {
    EXPECT_EQ(verdict(R"((assert_malformed (module quote "(func") "unexpected end"))"), "");
    EXPECT_EQ(verdict(R"((assert_malformed (module binary "\00asm") "unexpected end"))"), "");
    EXPECT_EQ(verdict(R"~((assert_malformed (module quote "(func)") "no reason"))~"),
              "accepted, but expected to be malformed: no reason");
    EXPECT_EQ(verdict(R"((assert_invalid (module (func (result i32))) "type mismatch"))"), "");
    EXPECT_EQ(verdict(R"((assert_invalid (module (func)) "type mismatch"))"),
              "accepted, but expected to be invalid: type mismatch");
    // Malformed is not invalid, and vice versa.
    EXPECT_NE(verdict(R"((assert_invalid (module quote "(func") "type mismatch"))"), "");
    EXPECT_NE(verdict(R"((assert_malformed (module (func (result i32))) "unexpected end"))"), "");
}

TEST(Runner, assert_unlinkable) {
    EXPECT_EQ(verdict(R"((assert_unlinkable (module (import "a" "b" (func))) "unknown import"))"), "");
    EXPECT_EQ(
        verdict(
            R"((assert_unlinkable (module (import "spectest" "print" (func (param i32)))) "incompatible"))"),
        "");
    EXPECT_EQ(verdict(R"((assert_unlinkable (module (import "spectest" "print" (func))) "unknown import"))"),
              "instantiated, expected unlinkable: unknown import");
    EXPECT_NE(verdict(R"((assert_unlinkable (module (func unreachable) (start 0)) "unknown import"))"), "");
    EXPECT_NE(verdict(R"((assert_unlinkable (module (func (result i32))) "unknown import"))"), "");
}

TEST(Runner, a_failing_module_leaves_no_instance) {
    const Outcome outcome = run(std::string{module} + R"((module (func (result i32)))
(assert_return (invoke "nothing"))
(assert_return (invoke $m "nothing")))");
    EXPECT_EQ(outcome.counts.passed, 2u);
    EXPECT_EQ(outcome.counts.failed, 2u);
}

TEST(Runner, registered_and_repeated_instances) {
    const Outcome outcome = run(R"((module definition $counter
  (global $n (mut i32) (i32.const 0))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
(module instance $a $counter)
(module instance $b $counter)
(assert_return (invoke $a "next") (i32.const 1))
(assert_return (invoke $a "next") (i32.const 2))
(assert_return (invoke "next") (i32.const 1))
(register "a" $a)
(module (import "a" "next" (func $next (result i32))) (func (export "via") (result i32) (call $next)))
(assert_return (invoke "via") (i32.const 3))
(assert_return (invoke "via") (i32.const 3)))");
    EXPECT_EQ(outcome.counts.passed, 9u);
    ASSERT_EQ(outcome.counts.failed, 1u);
    EXPECT_EQ(outcome.findings[0], "test.wast:12: result 0: expected i32 3, found i32 4");
}

TEST(Runner, the_host_module_provides_the_imports_of_scripts) {
    const Outcome outcome = run(R"((module
  (import "spectest" "global_i32" (global i32)) (import "spectest" "global_i64" (global i64))
  (import "spectest" "global_f32" (global $f f32)) (import "spectest" "global_f64" (global $d f64))
  (import "spectest" "table" (table 10 20 funcref)) (import "spectest" "table64" (table i64 10 20 funcref))
  (import "spectest" "memory" (memory 1 2)) (import "spectest" "print" (func))
  (import "spectest" "print_f64_f64" (func $p (param f64 f64)))
  (func (export "f") (result f32 f64) (call $p (f64.const 1) (f64.const 2)) (global.get $f) (global.get $d)))
(assert_return (invoke "f") (f32.const 666.6) (f64.const 666.6)))");
    EXPECT_EQ(outcome.counts.passed, 2u) << (outcome.findings.empty() ? "" : outcome.findings[0]);
}

TEST(Runner, messages_are_compared_only_on_request) {
    const std::string script = R"((assert_malformed (module quote "(func") "other words"))";
    EXPECT_TRUE(run(script).findings.empty());
    const Outcome outcome = run(script, true);
    EXPECT_EQ(outcome.counts.passed, 1u);
    EXPECT_EQ(outcome.findings.size(), 1u);
}

TEST(Runner, unreadable_or_unsupported_commands_fail) {
    EXPECT_EQ(run("(thread $t (invoke \"x\")) (wait $t)").counts.failed, 1u);
    EXPECT_EQ(run("(module) (assert_nothing)").counts.failed, 1u);
    EXPECT_EQ(run("(module").counts.failed, 1u);
    EXPECT_EQ(run_file("/nowhere/to/be/found.wast", {}, [](const Finding&) {}).failed, 1u);
}

} // namespace
} // namespace warpbeam::spectest
