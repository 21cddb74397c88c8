#!/usr/bin/env python3
"""docs/limits.md has the limits of the headers, with the same numbers: limits_test.py REPOSITORY"""
import os
import re
import sys

ROOT = sys.argv[1]
STRUCTS = {
    "Modules": ("loader/include/warpbeam/loader/limits.hpp", "ModuleLimits"),
    "Stores": ("vm/include/warpbeam/vm/store.hpp", "StoreLimits"),
    "Calls": ("vm/include/warpbeam/vm/engine.hpp", "Config"),
}
MAXIMA = {"UINT64_MAX": 2**64 - 1, "UINT32_MAX": 2**32 - 1}
failures = []
count = 0


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def value(expression):
    """What a constant of C++ is; None if it is no number."""
    for name, number in MAXIMA.items():
        expression = expression.replace(name, str(number))
    expression = re.sub(r"uint64_t\{(\d+)\}", r"\1", expression).replace("'", "")
    expression = re.sub(r"(\d)u\b", r"\1", expression)
    return eval(expression) if re.fullmatch(r"[\d\s*<+-]+", expression) else None  # numbers and operators alone


def fields(path, struct):
    body = re.search(rf"struct {struct} \{{\n(.*?)\n\}};", read(path), re.S).group(1)
    found = {}
    for kind, name, default in re.findall(r"^    (size_t|uint32_t|uint64_t) (\w+) = ([^;]+);", body, re.M):
        found[name] = value(default)
    return found


def sections(page):
    for part in page.split("\n## ")[1:]:
        yield part.split("\n", 1)


page = read("docs/limits.md")
for title, text in sections(page):
    if title not in STRUCTS:
        continue
    expected = fields(*STRUCTS[title])
    said = {name: int(number) for name, number in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.M)}
    for name in sorted(expected.keys() | said.keys()):
        count += 1
        if expected.get(name) != said.get(name):
            failures.append(f"{STRUCTS[title][1]}::{name} is {expected.get(name)} in the header and {said.get(name)} on the page")
if count < 25:
    failures.append(f"only {count} limits were found")
for failure in failures:
    print(failure)
print(f"{count - len(failures)} passed, {len(failures)} failed")
sys.exit(bool(failures))
