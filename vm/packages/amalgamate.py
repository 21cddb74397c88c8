#!/usr/bin/env python3
"""Makes the library as single files, for builds that take one source:

    vm/packages/amalgamate.py FOLDER [--parts vm]

writes warpbeam.hpp and warpbeam.cpp (loader, text format, vm, memory, WASI and the C API), wasm.h and warpbeam.h (the C
API), sfv.hpp, sfv.cpp and sfv.h. The same sources always give the same bytes. README.md says how to compile them.
"""
import argparse
import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
INCLUDE = re.compile(r'\s*#\s*include\s+[<"]([^>"]+)[>"]')
DEFINE = re.compile(r"\s*#\s*define\s+(\w+)")
BANNER = "// {name}: {what} in one file, made by vm/packages/amalgamate.py, version {version}. See LICENSE.\n"

# The folders of the parts, the lowest first.
PARTS = {"memory": "memory", "loader": "loader", "text": "loader/text", "vm": "vm", "wasi": "vm/wasi", "capi": "vm/capi"}
NEEDS = {"loader": ["memory"], "text": ["loader"], "vm": ["loader"], "wasi": ["vm"], "capi": ["text", "wasi"]}
# Headers that stay as they are.
C_HEADERS = ["vm/capi/include/wasm.h", "vm/capi/include/warpbeam.h"]
SFV_C_HEADER = "sfv/include/warpbeam/sfv/sfv.h"
# The vector operators are compiled once, for the instruction set of the whole file.
PREAMBLE = """#ifndef WARPBEAM_CHECKS
#define WARPBEAM_CHECKS 0
#endif
#define WARPBEAM_ISA simd_baseline
#if WARPBEAM_SMALL && defined(__clang__)
#pragma clang attribute push(__attribute__((minsize)), apply_to = function)
#endif
"""
POSTAMBLE = """#if WARPBEAM_SMALL && defined(__clang__)
#pragma clang attribute pop
#endif
"""


class File:
    """One file that is made: each header goes where it is included first."""

    def __init__(self, folders, known=()):
        self.folders = [ROOT / folder for folder in folders]
        self.seen = set(known)
        self.text = []

    def find(self, name, includer):
        for folder in (includer.parent, *self.folders):
            path = folder / name
            if path.is_file():
                return path.resolve()
        return None  # of the system

    def add(self, path):
        path = path.resolve()
        if path in self.seen:
            return
        text = path.read_text()
        if "#pragma once" in text or path.suffix == ".cpp":
            self.seen.add(path)
        macros = []
        for line in text.splitlines():
            if line.strip() == "#pragma once":
                continue
            included = INCLUDE.match(line)
            own = self.find(included[1], path) if included else None
            if own:
                self.add(own)
                continue
            if included and included[1] in map(os.path.basename, C_HEADERS):
                line = f'#include "{included[1]}"'
            self.text.append(line)
            defined = DEFINE.match(line)
            if defined:
                macros.append(defined[1])
        if path.suffix == ".cpp":  # which no other file sees
            self.text += [f"#undef {macro}" for macro in dict.fromkeys(macros)]

    def write(self, path, what, before="", after=""):
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self.text))
        path.write_text(BANNER.format(name=path.name, what=what, version=version()) + before + text + "\n" + after)


def version():
    text = (ROOT / "vm/include/warpbeam/version.hpp").read_text()
    return ".".join(re.findall(r"define WARPBEAM_VERSION_\w+ (\d+)", text))


def files(folder, suffix):
    return sorted((ROOT / folder).rglob("*" + suffix))


def pair(target, name, what, public, sources, preamble="", postamble="", settings=""):
    header = File(public)
    for folder in public:
        for path in files(folder, ".hpp"):
            header.add(path)
    header.write(target / f"{name}.hpp", f"the headers of {what}", "#pragma once\n" + settings)
    source = File([*public, *sources], header.seen)
    for folder in sources:
        for path in files(folder, ".cpp"):
            source.add(path)
    source.write(target / f"{name}.cpp", what, f'{preamble}#include "{name}.hpp"\n', postamble)


def with_needs(parts):
    """These parts and those that they need, in order."""
    wanted = set()
    todo = list(parts)
    while todo:
        part = todo.pop()
        wanted.add(part)
        todo += NEEDS.get(part, [])
    return [part for part in PARTS if part in wanted]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parts", default=",".join(PARTS), help="which parts, separated by commas (default: all)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = options.parts.split(",")
    if unknown := [part for part in chosen if part not in PARTS]:
        parser.error(f"--parts: unknown part {unknown[0]}, use {', '.join(PARTS)}")
    parts = with_needs(chosen)
    # The headers of the C API stay files of their own.
    public = [f"{PARTS[part]}/include" for part in parts if part != "capi"]
    sources = [f"{PARTS[part]}/src" for part in parts]
    missing = [f"#define WARPBEAM_{part.upper()} 0\n" for part in ("text", "wasi") if part not in parts]
    pair(options.folder, "warpbeam", "Warpbeam", public, sources, PREAMBLE, POSTAMBLE, "".join(missing))
    if "capi" in parts:
        for header in C_HEADERS:
            shutil.copy(ROOT / header, options.folder)
    pair(options.folder, "sfv", "Warpbeam's codec of HTTP Structured Fields", ["sfv/include"], ["sfv/src"])
    shutil.copy(ROOT / SFV_C_HEADER, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
