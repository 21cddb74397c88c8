#!/usr/bin/env python3
"""Which lines and branches of the libraries the tests reach:

    coverage.py BUILD [--tests REGEX] [--again] [--check]

BUILD is a build folder of the preset `coverage`. Its tests run, or those whose names match; with --again, what the last
run has counted is reported instead. The report has a line for each library; BUILD/uncovered.txt has every line that was
not reached, and every one with a branch that was not taken, with its text. With --check, the exit status is 1 if less than
97 % of all lines or 90 % of all branches were reached.
"""
import argparse
import collections
import functools
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIBRARIES = ("loader/text", "loader", "memory", "sfv/tools", "sfv", "vm/wasi", "vm/capi", "vm/serve", "vm/coredump", "vm/debuginfo",
             "vm/cli", "vm/erlang", "vm")
MIN_LINES, MIN_BRANCHES = 97, 90


def tool(name):
    return shutil.which(name + "-19") or shutil.which(name) or sys.exit(f"{name} is missing: apt-get install llvm-19")


def library_of(path):
    """The library that a source belongs to; none for tests, examples, benchmarks and headers of others."""
    if any(each in path for each in ("/tests/", "/examples/", "/bench/")):
        return None
    return next((each for each in LIBRARIES if path.startswith(each + "/")), None)


def run_tests(build, profiles, tests):
    shutil.rmtree(profiles, ignore_errors=True)
    # Processes of one program add to the same few files.
    env = {**os.environ, "LLVM_PROFILE_FILE": os.path.join(profiles, "%8m.profraw")}
    command = ["ctest", "--test-dir", build, "-j", str(os.cpu_count()), "--output-on-failure"]
    if subprocess.run(command + (["-R", tests] if tests else []), env=env, check=False).returncode != 0:
        print("not all tests pass; those that measure times may be too slow in this build")


def programs(build):
    """The command, the test programs, and what Erlang loads, with all libraries in them."""
    found = []
    for folder, _, names in os.walk(build):
        for name in names:
            path = os.path.join(folder, name)
            if (name == "warpbeam" or name.endswith(("_tests", "nif.so"))) and os.access(path, os.X_OK):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        found.append(path)
    return sorted(found)


def counts(build, profiles):
    """For each source the lines, and the branches of lines, with how often they were reached."""
    merged = os.path.join(profiles, "merged.profdata")
    if not os.path.isdir(profiles) or not programs(build):
        sys.exit(f"nothing was counted in {build}: build and run the tests first (./dev coverage)")
    raw = sorted(os.path.join(profiles, name) for name in os.listdir(profiles) if name.endswith(".profraw"))
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-failure-mode=all", "-o", merged, *raw], check=True)
    first, *others = programs(build)
    command = [tool("llvm-cov"), "export", "-instr-profile", merged, first]
    for each in others:
        command += ["-object", each]
    lines, (branches, compiled) = lines_of(command), branches_of(command)
    for path, numbers in compiled.items():
        lines[path] = collections.Counter({n: count for n, count in lines[path].items() if count or n not in numbers})
        branches[path] = collections.Counter({key: count for key, count in branches[path].items() if count or key[0] not in numbers})
    print(f"{sum(map(len, compiled.values()))} lines are left out: the compiler evaluates them")
    return lines, branches


def source_of(path):
    """The source's path in the repository, if it is one of a library."""
    path = os.path.relpath(path, ROOT)
    return path if library_of(path) else None


def lines_of(command):
    """How often the lines of each source were reached."""
    lines = collections.defaultdict(collections.Counter)
    path = None
    with subprocess.Popen([*command, "-format=lcov", "-skip-branches"], stdout=subprocess.PIPE, text=True) as exported:
        for line in exported.stdout:
            kind, _, rest = line.rstrip().partition(":")
            if kind == "SF":
                path = source_of(rest)
            elif path and kind == "DA":
                number, count = rest.split(",")[:2]
                lines[path][int(number)] += int(count)
        if exported.wait() != 0:
            sys.exit("llvm-cov failed")
    return lines


def branches_of(command):
    """How often the branches of each source were taken, by line, column and condition, of a template all together; and the
    lines of functions that only the compiler evaluates."""
    branches = collections.defaultdict(collections.Counter)
    ran = subprocess.run([*command, "-format=text", "-skip-expansions"], stdout=subprocess.PIPE, check=True)
    found = json.loads(ran.stdout)["data"][0]
    for file in found["files"]:
        path = source_of(file["filename"])
        for line, column, _, _, taken, not_taken, *_ in file["branches"] if path else []:
            branches[path][line, column, True] += taken
            branches[path][line, column, False] += not_taken
    called = collections.Counter()
    for function in found["functions"]:
        path = source_of(function["filenames"][0])
        first, _, last, *_ = function["regions"][0]
        if path:
            called[path, first, last] += function["count"]
    compiled = collections.defaultdict(set)
    for (path, first, last), count in called.items():
        if count == 0 and is_constant(path, first):
            compiled[path].update(range(first, last + 1))
    return branches, compiled


@functools.cache
def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read().split("\n")


def is_constant(path, line):
    """Whether what begins there is a function, or a lambda of a constant, that can be evaluated by the compiler."""
    before = "\n".join(text_of(path)[max(0, line - 4):line])
    return re.search(r"\b(constexpr|consteval|constinit)\b(?!.*[;}]\n(?!.*\bconst))", before) is not None


def percent(reached, total):
    return 100 * reached / total if total else 100


def report(build, lines, branches):
    """Prints the table; returns the percentages of all."""
    sums = {each: [0, 0, 0, 0] for each in (*LIBRARIES, "all")}
    with open(os.path.join(build, "uncovered.txt"), "w", encoding="utf-8") as out:
        for path in sorted(lines):
            text = text_of(path)
            never = {number for number, count in lines[path].items() if count == 0}
            half = {number for (number, _, _), count in branches[path].items() if count == 0} - never
            for number in sorted(never | half):
                out.write(f"{path}:{number}: {'line' if number in never else 'branch'}: {text[number - 1].strip()}\n")
            for each in (library_of(path), "all"):
                for i, (all_counts, reached) in enumerate(((lines[path], len(lines[path]) - len(never)),
                                                           (branches[path], sum(c > 0 for c in branches[path].values())))):
                    sums[each][2 * i] += reached
                    sums[each][2 * i + 1] += len(all_counts)
    print("| library | lines | reached | branches | reached |\n|---|---:|---:|---:|---:|")
    for each, (line_hits, line_count, branch_hits, branch_count) in sums.items():
        if line_count:
            print(f"| `{each}` | {line_count} | {percent(line_hits, line_count):.1f} % | {branch_count} | "
                  f"{percent(branch_hits, branch_count):.1f} % |")
    return percent(*sums["all"][:2]), percent(*sums["all"][2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--tests", help="a regular expression for the names of tests")
    parser.add_argument("--again", action="store_true", help="report what the last run has counted")
    parser.add_argument("--check", action="store_true", help="fail below the required percentages")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    profiles = os.path.join(build, "profiles")
    if not options.again:
        run_tests(build, profiles, options.tests)
    line_percent, branch_percent = report(build, *counts(build, profiles))
    return 1 if options.check and (line_percent < MIN_LINES or branch_percent < MIN_BRANCHES) else 0


if __name__ == "__main__":
    sys.exit(main())
