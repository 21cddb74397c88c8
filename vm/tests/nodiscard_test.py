#!/usr/bin/env python3
"""Fails when a public function can fail and its answer may be dropped without a warning: nodiscard_test.py FOLDER...

Every function of the headers that returns a std::expected is to be [[nodiscard]]."""
import pathlib
import re
import sys

# Declarations: in a class, or in a namespace with a name that is not a member's.
declared = re.compile(r"^(?P<before>[^\n]*?)\bstd::expected<[^;{}=]*?>\s+(?P<name>[A-Za-z_]\w*|operator\(\))\(", re.M)
checked = 0
dropped = []
for folder in sys.argv[1:]:
    for header in sorted(pathlib.Path(folder).rglob("*.hpp")):
        text = header.read_text()
        for found in declared.finditer(text):
            if re.search(r"//|using|return|\(|<|=", found["before"]):
                continue
            checked += 1
            if "[[nodiscard]]" not in text[:found.start()].rsplit("\n", 2)[-2] + found["before"]:
                dropped.append(f"{header}:{text.count(chr(10), 0, found.start()) + 1}: {found['name']}")
print(f"{checked} functions, {len(dropped)} without [[nodiscard]]", *dropped, sep="\n")
sys.exit(1 if dropped or checked < 100 else 0)
