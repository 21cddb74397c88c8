#!/usr/bin/env python3
"""Compares parsers of the text format: Warpbeam's and that of wasm-tools must take the same of many mutated texts, and make
the same modules of them.

    texts.py LIBRARY SCRIPT... [--count N] [--seed N] [--keep DIRECTORY]

LIBRARY is libwarpbeam_capi.so, the scripts (.wast) have the modules that are mutated, and the parser of wasm-tools comes with
the Python package of wasmtime. Differences that settled.txt explains are counted; others are printed, each kind once, and
kept with --keep. Exit status: 0, or 1 for an unexplained difference.
"""
import argparse
import collections
import os
import random
import re
import sys
import time

import wasmtime

import canonical
import mutations
import ours
import wasmtime_engine
from findings import Findings

TOKEN = re.compile(r"""\s+|;;[^\n]*|\(;.*?;\)|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+|.""", re.S)
NUMBERS = ("0", "1", "-1", "0x7fffffff", "0x80000000", "4294967295", "4294967296", "-0x8000000000000000", "18446744073709551615",
           "18446744073709551616", "nan", "-nan:0x1", "nan:0x800000", "inf", "0x1p127", "1e400", "0x1.fffffep127", "1_000", "0x_1",
           "1__0", "+5", "0.", ".5", "0x1.", "1e", "00")
# What the parser of wasm-tools does not have.
LEGACY = {"do", "delegate", "rethrow", "catch"}


def modules_of(script):
    """The texts of the modules of a script, as lists of tokens."""
    found = []
    depth = start = 0
    tokens = TOKEN.findall(script)
    for place, token in enumerate(tokens):
        if token == "(":
            if depth == 0:
                start = place
            depth += 1
        elif token == ")":
            depth -= 1
            words = [each for each in tokens[start:start + 12] if not each.isspace()]
            is_text = words[1:2] == ["module"] and not {"binary", "quote", "definition", "instance"} & set(words[2:4])
            if depth == 0 and is_text and not LEGACY & set(tokens[start:place]):
                found.append(tokens[start:place + 1])
    return [module for module in found if len(module) < 3000]


def class_of(token):
    """Tokens of one class often fit where another of it was."""
    return "name" if token[0] == "$" else "number" if token[0] in "+-0123456789" else token[0] if token[0] in "()\"" else \
        "instruction" if "." in token else "keyword"


def mutated(rng, tokens, pool, classes):
    tokens = list(tokens)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = [place for place, token in enumerate(tokens) if not token.isspace()]
        if not places:
            break
        at = rng.choice(places)
        kind = rng.randrange(12)
        if kind < 4:
            tokens[at] = rng.choice(classes[class_of(tokens[at])] if rng.random() < 0.8 else pool)
        elif kind < 5:
            del tokens[at]
        elif kind < 6:
            tokens.insert(at, tokens[at] + " ")
        elif kind < 7:
            tokens.insert(at, " " + rng.choice(pool) + " ")
        elif kind < 8:
            other = rng.choice(places)
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif kind < 10:
            digits = [place for place in places if tokens[place][0] in "+-0123456789"] or [at]
            tokens[rng.choice(digits)] = rng.choice(NUMBERS)
        elif kind < 11:
            spot = rng.randrange(len(tokens[at]) + 1)
            tokens[at] = tokens[at][:spot] + rng.choice(list("()$\"\\;@=.:_ x0f~é")) + tokens[at][spot + rng.randrange(2):]
        else:
            end = at + rng.randrange(1, 12)
            tokens[at:end] = []
    return "".join(tokens)


# Sections that a text does not determine, and those whose encoding it does not.
CUSTOM, TYPES, FUNCTIONS, ELEMENTS, DATA_COUNT = 0, 1, 3, 9, 12


def encoding(binary):
    """What each parser must make of a text: the contents of sections, by their numbers."""
    made = {number: contents for number, contents in mutations.sections(binary) if number not in (CUSTOM, DATA_COUNT)}
    for number, read in ((TYPES, canonical.types), (ELEMENTS, canonical.elements)):
        if number in made:
            try:
                made[number] = read(made[number])
            except (KeyError, ValueError):  # an instruction that no constant expression has
                made[number] = None
    return made


def is_in_folded(text, line, column):
    """Whether this place is in the parentheses of an instruction, where only folded ones may follow."""
    offset = sum(len(each.encode()) for each in text.splitlines(keepends=True)[:line - 1]) + column - 1
    before = [token for token in TOKEN.findall(text.encode()[:offset].decode(errors="replace"))
              if not token.isspace() and not token.startswith((";;", "(;"))]
    depth = 0
    for at in range(len(before) - 1, -1, -1):
        depth += (before[at] == ")") - (before[at] == "(")
        if depth < 0:
            head = before[at + 1] if at + 1 < len(before) else ""
            return "." in head or head in ("drop", "select", "return", "unreachable", "nop", "br", "br_if", "br_table", "call",
                                           "call_ref", "call_indirect", "return_call", "throw", "throw_ref")
    return False


class Comparison:
    def __init__(self, options):
        self.warpbeam = ours.Warpbeam(options.library, ours.EXTRA_FEATURES)
        self.validator = wasmtime_engine.Validator()
        self.findings = Findings(options.keep)

    def compare(self, text):
        binary, mine = self.warpbeam.assemble(text.encode())
        try:
            other = bytes(wasmtime.wat2wasm(text))
            theirs = None
        except wasmtime.WasmtimeError as problem:
            theirs = str(problem)
        self.findings.counts["texts"] += 1
        if mine is not None and theirs is None and self.validator.validate_one(other) is not None:
            self.findings.counts["texts that the parser of wasm-tools takes, but not its validator"] += 1
        elif (mine is None) != (theirs is None):
            self.difference(text, mine and mine.split("\n", 1)[0], theirs)
        elif mine is None:
            self.findings.counts["modules"] += 1
            first, second = encoding(binary), encoding(other)
            if any(first.get(each) != second.get(each) for each in (TYPES, FUNCTIONS)):
                # A function without a type gets one that is final and alone in its group; wasm-tools also takes others that
                # are there, so that all indices differ. The official tests hold us to that.
                self.findings.counts["modules in which wasm-tools chooses other types for functions without one"] += 1
            elif first != second:
                different = sorted(number for number in set(first) | set(second) if first.get(number) != second.get(number))
                self.difference(text, *(f"encodes {[(number, each.get(number)) for number in different]}" for each in (first, second)))

    def difference(self, text, mine, theirs):
        place = re.match(r"(\d+):(\d+): unexpected token \"[\w.]+\"$", mine or "")
        if place and is_in_folded(text, int(place[1]), int(place[2])):
            mine += " in a folded instruction"
        self.findings.is_settled("wat", mine, theirs, "module.wat", text.encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("scripts", nargs="+")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="directory for texts that show a difference")
    options = parser.parse_args()
    modules = []
    for path in options.scripts:
        with open(path, encoding="utf-8", errors="replace") as file:
            modules += modules_of(file.read())
    pool = sorted({token for module in modules for token in module if not token.isspace()})
    classes = collections.defaultdict(list)
    for token in pool:
        classes[class_of(token)].append(token)
    comparison = Comparison(options)
    start = time.monotonic()
    for module in modules:
        comparison.compare("".join(module))
    rng = random.Random(options.seed)
    for _ in range(options.count):
        comparison.compare(mutated(rng, rng.choice(modules), pool, classes))
    print(f"{len(modules)} modules and {options.count} mutated ones, seed {options.seed}, {time.monotonic() - start:.0f} s")
    return comparison.findings.finish()


if __name__ == "__main__":
    sys.exit(main())
