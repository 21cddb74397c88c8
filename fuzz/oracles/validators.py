#!/usr/bin/env python3
"""Compares validators: Warpbeam's, V8's and wasmtime's must take the same of many mutated modules.

    validators.py LIBRARY SEEDS... [--node NODE] [--count N] [--seed N] [--keep DIRECTORY]

LIBRARY is libwarpbeam_capi.so, SEEDS are modules in the binary format or directories of them, and wasmtime is the Python
package (`pip install wasmtime`). Each engine is compared with Warpbeam with the features that both have. Differences that
settled.txt explains are counted; others are printed, each kind once, and kept with --keep.
Exit status: 0, or 1 for an unexplained difference.
"""
import argparse
import random
import shutil
import sys
import time

import mutations
import ours
import v8
import wasmtime_engine
from findings import Findings

BATCH = 500


class Comparison:
    def __init__(self, options):
        self.findings = Findings(options.keep)
        self.engines = []
        if options.node:
            self.engines.append(("V8", v8.V8(options.node), ours.Warpbeam(options.library, v8.features_of(options.node))))
        self.engines.append(("wasmtime", wasmtime_engine.Validator(), ours.Warpbeam(options.library, wasmtime_engine.FEATURES)))

    def compare(self, inputs):
        for name, engine, warpbeam in self.engines:
            for binary, theirs in zip(inputs, engine.validate(inputs)):
                mine = warpbeam.validate(binary)
                self.findings.counts[f"{name}: {'valid' if theirs is None else 'not valid'}"] += 1
                if (mine is None) != (theirs is None):
                    self.findings.is_settled(name, mine, theirs, "module.wasm", binary)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("seeds", nargs="+")
    parser.add_argument("--node", default=shutil.which("node"))
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="directory for modules that show a difference")
    options = parser.parse_args()
    comparison = Comparison(options)
    print(", ".join(f"{name} {engine.version}" for name, engine, _ in comparison.engines), flush=True)
    seeds = [seed for seed in mutations.read_seeds(options.seeds) if len(seed) < 20000]
    comparison.compare(seeds)
    valid = [seed for seed in seeds if comparison.engines[0][2].validate(seed) is None]
    start = time.monotonic()
    for batch in range(options.count // BATCH):
        rng = random.Random(f"{options.seed} {batch}")
        comparison.compare([mutations.mutated(rng, rng.choice(rng.choices((valid, seeds), (4, 1))[0]), rng.choice(seeds))
                            for _ in range(BATCH)])
    print(f"{len(seeds)} modules and {options.count // BATCH * BATCH} mutated ones, seed {options.seed}, "
          f"{time.monotonic() - start:.0f} s")
    return comparison.findings.finish()


if __name__ == "__main__":
    sys.exit(main())
