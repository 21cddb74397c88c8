#!/usr/bin/env python3
"""Fails when a public header has grown heavy for all who include it: header_size_test.py CXX MAX HEADER INCLUDE...

Counts the lines of what the compiler sees, and looks for headers of the standard library that are known to be large."""
import re
import subprocess
import sys

compiler, limit, header, *folders = sys.argv[1:]
unwanted = {"algorithm", "condition_variable", "functional", "memory", "mutex", "atomic", "string", "chrono"}
command = [compiler, "-std=c++23", "-E", "-x", "c++", *("-I" + folder for folder in folders), "-"]
seen = subprocess.run(command, input=f"#include <{header}>\n", capture_output=True, text=True, check=True).stdout
lines = seen.count("\n")
included = set(re.findall(r'^# \d+ "[^"]*/c\+\+/[^"/]*/([a-z_]+)"', seen, re.M))
print(f"{lines} lines")
if lines > int(limit):
    sys.exit(f"<{header}> comes to {lines} lines, more than {limit}")
if found := unwanted & included:
    sys.exit(f"<{header}> includes " + ", ".join(f"<{name}>" for name in sorted(found)))
