#!/usr/bin/env python3
"""Runs the official suite with the command of a build that lacks parts, and with the ordinary one whose features of that
kind are switched off: each script must pass and fail the same directives.

    bench/small/suites.py BUILD/warpbeam build/release/warpbeam --features=-simd,-relaxed-simd,...

What comes after the commands goes to the second. The scripts of proposals switch features on themselves, so they are
left out. The last line is `N passed, N failed`, of scripts.
"""
import argparse
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def results(command, *more):
    """What the command prints of each script."""
    ran = subprocess.run([sys.executable, os.path.join(ROOT, "spectest", "tests", "every_script.py"),
                          os.environ.get("WARPBEAM_TESTSUITE_DIR", ""), command, "wast", "--quiet", *more],
                         stdout=subprocess.PIPE, text=True, check=False)
    lines = [line.rsplit(": ", 1) for line in ran.stdout.splitlines() if ".wast: " in line]
    return {script: counts for script, counts in lines if "/proposals/" not in script and "/stack-switching/" not in script}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("less", help="the command that lacks parts")
    parser.add_argument("ordinary", help="the ordinary command")
    options, more = parser.parse_known_args()
    found, expected = results(options.less), results(options.ordinary, *more)
    passed = 0
    for script, counts in expected.items():
        if found.get(script) == counts:
            passed += 1
        else:
            print(f"{script}: {found.get(script)}, but the ordinary build: {counts}")
    print(f"{passed} passed, {len(expected) - passed} failed")
    return 0 if passed == len(expected) and passed > 200 else 1


if __name__ == "__main__":
    sys.exit(main())
