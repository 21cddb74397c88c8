#!/usr/bin/env python3
"""Shows which instructions of threaded code a program executes most, alone and in pairs.

    cmake --preset loop-dispatch -B build/profile -DWARPBEAM_PROFILE=ON && cmake --build build/profile --target warpbeam
    WARPBEAM_PAIRS=/tmp/pairs build/profile/warpbeam run PROGRAM.wasm
    bench/pairs.py build/profile/warpbeam /tmp/pairs
"""
import collections
import re
import subprocess
import sys

SRC = "slot acc l0 l1 imm".split()
DST = ">acc >slot >l0 >l1".split()


def short(name):
    """Handler names with the operand classes in words."""
    name = re.sub(r"^.*?handler<(.*)>\(.*$", r"\1", name)
    name = name.replace("warpbeam::vm::", "").replace("(anonymous namespace)::", "")
    name = re.sub(r"\(Src\)(\d)", lambda m: SRC[int(m[1])], name)
    name = re.sub(r"\(Dst\)(\d)", lambda m: DST[int(m[1])], name)
    return name.replace("unsigned ", "u")


def main():
    binary, pairs = sys.argv[1:3]
    symbols = {}
    for line in subprocess.run(["nm", "-C", binary], capture_output=True, text=True, check=True).stdout.splitlines():
        parts = line.split(" ", 2)
        if len(parts) == 3 and parts[0]:
            symbols[int(parts[0], 16)] = parts[2]
    base = next(a for a, n in symbols.items() if n.startswith("warpbeam::vm::profile("))
    single, double = collections.Counter(), collections.Counter()
    for line in open(pairs):
        first, second, count = map(int, line.split())
        names = [short(symbols.get(base + a, "(start)")) for a in (first, second)]
        single[names[1]] += count
        double[tuple(names)] += count
    total = sum(single.values())
    print(f"{total} instructions")
    for name, count in single.most_common(30):
        print(f"{count / total:7.2%}  {name}")
    print("pairs")
    for (first, second), count in double.most_common(30):
        print(f"{count / total:7.2%}  {first}  ->  {second}")


if __name__ == "__main__":
    main()
