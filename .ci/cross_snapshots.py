#!/usr/bin/env python3
"""Programs begin in one build and end in another: cross_snapshots.py BUILD_A BUILD_B PROGRAMS... [--points N] [--seed N]

Both are `warpbeam` commands, or words that run one (such as an emulator and a command, in one argument). Each program is
run whole, and then saved at N random points by one build and continued by the other, which may save it again for the
first. Its output, its exit status and the fuel that is left must be the same."""
import argparse
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("builds", nargs=2)
parser.add_argument("programs", nargs="+")
parser.add_argument("--points", type=int, default=3)
parser.add_argument("--seed", default="0")
options = parser.parse_args()
builds = [shlex.split(build) for build in options.builds]
budget = 1 << 50
passed = failed = 0


def run(command, *args):
    done = subprocess.run([*command, *args], capture_output=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


def fuel_of(program, args):
    """The exit status, the output and the fuel of a whole run."""
    status, output, errors = run(builds[0], "run", "--fuel", str(budget), "--print-fuel", program, *args)
    used = re.search(rb"used (\d+) units of fuel", errors)
    assert used, errors.decode()
    return status, output, int(used.group(1))


with tempfile.TemporaryDirectory() as folder:
    first, second = os.path.join(folder, "first"), os.path.join(folder, "second")
    for given in options.programs:
        program, *args = given.split(",")
        choose = random.Random(f"{options.seed} {os.path.basename(program)}")
        status, output, total = fuel_of(program, args)
        for point in range(options.points):
            a, b = (builds[0], builds[1]) if point % 2 == 0 else (builds[1], builds[0])
            at = choose.randrange(1, max(total, 2))
            more = choose.randrange(1, max(total - at, 2))
            parts = [run(a, "run", "--fuel", str(budget), "--snapshot", first, "--snapshot-after", str(at), program, *args)]
            if b"saved to" in parts[-1][2]:
                parts.append(run(b, "resume", "--snapshot", second, "--snapshot-after", str(more), first))
            if b"saved to" in parts[-1][2]:
                parts.append(run(a, "resume", "--print-fuel", second))
            whole = b"".join(part[1] for part in parts)
            used = re.search(rb"used (\d+) units of fuel", parts[-1][2])
            if whole == output and parts[-1][0] == status and (not used or int(used.group(1)) == total):
                passed += 1
            else:
                failed += 1
                print(f"{given} saved after {at} and {more} units: exit status {parts[-1][0]}, expected {status}; "
                      f"{'the same' if whole == output else 'another'} output; {parts[-1][2].decode()[-300:]}")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
