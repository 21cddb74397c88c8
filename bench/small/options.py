#!/usr/bin/env python3
"""Checks that the library compiles without warnings when one part is left out, with all variants of instructions:

    bench/small/options.py [--cxx COMPILER] [--only NAME,...]

NAME is that of an option of docs/small.md, without WARPBEAM_. Small builds are compiled by size.py.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from size import FEATURES, ROOT, without

WARNINGS = ["-Wall", "-Wextra", "-Werror"]  # others, such as -Wshadow, mean separate files


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cxx", default="clang++-19")
    parser.add_argument("--only", default=",".join(FEATURES))
    options = parser.parse_args()
    refused = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "vm/packages/amalgamate.py", folder, "--parts", "vm"], check=True)
        for name in options.only.split(","):
            made = subprocess.run([options.cxx, "-std=c++23", "-fsyntax-only", *WARNINGS, *without(name),
                                   Path(folder) / "warpbeam.cpp"])
            print(f"without {name}: {'compiles' if made.returncode == 0 else 'does not compile'}", flush=True)
            if made.returncode != 0:
                refused.append(name)
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
