#!/usr/bin/env python3
"""Runs a part of the official suite with the command, and counts every directive.

    suite_test.py [--update] WARPBEAM PART [DIRECTORY]

PART is core, core-extra, custom or legacy; DIRECTORY is tried first when the suite is looked for. Directives that
fail because of instructions that are not executed yet are counted in not_yet.txt, file by file, and reported as
skipped; a single one more in a file makes the whole file's failures count. --update writes the counts anew.
Exit status: 0, 1 when any failed, 77 when the suite is not to be had.
"""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_YET = os.path.join(HERE, "not_yet.txt")
SUITES = os.path.join(HERE, "..", "..", "..", ".ci", "suites")
SKIPPED = 77


def find(part, given):
    """The directory of a part; None when there is none."""
    is_folder = part in ("custom", "legacy")
    found = subprocess.run([SUITES, "find", "core-extra" if part == "core-extra" else "testsuite", given],
                           stdout=subprocess.PIPE, text=True)
    if found.returncode != 0:
        return None
    directory = os.path.join(found.stdout.strip(), part) if is_folder else found.stdout.strip()
    return directory if os.path.isdir(directory) else None


def read_not_yet():
    with open(NOT_YET, encoding="utf-8") as lines:
        rows = (line.split() for line in lines if line.strip() and not line.startswith("#"))
        return {name: int(count) for name, count in rows}


def write_not_yet(counts):
    with open(NOT_YET, encoding="utf-8") as lines:
        comments = [line for line in lines if line.startswith("#")]
    with open(NOT_YET, "w", encoding="utf-8") as out:
        out.writelines(comments)
        out.writelines(f"{name} {count}\n" for name, count in sorted(counts.items()) if count)


def main():
    arguments = [word for word in sys.argv[1:] if word != "--update"]
    command, part, given = (arguments + [""])[:3]
    directory = find(part, given)
    if directory is None:
        print(f"the official suite ({part}) is not to be had: ./.ci/suites fetch, or -DWARPBEAM_TESTSUITE_DIR=...")
        return SKIPPED

    ran = subprocess.run([command, "wast", "--json", directory], stdout=subprocess.PIPE, text=True)
    if ran.returncode not in (0, 1):
        print(f"the command ended with status {ran.returncode}")
        return 1
    not_yet = read_not_yet()
    passed = failed = skipped = whole = 0
    files = json.loads(ran.stdout)["files"]
    for file in files:
        name = f"{part}/{os.path.basename(file['file'])}"
        expected = not_yet.get(name, 0)
        passed += file["passed"]
        whole += file["failed"] == 0
        if "--update" in sys.argv:
            not_yet[name] = file["failed"]
        elif file["failed"] <= expected:
            skipped += file["failed"]
            if file["failed"] < expected:
                print(f"{name}: only {file['failed']} of {expected} in not_yet.txt fail: mend it")
        else:
            failed += file["failed"]
            for finding in file["findings"]:
                print(f"{name}:{finding['line']}: {finding['message']}")
            print(f"{name}: {file['failed']} failed, {expected} were expected to")
    if "--update" in sys.argv:
        write_not_yet(not_yet)
    print(f"{len(files)} files, {whole} of them whole")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
