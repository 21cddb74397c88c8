#!/usr/bin/env python3
"""Runs a command with every script of the official suite, in all its folders, as its arguments.

    every_script.py [--without PROPOSAL] DIRECTORY COMMAND [ARGUMENT...]

The suite is looked for in DIRECTORY first; it may be empty. A proposal that the command refuses by design is left out.
The exit status is the command's, or 77 if the suite was not found.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SUITES = os.path.join(HERE, "..", "..", ".ci", "suites")
SKIPPED = 77


def scripts(suite, given):
    found = subprocess.run([SUITES, "find", suite, given], stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        return []
    return [os.path.join(folder, name) for folder, _, names in os.walk(found.stdout.strip()) for name in names
            if name.endswith(".wast")]


def main():
    arguments = sys.argv[1:]
    without = None
    if arguments[0] == "--without":
        without = os.path.join("", "proposals", arguments[1], "")
        arguments = arguments[2:]
    given, *command = arguments
    files = sorted(set(scripts("testsuite", given)) | set(scripts("core-extra", given)) | set(scripts("stack-switching", "")))
    if not files:
        print("the official suite was not found: run ./.ci/suites fetch, or set -DWARPBEAM_TESTSUITE_DIR=...")
        return SKIPPED
    files = [file for file in files if without is None or without not in file]
    print(f"{len(files)} files", flush=True)
    return subprocess.run([*command, *files]).returncode


if __name__ == "__main__":
    sys.exit(main())
