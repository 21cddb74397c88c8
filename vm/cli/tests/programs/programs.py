"""What the tests of programs share: they build programs, run them with the command and natively, and compare.

    TEST WARPBEAM BUILD_DIRECTORY

Exit status 77, a skip, if something that the programs are made with is missing; where WARPBEAM_REQUIRE_PROGRAMS is set,
as in .ci/run, that is a failure.
"""
import contextlib
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import build  # noqa: E402
from harness import Suite  # noqa: E402

SKIPPED = 77


class Programs(Suite):
    def __init__(self, command, builds):
        super().__init__(command)
        self.build = build.Builder(builds)

    def folder(self, name):
        """A new directory."""
        path = os.path.join(self.directory.name, name)
        os.mkdir(path)
        return path

    def execute(self, command, stdin=b"", stdin_path=None, env=None, cwd=None):
        """Runs a command, whose standard input is a pipe, or the file STDIN_PATH."""
        with contextlib.ExitStack() as stack:
            source = {"stdin": stack.enter_context(open(stdin_path, "rb"))} if stdin_path else {"input": stdin}
            return subprocess.run(command, capture_output=True, timeout=300, cwd=cwd,
                                  env={"PATH": os.environ["PATH"], **(env or {})}, **source)

    def guest(self, wasm, *arguments, folder=None, options=(), **keywords):
        """Runs a program with the command. It finds the folder as /data."""
        return self.execute(self.guest_command(wasm, *arguments, folder=folder, options=options), **keywords)

    def guest_command(self, wasm, *arguments, folder=None, options=()):
        directories = ["--dir", folder + "::/data"] if folder else []
        return [self.command, "run", *directories, *options, wasm, *arguments]

    def record(self, wasm, *arguments, options=(), **keywords):
        """Runs a program and records it to the file `log` in the suite's directory."""
        log = os.path.join(self.directory.name, "log")
        return self.guest(wasm, *arguments, options=["--deterministic", "--record", log, *options], **keywords)

    def replay(self, *options, cwd=None):
        """Runs what was recorded last again."""
        return self.execute([self.command, "replay", *options, os.path.join(self.directory.name, "log")], cwd=cwd)

    def same(self, name, guest, native, status=0):
        """Checks that both runs printed and returned the same, and ended with the status."""
        faults = []
        if native.returncode != status:
            faults.append(f"the native program ended with status {native.returncode}, expected {status}")
        for what in ("returncode", "stdout", "stderr"):
            ours, theirs = getattr(guest, what), getattr(native, what)
            if ours != theirs:
                faults.append(f"{what} is\n{text(ours)}\nnatively\n{text(theirs)}")
        if not native.stdout and not native.stderr:
            faults.append("nothing was printed")
        self.expect(name, not faults, "\n".join(faults))

    def same_file(self, name, one, other):
        with open(one, "rb") as first, open(other, "rb") as second:
            self.expect(name, first.read() == second.read(), f"{one} and {other} differ")


def text(value):
    return value.decode(errors="backslashreplace")[:4000] if isinstance(value, bytes) else value


def main(test):
    """Calls the test with a Programs object and ends the process."""
    command, builds = sys.argv[1:]
    programs = Programs(os.path.abspath(command), os.path.abspath(builds))
    began = time.monotonic()
    try:
        test(programs)
    except build.Missing as missing:
        if os.environ.get("WARPBEAM_REQUIRE_PROGRAMS"):
            programs.expect("everything is there", False, str(missing))
        else:
            print(f"skipped: {missing}")
            sys.exit(SKIPPED)
    except (RuntimeError, subprocess.TimeoutExpired) as fault:
        programs.expect("builds and ends", False, str(fault))
    print(f"{time.monotonic() - began:.1f} s")
    programs.close()
