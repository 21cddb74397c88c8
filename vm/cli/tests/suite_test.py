#!/usr/bin/env python3
"""Runs a part of the official suite with the command; every directive is counted.

    suite_test.py WARPBEAM PART [DIRECTORY [OPTION...]]

PART is core, core-extra, custom, legacy or a proposal (stack-switching is a suite of its own); DIRECTORY is tried first when the suite is looked for.
Nothing is left out.
Exit status: 0, 1 if any failed, 77 if the suite was not found.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SUITES = os.path.join(HERE, "..", "..", "..", ".ci", "suites")
SKIPPED = 77


def find(part, given):
    """The directory of a part; None if it was not found."""
    own = part in ("core-extra", "stack-switching")
    folder = "" if own else {"core": "", "custom": "custom", "legacy": "legacy"}.get(part, "proposals/" + part)
    found = subprocess.run([SUITES, "find", part if own else "testsuite", "" if part == "stack-switching" else given],
                           stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        return None
    directory = os.path.join(found.stdout.strip(), folder)
    return directory if os.path.isdir(directory) else None


def main():
    command, part, given, *options = sys.argv[1:] + ([""] if len(sys.argv) < 4 else [])
    directory = find(part, given)
    if directory is None:
        print(f"the official suite ({part}) was not found: run ./.ci/suites fetch, or set -DWARPBEAM_TESTSUITE_DIR=...")
        return SKIPPED

    ran = subprocess.run([command, "wast", "--json", *options, directory], stdout=subprocess.PIPE, text=True)
    if ran.returncode not in (0, 1):
        print(f"the command ended with status {ran.returncode}")
        return 1
    passed = failed = whole = 0
    files = json.loads(ran.stdout)["files"]
    for file in files:
        name = f"{part}/{os.path.basename(file['file'])}"
        passed += file["passed"]
        whole += file["failed"] == 0
        failed += file["failed"]
        for finding in file["findings"]:
            if finding["failed"]:
                print(f"{name}:{finding['line']}: {finding['message']}")
    print(f"{len(files)} files, {whole} of them passed completely")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
