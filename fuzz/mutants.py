#!/usr/bin/env python3
"""Changes one line of a library at a time, and looks whether a test notices:

    mutants.py WORK [--count N] [--seed N] [--only FOLDER-OR-FILE] [--line TEXT]

WORK gets a copy of the sources, a build, and `results.jsonl`, one line for each mutant; a run with the same WORK and seed
goes on where the one before stopped. At the end comes a report by file, and the mutants that no test noticed: for each,
a test is missing, the code is superfluous, or it changes nothing that can be seen. The last are in mutants_equivalent.txt,
with the reason. The exit status is 1 if there are others.

Libraries get mutants in proportion to their lines. A mutant whose programs consist of the same bytes as before changes
nothing, and one that doesn't compile is none.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EQUIVALENT = os.path.join(ROOT, "fuzz", "mutants_equivalent.txt")

parser = argparse.ArgumentParser()
parser.add_argument("work")
parser.add_argument("--count", type=int, default=5)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--only", default="", help="a folder or file of a library")
parser.add_argument("--line", default="", help="only lines that contain this")
options = parser.parse_args()
work = os.path.abspath(options.work)
tree = os.path.join(work, "source")
build = os.path.join(work, "build")

# Each folder of a library with the programs that may notice, the quickest first; the first folder that fits counts.
SUITE = ["python3", "spectest/tests/every_script.py", "{testsuite}", "{build}/warpbeam", "wast"]
Library = collections.namedtuple("Library", "folder programs commands")
LIBRARIES = [
    Library("sfv", ["sfv/warpbeam_sfv_tests"], [["{build}/warpbeam", "sfv-tests", "{sfv_suite}"]]),
    Library("loader/text", ["loader/text/warpbeam_text_tests", "vm/warpbeam_vm_tests"], [SUITE]),
    Library("loader", ["loader/warpbeam_loader_tests", "loader/text/warpbeam_text_tests", "vm/warpbeam_vm_tests"], [SUITE]),
    Library("memory", ["memory/warpbeam_memory_tests", "vm/warpbeam_vm_tests", "vm/wasi/warpbeam_wasi_tests"], [SUITE]),
    Library("vm/wasi", ["vm/wasi/warpbeam_wasi_tests", "vm/wasi/warpbeam_wasi_threads_tests"],
            [["python3", "vm/cli/tests/replay_test.py", "{build}/warpbeam"]]),
    Library("vm/debuginfo", ["vm/debuginfo/warpbeam_debuginfo_tests"], []),
    Library("vm/coredump", ["vm/coredump/warpbeam_coredump_tests"], []),
    Library("vm/serve", ["vm/serve/warpbeam_serve_tests"], []),
    Library("vm/capi", ["vm/capi/tests/warpbeam_capi_tests"], []),
    Library("vm", ["vm/warpbeam_vm_tests", "vm/wasi/warpbeam_wasi_tests", "vm/capi/tests/warpbeam_capi_tests"], [SUITE]),
]

# What is replaced, and by what. Operators stand between spaces, unlike the brackets of templates.
CHANGES = [(re.compile(before), after) for before, after in (
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r" \+ 1\b", ""), (r" - 1\b", ""), (r" \+ (?=\w)", " - "), (r" - (?=\w)", " + "),
    (r"(?<![\w!])!(?=[\w(])", ""), (r"\bif \((?!constexpr)(?=[^;]*\)(?: \[\[\w+\]\])?(?: \{)?$)", "if (!"),
    (r"\breturn true;", "return false;"), (r"\breturn false;", "return true;"),
    (r"\bstd::min\b", "std::max"), (r"\bstd::max\b", "std::min"), (r"\+\+(?=\w)", "--"), (r"(?<=\w)\+\+", "--"),
    (r" \+= ", " -= "), (r" -= ", " += "), (r"\? (.+) : (.+);", r"? \2 : \1;"),
    (r"^(\s+)[\w.:>-]+\([^;{}]*\);$", r"\1;"),
)]
NO_CODE = re.compile(r"^\s*(//|/\*|\*|#|static_assert|using |template|\[\[nodiscard\]\]|case |public:|private:)|operator|friend ")


def library_of(path):
    return next((library for library in LIBRARIES if path.startswith(library.folder + "/")), None)


def sources():
    """The lines of all libraries, as (path, number, how many like it come before in the file, line)."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    for path in listed:
        if not re.search(r"(^|/)(src|include)/.*\.(cpp|hpp)$", path) or not path.startswith(options.only):
            continue
        if library_of(path) is None or "/erlang/" in path:
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            seen = collections.Counter()
            for number, line in enumerate(file.read().split("\n")):
                seen[line.strip()] += 1
                if not NO_CODE.search(line) and options.line in line:
                    yield path, number, seen[line.strip()], line


def mutants():
    """All of them in random order, each line once."""
    lines = list(sources())
    chooser = random.Random(options.seed)
    chooser.shuffle(lines)
    for path, number, nth, line in lines:
        code = line.split(" // ")[0]
        possible = []
        for before, after in CHANGES:
            for match in before.finditer(code):
                if code[:match.start()].count('"') % 2 == 0: # not in a text
                    changed = code[:match.start()] + match.expand(after) + code[match.end():]
                    if after == "if (!":
                        close = changed.rindex(")")
                        changed = changed[:match.start()] + "if (!(" + changed[match.start() + 5:close] + "))" + changed[close + 1:]
                    possible.append(changed)
        if possible:
            yield {"path": path, "line": number + 1, "nth": nth, "before": line.strip(), "after": chooser.choice(possible).strip()}


def key_of(mutant):
    """What it is known by: the line's number would change with every line before it."""
    return mutant["path"], mutant["nth"], mutant["before"], mutant["after"]


def run(command, seconds=None):
    """The exit status; none if it takes longer than that."""
    command = [word.format(build=build, sfv_suite=suites["structured-field-tests"], testsuite=suites["testsuite"])
               for word in command]
    with open(os.path.join(work, "output.txt"), "w", encoding="utf-8") as output:
        process = subprocess.Popen(command, cwd=tree, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return None


def write_line(mutant, text):
    path = os.path.join(tree, mutant["path"])
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    old = lines[mutant["line"] - 1]
    lines[mutant["line"] - 1] = old[:len(old) - len(old.lstrip())] + text
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def digest(programs):
    found = hashlib.sha256()
    for program in programs:
        with open(os.path.join(build, program), "rb") as file:
            found.update(file.read())
    return found.hexdigest()


def verdict(mutant, unchanged):
    """Whether a test notices, or why none can."""
    library = library_of(mutant["path"])
    programs = [*library.programs, "warpbeam"]
    if run(["ninja", "-C", build, *programs]) != 0:
        return "does not compile"
    if digest(programs) == unchanged[library.folder]:
        return "same bytes"
    return noticed(library) or "survived"


def noticed(library):
    """By which test; none if all pass."""
    for program in library.programs:
        if run([os.path.join(build, program), "--gtest_brief=1"], 300) != 0:
            return "noticed by " + os.path.basename(program)
    for command in library.commands:
        if run(command, 900) != 0:
            return "noticed by " + command[1]
    return None


def explained():
    """The keys of those that change nothing, with the reasons."""
    reasons = {}
    if os.path.exists(EQUIVALENT):
        with open(EQUIVALENT, encoding="utf-8") as file:
            for block in file.read().split("\n\n"):
                lines = [line for line in block.strip().split("\n") if not line.startswith("#")]
                if len(lines) >= 4:
                    path, _, nth = lines[0].partition(" #")
                    reasons[path, int(nth), lines[1].removeprefix("- "), lines[2].removeprefix("+ ")] = " ".join(lines[3:])
    return reasons


def prepare():
    os.makedirs(tree, exist_ok=True)
    for path in subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split("\0"):
        source, copy = os.path.join(ROOT, path), os.path.join(tree, path)
        if os.path.isfile(source):
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            with open(source, "rb") as file:
                content = file.read()
            # What has not changed since the run before keeps its time, so that it isn't built again.
            if not os.path.exists(copy) or open(copy, "rb").read() != content:
                shutil.copy(source, copy)
    if run(["cmake", "-G", "Ninja", "-S", tree, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_COMPILER=clang++-19",
            "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld-19", "-DWARPBEAM_PCH=OFF", "-DWARPBEAM_INSTALL=OFF"]) != 0:
        sys.exit("the copy can't be configured; see output.txt")
    programs = sorted({program for library in LIBRARIES for program in library.programs} | {"warpbeam"})
    if run(["ninja", "-C", build, *programs]) != 0:
        sys.exit("the copy can't be built; see output.txt")
    for library in LIBRARIES:
        if (library.folder + "/").startswith(options.only) or options.only.startswith(library.folder + "/"):
            if test := noticed(library):
                sys.exit(f"{library.folder}, without a change: {test}; see output.txt")
    return {library.folder: digest([*library.programs, "warpbeam"]) for library in LIBRARIES}


suites = {name: subprocess.run([os.path.join(ROOT, ".ci", "suites"), "find", name, ""], stdout=subprocess.PIPE, text=True,
                               check=False).stdout.strip() for name in ("testsuite", "structured-field-tests")}
if not all(suites.values()):
    sys.exit("an official suite is not there: .ci/suites fetch")
if not list(sources()):
    sys.exit(f"no line of a library fits --only '{options.only}' and --line '{options.line}'")
unchanged = prepare()
results_path = os.path.join(work, "results.jsonl")
known = {}
if os.path.exists(results_path):
    with open(results_path, encoding="utf-8") as file:
        for result in map(json.loads, file):
            known[key_of(result)] = result
results = []
counted = 0
for mutant in mutants():
    if counted == options.count:
        break
    result = known.get(key_of(mutant))
    if result is None or result["verdict"] == "survived": # there may be a new test
        write_line(mutant, mutant["after"])
        result = {**mutant, "verdict": verdict(mutant, unchanged)}
        write_line(mutant, mutant["before"])
        with open(results_path, "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(f'{result["path"]}:{result["line"]}: {result["verdict"]}', flush=True)
    if result["verdict"] not in ("does not compile", "same bytes"):
        results.append(result)
        counted += 1

reasons = explained()
by_file = collections.defaultdict(collections.Counter)
survivors = []
for result in results:
    kind = result["verdict"].split(" ")[0]
    if kind == "survived" and key_of(result) in reasons:
        kind = "equivalent"
    elif kind == "survived":
        survivors.append(result)
    by_file[result["path"]][kind] += 1
print("\nnoticed  equivalent  survived")
for path, counts in sorted(by_file.items()):
    print(f'{counts["noticed"]:7}  {counts["equivalent"]:10}  {counts["survived"]:8}  {path}')
for result in survivors:
    print(f'\n{result["path"]} #{result["nth"]} (line {result["line"]})\n- {result["before"]}\n+ {result["after"]}')
print(f"{len(results) - len(survivors)} passed, {len(survivors)} failed")
sys.exit(bool(survivors))
