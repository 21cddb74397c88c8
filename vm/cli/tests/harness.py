"""Runs the command and compares its output; counts results, and continues after a failure."""
import os
import re
import subprocess
import sys
import tempfile


# All that the command gets of the environment; the last is where a build with counters writes them.
KEPT = {name: os.environ[name] for name in ("PATH", "LLVM_PROFILE_FILE") if name in os.environ}


def holds(text):
    """A pattern for text that must occur as it is."""
    return re.compile(re.escape(text))


class Suite:
    def __init__(self, command):
        self.command = command
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.directory = tempfile.TemporaryDirectory()

    def file(self, name, contents):
        """Makes a file that arguments may refer to by name."""
        path = os.path.join(self.directory.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(contents.encode() if isinstance(contents, str) else contents)

    def copy(self, name):
        """The same with a file of this folder."""
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as source:
            self.file(name, source.read())

    def read(self, name):
        with open(os.path.join(self.directory.name, name), "rb") as file:
            return file.read()

    def check(self, name, args, stdout="", stderr="", status=0, stdin=b"", env=None):
        """Expected output is exact text, or a compiled pattern that must occur; None allows anything. File names in
        arguments and output are relative to the directory in which the command runs."""
        ran = subprocess.run([self.command, *args], input=stdin, capture_output=True, cwd=self.directory.name,
                             env={**KEPT, **(env or {})}, timeout=60)
        faults = []
        if ran.returncode != status:
            faults.append(f"exit status {ran.returncode}, expected {status}")
        for stream, actual, expected in (("stdout", ran.stdout, stdout), ("stderr", ran.stderr, stderr)):
            text = actual if isinstance(expected, bytes) else actual.decode(errors="backslashreplace")
            if isinstance(expected, re.Pattern):
                if not expected.search(text):
                    faults.append(f"{stream} does not contain {expected.pattern!r}:\n{text}")
            elif expected is not None and text != expected:
                faults.append(f"{stream} is\n{text}\nexpected\n{expected}")
        self.expect(name, not faults, "\n".join(faults))
        return ran

    def expect(self, name, holds, otherwise=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {name}\n{otherwise}")

    def skip(self, why):
        self.skipped += 1
        print(f"skipped: {why}")

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)
