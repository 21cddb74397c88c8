#!/usr/bin/env python3
"""Builds programs that run the public collection (bench/public/public.py) with the library as size.py builds it:

    bench/small/speed.py FOLDER [--cxx clang++-19] [--only scalar,small]

They are FOLDER/scalar and FOLDER/small. Then, with wasm3's own program (bench/README.md):

    bench/public/public.py ... --engine wasm3=wasm3_case --engine scalar=FOLDER/scalar --engine small=FOLDER/small
"""
import argparse
import subprocess
import sys
from pathlib import Path

from size import CONFIGURATIONS, FLAGS, ROOT, Machine, link


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cxx", default="clang++-19")
    parser.add_argument("--linker", default="lld-19", help="as in -fuse-ld=")
    parser.add_argument("--only", default="scalar,small")
    options = parser.parse_args()
    machine = Machine([options.cxx], options.linker)
    subprocess.run([sys.executable, ROOT / "vm/packages/amalgamate.py", options.folder, "--parts", "vm"], check=True)
    for name in options.only.split(","):
        flags, _ = CONFIGURATIONS[name]
        subprocess.run([options.cxx, *FLAGS, *flags, "-c", options.folder / "warpbeam.cpp", "-o", options.folder / "warpbeam.o"],
                       check=True)
        link(machine, flags, options.folder, ROOT / "bench/public/warpbeam_case.cpp", options.folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
