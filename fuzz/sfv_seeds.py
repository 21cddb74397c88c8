#!/usr/bin/env python3
"""Writes the inputs of the httpwg suite as files, lines separated by line feeds: sfv_seeds.py DIRECTORY FILE.json..."""
import json
import os
import sys

directory, *paths = sys.argv[1:]
for path in paths:
    with open(path, encoding="utf-8") as source:
        cases = json.load(source)
    stem = os.path.splitext(os.path.basename(path))[0]
    for number, case in enumerate(cases):
        with open(os.path.join(directory, f"{stem}.{number}"), "wb") as out:
            out.write("\n".join(case["raw"]).encode())
