#!/usr/bin/env python3
"""The pictures of the README are what the command prints now; see programs.py for the arguments."""
import os
import sys
import xml.etree.ElementTree

import build
import programs

PICTURES = os.path.join(build.ROOT, "docs", "pictures")
sys.path.insert(0, PICTURES)
import make  # noqa: E402


def lines_of(name):
    image = xml.etree.ElementTree.parse(os.path.join(PICTURES, name)).getroot()
    return ["".join(element.itertext()) for element in image.iter() if element.tag.endswith("text")]


def test(suite):
    build.require(*build.C, *build.CPP)
    report = make.trap_report(suite.command, ["clang++-19", "--target=wasm32-wasi", "-Wno-deprecated", "-fno-exceptions"])
    # The frames of the C library depend on its version.
    ours = [line for line in report if "_start" not in line]
    shown = [line for line in lines_of("trap.svg") if "_start" not in line]
    suite.expect("the trap report", len(ours) >= 6 and ours == shown, "\n".join(ours))
    suite.expect("the flame graph", {"all", "_start", "main"} <= set(lines_of("flame-graph.svg")))


programs.main(test)
