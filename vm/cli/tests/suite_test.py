#!/usr/bin/env python3
"""Runs a part of the official suite with the command, and counts every directive.

    suite_test.py WARPBEAM PART [DIRECTORY]

PART is core, core-extra, custom or legacy; DIRECTORY is tried first when the suite is looked for. There is no list of
what may fail: where the engine itself says that a file has instructions which it loads but does not execute yet (SIMD,
GC, exceptions), the directives of that file that execute something and fail are reported as skipped. All others, and
every module that is refused or accepted wrongly, count as failed.
Exit status: 0, 1 when any failed, 77 when the suite is not to be had.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SUITES = os.path.join(HERE, "..", "..", "..", ".ci", "suites")
SKIPPED = 77
# What the engine says of what it does not execute yet, and what an execution that was cut short leads to.
NOT_EXECUTED = ("unsupported instruction", "is not supported yet")
CONSEQUENCES = NOT_EXECUTED + ("there is no instance", "result ", "trap: ")


def find(part, given):
    """The directory of a part; None when there is none."""
    is_folder = part in ("custom", "legacy")
    found = subprocess.run([SUITES, "find", "core-extra" if part == "core-extra" else "testsuite", given],
                           stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        return None
    directory = os.path.join(found.stdout.strip(), part) if is_folder else found.stdout.strip()
    return directory if os.path.isdir(directory) else None


def contains(message, words):
    return any(word in message for word in words)


def main():
    command, part, given = (sys.argv[1:] + [""])[:3]
    directory = find(part, given)
    if directory is None:
        print(f"the official suite ({part}) is not to be had: ./.ci/suites fetch, or -DWARPBEAM_TESTSUITE_DIR=...")
        return SKIPPED

    ran = subprocess.run([command, "wast", "--json", directory], stdout=subprocess.PIPE, text=True)
    if ran.returncode not in (0, 1):
        print(f"the command ended with status {ran.returncode}")
        return 1
    passed = failed = skipped = whole = 0
    files = json.loads(ran.stdout)["files"]
    for file in files:
        name = f"{part}/{os.path.basename(file['file'])}"
        passed += file["passed"]
        whole += file["failed"] == 0
        findings = [finding for finding in file["findings"] if finding["failed"]]
        partial = any(contains(finding["message"], NOT_EXECUTED) for finding in findings)
        for finding in findings:
            if partial and contains(finding["message"], CONSEQUENCES):
                skipped += 1
            else:
                failed += 1
                print(f"{name}:{finding['line']}: {finding['message']}")
    print(f"{len(files)} files, {whole} of them whole")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
