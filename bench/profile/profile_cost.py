#!/usr/bin/env python3
"""What run --profile costs: profile_cost.py WARPBEAM PROGRAM.wasm[,ARGUMENT]... [--rounds N] [--check]

Runs each program without and with a profile in turn, so that whatever slows the machine down slows both, and prints the
ratio of the CPU times: the median of the rounds. With --check, fails if a profile takes a fifth more in the geometric
mean: several times what it takes, since machines that do other work as well must not fail.
"""
import argparse
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile

LIMIT = 1.2


def seconds(command, options, program):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    module, *argument = program.split(",")
    subprocess.run([command, "run", *options, os.path.abspath(module), *argument], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, cwd=tempfile.gettempdir())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("programs", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    command = os.path.abspath(given.command)

    print(f"{'program':<20}{'profile':>14}")
    means = []
    for program in given.programs:
        ratios = []
        for _ in range(given.rounds):
            plain = seconds(command, [], program)
            ratios.append(seconds(command, ["--profile"], program) / plain)
        means.append(statistics.median(ratios))
        print(f"{os.path.basename(program):<20}{means[-1]:14.3f}", flush=True)
    total = math.prod(means) ** (1 / len(means))
    print(f"{'geometric mean':<20}{total:14.3f}")
    if given.check and total > LIMIT:
        print(f"a profile takes more than {LIMIT} times the time")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
