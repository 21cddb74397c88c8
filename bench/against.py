"""Another commit's build of the command, and what is slower than it: see compare.py."""

import concurrent.futures
import os
import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# What the command is built from. A commit that changes nothing else can't be slower.
BUILT_FROM = ["CMakeLists.txt", "CMakePresets.json", "cmake", "loader", "memory", "sfv", "vm", ":!*/tests/*", ":!*.md",
              ":!vm/erlang"]
# These decide how both commits are built.
SETTINGS = ["CMAKE_CXX_COMPILER", "CMAKE_CXX_COMPILER_LAUNCHER", "CMAKE_CXX_FLAGS", "CMAKE_EXE_LINKER_FLAGS"]


class Failed(Exception):
    pass


def git(*words):
    ran = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    if ran.returncode != 0:
        raise Failed(f"git {' '.join(words)}: {ran.stderr.strip()}")
    return ran.stdout


def changed(commit):
    """Whether this tree's command is built from other sources than the commit's."""
    return git("diff", "--name-only", commit, "--", *BUILT_FROM) != ""


def settings(build):
    """The options of CMake that the other commit is built with, so that both come from the same compiler."""
    cache = (build / "CMakeCache.txt").read_text()
    found = re.findall(r"^(\w+):\w+=(.*)$", cache, re.MULTILINE)
    return [f"-D{name}={value}" for name, value in found if name in SETTINGS and value]


def build(commit, reference):
    """The path of the command as the commit builds it, with the compiler and flags of the build folder `reference`. It
    is kept in build/against, and built only once."""
    try:
        commit = git("rev-parse", "--verify", commit + "^{commit}").strip()
    except Failed as failure:
        raise Failed(f"no commit is named '{commit}'") from failure
    options = settings(reference)
    # Another compiler makes another build.
    version = subprocess.run([next(o for o in options if o.startswith("-DCMAKE_CXX_COMPILER=")).split("=", 1)[1],
                              "--version"], capture_output=True, text=True, check=True).stdout
    key = f"{version}{[o for o in options if 'LAUNCHER' not in o]}"
    folder = ROOT / "build/against" / commit[:12]
    command, made_with = folder / "warpbeam", folder / "made_with.txt"
    if command.is_file() and made_with.is_file() and made_with.read_text() == key:
        return command
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "source"
    source.mkdir(parents=True)
    # A plain copy: a worktree would have to be unregistered again.
    archive = subprocess.Popen(["git", "-C", str(ROOT), "archive", commit], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(source)], stdin=archive.stdout, check=True)
    if archive.wait() != 0:
        raise Failed(f"git archive {commit} failed")
    log = folder / "log.txt"
    with open(log, "w") as out:
        for words in (["cmake", "--preset", "release", "-DWARPBEAM_TESTS=OFF", *options],
                      ["cmake", "--build", "build/release", "--target", "warpbeam", "-j", str(os.cpu_count())]):
            if subprocess.run(words, cwd=source, stdout=out, stderr=subprocess.STDOUT).returncode != 0:
                raise Failed(f"{commit[:12]} can't be built: {log} says why")
    shutil.copy(source / "build/release/warpbeam", command)
    shutil.rmtree(source)
    made_with.write_text(key)
    return command


def slower(samples, base, name, limit):
    """The programs that take more than `limit` times the CPU time of `base`, both in the rounds in which it ran first
    and in those in which it ran second; with the smaller of the two ratios of least times."""
    found = {}
    for program, seconds in samples.items():
        halves = [half for half in (slice(0, None, 2), slice(1, None, 2)) if seconds[base][half]]
        ratio = min(min(seconds[name][half]) / min(seconds[base][half]) for half in halves)
        if ratio > limit:
            found[program] = ratio
    return found


def count(command, words):
    """The machine instructions of one run by callgrind, and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            ran = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", str(command),
                                  *words], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
        except OSError as error:
            raise Failed(f"valgrind: {error.strerror} (Debian package valgrind)") from error
    found = re.search(r"Collected : (\d+)", ran.stderr)
    if ran.returncode != 0 or not found:
        raise Failed(f"{command} {' '.join(words)}: exit status {ran.returncode}\n{ran.stderr}")
    return int(found.group(1)), ran.stdout


def read_table(path, wasm):
    """The programs of counts.txt."""
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return {words[0]: [word.format(wasm=wasm, bench=HERE) for word in words[1:]] for words in lines if words}


def check_modules(table, wasm):
    """Before anything is built: whether the modules of the table are there."""
    for word in (word for words in table.values() for word in words):
        if word.startswith(f"{wasm}/") and not Path(word).is_file():
            raise Failed(f"{word} does not exist (build the targets bench_programs, bench_wasi and bench_memory64)")


def count_all(commands, table):
    """{program: [instructions with the first command, with the second]}; a program that the first can't run is None
    there. All processors count at once: what else the machine does changes nothing."""

    def one(program):
        counted, outputs = [], []
        for at, command in enumerate(commands):
            try:
                instructions, output = count(command, table[program])
            except Failed:
                if at == len(commands) - 1:
                    raise
                counted.append(None)
                continue
            counted.append(instructions)
            outputs.append(output)
        if len(set(outputs)) > 1:
            raise Failed(f"{program}: outputs differ: {outputs}")
        return program, counted

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(pool.map(one, table))


def accepted(commit):
    """The programs that the messages of the commits since then allow to become slower, on lines `Slower: NAME reason`;
    with the reasons."""
    lines = re.findall(r"^Slower: (\S+) (.+)$", git("log", "--format=%B", f"{commit}..HEAD"), re.MULTILINE)
    return dict(lines)


def report_counts(counts, allowed, limit):
    """Prints a table; returns the programs that execute more than `limit` times the instructions and may not."""
    worse = []
    ratios = []
    print(f"{'instructions':14}{'before':>14}{'now':>14}{'ratio':>9}")
    for program, (before, after) in counts.items():
        if before is None:
            print(f"{program:14}{'-':>14}{after:14}      new")
            continue
        ratio = after / before
        ratios.append(ratio)
        note = ""
        if ratio > limit:
            note = f"accepted: {allowed[program]}" if program in allowed else "SLOWER"
            if program not in allowed:
                worse.append(program)
        print(f"{program:14}{before:14}{after:14}{ratio:9.4f}  {note}".rstrip())
    if ratios:
        print(f"{'geometric mean':42}{statistics.geometric_mean(ratios):9.4f}")
    return worse
