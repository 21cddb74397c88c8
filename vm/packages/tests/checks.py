"""What the tests of packages count, and how they end."""
import sys

counts = {"passed": 0, "failed": 0}


def check(name, holds, why=""):
    counts["passed" if holds else "failed"] += 1
    if not holds:
        print(f"{name}: FAILED\n{why}".rstrip())
    return holds


def end():
    """Prints the counts, and ends with the exit status."""
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(counts["failed"] != 0)
