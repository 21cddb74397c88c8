#!/usr/bin/env python3
"""Runs random programs in Warpbeam, in several configurations, and in V8: all must agree on results, traps, exceptions
and memory.

    differential.py WARPBEAM [--node NODE] [--seed N] [--modules N] [--batches N] [--keep DIRECTORY]

program_stack.py and program_gc.py make the programs, whose outcome is deterministic. V8 executes those whose features the
installed node supports; its results become the assertions of a script that `warpbeam wast` runs in each configuration.
Programs with all features, which need no node, run only in Warpbeam, and all configurations must agree. --keep stores the
failing scripts in a directory; otherwise the seed, which is printed, makes them again.
Exit status: 0, or 1 for a difference.
"""
import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import program_gc
import program_stack

CONFIGURATIONS = ([], ["--eager"], ["--collect-always"], ["--guard-pages"])

# A module for each feature: the generator uses a feature if V8 accepts its module.
PROBES = {
    "simd": "(func (result v128) (v128.const i32x4 0 0 0 0))",
    "threads": "(memory 1) (func (drop (i32.atomic.rmw8.cmpxchg_u (i32.const 0) (i32.const 0) (i32.const 0))))",
    "legacy-exceptions": "(tag $t) (func (try (do (throw $t)) (catch $t)))",
    "exceptions": "(tag $t) (func (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t)) (unreachable)) (throw_ref))",
    "multi-memory": "(memory 1) (memory 1) (func (drop (i32.load 1 (i32.const 0))))",
    "memory64": "(memory i64 1) (func (drop (i32.load (i64.const 0))))",
    "gc": "(type $s (sub (struct (field i32)))) (func (result i32) (ref.test (ref $s) (struct.new $s (i32.const 1))))",
}

RUNNER = r"""
const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const text = v => typeof v === 'bigint' ? BigInt.asIntN(64, v).toString() : String(v | 0);
const outcome = (f, args) => {
  try {
    const r = f(...args);
    return {values: (r === undefined ? [] : Array.isArray(r) ? r : [r]).map(text)};
  } catch (e) {
    if (e instanceof WebAssembly.Exception) return {exception: true};
    if (e instanceof WebAssembly.RuntimeError) return {trap: e.message};
    return {other: String(e)};
  }
};
console.log(JSON.stringify(input.map(({wasm, calls}) => {
  const bytes = Buffer.from(wasm, 'base64');
  if (calls === null) return WebAssembly.validate(bytes);
  const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  return calls.map(([name, args]) => outcome(exports[name], args.map(([t, v]) => t === 'i64' ? BigInt(v) : v)));
})));
"""

# V8's messages, and those of the specification's interpreter.
TRAPS = {
    "unreachable": "unreachable",
    "divide by zero": "integer divide by zero",
    "divide result unrepresentable": "integer overflow",
    "remainder by zero": "integer divide by zero",
    "float unrepresentable in integer range": "",
    "memory access out of bounds": "out of bounds memory access",
    "table index is out of bounds": "undefined element",
    "null function or function signature mismatch": "indirect call type mismatch",
    "operation does not support unaligned accesses": "unaligned atomic",
    "dereferencing a null pointer": "null",
    "illegal cast": "cast failure",
    "array element access out of bounds": "out of bounds array access",
}


class Differential:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.counts = {}
        self.features = self.probe() if options.node else set()

    def path(self, name):
        return os.path.join(self.directory, name)

    def assemble(self, text):
        """The module in the binary format, in base64. Raises an exception if it is wrong."""
        with open(self.path("module.wat"), "w", encoding="utf-8") as file:
            file.write(text)
        made = subprocess.run([self.options.warpbeam, "wat2wasm", "--features", "+all", self.path("module.wat"), "-o",
                               self.path("module.wasm")], capture_output=True, text=True)
        if made.returncode != 0:
            raise ValueError(made.stderr or made.stdout)
        with open(self.path("module.wasm"), "rb") as file:
            return base64.b64encode(file.read()).decode()

    def node(self, work):
        ran = subprocess.run([self.options.node, "-e", RUNNER], text=True, capture_output=True, timeout=300,
                             input=json.dumps(work))
        if ran.returncode != 0:
            raise ValueError("node failed: " + ran.stderr[-2000:])
        return json.loads(ran.stdout)

    def probe(self):
        valid = self.node([{"wasm": self.assemble(f"(module {text})"), "calls": None} for text in PROBES.values()])
        return {name for name, takes in zip(PROBES, valid) if takes}

    def modules(self, seed, features):
        rng = random.Random(f"{seed} {sorted(features)}")
        return [program_gc.Module(rng) if "gc" in features and rng.random() < 0.35 else
                program_stack.Module(rng, features - {"gc"}) for _ in range(self.options.modules)]

    def configurations(self, text):
        """The output of each configuration for a script, without the totals."""
        path = self.path("script.wast")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        for mode in CONFIGURATIONS:
            ran = subprocess.run([self.options.warpbeam, "wast", "--messages", *mode, path], text=True, capture_output=True,
                                 timeout=300)
            if ran.returncode not in (0, 1) or ran.stderr:
                yield mode, [f"status {ran.returncode}", ran.stderr[-2000:]]
            else:
                yield mode, [line for line in ran.stdout.splitlines() if line.startswith(path + ":") and "passed," not in line]

    def against_v8(self, seed):
        """Whether V8 and every configuration agree on the modules of one seed."""
        modules = self.modules(seed, self.features)
        ran = self.node([{"wasm": self.assemble(m.text), "calls": m.calls} for m in modules])
        script = []
        for module, outcomes in zip(modules, ran):
            script.append(module.text)
            for call, outcome in zip(module.calls, outcomes):
                line = assertion(call, outcome)
                if line is None:
                    # V8's own stack may have run out: from here on the states may differ.
                    self.count(str(outcome))
                    break
                script.append(line)
                self.count(next(iter(outcome)))
        text = "\n".join(script)
        for mode, findings in self.configurations(text):
            if findings:
                print(f"seed {seed}, against V8: {' '.join(mode)}", *findings[:10], sep="\n")
                return self.keep(f"{seed}-v8.wast", text)
        return True

    def among_ourselves(self, seed):
        """Whether all configurations agree on the modules of one seed, which may use all features."""
        script = []
        for module in self.modules(seed, set(PROBES)):
            self.assemble(module.text)
            script.append(module.text)
            # There is no reference; what a finding calls the result is what is compared.
            script += [assertion(call, {"values": ["12345678901"]}) for call in module.calls]
            self.count("compared", len(module.calls))
        text = "\n".join(script)
        first = None
        for mode, findings in self.configurations(text):
            first = findings if first is None else first
            if findings != first:
                different = [pair for pair in zip(first, findings) if pair[0] != pair[1]]
                print(f"seed {seed}: {' '.join(mode)} differs", len(first), len(findings), *different[:5], sep="\n")
                return self.keep(f"{seed}.wast", text)
        return True

    def count(self, what, by=1):
        self.counts[what] = self.counts.get(what, 0) + by

    def keep(self, name, text):
        if self.options.keep:
            os.makedirs(self.options.keep, exist_ok=True)
            with open(os.path.join(self.options.keep, name), "w", encoding="utf-8") as file:
                file.write(text)
        return False

    def run(self, seed):
        good = True
        for way in [self.against_v8] * bool(self.options.node) + [self.among_ourselves]:
            try:
                good = way(seed) and good
            except ValueError as problem:
                print(f"seed {seed}: {problem}")
                with open(self.path("module.wat"), encoding="utf-8") as file:
                    good = self.keep(f"{seed}.wat", file.read())
        return good


def assertion(call, outcome):
    """The line of a script for one call; None if the outcome says nothing about the program."""
    name, arguments = call
    action = f"(invoke \"{name}\" " + " ".join(f"({t}.const {v})" for t, v in arguments) + ")"
    if "values" in outcome:
        return f"(assert_return {action} " + " ".join(f"(i64.const {v})" for v in outcome["values"]) + ")"
    if "exception" in outcome:
        return f"(assert_exception {action})"
    if "trap" in outcome and outcome["trap"] in TRAPS:
        return f"(assert_trap {action} \"{TRAPS[outcome['trap']]}\")"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("warpbeam")
    parser.add_argument("--node", default=shutil.which("node"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modules", type=int, default=25, help="per batch")
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--keep", help="directory for failing scripts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        differential = Differential(options, directory)
        print("V8 has " + ", ".join(sorted(differential.features)) if options.node else "node was not found")
        good = all([differential.run(options.seed + i) for i in range(options.batches)])
    print(f"seeds {options.seed} to {options.seed + options.batches - 1}: {differential.counts}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
