#!/usr/bin/env python3
"""Runs the programs of the public collection wasmi-benchmarks in several engines, in rounds that take turns.

    bench/public/public.py --rust RUST_BENCHMARKS --wat WASMI_BENCHMARKS/res/wat --warpbeam build/release/warpbeam \\
        --engine wasm3=wasm3_case --engine warpbeam=build/release/bench/public/warpbeam_public_case

An engine is a program as in case.hpp. The first one is the baseline. For each engine the least CPU time of all rounds
counts, since what other programs do can only make it longer; `--json` prints all samples. bench/README.md says where
the programs come from.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

# What the collection itself runs (its benches/criterion/execute.rs), and the results that it expects. The number of
# calls of `run` in a round makes each take some tenths of a second in wasm3.
TEXTS = {
    "bulk-ops": ("i64:5000", 100),
    "counter-global": ("i32:500000", 60),
    "counter-local": ("i32:1000000", 60),
    "counter-param": ("i32:1000000", 40),
    "fibonacci-iter": ("i64:2000000", 20),
    "fibonacci-rec": ("i64:30", 5),
    "fibonacci-tail": ("i64:1000000", 10),
}
RUST = {
    "argon2": ("i32:3000", None, ["output:i64:0x76318FB48BBA1258"], 1),
    "compression": (None, "res/alice29.txt", ["len_compressed:i64:97649"], 3),
    "json-parse": (None, "res/citm_catalog.json", ["node_count:i64:37778"], 3),
    "mandelbrot": ("i32:150", None, ["output:i64:5595328"], 3),
    "matrix-mul": ("i32:400", None, [], 1),
    "nbody": ("i32:400", None, [], 2),
    "prime-sieve": ("i64:10000000", None, ["len_primes:i64:664579", "largest_prime:i64:9999991"], 2),
    "regex-redux": (None, "cases/reverse-complement/input.txt", ["output:i32:2"], 300),
    "reverse-complement": (None, "cases/reverse-complement/input.txt", [], 300),
    "sort": ("i32:1000000", None, [], 1),
    "sort-dyn": ("i32:400000", None, [], 1),
    "spectralnorm": ("i32:500", None, ["output:f64:1.2742241159529095"], 1),
    "tiny-keccak": ("void", None, [], 300),
    "word-count": (None, "res/alice29.txt", ["len_unique_words:i64:2213", "len_special_chars:i64:6314"], 20),
}
OUTPUTS = {"reverse-complement": "cases/reverse-complement/output.txt"}


def commands(rust, wat, warpbeam, folder):
    """The arguments of an engine for each program."""
    found = {}
    for name, (argument, calls) in TEXTS.items():
        module = os.path.join(folder, name + ".wasm")
        subprocess.run([warpbeam, "wat2wasm", os.path.join(wat, name + ".wat"), "-o", module], check=True)
        found[name] = [module, "--run", argument, "--rounds", str(calls)]
    for name, (setup, given, checks, calls) in RUST.items():
        arguments = [os.path.join(rust, "cases", name, "out.wasm")]
        if given:
            path = os.path.join(rust, given)
            arguments += ["--setup", f"i32:{os.path.getsize(path)}", "--input", path]
        else:
            arguments += ["--setup", setup]
        for check in checks:
            arguments += ["--check", check]
        if name in OUTPUTS:
            arguments += ["--output", os.path.join(rust, OUTPUTS[name])]
        found[name] = arguments + ["--rounds", str(calls)]
    return found


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rust", required=True, help="a checkout of wasmi-labs/rust-benchmarks")
    parser.add_argument("--wat", required=True, help="res/wat of wasmi-labs/wasmi-benchmarks")
    parser.add_argument("--warpbeam", required=True, help="the command, which assembles the texts")
    parser.add_argument("--engine", action="append", required=True, metavar="NAME=PROGRAM")
    parser.add_argument("--programs", help="some of them, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print all samples, in nanoseconds")
    options = parser.parse_args()
    engines = dict(engine.split("=", 1) for engine in options.engine)
    names = options.programs.split(",") if options.programs else sorted(TEXTS | RUST)
    unknown = set(names) - set(TEXTS | RUST)
    if unknown:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    samples = {name: {engine: [] for engine in engines} for name in names}
    failed = set()
    with tempfile.TemporaryDirectory() as folder:
        arguments = commands(options.rust, options.wat, options.warpbeam, folder)
        for i in range(options.rounds):
            for name in names:
                order = list(engines) if i % 2 == 0 else list(engines)[::-1]
                for engine in order:
                    if (name, engine) in failed:
                        continue
                    run = subprocess.run([engines[engine], *arguments[name]], capture_output=True, text=True)
                    if run.returncode != 0:
                        failed.add((name, engine))
                        print(f"{name} in {engine}: {run.stderr.strip() or run.returncode}", file=sys.stderr)
                        continue
                    samples[name][engine] += [int(line) for line in run.stdout.split()]
    if options.json:
        json.dump(samples, sys.stdout, indent=1)
        print()
    else:
        report(engines, names, samples)
    return 1 if failed else 0


def report(engines, names, samples):
    base = next(iter(engines))
    print(f"{'':20}" + "".join(f"{engine + ' ms':>14}{'ratio':>7}" for engine in engines))
    ratios = {engine: [] for engine in engines}
    for name in names:
        line = f"{name:20}"
        for engine in engines:
            taken = samples[name][engine]
            if not taken or not samples[name][base]:
                line += f"{'-':>14}{'-':>7}"
                continue
            ratio = min(samples[name][base]) / min(taken)
            ratios[engine].append(ratio)
            line += f"{min(taken) / 1e6:14.3f}{ratio:7.2f}"
        print(line)
    print(f"{'geometric mean':20}" + "".join(
        f"{'':14}{geometric_mean(ratios[engine]):7.3f}" if ratios[engine] else f"{'':21}" for engine in engines))


if __name__ == "__main__":
    sys.exit(main())
