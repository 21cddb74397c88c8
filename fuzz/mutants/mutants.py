#!/usr/bin/env python3
"""Changes one place of a library at a time, and looks whether a test notices:

    mutants.py WORK [--count N] [--seed N] [--only FOLDER-OR-FILE]... [--match REGEX] [--every] [--tests REGEX]
               [--cmake=OPTION]... [--survivors RESULTS] [-j N]

WORK gets a copy of the sources in which all chosen changes are made at once, so that one build has all mutants and the
environment chooses one of them (switch.hpp). Each runs the tests that reach its code, the quickest first, until one
fails. `results.jsonl` in WORK has one line for each; a run with the same arguments goes on where the one before stopped,
and tries again what no test noticed. With --every, all changes of the lines that match are tried, instead of one of each
of --count lines.

At the end comes a report by file, and the mutants that no test noticed: for each, a test is missing, the code is
superfluous, or it changes nothing that is promised. The last are in equivalent.txt, with the reason. The exit status is
1 if there are others. Changes that can't be chosen at run time, since types or constants depend on them, are counted
and left out. docs/fuzzing.md has an example and results.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import zlib

from changes import changes_of, compatible, constant_lines, switched

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MAX_MUTANTS = 1 << 16 # as in switch.hpp

# Each folder of a library with the programs that may notice; the first folder that fits counts.
SCRIPTS = ["python3", "spectest/tests/every_script.py", "{testsuite}"]
SUITES = [*SCRIPTS, "{build}/warpbeam", "wast", "--quiet"]
COLLECTING = [*SUITES, "--collect-always"]
CODE = [*SCRIPTS, "{build}/spectest/warpbeam_code_check"]
ROUND_TRIPS = [*SCRIPTS, "{build}/spectest/warpbeam_static_check", "--round-trip"]
SNAPSHOTS = [*SCRIPTS, "spectest/tests/cross_snapshots.sh", *["{build}/spectest/warpbeam_snapshot_check"] * 2]
FIELDS = ["{build}/warpbeam", "sfv-tests", "{structured-field-tests}"]
REPLAYS = ["python3", "vm/cli/tests/replay_test.py", "{build}/warpbeam"]


# Tests that measure times, by their names.
TIMED = re.compile(r"time|fast\b|quickly|proportion", re.I)


def unit(name):
    return ["{build}/" + name, "--gtest_brief=1", "--gtest_fail_fast"]


VM, WASI, CAPI = unit("vm/warpbeam_vm_tests"), unit("vm/wasi/warpbeam_wasi_tests"), ["{build}/vm/capi/tests/warpbeam_capi_tests"]
TEXT, LOADER = unit("loader/text/warpbeam_text_tests"), unit("loader/warpbeam_loader_tests")
LIBRARIES = {
    "sfv": [unit("sfv/warpbeam_sfv_tests"), FIELDS],
    "loader/text": [TEXT, SUITES, ROUND_TRIPS, VM],
    "loader": [LOADER, TEXT, SUITES, VM],
    "memory": [unit("memory/warpbeam_memory_tests"), SUITES, VM, WASI],
    "vm/wasi": [WASI, unit("vm/wasi/warpbeam_wasi_threads_tests"), REPLAYS],
    "vm/debuginfo": [unit("vm/debuginfo/warpbeam_debuginfo_tests")],
    "vm/coredump": [unit("vm/coredump/warpbeam_coredump_tests")],
    "vm/serve": [unit("vm/serve/warpbeam_serve_tests")],
    "vm/capi": [CAPI],
    "vm": [VM, SUITES, COLLECTING, CODE, SNAPSHOTS, WASI, CAPI],
}


def library_of(path):
    return next((folder for folder in LIBRARIES if path.startswith(folder + "/")), None)


def key_of(mutant):
    """What it is known by: the line's number would change with every line before it."""
    return mutant["path"], mutant["nth"], mutant["before"], mutant["after"]


def survivors_of(path):
    """The keys of those that no test noticed in another run, the last time that they were tried."""
    with open(path, encoding="utf-8") as file:
        noticed = {key_of(result): result["verdict"].startswith("noticed") for result in map(json.loads, file)}
    return {key for key, is_noticed in noticed.items() if not is_noticed}


def choose(options):
    """The mutants in random order, so that libraries get some in proportion to their lines, but those of the first --only
    first; and how many are left out, by reason."""
    lines = []
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    for path in listed:
        if not re.search(r"(^|/)(src|include)/.*\.(cpp|hpp)$", path) or not path.startswith(tuple(options.only or [""])):
            continue
        if library_of(path) is None or re.search(r"/erlang/|/tools/|win32", path):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read().split("\n")
        seen, constant = collections.Counter(), constant_lines(text)
        for number, line in enumerate(text):
            seen[line.strip()] += 1
            if re.search(options.match, line):
                lines.append((path, number, seen[line.strip()], line, number in constant))
    chooser = random.Random(options.seed)
    chooser.shuffle(lines)
    wanted = survivors_of(options.survivors) if options.survivors else None
    chosen, left_out = [], collections.Counter()
    for path, number, nth, line, is_constant in lines:
        changes = changes_of(line)
        if is_constant:
            left_out["evaluated by the compiler"] += len(changes)
            continue
        left_out["no choice at run time"] += sum(change.switched is None for change in changes)
        mutants = [{"path": path, "line": number + 1, "nth": nth, "before": line.strip(),
                    "after": (line[:change.begin] + change.after + line[change.end:]).strip(), "change": change}
                   for change in changes if change.switched is not None]
        if wanted is not None:
            mutants = [mutant for mutant in mutants if key_of(mutant) in wanted]
        elif not options.every and mutants:
            mutants = [chooser.choice(mutants)]
        together, overlapping = compatible([mutant["change"] for mutant in mutants])
        left_out["overlap with another one"] += overlapping
        chosen += [mutant for mutant in mutants if mutant["change"] in together]
        if wanted is None and len(chosen) >= options.count:
            break
    chosen = chosen[:MAX_MUTANTS // 2]
    order = options.only or [""]
    chosen.sort(key=lambda mutant: next(i for i, only in enumerate(order) if mutant["path"].startswith(only)))
    # The same number in the next run, whatever is added to the sources, so that little must be built again.
    numbers = set()
    for mutant in chosen:
        number = zlib.crc32("\n".join(map(str, key_of(mutant))).encode()) % (MAX_MUTANTS - 1) + 1
        while number in numbers:
            number = number % (MAX_MUTANTS - 1) + 1
        numbers.add(number)
        mutant["id"] = number
    return chosen, left_out


def write_if_changed(path, text):
    """What has not changed since the run before keeps its time, so that it isn't built again."""
    if os.path.exists(path):
        with open(path, "rb") as file:
            if file.read() == text:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text)


def write_tree(tree, mutants):
    by_file = collections.defaultdict(list)
    for mutant in mutants:
        by_file[mutant["path"]].append(mutant)
    listed = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    for path in filter(None, listed.split("\0")):
        if not os.path.isfile(os.path.join(ROOT, path)):
            continue
        with open(os.path.join(ROOT, path), "rb") as file:
            text = file.read()
        if path in by_file:
            lines = text.decode().split("\n")
            by_line = collections.defaultdict(list)
            for mutant in by_file[path]:
                by_line[mutant["line"] - 1].append((mutant["id"], mutant["change"]))
            for number, changes in by_line.items():
                lines[number] = switched(lines[number], changes)
            text = "\n".join(lines).encode()
        write_if_changed(os.path.join(tree, path), text)
        if os.access(os.path.join(ROOT, path), os.X_OK):
            os.chmod(os.path.join(tree, path), 0o755)


def refused_by_compiler(output, build):
    """The numbers of the mutants in its errors: those in the message, or the last one before the place, or those of the
    file."""
    refused = set()
    for fault in re.split(r"^(?=[^\s|][^\n]*?:\d+:\d+: (?:fatal )?error: )", output, flags=re.M)[1:]:
        messages = "\n".join(line for line in fault.split("\n") if re.match(r"\S+:\d+:\d+: ", line))
        named = set(map(int, re.findall(r"\b(?:Mark|Omit|Not|(?:mutant::[\w>*+<=!-]+?))<(\d+)[>,]", messages)))
        path, line, column = re.match(r"(.+?):(\d+):(\d+):", fault).groups()
        path = os.path.normpath(os.path.join(build, path))
        if not named and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            marks = [(match.start() < int(column), match.start(), int(match[1]))
                     for match in re.finditer(r"mutant::\w+<(\d+)", text.split("\n")[int(line) - 1])]
            before = [mark for mark in marks if mark[0]]
            # With choices, what the compiler evaluates may take more steps than it allows.
            named = ({(max(before) if before else min(marks))[2]} if marks
                     else set(map(int, re.findall(r"mutant::\w+<(\d+)", text))))
        refused |= named
    return refused


def build_all(tree, build, mutants, options):
    """Builds the programs; returns the mutants that compile."""
    shutil.copy(os.path.join(HERE, "switch.hpp"), os.path.join(tree, "switch.hpp"))
    subprocess.run(["cmake", "-G", "Ninja", "-S", tree, "-B", build, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -DNDEBUG", "-DCMAKE_CXX_COMPILER=clang++-19",
                    f"-DCMAKE_CXX_FLAGS=-include {tree}/switch.hpp -w", "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld-19",
                    "-DWARPBEAM_PCH=OFF", "-DWARPBEAM_INSTALL=OFF", *options.cmake], check=True, stdout=subprocess.DEVNULL)
    programs = {word.removeprefix("{build}/") for folder in {library_of(mutant["path"]) for mutant in mutants}
                for command in LIBRARIES[folder] for word in command if word.startswith("{build}/")}
    while True:
        made = subprocess.run(["ninja", "-C", build, "-j", str(options.j), "-k", "0", *sorted(programs)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if made.returncode == 0:
            return mutants
        named = refused_by_compiler(made.stdout, build)
        refused = [mutant for mutant in mutants if mutant["id"] in named]
        if not refused:
            sys.exit(made.stdout[-3000:] + "\nthe copy can't be built")
        print(f"{len(refused)} don't compile as a choice at run time", flush=True)
        mutants = [mutant for mutant in mutants if mutant not in refused]
        with open(os.path.join(os.path.dirname(tree), "refused.jsonl"), "a", encoding="utf-8") as file:
            file.writelines(json.dumps(key_of(mutant)) + "\n" for mutant in refused)
        write_tree(tree, mutants)


class Tests:
    """What runs, and which mutants it reaches."""

    def __init__(self, work, tree, build, is_sanitized):
        self.work, self.tree, self.build, self.is_sanitized = work, tree, build, is_sanitized
        self.suites = {}
        for name in ("testsuite", "structured-field-tests"):
            found = subprocess.run([os.path.join(ROOT, ".ci", "suites"), "find", name, ""], stdout=subprocess.PIPE, text=True)
            if found.returncode != 0:
                sys.exit("an official suite is not there: .ci/suites fetch")
            self.suites[name] = found.stdout.strip()
        self.parts = {} # of each command, by its name: (seconds, mutants that are reached, arguments)

    def run(self, command, seconds, **env):
        """Whether it passes in that time of a processor."""
        words = [word.format(build=self.build, **self.suites) for word in command]

        def limit():
            if not self.is_sanitized: # which reserves much more
                resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30))
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

        process = subprocess.Popen(words, cwd=self.tree, env={**os.environ, **env}, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, start_new_session=True, preexec_fn=limit)
        try:
            return process.wait(30 * seconds) == 0 # the machine may have other things to do
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return False

    def measured(self, command):
        """The processor's time that it takes without a change, and what it reaches; None if it fails."""
        marks = os.path.join(self.work, "reached")
        with open(marks, "wb") as file:
            file.truncate(MAX_MUTANTS)
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        if not self.run(command, 3600, WARPBEAM_MUTANTS_REACHED=marks):
            return None
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = ended.ru_utime - began.ru_utime + ended.ru_stime - began.ru_stime
        with open(marks, "rb") as file:
            return seconds, {found.start() for found in re.finditer(b"\x01", file.read())}

    def learn(self, command):
        """Runs without a change: unit tests one by one, since each reaches little."""
        name = self.name(command)
        if name in self.parts:
            return
        if "--gtest_brief=1" not in command:
            found = self.measured(command)
            if found is None:
                sys.exit(f"without a change, this fails: {' '.join(command)}")
            self.parts[name] = [(*found, "")]
            return
        parts, excluded = self.parts.setdefault(name, []), []
        listed = subprocess.run([command[0].format(build=self.build), "--gtest_list_tests"], stdout=subprocess.PIPE,
                                text=True, check=True).stdout
        suite = ""
        for line in listed.split("\n"):
            word = line.split("#")[0].strip()
            if line.startswith("  "):
                # Those that fail here anyway, and those that measure times, are left out.
                found = None if TIMED.search(suite + word) else self.measured([*command, f"--gtest_filter={suite}{word}"])
                if found is None:
                    excluded.append(suite + word)
                else:
                    parts.append((*found, suite + word))
            else:
                suite = word
        print(f"{name}: {len(parts)} tests, without {', '.join(excluded) or 'exceptions'}", flush=True)

    def name(self, command):
        return os.path.basename(command[0]) if "_tests" in command[0] else " ".join(command)

    def verdict(self, mutant):
        is_reached = False
        for command in LIBRARIES[library_of(mutant["path"])]:
            name = self.name(command)
            parts = sorted(part for part in self.parts[name] if mutant["id"] in part[1])
            is_reached |= bool(parts)
            while parts: # the quick ones at once
                seconds, now = 0, []
                while parts and (not now or seconds + parts[0][0] < 0.2):
                    seconds += parts[0][0]
                    now.append(parts.pop(0)[2])
                words = [*command, "--gtest_filter=" + ":".join(now)] if now[0] else command
                if not self.run(words, 2 + int(5 * seconds), WARPBEAM_MUTANT=str(mutant["id"])):
                    return f"noticed by {name}"
        return "survived" if is_reached else "not reached"


def explained():
    """The keys of those that change nothing, with the reasons."""
    reasons = {}
    with open(os.path.join(HERE, "equivalent.txt"), encoding="utf-8") as file:
        for block in file.read().split("\n\n"):
            lines = [line for line in block.strip().split("\n") if not line.startswith("#")]
            if len(lines) >= 4:
                path, _, nth = lines[0].partition(" #")
                reasons[path, int(nth), lines[1].removeprefix("- "), lines[2].removeprefix("+ ")] = " ".join(lines[3:])
    return reasons


def report(results):
    reasons = explained()
    by_file = collections.defaultdict(collections.Counter)
    survivors = []
    for result in results:
        kind = result["verdict"].split(" by ")[0]
        if kind != "noticed" and key_of(result) in reasons:
            kind = "equivalent"
        elif kind != "noticed":
            survivors.append(result)
        by_file[result["path"]][kind] += 1
    print("\nnoticed  equivalent  survived  not reached")
    for path, counts in sorted(by_file.items()):
        print(f'{counts["noticed"]:7}  {counts["equivalent"]:10}  {counts["survived"]:8}  {counts["not reached"]:11}  {path}')
    for result in survivors:
        print(f'\n{result["path"]} #{result["nth"]} (line {result["line"]}): {result["verdict"]}\n'
              f'- {result["before"]}\n+ {result["after"]}')
    print(f"{len(results) - len(survivors)} passed, {len(survivors)} failed")
    return bool(survivors)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="a folder or file of a library; may be given again")
    parser.add_argument("--match", default="", help="only lines in which this is found")
    parser.add_argument("--every", action="store_true", help="all changes of a line instead of one")
    parser.add_argument("--tests", default="", help="only the programs in whose name this regular expression is found")
    parser.add_argument("--cmake", action="append", default=[], metavar="OPTION",
                        help="for example --cmake=-DWARPBEAM_SANITIZE=address,undefined; with a WORK of its own")
    parser.add_argument("--survivors", metavar="RESULTS", help="all that no test noticed in another run, whose results.jsonl "
                        "this is, instead of some at random")
    parser.add_argument("-j", type=int, default=os.cpu_count(), help="how many are compiled, or run, at once")
    options = parser.parse_args()
    for commands in LIBRARIES.values():
        commands[:] = [command for command in commands if re.search(options.tests, " ".join(command))]
    work = os.path.abspath(options.work)
    tree, build = os.path.join(work, "source"), os.path.join(work, "build")
    mutants, left_out = choose(options)
    if not mutants:
        sys.exit("no line of a library fits --only and --match")
    refused = set()
    if os.path.exists(os.path.join(work, "refused.jsonl")): # by the compiler, in a run before
        with open(os.path.join(work, "refused.jsonl"), encoding="utf-8") as file:
            refused = {tuple(json.loads(line)) for line in file}
    chosen_count = len(mutants)
    mutants = [mutant for mutant in mutants if key_of(mutant) not in refused]
    write_tree(tree, mutants)
    compiling = build_all(tree, build, mutants, options)
    left_out["no choice at run time"] += chosen_count - len(compiling)
    print(f"{len(compiling)} mutants", flush=True)
    tests = Tests(work, tree, build, any("SANITIZE" in option for option in options.cmake))
    for folder in sorted({library_of(mutant["path"]) for mutant in compiling}):
        for command in LIBRARIES[folder]:
            tests.learn(command)

    results_path = os.path.join(work, "results.jsonl")
    known = {}
    if os.path.exists(results_path):
        with open(results_path, encoding="utf-8") as file:
            known = {key_of(result): result for result in map(json.loads, file)}
    results, reasons = [], explained()
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool, open(results_path, "a", encoding="utf-8") as file:
        def judge(mutant):
            result = known.get(key_of(mutant))
            # There may be a new test for what survived without a reason.
            if result is not None and (result["verdict"].startswith("noticed") or key_of(mutant) in reasons):
                return result
            result = {name: mutant[name] for name in ("path", "line", "nth", "before", "after")}
            result["verdict"] = tests.verdict(mutant)
            return result

        for result in pool.map(judge, compiling):
            results.append(result)
            if known.get(key_of(result)) != result:
                file.write(json.dumps(result) + "\n")
                file.flush()
                print(f'{result["path"]}:{result["line"]}: {result["verdict"]}', flush=True)
    for reason, count in left_out.items():
        print(f"{count} changes left out: {reason}")
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
