#!/usr/bin/env python3
"""The cost of programs that call WASI, beside other engines:

    wasi_speed.py FOLDER --engine NAME='COMMAND --dir={dir} {wasm} {args}' ... [--rounds N] [--only WORK,...] [--scale F]

FOLDER has hello.wasm and calls.wasm. The engines run in turn, N times, and the medians of the CPU time are compared with
those of the first engine: below 1 is faster than that. What is printed goes to a file, whose size must be right. A work
that an engine can't do is left out, and the exit status is 1.
"""
import argparse
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile

MIB = 1 << 20
# Name: module, arguments, bytes of output; at full scale each takes a second or so, but for hello.
WORKS = {
    "hello": ("hello", lambda scale, file: [], lambda scale: 6),
    "puts": ("calls", lambda scale, file: ["puts", count(3_000_000, scale)], lambda scale: 7 * int(3_000_000 * scale)),
    "write": ("calls", lambda scale, file: ["write", count(3_000_000, scale)], lambda scale: 7 * int(3_000_000 * scale)),
    "open": ("calls", lambda scale, file: ["open", count(100_000, scale), file], lambda scale: 0),
    "cat": ("calls", lambda scale, file: ["cat", count(300, scale), file], lambda scale: MIB * int(300 * scale)),
}


def count(full, scale):
    return str(int(full * scale))


def seconds(command, out, size):
    """The CPU time of a command, or None if it fails or prints something else, which is reported."""
    with open(out, "wb") as file:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode != 0 or os.path.getsize(out) != size:
        print(f"{' '.join(command)}: exit status {ran.returncode}, {os.path.getsize(out)} bytes of output instead of {size} "
              f"{ran.stderr.decode(errors='replace').strip()}", file=sys.stderr)
        return None
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--engine", action="append", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default=",".join(WORKS))
    parser.add_argument("--scale", type=float, default=1)
    given = parser.parse_args()
    engines = dict(one.split("=", 1) for one in given.engine)
    failed = False
    print(f"{'':<8}" + "".join(f"{name:>20}" for name in engines))
    with tempfile.TemporaryDirectory() as scratch:
        file = os.path.join(scratch, "file")
        with open(file, "wb") as out:
            out.write(b"0123456789abcde\n" * (MIB // 16))
        for work in given.only.split(","):
            module, arguments, size = WORKS[work]
            repeats = 20 if work == "hello" else 1  # too short for one measurement
            times = {name: [] for name in engines}
            for _ in range(given.rounds):
                for name, template in engines.items():
                    words = [part for word in shlex.split(template) for part in
                             (arguments(given.scale, file) if word == "{args}" else
                              [word.format(dir=scratch, wasm=os.path.join(given.folder, module + ".wasm"))])]
                    taken = [seconds(words, os.path.join(scratch, "out"), size(given.scale)) for _ in range(repeats)]
                    times[name].append(None if None in taken else sum(taken) / repeats)
            row = f"{work:<8}"
            base = None
            for name, samples in times.items():
                if None in samples:
                    failed = True
                    row += f"{'failed':>20}"
                    continue
                median = statistics.median(samples)
                base = base or median
                row += f"{median * 1000:11.1f} ms {median / base:5.2f}"
            print(row, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
