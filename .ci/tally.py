#!/usr/bin/env python3
"""Runs ctest in a build directory and adds up the counts of its tests, down to test cases and directives.

    tally.py BUILD_DIR [CTEST ARGUMENTS]

A test may be a whole unit test program or a whole official suite. Its own counts are used if they agree with its exit
status; any other test counts as one. Prints a line for each test, the output of failed tests, and at the end
`N passed, N failed, N skipped`; the exit status is 1 if any failed.
"""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
GTEST = {word: re.compile(rf"^\[  {label}  ?\] (\d+) tests?", re.MULTILINE)
         for word, label in (("passed", "PASSED"), ("failed", "FAILED"), ("skipped", "SKIPPED"))}
# GoogleTest's output for tests that pass.
NOISE = re.compile(r"^\[(?: RUN      |       OK |-+)\].*\n\n?", re.MULTILINE)


def own_counts(output):
    """The counts that a test printed, as (passed, failed, skipped); None if it printed none."""
    closing = CLOSING.findall(output)
    if closing:
        return tuple(int(number or 0) for number in closing[-1])
    if GTEST["passed"].search(output):
        found = (pattern.search(output) for pattern in GTEST.values())
        return tuple(int(match.group(1)) if match else 0 for match in found)
    return None


def count(case):
    """The counts of one test case in ctest's report."""
    output = case.findtext("system-out") or ""
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return (0, 0, 1), output
    failed = case.find("failure") is not None or case.get("status") == "fail"
    counts = own_counts(output)
    if counts is None:
        return ((0, 1, 0) if failed else (1, 0, 0)), output
    if failed and counts[1] == 0:  # it crashed before or after counting
        counts = (counts[0], 1, counts[2])
    return counts, output


def main():
    build_dir, *arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        report = os.path.join(scratch, "report.xml")
        whole = str(1 << 30)  # ctest truncates output, but the counts come last
        ran = subprocess.run(["ctest", "--test-dir", build_dir, "--output-junit", report,
                              "--test-output-size-passed", whole, "--test-output-size-failed", whole, *arguments],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not os.path.exists(report):
            print(ran.stdout, "0 passed, 1 failed, 0 skipped", sep="\n")
            return 1
        cases = ElementTree.parse(report).getroot().findall("testcase")

    total = [0, 0, 0]
    for case in sorted(cases, key=lambda one: one.get("name")):
        counts, output = count(case)
        total = [before + more for before, more in zip(total, counts)]
        print(f"{case.get('name')}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped"
              f" ({float(case.get('time')):.1f} s)")
        if counts[1]:
            print(NOISE.sub("", output).rstrip())
        elif counts == (0, 0, 1) and output.strip():
            print("    " + output.strip().splitlines()[-1])
    if not cases:
        print(f"no test in {build_dir}")
        total[1] += 1
    print("{} passed, {} failed, {} skipped".format(*total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
