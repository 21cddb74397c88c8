#!/usr/bin/env python3
"""Chooses the instructions that are joined, from profiles of programs, and writes vm/src/handlers/joined_rows.inc.

    bench/join.py [--rows N] PROFILE... > vm/src/handlers/joined_rows.inc
    bench/join.py --judge vm/src/handlers/joined_rows.inc PROFILE...

A profile is what a build with WARPBEAM_PROFILE writes (bench/pairs.py). Each program has the same weight. What is
chosen for some programs is judged by others: with `--judge`, the share of dispatches that the rows save each program.

A sequence saves a dispatch each time that its first instruction is dispatched to, and not run by the handler of what
comes before it. So rows are chosen a few at a time, those that save most beside the rows before.
"""
import argparse
import collections
import os
import re
import sys

# Those of vm/src/handlers/joined.hpp; code ends a row there.
JOINED = set("""binary unary add_shl compare_branch latch select move copy copy_pair copy_constant copy_register
    set_pins global_get global_set load load_at load_sum load_indexed load_displaced store store_at store_sum
    store_displaced""".split())
LAST = {"jump"}
STEP = 20  # rows that are chosen at once
RARE = 0.0002  # a share of the dispatches of a program that does not count


class Profile:
    """Which instructions follow each other in memory and were run so, and how often: shares of all dispatches."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        self.single = collections.Counter()
        sequences = collections.Counter()
        total = 0
        for line in open(path):
            columns = line.rstrip("\n").split("\t")
            rows, count = columns[2::2], int(columns[0])
            total += count
            self.single[rows[-1]] += count
            for i in range(len(rows) - 2, -1, -1):
                if form(rows[i]) not in JOINED or form(rows[-1]) not in JOINED | LAST:
                    break
                sequences[tuple(rows[i:])] += count
        self.single = {row: count / total for row, count in self.single.items()}
        self.sequences = {rows: count / total for rows, count in sequences.items() if count / total > RARE}
        self.dispatched = dict(self.single)

    def update(self, chosen, rounds):
        """How often each instruction is dispatched to. It is as if what precedes one said nothing of what follows."""
        rows = [(sequence, share / self.single[sequence[0]]) for sequence, share in self.sequences.items()
                if sequence in chosen]
        for _ in range(rounds):
            left = dict(self.single)
            for sequence, likely in rows:
                left[sequence[-1]] -= likely * self.dispatched[sequence[0]]
            # Halfway each time, since that converges.
            for row, share in left.items():
                self.dispatched[row] = (self.dispatched[row] + max(0, share)) / 2

    def saved(self):
        return 1 - sum(self.dispatched.values())


def form(row):
    return row.split(",")[0]


def choose(profiles, count):
    chosen = []
    known = set()
    while len(chosen) < count:
        values = collections.Counter()
        for profile in profiles:
            for rows, share in profile.sequences.items():
                if rows not in known and (len(rows) == 2 or rows[:-1] in known):
                    values[rows] += share * profile.dispatched[rows[0]] / profile.single[rows[0]]
        if not values:
            break
        best = [rows for rows, _ in values.most_common(min(STEP, count - len(chosen)))]
        chosen += best
        known.update(best)
        for profile in profiles:
            profile.update(known, 8)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", nargs="+")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--judge", metavar="ROWS")
    options = parser.parse_args()
    profiles = [Profile(path) for path in options.profile]
    if options.judge:
        chosen = {tuple(re.findall(r"\(([^()]+)\)", line)) for line in open(options.judge) if "WARPBEAM_JOIN" in line}
        for profile in profiles:
            profile.update(chosen, 60)
            print(f"{profile.saved():6.1%}  {profile.name}")
        print(f"{sum(profile.saved() for profile in profiles) / len(profiles):6.1%}  mean")
        return
    print("// The instructions that are joined: written by bench/join.py. Of each: form, operator, result, operands,\n"
          "// option.\n// clang-format off")
    for rows in choose(profiles, options.rows):
        print(f"WARPBEAM_JOIN{len(rows)}({', '.join(f'({row})' for row in rows)})")
    print("// clang-format on")


if __name__ == "__main__":
    main()
