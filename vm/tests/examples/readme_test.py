#!/usr/bin/env python3
"""Fails when a page's example differs from the one that is compiled: readme_test.py EXAMPLE.cpp PAGE.md...

In the source an example stands between `// [NAME` and `// NAME]`."""
import re
import sys
import textwrap

with open(sys.argv[1], encoding="utf-8") as source:
    examples = re.findall(r"// \[(\w+)\n(.*?)\n *// \1\]", source.read(), re.S)
shown = []
for name in sys.argv[2:]:
    with open(name, encoding="utf-8") as page:
        shown += re.findall(r"```cpp\n(.*?)\n```", page.read(), re.S)
missing = [textwrap.dedent(text) for _, text in examples if textwrap.dedent(text) not in shown]
if missing:
    sys.exit(f"{sys.argv[2:]} do not show this:\n" + "\n".join(missing))
