#!/usr/bin/env python3
"""Builds the program of this folder for a Cortex-M4 and runs it in an emulated board:

    bench/small/firmware/run.py [--cxx arm-none-eabi-g++] [--qemu qemu-system-arm] [--folder FOLDER]

It checks what the program prints, and that it needs at most 512 KB of RAM, and prints a row for the table of README.md.
Debian has what it needs in gcc-arm-none-eabi, libnewlib-arm-none-eabi, libstdc++-arm-none-eabi-newlib and
qemu-system-arm. The exit status is 77 if a program is missing.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from size import FEATURES, ROOT, SMALL, without  # noqa: E402

SKIPPED = 77
MAX_RAM = 512 * 1024
MACHINE = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
FLAGS = ["-std=c++23", "-Os", *MACHINE, "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics",
         "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-ffp-contract=off", "-ffunction-sections",
         "-fdata-sections", "-Wno-psabi",
         "-include", "sys/types.h"]  # without it, newlib's <inttypes.h> leaves PRIu64 out
LIBRARIES = ["memory", "loader", "vm"]
BELOW = 50_000  # what main.cpp asks for


def primes_below(end):
    """The module's algorithm, in another language."""
    crossed = bytearray(end)
    count = 0
    for number in range(2, end):
        if not crossed[number]:
            count += 1
            crossed[number::number] = b"\1" * len(range(number, end, number))
    return count


def build(cxx, folder):
    # File by file: of all in one, g++ 12 doesn't make code within minutes.
    options = SMALL + without(*FEATURES, "HOST_THREADS", "TEXT", "WASI")
    options += ["-DWARPBEAM_CHECKS=0", "-DWARPBEAM_ISA=simd_baseline"]
    includes = [f"-I{ROOT / part / kind}" for part in LIBRARIES for kind in ("include", "src")]
    sources = [path for part in LIBRARIES for path in sorted((ROOT / part / "src").rglob("*.cpp"))]

    def translate(source):
        made = folder / ("_".join(source.relative_to(ROOT).parts) + ".o")
        subprocess.run([cxx, *FLAGS, *options, *includes, "-c", source, "-o", made], check=True)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(translate, [*sources, HERE / "main.cpp", HERE / "board.cpp"]))
    program = folder / "firmware.elf"
    subprocess.run([cxx, *FLAGS, *objects, "-nostartfiles", "-T", HERE / "board.ld", "-Wl,--gc-sections", "-o", program],
                   check=True)
    return program


def sections(cxx, program):
    size = cxx.removesuffix("g++") + "size"
    lines = subprocess.run([size, "-A", program], check=True, capture_output=True, text=True).stdout.splitlines()
    return {words[0]: int(words[1]) for words in map(str.split, lines) if len(words) == 3 and words[0].startswith(".")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cxx", default="arm-none-eabi-g++")
    parser.add_argument("--qemu", default="qemu-system-arm")
    parser.add_argument("--folder", type=Path, help="where to build (default: a temporary folder)")
    options = parser.parse_args()
    for program in (options.cxx, options.qemu):
        if shutil.which(program) is None:
            print(f"{program} is not installed")
            return SKIPPED
    with tempfile.TemporaryDirectory() as temporary:
        program = build(options.cxx, options.folder or Path(temporary))
        used = sections(options.cxx, program)
        ran = subprocess.run([options.qemu, "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none",
                              "-semihosting-config", "enable=on,target=native", "-kernel", program],
                             capture_output=True, text=True, timeout=120)
    printed = (ran.stdout + ran.stderr).splitlines()
    print("\n".join(printed))
    expected = [str(primes_below(BELOW)), "counted", "out of bounds memory access", "WARPBEAM_SIMD=0"]
    faults = [f"line {i + 1} should contain {text!r}" for i, text in enumerate(expected)
              if i >= len(printed) or text not in printed[i]]
    if ran.returncode != 0:
        faults.append(f"the exit status is {ran.returncode}")
    flash = used[".text"] + used.get(".ARM.exidx", 0) + used[".data"]
    ram = used[".data"] + used[".bss"] + used[".stack"]
    if ram > MAX_RAM:
        faults.append(f"the program needs {ram:,} bytes of RAM; the limit is {MAX_RAM:,}")
    if faults:
        sys.exit("\n".join(faults))
    print(f"| Cortex-M4, newlib, loop dispatch, g++ | {flash:,} bytes of flash | {ram:,} bytes of RAM, of which "
          f"{used['.stack']:,} are the stack |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
