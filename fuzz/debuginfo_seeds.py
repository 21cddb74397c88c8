#!/usr/bin/env python3
"""Writes seeds for debuginfo_fuzz: debuginfo_seeds.py DIRECTORY MODULE...

They are the modules' sections for debuggers, and the mangled names in these and in the unit tests.
"""
import hashlib
import os
import re
import sys

SECTIONS = [".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_line_str", ".debug_ranges",
            ".debug_rnglists", ".debug_addr", ".debug_str_offsets", "sourceMappingURL"]
directory = sys.argv[1]


def write(seed):
    with open(os.path.join(directory, hashlib.sha1(seed).hexdigest()), "wb") as file:
        file.write(seed)


def number(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


names = set()
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        data = file.read()
    seed = b"\0"
    at = 8
    while at < len(data):
        kind = data[at]
        size, at = number(data, at + 1)
        contents, at = data[at:at + size], at + size
        if kind == 0:
            length, start = number(contents, 0)
            name = contents[start:start + length].decode()
            contents = contents[start + length:]
            if name in SECTIONS and len(contents) < 65536:
                seed += bytes([SECTIONS.index(name)]) + len(contents).to_bytes(2, "little") + contents
    write(seed)
    names.update(re.findall(rb"_[ZR][\w.$]+", data))
tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vm", "debuginfo", "tests", "demangle_test.cpp")
with open(tests, "rb") as file:
    names.update(re.findall(rb"\"(_[ZR][^\"]+)\"", file.read()))
for name in names:
    write(b"\1" + name)
