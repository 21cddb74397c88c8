#!/usr/bin/env python3
"""Chooses the instructions that are joined, from profiles of programs, and writes vm/src/handlers/joined_rows.inc.

    bench/join.py [--pairs N] [--threes N] PROFILE... > vm/src/handlers/joined_rows.inc
    bench/join.py --judge vm/src/handlers/joined_rows.inc PROFILE...

A profile is what a build with WARPBEAM_PROFILE writes (bench/pairs.py). Each program has the same weight, and what is
chosen for some is judged by others: with `--judge`, the share of dispatches that the rows save each program.

Compilers place the same operands in different registers and slots, so a pair that is frequent makes similar ones
likely: those that differ in the place of one operand, if each of the two instructions was seen anywhere.
"""
import argparse
import collections
import os
import re
import sys

# Those of vm/src/handlers/joined.hpp; code ends a row there.
JOINED = set("""binary unary add_shl compare_branch latch select move copy copy_pair copy_constant copy_accumulator
    set_pins global_get global_set load load_at load_sum load_indexed load_displaced store store_at store_sum
    store_displaced""".split())
LAST = {"jump"}
PLACES = {"slot", "acc", "l0", "l1"}
SIMILAR = 0.05  # the weight of a similar pair


def read(path):
    """How often which instructions follow each other: {(first, second, third): share}."""
    counts = collections.Counter()
    for line in open(path):
        columns = line.rstrip("\n").split("\t")
        counts[tuple(columns[2::2])] += int(columns[0])
    total = sum(counts.values())
    return {three: count / total for three, count in counts.items()}


def form(row):
    return row.split(",")[0]


def may_join(*rows):
    return all(rows) and all(form(row) in JOINED for row in rows[:-1]) and form(rows[-1]) in JOINED | LAST


def similar(row):
    """The rows with another place of one operand, or of the result."""
    parts = row.split(", ")
    for i in range(2, 6):
        if parts[i] in PLACES:
            for place in PLACES - {parts[i]}:
                yield ", ".join(parts[:i] + [place] + parts[i + 1:])


def weights(profiles, size):
    """The weight of each sequence of two or three."""
    found = collections.Counter()
    seen = {row for profile in profiles for three in profile for row in three if row}
    for profile in profiles:
        for three, share in profile.items():
            rows = three[3 - size:]
            if may_join(*rows):
                found[rows] += share
    likely = collections.Counter(found)
    for rows, share in found.items():
        for i, row in enumerate(rows):
            for other in similar(row):
                if other in seen:
                    likely[rows[:i] + (other,) + rows[i + 1:]] += share * SIMILAR
    return likely


def choose(profiles, pairs, threes):
    chosen = [rows for rows, _ in weights(profiles, 2).most_common(pairs)]
    first_two = set(chosen)
    chosen += [rows for rows, _ in weights(profiles, 3).most_common() if rows[:2] in first_two][:threes]
    return chosen


def saved(profile, chosen):
    """About which share of the dispatches is saved: as if what precedes an instruction said nothing of what follows."""
    single, double = collections.Counter(), collections.Counter()
    for three, share in profile.items():
        single[three[2]] += share
        double[three[1:]] += share
    # The share of executions of an instruction that begin with a dispatch to it.
    begins = collections.Counter(single)
    for _ in range(60):
        joined = collections.Counter()
        inner = collections.Counter()
        for (first, second), share in double.items():
            if (first, second) in chosen and single[first]:
                joined[second] += share * begins[first] / single[first]
        for (first, second, third), share in profile.items():
            if (first, second, third) in chosen and single[first]:
                inner[third] += share * begins[first] / single[first]
        # Halfway each time, since that converges.
        for row in single:
            begins[row] = (begins[row] + max(0, single[row] - joined[row] - inner[row])) / 2
    return 1 - sum(begins.values()) / sum(single.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("profile", nargs="+")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--threes", type=int, default=300)
    parser.add_argument("--judge", metavar="ROWS")
    options = parser.parse_args()
    if options.judge:
        chosen = {tuple(re.findall(r"\(([^()]+)\)", line)) for line in open(options.judge) if "WARPBEAM_JOIN" in line}
        shares = []
        for path in options.profile:
            shares.append(saved(read(path), chosen))
            print(f"{shares[-1]:6.1%}  {os.path.basename(path)}")
        print(f"{sum(shares) / len(shares):6.1%}  mean")
        return
    print("// The instructions that are joined: written by bench/join.py. Of each: form, operator, result, operands,\n"
          "// option.\n// clang-format off")
    for rows in choose([read(path) for path in options.profile], options.pairs, options.threes):
        print(f"WARPBEAM_JOIN{len(rows)}({', '.join(f'({row})' for row in rows)})")
    print("// clang-format on")


if __name__ == "__main__":
    main()
