#!/usr/bin/env python3
"""Compiles the C examples of https://github.com/WebAssembly/wasm-c-api as they are, with our wasm.h and library, and
checks what they print.

    examples.py CHECKOUT --cc COMPILER --library DIRECTORY --command WARPBEAM --work DIRECTORY

A checkout is looked for in CHECKOUT first, which may be empty, then where `.ci/suites fetch` puts one. The exit status is
77 if there is none.

Their modules are used as they are too, but for hostref.wasm, which is from before `ref.null` had a type, so that it is
no valid module any more: it is made from its text, with the type that the text leaves out.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77
CAPI = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# What each prints, besides what it says about its steps: parts of lines, in this order.
EXPECTED = {
    "callback": ["Calling back...", "> 7", "Calling back closure...", "> 42", "Printing result...", "> 49"],
    "finalize": ["Live count 0", "Live count 100001", "Live count 200002", "Live count 100001", "Live count 200002",
                 "Live count 0"],
    "global": ["Accessing globals..."],
    "hello": ["Calling back...", "> Hello World!"],
    "hostref": ["Accessing global...", "Accessing table...", "Accessing function...", "Calling back..."],
    "memory": ["Checking memory...", "Mutating memory...", "Growing memory...", "Creating stand-alone memory..."],
    "multi": ["> 1 3 2 4", "> 4 3 2 1"],
    "reflect": ['> export 0 "func"', ">> initial: func i32 f64 f32 -> i32", ">> current: func i32 f64 f32 -> i32",
                ">> in-arity: 3, out-arity: 1", '> export 1 "global"', ">> initial: global const f64",
                '> export 2 "table"', ">> initial: table 0d 50d funcref", '> export 3 "memory"',
                ">> initial: memory 1d"],
    "serialize": ["Serializing module...", "Deserializing module...", "> Hello World!"],
    "start": ["> unreachable", "= 0.0x1", "= 0.0x1"],
    "table": ["Checking table...", "Mutating table...", "Growing table...", "Creating stand-alone table..."],
    "threads": ["Initializing thread 0...", "Waiting for thread: 9"],
    "trap": ["> callback abort", "= 1.0x1", "= 1.0x1", "> unreachable", "= 2.0x1", "= 2.0x1"],
}

parser = argparse.ArgumentParser()
parser.add_argument("checkout")
for name in ("cc", "library", "command", "work"):
    parser.add_argument("--" + name, required=True)
options = parser.parse_args()
options.library = os.path.abspath(options.library)  # which the programs find from their own directory
suites = os.path.join(CAPI, "..", "..", ".ci", "suites")
checkout = subprocess.run([suites, "find", "wasm-c-api", options.checkout], stdout=subprocess.PIPE, text=True)
if checkout.returncode != 0:
    print("wasm-c-api was not found: run ./.ci/suites fetch, or set -DWARPBEAM_WASM_C_API=...")
    sys.exit(SKIPPED)
examples = os.path.join(checkout.stdout.strip(), "example")


def fault_of(name):
    """Why an example fails; None if it does not."""
    module = os.path.join(options.work, name + ".wasm")
    if name == "hostref":
        with open(os.path.join(examples, "hostref.wat"), encoding="utf-8") as file:
            text = file.read().replace("(ref.null)", "(ref.null extern)")
        source = os.path.join(options.work, "hostref.wat")
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        subprocess.run([options.command, "wat2wasm", source, "-o", module], check=True)
    else:
        shutil.copy(os.path.join(examples, name + ".wasm"), module)
    program = os.path.join(options.work, name)
    built = subprocess.run([options.cc, "-I" + os.path.join(CAPI, "include"), os.path.join(examples, name + ".c"), "-o",
                            program, "-L" + options.library, "-lwarpbeam_capi", "-Wl,-rpath," + options.library,
                            "-lpthread"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if built.returncode != 0:
        return "it does not compile:\n" + built.stdout
    ran = subprocess.run([program], cwd=options.work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=300)
    if ran.returncode != 0:
        return f"its exit status is {ran.returncode}:\n{ran.stdout}"
    lines = ran.stdout.splitlines()
    at = 0
    for part in EXPECTED[name]:
        while at < len(lines) and part not in lines[at]:
            at += 1
        if at == len(lines):
            return f"it does not print `{part}`, or not in this order:\n{ran.stdout}"
        at += 1
    if name == "threads":
        for thread in range(10):
            runs = len(re.findall(rf"^> Thread {thread} running$", ran.stdout, re.M))
            if runs != 3:
                return f"thread {thread} ran {runs} times, not 3"
    elif lines[-1] != "Done.":
        return "its last line is not `Done.`:\n" + ran.stdout
    return None


os.makedirs(options.work, exist_ok=True)
found = sorted(file[:-2] for file in os.listdir(examples) if file.endswith(".c"))
if found != sorted(EXPECTED):
    print(f"the examples are {found}, but these are known: {sorted(EXPECTED)}")
    sys.exit(1)
failed = 0
for each in found:
    fault = fault_of(each)
    if fault is not None:
        failed += 1
        print(f"{each}: FAILED: {fault}")
print(f"{len(found) - failed} passed, {failed} failed")
sys.exit(failed != 0)
