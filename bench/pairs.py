#!/usr/bin/env python3
"""Shows which instructions of threaded code a program executes most, alone and in pairs.

    cmake --preset loop-dispatch -B build/profile -DWARPBEAM_PROFILE=ON && cmake --build build/profile --target warpbeam
    WARPBEAM_PAIRS=/tmp/pairs build/profile/warpbeam run PROGRAM.wasm
    bench/pairs.py /tmp/pairs

docs/engine.md explains the instructions ("Reading threaded code").
"""
import collections
import sys
from pathlib import Path


def main():
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("usage: bench/pairs.py FILE, which a build with WARPBEAM_PROFILE=ON writes if WARPBEAM_PAIRS=FILE is set")
    single, double = collections.Counter(), collections.Counter()
    for line in open(sys.argv[1]):
        count, *columns = line.rstrip("\n").split("\t")
        names = [" ".join(name.split()) for name in columns[::2]]
        single[names[-1]] += int(count)
        double[tuple(names[-2:])] += int(count)
    total = sum(single.values())
    print(f"{total} instructions")
    for name, count in single.most_common(30):
        print(f"{count / total:7.2%}  {name}")
    print("pairs")
    for names, count in double.most_common(30):
        print(f"{count / total:7.2%}  {'  ->  '.join(names)}")


if __name__ == "__main__":
    main()
