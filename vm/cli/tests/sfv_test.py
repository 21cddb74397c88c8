#!/usr/bin/env python3
"""Uses of `warpbeam sfv` and `warpbeam sfv-tests`, valid and invalid: sfv_test.py WARPBEAM"""
import base64
import json
import os
import re
import sys

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file

# Reading
check("a listing", ["sfv", "parse", "--type", "dict", 'a=1, b=("x" y;q=0.5);z', "c=@5"], stdout="""a = integer 1
b = inner_list
    string "x"
    token y
        ;q = decimal 0.5
    ;z = boolean ?1
c = date @5
""")
check("JSON", ["sfv", "parse", "--type=list", "--json", "1.0, tok;a, :aGVsbG8:"], stdout='[[1.0, []], [{"__type": "token", '
      '"value": "tok"}, [["a", true]]], [{"__type": "binary", "value": "NBSWY3DP"}, []]]\n')
check("lines of standard input", ["sfv", "parse", "--type", "list", "--json"], stdin=b"1, 2\r\n3\n",
      stdout="[[1, []], [2, []], [3, []]]\n")
check("an item is the default", ["sfv", "parse", "--json", "?1;a=1"], stdout='[true, [["a", 1]]]\n')
check("a negative number", ["sfv", "canonical", "--", "-5.50"], stdout="-5.5\n")
check("a negative number without --", ["sfv", "parse", "-5"], stdout="integer -5\n")
check("negative numbers in lines", ["sfv", "canonical", "--type", "list", "-1.50;a=-2", "-3", "4"],
      stdout="-1.5;a=-2, -3, 4\n")
check("a number after options", ["sfv", "parse", "--json", "-5", "--rfc8941"], stdout="[-5, []]\n")
check("a field that is not a number", ["sfv", "parse", "-x"], stderr=re.compile(r"unknown option -x \(arguments after --"),
      status=2)
check("a field after --", ["sfv", "parse", "--", "-x"], stderr=re.compile("^warpbeam: expected a digit"), status=1)
check("a control character is not printed", ["sfv", "parse", '%"a%1b%0a"'], stdout='display_string %"a%1b%0a"\n')

# Canonical
check("canonical", ["sfv", "canonical", "--type", "dict", "a=01 ,b=?1;x=?1,  a=2"], stdout="a=2, b;x\n")
check("canonical as JSON", ["sfv", "canonical", "--type", "list", "--json", '"a"'], stdout='["\\"a\\""]\n')
check("no members, no field", ["sfv", "canonical", "--type", "list", ""])
check("no members as JSON", ["sfv", "canonical", "--type", "list", "--json", " "], stdout="[]\n")

# Writing
check("format", ["sfv", "format", "--type", "dict", '[["a", [[[1, []], [0.0025, []]], [["q", "x"]]]]]'],
      stdout='a=(1 0.002);q="x"\n')
check("format from standard input", ["sfv", "format"], stdin=b'[{"__type": "token", "value": "gzip"},\n []]\n',
      stdout="gzip\n")
check("a control character", ["sfv", "format", '["a\\r\\nb", []]'], stderr="warpbeam: a string can only contain printable "
      "ASCII characters; use a display string for others\n", status=1)
check("too many digits", ["sfv", "format", "[1000000000000000, []]"], stderr="warpbeam: more than 15 digits\n", status=1)
check("an invalid key", ["sfv", "format", "--type", "dict", '[["A", [1, []]]]'],
      stderr=re.compile("^warpbeam: not a key"), status=1)
for text, whole in (("", ""), ("MY======", "f"), ("MZXQ====", "fo"), ("MZXW6===", "foo"), ("MZXW6YQ=", "foob"),
                    ("MZXW6YTB", "fooba"), ("MZXW6YTBOI======", "foobar")):
    check(f"base32 {text!r}", ["sfv", "format", json.dumps([{"__type": "binary", "value": text}, []])],
          stdout=f":{base64.b64encode(whole.encode()).decode()}:\n")
for text in ("my======", "MY", "MY=====", "MY=======", "MZ======", "MZXR====", "MZXW7===", "MZXW6YR=", "M=======",
             "MZXW6Y==", "========", "MY======MZXW6YTB", "=MY=====", "M Y=====", "MY==\n====", "M1======", "MY---",
             "MZXW6YTB========", "MZXW6YT"):
    check(f"invalid base32 {text!r}", ["sfv", "format", json.dumps([{"__type": "binary", "value": text}, []])],
          stderr="warpbeam: not a field in JSON: a binary value that is not base32 of RFC 4648\n", status=1)
check("invalid JSON", ["sfv", "format", "[1,"], stderr=re.compile("^warpbeam: not a field in JSON: expected"), status=1)
check("other JSON", ["sfv", "format", "{}"], stderr=re.compile("^warpbeam: not a field in JSON: "), status=1)

# Refusals
check("malformed", ["sfv", "parse", "--type", "list", "1, 2,"],
      stderr="warpbeam: expected a member after the comma, found the end at offset 5\n", status=1)
for option, field in (("--rfc8941", "@1"), ("--strict-padding", ":AA:"), ("--strict-pad-bits", ":iZ==:"),
                      ("--strict-dates", "@999999999999")):
    check(f"{option} off", ["sfv", "canonical", field], stdout=None)
    check(f"{option} on", ["sfv", "canonical", option, field], stderr=re.compile("^warpbeam: expected "), status=1)
check("--strict-lines off", ["sfv", "canonical", '"a', 'b"'], stdout='"a, b"\n')
check("--strict-lines on", ["sfv", "canonical", "--strict-lines", '"a', 'b"'],
      stderr=re.compile("^warpbeam: expected "), status=1)

# Usage
check("no action", ["sfv"], stderr=re.compile("parse, format or canonical is needed"), status=2)
check("another action", ["sfv", "print"], stderr=re.compile("'print' is not an action"), status=2)
check("another type", ["sfv", "parse", "--type", "map", "1"], stderr=re.compile("'map' is not a field type"), status=2)
check("help", ["sfv", "--help"], stdout=re.compile("^usage: warpbeam sfv parse"))

# The runner can fail
file("good/a.json", "[]")
case = {"name": "one", "raw": ["1"], "header_type": "item", "expected": [1, []]}
wrong = [dict(case, expected=[2, []]), dict(case, must_fail=True), dict(case, canonical=["2"]),
         dict(case, raw=["!"]), dict(case, can_fail=True), dict(case, expected=[1.0, []])]
file("bad/a.json", json.dumps([case] + wrong))
file("bad/serialisation-tests/b.json", json.dumps([
    {"name": "two", "header_type": "item", "expected": [1, []], "must_fail": True},
    {"name": "three", "header_type": "item", "expected": ["\n", []], "canonical": ["x"]},
    {"name": "four", "header_type": "item", "expected": [0.0015, []], "canonical": ["0.002"]}]))
ran = check("cases that fail", ["sfv-tests", "bad"], stdout=re.compile(
    r"\na.json: 1 passed, 6 failed, 0 skipped\n(?s:.*)serialisation-tests/b.json: 1 passed, 2 failed, 0 skipped\n"
    r"2 passed, 8 failed, 0 skipped\n$"), status=1)
suite.expect("each is reported", len(re.findall(r" case \d+ \(", ran.stdout.decode())) == 8, ran.stdout)
check("a file without cases", ["sfv-tests", "good"], stderr=re.compile("no test case"), status=1)
check("no suite", ["sfv-tests", "nowhere"], stderr=re.compile("cannot read the directory nowhere: No such file or directory"), status=1)
os.mkdir(os.path.join(suite.directory.name, "hollow"))
check("an empty suite", ["sfv-tests", "hollow"], stderr=re.compile("no .json file in hollow"), status=1)
check("no directory", ["sfv-tests"], stderr=re.compile("exactly one DIR"), status=2)

suite.close()
