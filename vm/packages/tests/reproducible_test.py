#!/usr/bin/env python3
"""Builds copies of the sources in two folders, and checks that both builds consist of the same bytes:

    reproducible_test.py WORK [TARGET...]      (default: all libraries, the C API and the command)

Neither a compiler cache nor anything of another build is used.
"""
import filecmp
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
ALL = ["warpbeam_sfv", "warpbeam_wasi", "warpbeam_text", "warpbeam_debuginfo", "warpbeam_capi_shared", "warpbeam"]
work = os.path.abspath(sys.argv[1])
targets = sys.argv[2:] or ALL
# The paths differ in their length, too.
folders = [os.path.join(work, "one"), os.path.join(work, "another", "folder")]


def built(folder):
    """What the build has made: libraries and programs, by their paths."""
    for path, _, files in os.walk(os.path.join(folder, "build", "release")):
        for name in files:
            whole = os.path.join(path, name)
            if re.fullmatch(r"lib.*\.(a|so)[.0-9]*|warpbeam", name) and not os.path.islink(whole):
                yield os.path.relpath(whole, folder)


environment = {name: value for name, value in os.environ.items() if "LAUNCHER" not in name}
shutil.rmtree(work, ignore_errors=True)
for folder in folders:
    for path in subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                               stdout=subprocess.PIPE, text=True).stdout.split("\0"):
        if os.path.isfile(os.path.join(ROOT, path)):
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, path), os.path.join(folder, path))
    for command in (["cmake", "--preset", "release", "-DWARPBEAM_TESTS=OFF"],
                    ["cmake", "--build", "build/release", "--target", *targets]):
        ran = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             check=False)
        if ran.returncode != 0:
            print(ran.stdout)
            print("0 passed, 1 failed")
            sys.exit(1)

passed = failed = 0
for path in sorted(built(folders[0])):
    other = os.path.join(folders[1], path)
    same = os.path.exists(other) and filecmp.cmp(os.path.join(folders[0], path), other, shallow=False)
    passed += same
    failed += not same
    if not same:
        print(f"{path}: the two builds differ")
if passed + failed == 0:
    print("nothing was built")
    failed = 1
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
