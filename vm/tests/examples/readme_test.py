#!/usr/bin/env python3
"""Fails when the README's example differs from the one that is compiled: readme_test.py EXAMPLE.cpp README.md"""
import re
import sys
import textwrap

with open(sys.argv[1], encoding="utf-8") as source:
    example = re.search(r"// \[readme\n(.*?)\n *// readme\]", source.read(), re.S).group(1)
with open(sys.argv[2], encoding="utf-8") as readme:
    shown = re.findall(r"```cpp\n(.*?)\n```", readme.read(), re.S)
if textwrap.dedent(example) not in shown:
    sys.exit("README.md does not show this:\n" + textwrap.dedent(example))
