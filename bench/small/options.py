#!/usr/bin/env python3
"""Checks that the library in one file compiles without warnings, with other parts left out than size.py leaves out:

    bench/small/options.py [--cxx COMPILER] [--only NAME,...]

NAME is that of an option of docs/small.md, without WARPBEAM_: that alone is left out, with all variants of instructions.
Or it is `none`: everything is compiled, the text format, WASI, the C API and Structured Fields, too. With `all` those
parts are compiled as a small build without all options.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from size import FEATURES, ROOT, SMALL, without

VARIANTS = {"none": [], "all": [*SMALL, *without(*FEATURES)]}
WARNINGS = ["-Wall", "-Wextra", "-Werror"]  # others, such as -Wshadow, mean separate files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cxx", default="clang++-19")
    parser.add_argument("--only", default=",".join([*FEATURES, *VARIANTS]))
    options = parser.parse_args()
    refused = []
    with tempfile.TemporaryDirectory() as folder:
        whole, vm = Path(folder) / "whole", Path(folder) / "vm"
        for target, parts in ((whole, []), (vm, ["--parts", "vm"])):
            subprocess.run([sys.executable, ROOT / "vm/packages/amalgamate.py", target, *parts], check=True)
        for name in options.only.split(","):
            files = [whole / "warpbeam.cpp", whole / "sfv.cpp"] if name in VARIANTS else [vm / "warpbeam.cpp"]
            made = subprocess.run([options.cxx, "-std=c++23", "-fsyntax-only", *WARNINGS,
                                   *VARIANTS.get(name, without(name)), *files])
            print(f"without {name}: {'compiles' if made.returncode == 0 else 'does not compile'}", flush=True)
            if made.returncode != 0:
                refused.append(name)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
