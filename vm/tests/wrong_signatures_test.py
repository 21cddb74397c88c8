#!/usr/bin/env python3
"""Compiles wrong_signatures.cpp, of which each wrong line has to be one error, with its text:
wrong_signatures_test.py COMPILER INCLUDE_FOLDER..."""
import os
import re
import shutil
import subprocess
import sys

source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wrong_signatures.cpp")
with open(source, encoding="utf-8") as file:
    wrong = {number: line.split("// error: ")[1].strip()
             for number, line in enumerate(file, 1) if "// error: " in line}

# The errors of the other compiler too, where there is one.
compilers = {os.path.realpath(compiler): compiler
             for compiler in map(shutil.which, (sys.argv[1], "clang++-19", "g++-12")) if compiler}
faults = []
for compiler in compilers.values():
    is_clang = "clang" in subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    output = subprocess.run(
        [compiler, "-std=c++23", "-fsyntax-only", "-ferror-limit=0" if is_clang else "-fmax-errors=0",
         *("-I" + folder for folder in sys.argv[2:]), source],
        capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False).stderr
    found = re.findall(r"^\S+:\d+:\d+: (?:fatal )?error: (.*)$", output, re.MULTILINE)
    for number, text in wrong.items():
        # What clang adds stands in front of the text.
        mine = [error for error in found if error.removeprefix("static assertion failed").endswith(": " + text)]
        if not mine:
            faults.append(f"{compiler}: line {number} does not say '{text}'")
        else:
            found.remove(mine[0])
        if f"wrong_signatures.cpp:{number}:" not in output:
            faults.append(f"{compiler}: no error leads to line {number}")
    faults += [f"{compiler}: another error: {error}" for error in found]

print("\n".join(faults) or f"{len(wrong)} wrong signatures, each one error, by {len(compilers)} compilers")
sys.exit(1 if faults else 0)
