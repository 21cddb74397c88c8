// `(thread ...)` and `(wait ...)` run on host threads.

#include <gtest/gtest.h>
#include <warpbeam/spectest/runner.hpp>

#include <string>
#include <vector>

namespace warpbeam::spectest {
namespace {

constexpr std::string_view memory = "(module $Mem (memory (export \"shared\") 1 1 shared))\n";

/// The counts and the findings.
std::string run(const std::string& script) {
    std::string findings;
    const Counts counts = run_script("t", std::string{memory} + script, {}, [&](const Finding& finding) {
        findings += "; " + std::to_string(finding.line) + ": " + finding.message;
    });
    return std::to_string(counts.passed) + " passed, " + std::to_string(counts.failed) + " failed" + findings;
}

TEST(Thread, waits_for_a_notification_from_another_thread) {
    EXPECT_EQ(run(R"((thread $T1 (shared (module $Mem))
  (register "mem" $Mem)
  (module (memory (import "mem" "shared") 1 1 shared)
    (func (export "run") (result i32)
      (i32.atomic.store (i32.const 4) (i32.const 1))
      (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
  (assert_return (invoke "run") (i32.const 0)))
(thread $T2 (shared (module $Mem))
  (register "mem" $Mem)
  (module (memory (import "mem" "shared") 1 1 shared)
    (func (export "run") (result i32)
      (loop $early (br_if $early (i32.eqz (i32.atomic.load (i32.const 4)))))
      (loop $again (br_if $again (i32.eqz (memory.atomic.notify (i32.const 0) (i32.const 1)))))
      (i32.atomic.load (i32.const 4))))
  (assert_return (invoke "run") (i32.const 1)))
(wait $T1)
(wait $T2))"),
              "11 passed, 0 failed");
}

TEST(Thread, failures_in_a_thread_are_failures_of_the_script) {
    EXPECT_EQ(run(R"((thread $T (shared (module $Mem))
  (register "mem" $Mem)
  (module (memory (import "mem" "shared") 1 1 shared)
    (func (export "run") (result i32) (i32.atomic.rmw.add (i32.const 0) (i32.const 5))))
  (assert_return (invoke "run") (i32.const 7)))
(wait $T)
(wait $T))"),
              "5 passed, 2 failed; 6: result 0: expected i32 7, found i32 0; 8: no thread $T");
    EXPECT_EQ(run("(thread $T (assert_return (invoke \"f\")))"), "2 passed, 1 failed; 2: no instance")
        << "a thread that is never waited for counts too";
}

TEST(Thread, modules_that_cannot_be_shared) {
    EXPECT_EQ(run("(thread $T (shared (module $Nothing)))"),
              "1 passed, 1 failed; 2: no instance $Nothing to share");
    EXPECT_EQ(run("(module $M (memory (export \"m\") 1 1)) (thread $T (shared (module $M)))"),
              "2 passed, 1 failed; 2: $M exports no shared memory");
    EXPECT_EQ(run("(thread $T) (thread $T)"), "2 passed, 1 failed; 2: duplicate thread $T");
    EXPECT_EQ(run("(thread $T (thread $U))").substr(0, 18), "0 passed, 1 failed");
}

} // namespace
} // namespace warpbeam::spectest
