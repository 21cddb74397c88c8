#!/usr/bin/env python3
"""Runs the httpwg suite for Structured Fields with the command; every case is counted.

    sfv_suite_test.py WARPBEAM [DIRECTORY]

Where the suite lets a case fail, the result must be the one in sfv/README.md.
Exit status: 0, 1 if any case failed, 77 if the suite was not found.
"""
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


def main():
    command, given = (sys.argv[1:] + [""])[:2]
    found = subprocess.run([os.path.join(ROOT, ".ci", "suites"), "find", "structured-field-tests", given],
                           stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        print("the httpwg suite was not found: run ./.ci/suites fetch, or set -DWARPBEAM_SFV_TESTS_DIR=...")
        return 77
    directory = found.stdout.strip()
    status = subprocess.run([command, "sfv-tests", directory]).returncode

    choices = subprocess.run([command, "sfv-tests", "--can-fail", directory], stdout=subprocess.PIPE, text=True)
    with open(os.path.join(ROOT, "sfv", "README.md"), encoding="utf-8") as readme:
        if choices.stdout not in readme.read():
            print("sfv/README.md does not have this table:\n" + choices.stdout)
            return 1
    return status or choices.returncode


if __name__ == "__main__":
    sys.exit(main())
