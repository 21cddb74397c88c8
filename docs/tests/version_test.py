#!/usr/bin/env python3
"""Packages say the version of vm/include/warpbeam/version.hpp: version_test.py REPOSITORY"""
import os
import re
import sys

ROOT = sys.argv[1]
PLACES = {
    "vm/capi/include/warpbeam.h": r"define WARPBEAM_VERSION_\w+ (\d+)",
    "vm/erlang/mix.exs": r'version: "([^"]*)"',
    "vm/erlang/src/warpbeam.app.src": r'\{vsn, "([^"]*)"\}',
    "vm/packages/vcpkg/warpbeam/vcpkg.json": r'"version": "([^"]*)"',
}


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


version = ".".join(re.findall(r"define WARPBEAM_VERSION_\w+ (\d+)", read("vm/include/warpbeam/version.hpp")))
failed = 0
for path, pattern in PLACES.items():
    found = re.findall(pattern, read(path))
    if "_VERSION_" in pattern:
        found = [".".join(found)]  # as in version.hpp
    if found != [version]:
        print(f"{path}: the versions in it are {found}, that of the library is {version}")
        failed += 1
print(f"{len(PLACES) - failed} passed, {failed} failed")
sys.exit(failed != 0)
