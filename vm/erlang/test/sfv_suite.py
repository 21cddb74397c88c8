#!/usr/bin/env python3
"""Runs the httpwg suite for Structured Fields in Erlang; every case is counted.

    sfv_suite.py ERL EBIN WORK [DIRECTORY]

Its cases become Erlang terms in the file WORK/sfv_suite.terms, which sfv_suite_tests.erl reads, since this version of
Erlang has no parser for JSON. Exit status: 0, 1 if any case failed, 77 if the suite was not found.
"""
import base64
import glob
import json
import os
import subprocess
import sys
from decimal import Decimal

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


def binary(data):
    return "<<" + ",".join(str(byte) for byte in data) + ">>"


def text(string):
    return binary(string.encode())


def listed(terms):
    return "[" + ",".join(terms) + "]"


def bare(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        thousandths = value * 1000
        exact = thousandths == thousandths.to_integral_value()
        return f"{{decimal,{int(thousandths)}}}" if exact else str(float(value))
    if isinstance(value, str):
        return f"{{string,{text(value)}}}"
    kind, content = value["__type"], value["value"]
    if kind == "token":
        return f"{{token,{text(content)}}}"
    if kind == "binary":
        return f"{{binary,{binary(base64.b32decode(content))}}}"
    if kind == "date":
        return f"{{date,{content}}}"
    if kind == "displaystring":
        return f"{{display_string,{text(content)}}}"
    raise ValueError(f"a value of unknown type {kind}")


def parameters(pairs):
    return listed(f"{{{text(key)},{bare(value)}}}" for key, value in pairs)


def item(value):
    return f"{{item,{bare(value[0])},{parameters(value[1])}}}"


def member(value):
    if isinstance(value[0], list):
        return f"{{list,{listed(map(item, value[0]))},{parameters(value[1])}}}"
    return item(value)


def field(kind, value):
    if kind == "item":
        return item(value)
    if kind == "list":
        return listed(map(member, value))
    if kind == "dictionary":
        return listed(f"{{{text(key)},{member(one)}}}" for key, one in value)
    raise ValueError(f"a field of unknown type {kind}")


def lines(case, name):
    return listed(map(text, case[name])) if name in case else "none"


def term(name, case):
    kind = case["header_type"]
    expected = field(kind, case["expected"]) if "expected" in case else "none"
    outcome = "must_fail" if case.get("must_fail") else "can_fail" if case.get("can_fail") else "must_succeed"
    return (f"{{{text(name + ': ' + case['name'])},{kind},{outcome},{lines(case, 'raw')},{expected},"
            f"{lines(case, 'canonical')}}}.\n")


def main():
    erl, ebin, work, given = (sys.argv[1:] + [""])[:4]
    found = subprocess.run([os.path.join(ROOT, ".ci", "suites"), "find", "structured-field-tests", given],
                           stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        print("the httpwg suite was not found: run ./.ci/suites fetch, or set -DWARPBEAM_SFV_TESTS_DIR=...")
        return 77
    directory = found.stdout.strip()
    files = sorted(glob.glob(os.path.join(directory, "**", "*.json"), recursive=True))
    terms = os.path.join(work, "sfv_suite.terms")
    os.makedirs(work, exist_ok=True)
    with open(terms, "w", encoding="utf-8") as out:
        for path in files:
            with open(path, encoding="utf-8") as source:
                for case in json.load(source, parse_float=Decimal):
                    out.write(term(os.path.relpath(path, directory), case))
    return subprocess.run([erl, "-noshell", "-pa", ebin, "-eval", "tally:main([sfv_suite_tests])"],
                          env=os.environ | {"WARPBEAM_SFV_SUITE": terms}).returncode


if __name__ == "__main__":
    sys.exit(main())
