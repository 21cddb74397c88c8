#!/usr/bin/env python3
"""Builds hosts of the library with what docs/small.md describes left out, and measures them:

    bench/small/size.py [--cxx clang++-19] [--machine NAME] [--only NAME,...] [--turn N] [--check] [--folder FOLDER]

For each configuration it prints the bytes of vm/tests/examples/embed.cpp with the library in one file, stripped; the
bytes of memory that an engine, a store, a module and an instance take beside its memory of one page, and the largest
number of bytes meanwhile (bench/small/host.cpp). With --check the exit status is 1 if one is above its limit, or if the
host of `scalar` needs a function of the platform that bench/small/platform.txt does not list.

A machine is a preset, such as s390x; `./dev machines s390x` installs what is needed. Its programs run in the emulator.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FEATURES = ["SIMD", "GC", "EXCEPTIONS", "THREADS", "MEMORY64", "MULTI_MEMORY", "STACK_SWITCHING", "REPLAY", "NAMES",
            "SNAPSHOTS"]
SMALL = ["-DWARPBEAM_SMALL=1"]


def without(*names):
    return [f"-DWARPBEAM_{name}=0" for name in names]


MAX_MEMORY = 8 * 1024  # bytes
# The flags, and the most bytes of the program.
CONFIGURATIONS = {
    "scalar": (SMALL + without(*FEATURES, "HOST_THREADS") + ["-fno-threadsafe-statics"], 250_000),
    "small": (SMALL, 800_000),
    **{f"small without {name}": (SMALL + without(name), 800_000) for name in FEATURES},
}
FLAGS = ["-std=c++23", "-Os", "-fno-pie", "-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables",
         "-fno-unwind-tables", "-fno-math-errno", "-ffp-contract=off", "-ffunction-sections", "-fdata-sections",
         "-fvisibility=hidden"]
LINK = ["-no-pie", "-Wl,--gc-sections,--as-needed,--icf=safe,-O2,-z,noseparate-code"]


class Machine(NamedTuple):
    """How programs for it are built and run."""
    compiler: list
    linker: str
    binutils: str = ""  # what the names of its tools begin with
    emulator: list = []


def machine_of(options):
    if options.machine is None:
        return Machine([options.cxx], options.linker)
    presets = json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]
    settings = next((preset["cacheVariables"] for preset in presets if preset["name"] == options.machine), {})
    triple = settings.get("CMAKE_CXX_COMPILER_TARGET")
    if triple is None or "-linux-" not in triple:
        sys.exit(f"--machine: '{options.machine}' is no preset for another machine with Linux")
    return Machine([options.cxx, f"--target={triple}", *settings.get("CMAKE_CXX_FLAGS", "").split()], options.linker,
                   f"{triple}-", [settings["CMAKE_CROSSCOMPILING_EMULATOR"], "-L", f"/usr/{triple}"])


def link(machine, flags, folder, host, program):
    includes = [f"-I{ROOT / part / 'include'}" for part in ("memory", "loader", "vm")]
    flags = flags + without("TEXT", "WASI")  # as in the file
    subprocess.run([*machine.compiler, *FLAGS, *flags, *includes, f"-fuse-ld={machine.linker}", host,
                    folder / "warpbeam.o", *LINK, "-o", program], check=True)


def platform_symbols(machine, program):
    """The functions and objects that the program takes from the platform's libraries."""
    listed = subprocess.run([f"{machine.binutils}nm", "-D", "--undefined-only", program], check=True, capture_output=True,
                            text=True).stdout
    return {line.split()[-1].split("@")[0] for line in listed.splitlines()}


def measure(machine, flags, source, folder):
    subprocess.run([*machine.compiler, *FLAGS, *flags, "-c", source, "-o", folder / "warpbeam.o"], check=True)
    embed, host = folder / "embed", folder / "host"
    link(machine, flags, folder, ROOT / "vm/tests/examples/embed.cpp", embed)
    subprocess.run([*machine.emulator, embed], check=True)
    subprocess.run([f"{machine.binutils}strip", "-s", embed], check=True)
    link(machine, flags, folder, HERE / "host.cpp", host)
    symbols = platform_symbols(machine, host)
    link(machine, [*flags, "-DWARPBEAM_HOST_REFUSES_MAPPINGS=1"], folder, HERE / "host.cpp", host)
    ran = subprocess.run([*machine.emulator, host], check=True, capture_output=True, text=True).stdout.split()
    return embed.stat().st_size, int(ran[0]), int(ran[1]), symbols


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cxx", default="clang++-19")
    parser.add_argument("--linker", default="lld-19", help="as in -fuse-ld=")
    parser.add_argument("--machine", help="a preset for another machine with Linux, such as s390x")
    parser.add_argument("--only", help="some configurations, separated by commas")
    parser.add_argument("--turn", type=int, help="only the configuration without one of the options, by this number")
    parser.add_argument("--check", action="store_true", help="fail if a limit is exceeded")
    parser.add_argument("--folder", type=Path, help="where to build (default: a temporary folder)")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(CONFIGURATIONS)
    if options.turn is not None:
        names = [f"small without {FEATURES[options.turn % len(FEATURES)]}"]
    if unknown := [name for name in names if name not in CONFIGURATIONS]:
        parser.error(f"--only: unknown configuration {unknown[0]}, use {', '.join(CONFIGURATIONS)}")
    machine = machine_of(options)
    known = set((HERE / "platform.txt").read_text().split())
    faults = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        subprocess.run([sys.executable, ROOT / "vm/packages/amalgamate.py", folder, "--parts", "vm"], check=True)
        print("| configuration | program | memory | at most |\n|---|---|---|---|")
        for name in names:
            flags, max_size = CONFIGURATIONS[name]
            size, used, peak, symbols = measure(machine, flags, folder / "warpbeam.cpp", folder)
            print(f"| {name} | {size:,} | {used:,} | {peak:,} |", flush=True)
            if size > max_size:
                faults.append(f"{name}: the program has {size:,} bytes; the limit is {max_size:,}")
            if used > MAX_MEMORY:
                faults.append(f"{name}: {used:,} bytes of memory; the limit is {MAX_MEMORY:,}")
            if name == "scalar" and (extra := sorted(symbols - known)):
                faults.append(f"{name}: not in platform.txt: {' '.join(extra)}")
    if options.check and faults:
        sys.exit("\n".join(faults))
    return 0


if __name__ == "__main__":
    sys.exit(main())
