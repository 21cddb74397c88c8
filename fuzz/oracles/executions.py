#!/usr/bin/env python3
"""Runs random modules in Warpbeam, in several builds and configurations, in V8 and in wasmtime: all must agree on results,
traps, exceptions, memories, tables, globals, and on what host functions are called with.

    executions.py OUTCOMES... [--node NODE] [--wasm-tools TOOL] [--warpbeam WARPBEAM] [--seeds DIRECTORY]
                  [--count N] [--seed N] [--reference INTERPRETER] [--keep DIRECTORY]

OUTCOMES are the program `outcomes` of different builds. wasm-smith makes the modules (`wasm-tools smith`), the generators of
differential.py make some with --warpbeam. Others are mutated modules of DIRECTORY, if they are still valid. INTERPRETER is
`wasm` of WebAssembly/spec. What another engine can't do (settled.txt) is counted; other differences are printed, and the
modules kept with --keep. Exit status: 0, or 1 for a difference.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import mutations
import smith
import v8
from findings import Findings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
import program_gc  # pylint: disable=wrong-import-position
import program_stack  # pylint: disable=wrong-import-position

BATCH = 100
CONFIGURATIONS = ([], ["--eager"], ["--collect-always"], ["--guard-pages"])
TIMEOUT = 120
WAITS = re.compile(b"\xfe[\x01\x02]")

# Names for several traps of Warpbeam's that another engine does not tell apart.
GROUPS = {
    "conversion": ("integer overflow", "invalid conversion to integer"),
    "table": ("out of bounds table access", "undefined element"),
    "call": ("uninitialized element", "indirect call type mismatch", "null function reference"),
    "null": ("null reference", "null function reference", "null structure reference", "null array reference",
             "null i31 reference", "null exception reference", "null continuation reference", "null descriptor reference"),
}
NAN = re.compile(r"f32:[7f]f(?!800000\b)[89a-f][0-9a-f]{5}|f64:[7f]ff(?!0{13}\b)[0-9a-f]{13}")
# What a line is about.
KEY = re.compile(r"(later )?(call|global|memory|table) \S+|\w*")
# Depends on the engine: what follows in the same module can't be compared.
RESOURCES = ("trap call stack exhausted", "trap out of memory", "trap heap exhausted", "trap function too large", "trap resources")


def agree(mine, theirs, nans):
    """Whether two lines mean the same. Unless `nans`, the other engine's binding does not keep the bits of a NaN."""
    if mine == theirs or not nans and NAN.sub("nan", mine) == NAN.sub("nan", theirs):
        return True
    if mine.startswith("not valid") and theirs.startswith("not valid"):
        return True
    before, mark, mine = mine.rpartition(" trap ")
    their_before, their_mark, theirs = theirs.rpartition(" trap ")
    return mark == their_mark != "" and before == their_before and mine in GROUPS.get(theirs, ())


def by_module(output):
    """The lines of each module."""
    found = {}
    lines = None
    for line in output.splitlines():
        if line.startswith("module "):
            lines = found.setdefault(line[7:], [])
        else:
            lines.append(line)
    return found


def differences(mine, theirs, whole, nans):
    """The pairs of lines that differ, until one of the engines runs out of something, for which the pair is None. Unless
    `whole`, the other engine leaves out lines."""
    if theirs[0].startswith("not valid") and not mine[0].startswith("not valid"):
        yield "valid", theirs[0]
        return
    if whole and len(mine) != len(theirs) and not any(map(ran_out, mine[:1] + theirs[:1])):
        yield f"{len(mine)} lines", f"{len(theirs)} lines"
    other = {KEY.match(line)[0]: line for line in theirs}
    for line in mine:
        their_line = other.get(KEY.match(line)[0])
        if their_line is None or line.startswith("host") and not whole:
            continue
        if ran_out(line) or ran_out(their_line):
            yield None
            return
        if not agree(line, their_line, nans):
            yield line, their_line


def ran_out(line):
    return any(text in line for text in RESOURCES)


def is_whole(lines):
    """Whether these are all lines of a module."""
    return bool(lines) and lines[-1].startswith(("host", "not valid"))


class Engine:
    """Another engine, as a command that gets the plan and the modules."""

    def __init__(self, name, command, whole):
        self.name = name
        self.command = command
        self.whole = whole

    def outcomes(self, plan, files):
        """The lines of each module, as far as it comes."""
        try:
            ran = subprocess.run([*self.command, plan, *files], capture_output=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as stopped:
            ran = stopped
        return by_module((ran.stdout or b"").decode(errors="replace"))


class Executions:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.findings = Findings(options.keep)
        self.counts = self.findings.counts
        # Each makes a module, or none, from random numbers.
        self.makers = [self.generated] if options.warpbeam else []
        if options.wasm_tools:
            self.makers += [smith.Smith(options.wasm_tools, os.path.join(directory, "host.wat")).module] * 2
        if options.seeds:
            self.seeds = [seed for seed in mutations.read_seeds([options.seeds]) if len(seed) < 20000]
            self.makers += [self.mutated] * 3
        self.others = []
        if options.node:
            self.others.append(Engine("V8", [options.node, *v8.options_of(options.node), os.path.join(HERE, "outcomes.js")], True))
        if options.wasmtime:
            self.others.append(Engine("wasmtime", [sys.executable, os.path.join(HERE, "wasmtime_engine.py")], False))

    def batch(self, seed):
        """The files of some random modules."""
        rng = random.Random(seed)
        files = {}
        for number in range(BATCH):
            maker = rng.choice(self.makers)
            binary = maker(rng)
            # A wait might not end.
            if binary is not None and WAITS.search(binary) is None:
                files[os.path.join(self.directory, f"{number}.wasm")] = maker
                with open(list(files)[-1], "wb") as file:
                    file.write(binary)
        tried = self.output([self.options.outcomes[0], "--fuel", *files], seed) or {}
        return [file for file, maker in files.items() if self.is_wanted(seed, file, maker, tried.get(file, []))]

    def is_wanted(self, seed, file, maker, lines):
        """Whether a module ends, is not too large, and is valid, as all are but for mutated ones."""
        if not is_whole(lines):
            return not self.is_settled("crash", seed, file, ("no outcome", "no outcome"))
        if lines[0].startswith("not valid"):
            return maker != self.mutated and not self.is_settled("maker", seed, file, (lines[0], "valid"))
        return not any("trap out of fuel" in line or line.endswith(" large") for line in lines)

    def mutated(self, rng):
        return mutations.mutated(rng, rng.choice(self.seeds), rng.choice(self.seeds))

    def generated(self, rng):
        """A module of the generators for differential.py."""
        features = {"simd", "exceptions", "multi-memory", "memory64", "threads"}
        made = program_gc.Module(rng) if rng.random() < 0.35 else program_stack.Module(rng, features)
        text, binary = (os.path.join(self.directory, name) for name in ("generated.wat", "generated.wasm"))
        with open(text, "w", encoding="utf-8") as file:
            file.write(made.text)
        subprocess.run([self.options.warpbeam, "wat2wasm", "--features", "+all", text, "-o", binary], check=True)
        with open(binary, "rb") as file:
            return file.read()

    def run(self, seed):
        files = self.batch(seed)
        plan = os.path.join(self.directory, "plan.json")
        reference = None
        for program in self.options.outcomes:
            for mode in CONFIGURATIONS:
                made = self.output([program, *mode] + (["--plan", plan] if reference is None else []) + files, seed)
                if made is None:
                    return
                if reference is None:
                    reference = made
                    self.count(reference)
                for file in files:
                    self.compare(f"{program} {' '.join(mode)}", seed, file, reference[file], made.get(file, ["crashed"]), True, True)
        if self.options.reference:
            self.check_by_reference(seed, plan, reference, files)
        for engine in self.others:
            for file, lines in self.outcomes_of(engine, plan, files).items():
                self.compare(engine.name, seed, file, reference[file], lines, engine.whole)

    def outcomes_of(self, engine, plan, files):
        """What the modules do in another engine. When it crashes or hangs, each of the modules left runs alone."""
        with open(plan, encoding="utf-8") as file:
            plans = dict(zip(files, file))
        made = engine.outcomes(plan, files)
        for file in files:
            if not is_whole(made.get(file)):
                alone = os.path.join(self.directory, "alone.json")
                with open(alone, "w", encoding="utf-8") as out:
                    out.write(plans[file])
                made[file] = engine.outcomes(alone, [file]).get(file)
                if not is_whole(made[file]):
                    self.counts[f"{engine.name}: it crashes or hangs"] += 1
                    del made[file]
        return made

    def check_by_reference(self, seed, plan, outcomes, files):
        """The specification's interpreter checks what Warpbeam said."""
        said = os.path.join(self.directory, "outcomes.txt")
        with open(said, "w", encoding="utf-8") as file:
            for name in files:
                file.write("\n".join([f"module {name}", *outcomes[name], ""]))
        command = [sys.executable, os.path.join(HERE, "reference.py"), self.options.reference, plan, said, *files]
        for name, lines in (self.output(command, f"{seed}, reference") or {}).items():
            if lines[0] == "agrees" or lines[0].startswith("can't read it"):
                self.counts[f"reference: {'agrees' if lines[0] == 'agrees' else 'no answer'}"] += 1
            else:
                self.is_settled("reference", seed, name, ("agrees", lines[0]))

    def output(self, command, seed):
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            self.findings.unexplained[f"{command[0]} took more than {TIMEOUT} s"] += 1
            print(f"seed {seed}: {command[0]} took more than {TIMEOUT} s", flush=True)
            return None
        if ran.returncode != 0:
            print(f"seed {seed}: {' '.join(command[:3])}: status {ran.returncode}\n{ran.stderr[-600:]}", flush=True)
            self.findings.unexplained[f"{command[0]}: status {ran.returncode}"] += 1
        return by_module(ran.stdout)

    def count(self, found):
        for lines in found.values():
            self.counts["modules"] += 1
            for line in lines:
                words = line.split(" ")
                self.counts["calls" if words[0] == "call" else words[0]] += 1
                if words[0] == "call" and "trap" in words:
                    self.counts["calls that trap"] += 1
                elif words[0] == "call" and words[-1] == "exception":
                    self.counts["calls that throw"] += 1

    def compare(self, name, seed, file, mine, theirs, whole, nans=False):
        for found in differences(mine, theirs, whole, nans):
            if found is None:
                self.counts[f"{name}: modules in which an engine ran out of something"] += 1
                return
            if not self.is_settled(name, seed, file, found):
                return

    def is_settled(self, name, seed, path, found):
        with open(path, "rb") as file:
            return self.findings.is_settled(name, *found, f"{seed}-{os.path.basename(path)}", file.read())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("outcomes", nargs="+")
    parser.add_argument("--node", default=shutil.which("node"))
    parser.add_argument("--wasm-tools", default=shutil.which("wasm-tools"))
    parser.add_argument("--no-wasmtime", dest="wasmtime", action="store_false")
    parser.add_argument("--reference")
    parser.add_argument("--warpbeam")
    parser.add_argument("--seeds")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="directory for modules that show a difference")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        executions = Executions(options, directory)
        for batch in range(-(-options.count // BATCH)):
            executions.run(f"{options.seed}.{batch}")
    return executions.findings.finish()


if __name__ == "__main__":
    sys.exit(main())
