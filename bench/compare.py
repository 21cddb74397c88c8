#!/usr/bin/env python3
"""Compares WebAssembly engines by the CPU time they need for fixed work.

Engines take turns, on one core, round after round, so that whatever slows the machine down slows all of them.
What counts is user plus system time of the child: on a shared machine wall time measures the neighbours.
All engines must print the same.

  bench/compare.py --engine wasm3='wasm3 {wasm} {args}' \\
                   --engine warpbeam='build/release/warpbeam run {wasm} {args}'

In a command, {wasm} stands for the module's path, {args} for the program's arguments and {name} for the
program's name (for native builds).

  bench/compare.py --against COMMIT [--count]

compares this tree's build with that of a commit, which it builds, and names what became slower. With --count it counts
machine instructions instead, which repeat; the exit status is 1 if a program executes 2 % more.
"""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import against

HERE = Path(__file__).resolve().parent


class EngineFailed(Exception):
    pass


class Engine:
    def __init__(self, text):
        self.name, equals, command = text.partition("=")
        self.words = shlex.split(command)
        if not equals or not self.name or not self.words:
            raise argparse.ArgumentTypeError(f"NAME=COMMAND expected, not '{text}'")

    def argv(self, wasm, args):
        argv = []
        for word in self.words:
            if word == "{args}":
                argv += args
            else:
                argv.append(word.replace("{wasm}", str(wasm)).replace("{name}", wasm.stem))
        return argv


def run(argv, core):
    """Returns (CPU seconds, stdout)."""

    def pin():
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {core})

    # A file, unlike a pipe, never makes the child wait for us.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=pin)
        except OSError as error:
            raise EngineFailed(f"{argv[0]}: {error.strerror}") from error
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if child.returncode != 0:
            message = err.read().decode(errors="replace").strip()
            raise EngineFailed(f"{shlex.join(argv)}: exit status {child.returncode}\n{message}")
        # Where the system only counts clock ticks, a short run may seem to take none.
        return max(usage.ru_utime + usage.ru_stime, 1e-6), out.read()


def measure(engines, programs, rounds, core, report_failure):
    """Returns {program: {engine: [seconds, ...]}} of the programs that ran everywhere with the same output."""
    samples = {wasm.stem: {engine.name: [] for engine in engines} for wasm, _ in programs}
    for round_ in range(rounds):
        for wasm, args in programs:
            if wasm.stem not in samples:
                continue
            if sys.stderr.isatty():
                print(f"\rround {round_ + 1}/{rounds} {wasm.stem:<20}", end="", file=sys.stderr)
            # Another engine begins each time: the first one after a pause finds a cooler machine.
            shift = round_ % len(engines)
            outputs = {}
            try:
                for engine in engines[shift:] + engines[:shift]:
                    seconds, output = run(engine.argv(wasm, args), core)
                    samples[wasm.stem][engine.name].append(seconds)
                    outputs.setdefault(output, engine.name)
                if len(outputs) > 1:
                    raise EngineFailed(
                        "outputs differ:\n" + "\n".join(f"  {name}: {text!r}" for text, name in outputs.items())
                    )
            except EngineFailed as failure:
                report_failure(wasm.stem, failure)
                del samples[wasm.stem]
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)
    return samples


def summarize(samples, engines, baseline):
    """Ratios are speeds: 2 means that the engine needs half of the baseline's time."""
    programs = {}
    for program, by_engine in samples.items():
        base = statistics.median(by_engine[baseline])
        programs[program] = {}
        for name, seconds in by_engine.items():
            median = statistics.median(seconds)
            programs[program][name] = {
                "median": median,
                "spread": (max(seconds) - min(seconds)) / median,
                "ratio": base / median,
                "seconds": seconds,
            }
    means = {}
    for engine in engines:
        ratios = [programs[program][engine.name]["ratio"] for program in programs]
        if ratios:
            means[engine.name] = statistics.geometric_mean(ratios)
    return {"baseline": baseline, "programs": programs, "geometric_mean": means}


def print_table(summary, engines):
    names = [engine.name for engine in engines]
    width = max([14, *map(len, summary["programs"])])
    column = max([22, *(len(name) + 2 for name in names)])
    print(" " * width + "".join(f"{name:>{column}}" for name in names))
    for program, by_engine in summary["programs"].items():
        cells = []
        for name in names:
            cell = by_engine[name]
            cells.append(f"{cell['median']:.3f} s {cell['spread']:4.0%} {cell['ratio']:6.2f}x")
        print(f"{program:<{width}}" + "".join(f"{cell:>{column}}" for cell in cells))
    means = "".join(f"{format(mean, '.2f') + 'x':>{column}}" for mean in summary["geometric_mean"].values())
    print(f"{'geometric mean':<{width}}" + means)
    print(f"\nmedian CPU seconds, (max - min) / median, speed relative to {summary['baseline']}")


def read_work(path):
    lines = (line.partition("#")[0].split() for line in path.read_text().splitlines())
    return {words[0]: words[1:] for words in lines if words}


def prepare_against(parser, args):
    """Builds the commit; it and this tree are the first engines."""
    build = args.wasm_dir.parent
    here = build / "warpbeam"
    if not here.is_file():
        parser.error(f"{here} does not exist (build the target warpbeam)")
    try:
        if args.count:
            args.table = against.read_table(HERE / "counts.txt", args.wasm_dir)
            against.check_modules(args.table, args.wasm_dir)
            if not against.changed(args.against):
                print(f"the command is built from the same sources as at {args.against}")
                sys.exit(0)
        args.commands = [against.build(args.against, build), here]
    except against.Failed as failure:
        parser.error(str(failure))
    names = [args.against, "here"]
    args.engine = [Engine(f"{name}={shlex.quote(str(command))} run {{wasm}} {{args}}")
                   for name, command in zip(names, args.commands)] + args.engine


def compare_counts(args):
    """Returns the exit status."""
    try:
        allowed = against.accepted(args.against)
        worse = against.report_counts(against.count_all(args.commands, args.table), allowed, args.limit)
    except against.Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    if worse:
        print(f"more than {args.limit - 1:.0%} slower than {args.against}: {', '.join(worse)}. If that is the price of "
              "something, say so in the commit's message, on a line of its own: `Slower: NAME reason`.")
    else:
        print(f"no program is more than {args.limit - 1:.0%} slower than {args.against}")
    return 1 if worse else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=Engine, action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--against", metavar="COMMIT", help="compare this tree's build with the commit's")
    parser.add_argument("--count", action="store_true", help="with --against: count instructions, with valgrind")
    parser.add_argument("--limit", type=float, metavar="PERCENT",
                        help="with --against: what counts as slower (default: 3, or 2 with --count)")
    parser.add_argument("--baseline", metavar="NAME", help="default: the first engine")
    parser.add_argument("--programs", metavar="A,B,...", help="only these (default: all of the work table)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, help="default: the last one available")
    parser.add_argument("--wasm-dir", type=Path, default=HERE.parent / "build/release/bench")
    parser.add_argument("--work", type=Path, default=HERE / "work.txt", help="table of iteration counts")
    parser.add_argument("--module", type=Path, action="append", metavar="FILE",
                        help="measure this module, run without arguments, instead of the programs")
    parser.add_argument("--json", action="store_true", help="print everything, including all samples, as JSON")
    args = parser.parse_args()

    if args.count and not args.against:
        parser.error("--count is for --against COMMIT")
    if not args.engine and not args.against:
        parser.error("--engine or --against is needed")
    args.limit = 1 + (args.limit if args.limit is not None else 2 if args.count else 3) / 100
    if args.against:
        prepare_against(parser, args)
    if args.count:
        return args

    names = [engine.name for engine in args.engine]
    if len(set(names)) < len(names):
        parser.error("engines need different names")
    args.baseline = args.baseline or names[0]
    if args.baseline not in names:
        parser.error(f"no engine is named '{args.baseline}'")
    if args.rounds < 1:
        parser.error("at least one round is needed")
    if args.core is None:
        args.core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0

    if args.module:
        args.selected = [(wasm, []) for wasm in args.module]
    else:
        work = read_work(args.work)
        wanted = args.programs.split(",") if args.programs else list(work)
        for name in wanted:
            if name not in work:
                parser.error(f"no program is named '{name}' in {args.work} (--work has other tables: bench/work_simd.txt)")
        args.selected = [(args.wasm_dir / f"{name}.wasm", work[name]) for name in wanted]
    if len({wasm.stem for wasm, _ in args.selected}) < len(args.selected):
        parser.error("programs need different names")
    for wasm, _ in args.selected:
        if not wasm.is_file():
            parser.error(f"{wasm} does not exist (build the target bench_programs, or give --wasm-dir)")
    return args


def main():
    args = parse_arguments()
    if args.count:
        return compare_counts(args)
    failures = []

    def report_failure(program, failure):
        failures.append(program)
        print(f"{program}: left out: {failure}", file=sys.stderr)

    samples = measure(args.engine, args.selected, args.rounds, args.core, report_failure)
    summary = summarize(samples, args.engine, args.baseline)
    if args.json:
        json.dump({**summary, "failures": failures}, sys.stdout, indent=2)
        print()
    elif samples:
        print_table(summary, args.engine)
    if args.against:
        slower = against.slower(samples, args.against, "here", args.limit)
        for program, ratio in slower.items():
            print(f"{program} is slower than at {args.against}: {ratio:.3f} times the CPU time", file=sys.stderr)
        if samples and not slower:
            print(f"no program is more than {args.limit - 1:.0%} slower than {args.against}")
        return 1 if failures or slower else 0
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
