#!/usr/bin/env python3
"""Checks that the functions of the C API's headers, the symbols of the library, the calls in tests and the table in
docs/c-api-functions.md are the same.

    functions.py --cc COMPILER [--nm NM --library FILE]     checks
    functions.py --cc COMPILER --update                     writes exported.map and the table
"""
import argparse
import os
import re
import subprocess
import sys

CAPI = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(os.path.dirname(CAPI))
MAP = os.path.join(CAPI, "exported.map")
TABLE = os.path.join(ROOT, "docs", "c-api-functions.md")
HEADERS = ("wasm.h", "warpbeam.h")

parser = argparse.ArgumentParser()
parser.add_argument("--cc", required=True)
parser.add_argument("--nm")
parser.add_argument("--library")
parser.add_argument("--update", action="store_true")
options = parser.parse_args()


def declared():
    """The functions of each header, in its order, and whether each is inline."""
    path = os.path.join(CAPI, "include")
    text = subprocess.run([options.cc, "-E", "-x", "c", "-I" + path, os.path.join(path, "warpbeam.h")], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    parts = {name: [] for name in HEADERS}
    current = None
    for line in text.splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        if marker:
            current = parts.get(os.path.basename(marker.group(1)))
        elif current is not None:
            current.append(line)
    found = {}
    for header, lines in parts.items():
        # Only what is outside of bodies: declarations and the heads of inline functions.
        code = "\n".join(lines)
        while re.search(r"\{[^{}]*\}", code):
            code = re.sub(r"\{[^{}]*\}", ";", code)
        for statement in code.split(";"):
            if "typedef" in statement:
                continue
            name = re.search(r"\b((?:wasm|warpbeam)_\w+)\s*\(", statement)
            if name and not name.group(1).endswith("_"):
                found[name.group(1)] = (header, "inline" in statement)
    return found


def tests_of(names):
    """A test that calls each function; None if there is none."""
    tests = {name: [] for name in names}
    # Macros write names too, so the text is that after preprocessing.
    folder = os.path.join(CAPI, "tests")
    for file in sorted(os.listdir(folder)):
        if not file.endswith("_test.c"):
            continue
        command = [options.cc, "-E", "-P", "-I" + os.path.join(CAPI, "include"), os.path.join(folder, file)]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        # The functions of the file: what each calls, in its own body and in those of the others that it calls.
        calls = {}
        for start in re.finditer(r"\b(\w+)\([^()]*(?:\([^()]*\)[^()]*)*\)\s*\{", text):
            depth, end = 1, start.end()
            while depth:
                depth += {"{": 1, "}": -1}.get(text[end], 0)
                end += 1
            calls.setdefault(start.group(1), set()).update(re.findall(r"\b(\w+)\s*\(", text[start.end():end]))
        for test in (name for name in calls if name.startswith("warpbeam_test_")):
            reached, fresh = set(), {test}
            while fresh:
                reached |= fresh
                fresh = set().union(*(calls.get(name, ()) for name in fresh if name not in names)) - reached
            for name in reached & names:
                words = test.removeprefix("warpbeam_test_").replace("_", " ")
                tests[name].append((len(reached), f"`{file}`: {words}"))
    # That which calls the fewest functions says most about each.
    return {name: min(found)[1] if found else None for name, found in tests.items()}


def version_script(functions):
    lines = ["/* The symbols of libwarpbeam_capi.so; tests/functions.py writes and checks them. */",
             "{", "  global:"]
    lines += [f"    {name};" for name, (_, inline) in sorted(functions.items()) if not inline]
    return "\n".join(lines + ["  local: *;", "};", ""])


def table(functions, tests):
    lines = ["# The functions of the C API", "",
             "The functions of `wasm.h` and `warpbeam.h`, in the order of the headers, and a test of each "
             "(`vm/capi/tests`).", "`vm/capi/tests/functions.py` writes this page, and a test fails if it is not "
             "up to date or a function has no test."]
    for header in HEADERS:
        mine = [name for name in functions if functions[name][0] == header]
        inline = sum(functions[name][1] for name in mine)
        lines += ["", f"## {header}", "", f"{len(mine)} functions, of which {inline} are inline.", "",
                  "| function | test |", "|---|---|"]
        lines += [f"| `{name}` | {tests[name] or '—'} |" for name in mine]
    return "\n".join(lines) + "\n"


def main():
    functions = declared()
    tests = tests_of(set(functions))
    failures = [f"{name} of {functions[name][0]} has no test" for name in functions if not tests[name]]
    for path, text in ((MAP, version_script(functions)), (TABLE, table(functions, tests))):
        if options.update:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            failures.append(f"{os.path.relpath(path, ROOT)} is not up to date: run functions.py --update")
    if options.library:
        output = subprocess.run([options.nm, "-D", "--defined-only", options.library], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        found = {line.split()[-1].split("@")[0] for line in output.splitlines()}
        wanted = {name for name, (_, inline) in functions.items() if not inline}
        failures += [f"the library lacks {name}" for name in sorted(wanted - found)]
        failures += [f"the library exports {name}, which no header declares" for name in sorted(found - wanted)]
    for failure in failures:
        print(failure)
    print(f"{len(functions)} functions, {sum(bool(tests[name]) for name in functions)} with a test")
    return 1 if failures else 0


sys.exit(main())
