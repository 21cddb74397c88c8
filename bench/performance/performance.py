#!/usr/bin/env python3
"""Measures Warpbeam beside other engines, and writes the tables and charts of docs/performance.md.

    bench/performance/performance.py measure [--short] --engine wasm3='wasm3 {wasm} {args}' \\
        --case wasm3=wasm3_case --built wasm3='commit c9b579d, clang 19 -O3' \\
        --rust RUST_BENCHMARKS --wasmi-benchmarks WASMI_BENCHMARKS --coremark COREMARK --brotli BROTLI
    bench/performance/performance.py write [--check]

`measure` runs everything and keeps it in docs/performance/data.json, then writes; `--sections` renews some of it. With
`--short` it takes at most ten minutes. `write` makes the pages of what is there; with `--check` it only says whether
they are up to date. wasm3 comes first: it is the baseline. Without the folders of public programs these are left out.
"""
import argparse
import json
import sys
from pathlib import Path

import pages

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs"
DATA = DOCS / "performance/data.json"


def pairs(words):
    return dict(word.split("=", 1) for word in words)


def measure_options(parser):
    parser.add_argument("--build", type=Path, default=HERE.parent.parent / "build/release")
    parser.add_argument("--engine", action="append", default=[], metavar="NAME=COMMAND", help="as in bench/compare.py")
    parser.add_argument("--case", action="append", default=[], metavar="NAME=PROGRAM", help="as in bench/public")
    parser.add_argument("--built", action="append", default=[], metavar="NAME=TEXT", help="the version, and how it was built")
    parser.add_argument("--rust", type=Path, help="a checkout of wasmi-labs/rust-benchmarks")
    parser.add_argument("--wasmi-benchmarks", type=Path, help="a checkout of wasmi-labs/wasmi-benchmarks")
    parser.add_argument("--coremark", type=Path, help="a checkout of eembc/coremark")
    parser.add_argument("--brotli", type=Path, help="a checkout of google/brotli")
    parser.add_argument("--sections", type=lambda text: text.split(","),
                        help="only these, separated by commas; the others must have been measured on this machine")
    parser.add_argument("--rounds", type=int, help="default: 7, or 3 if short")
    parser.add_argument("--short", action="store_true", help="less work in each run")


def measure(options):
    import measure as measuring

    options.build = options.build.resolve()
    options.engines = {**pairs(options.engine), "warpbeam": f"{options.build}/warpbeam run {{wasm}} {{args}}"}
    options.cases = {**pairs(options.case), "warpbeam": options.build / "bench/public/warpbeam_public_case"}
    options.built = pairs(options.built)
    before = json.loads(DATA.read_text()) if options.sections and DATA.exists() else None
    if before and before["machine"] != measuring.machine():
        sys.exit(f"the other sections were measured on another machine ({before['machine']['processor']}): measure them all")
    data = measuring.everything(options)
    if before:
        for part in ("commits", "sections"):
            data[part] = {**before[part], **data[part]}
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(json.dumps(data, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(dest="way", required=True)
    measure_options(ways.add_parser("measure"))
    ways.add_parser("write").add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.way == "measure":
        measure(options)
    stale = pages.write(json.loads(DATA.read_text()), DOCS, only_check=options.way == "write" and options.check)
    for path in stale:
        print(f"{path} is not what its data says: run bench/performance/performance.py write", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
