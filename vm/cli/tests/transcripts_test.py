#!/usr/bin/env python3
"""What the command prints, as its users see it: transcripts_test.py WARPBEAM [--update]

Each file in the folder `transcripts` is one topic: lines `$ warpbeam ...`, each followed by everything that is printed and,
unless it is 0, `exit status N`. `$ cat > FILE` makes a file from the lines that follow, up to a line `.`. With --update, the
files are written anew; look at what has changed before you commit it.
"""
import glob
import os
import shlex
import subprocess
import sys

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
update = "--update" in sys.argv[2:]
here = os.path.dirname(os.path.abspath(__file__))


def run(line):
    """Everything that a command prints, in the order of the lines: errors come after output."""
    words = shlex.split(line)
    ran = subprocess.run([suite.command, *words[1:]], cwd=suite.directory.name, stdin=subprocess.DEVNULL,
                         capture_output=True, env={"PATH": os.environ["PATH"]}, timeout=60)
    text = (ran.stdout + ran.stderr).decode()
    return text + (f"exit status {ran.returncode}\n" if ran.returncode else "")


ran_any = False
for path in sorted(glob.glob(os.path.join(here, "transcripts", "*.txt"))):
    with open(path, encoding="utf-8") as source:
        lines = source.read().splitlines(keepends=True)
    written = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        written.append(line)
        if line.startswith("$ cat > "):
            end = lines.index(".\n", at)
            suite.file(line[len("$ cat > "):].strip(), "".join(lines[at:end]))
            written += lines[at:end + 1]
            at = end + 1
        elif line.startswith("$ warpbeam"):
            begin = at
            while at < len(lines) and not lines[at].startswith(("$ ", "# ")):
                at += 1
            expected = "".join(lines[begin:at])
            actual = run(line[2:])
            ran_any = True
            written.append(actual)
            if not update:
                suite.expect(f"{os.path.basename(path)}: {line.strip()}", actual == expected,
                             f"prints\n{actual}\nexpected\n{expected}")
        elif not line.startswith("#"):
            suite.expect(f"{os.path.basename(path)}: a line that is no command", False, line)
    if update:
        with open(path, "w", encoding="utf-8") as out:
            out.write("".join(written))
suite.expect("there are transcripts", ran_any)
suite.close()
