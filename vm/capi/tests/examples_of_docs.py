#!/usr/bin/env python3
"""Runs the examples of docs/c-api.md: examples_of_docs.py --cc COMPILER --library FILE --work DIRECTORY"""
import argparse
import os
import re
import subprocess
import sys

CAPI = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(CAPI))

parser = argparse.ArgumentParser()
for name in ("cc", "library", "work"):
    parser.add_argument("--" + name, required=True)
options = parser.parse_args()
os.makedirs(options.work, exist_ok=True)
folder = os.path.dirname(options.library)

with open(os.path.join(ROOT, "docs", "c-api.md"), encoding="utf-8") as page:
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```$", page.read(), re.M | re.S))


def write(name, text):
    path = os.path.join(options.work, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def run(*command):
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         env={**os.environ, "WARPBEAM_CAPI": options.library})
    return ran.returncode, ran.stdout


program = os.path.join(options.work, "example")
results = {
    "the C program compiles": (run(options.cc, "-std=c99", "-Wall", "-Wextra", "-Werror",
                                   "-I" + os.path.join(CAPI, "include"), write("example.c", blocks["c"]), "-o", program,
                                   "-L" + folder, "-lwarpbeam_capi", "-Wl,-rpath," + folder), (0, "")),
    "the C program": (run(program), (0, "42\nunreachable\n    at run (function 1), offset 0x38\n")),
    "the Python program": (run(sys.executable, write("example.py", blocks["python"])),
                           (0, "the guest says hello\n40 + 2 = 42\n")),
}
failed = 0
for what, (found, expected) in results.items():
    if found != expected:
        failed += 1
        print(f"{what}: FAILED: it has the status {found[0]} and prints\n{found[1]}instead of\n{expected[1]}")
print(f"{len(results) - failed} passed, {failed} failed")
sys.exit(failed != 0)
