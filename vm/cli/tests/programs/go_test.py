#!/usr/bin/env python3
"""A program of Go's own compiler; see programs.py for the arguments. Debian 12's Go is too old, so that this is skipped
where no newer one is found, everywhere."""
import os
import re
import shutil
import subprocess
import sys

import build
import programs

OLDEST = (1, 22)


def compiler():
    """Go's command; None if there is none that is new enough."""
    command = shutil.which("go")
    if not command:
        return None
    version = subprocess.run([command, "env", "GOVERSION"], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "GOTOOLCHAIN": "local"}).stdout
    found = re.match(r"go(\d+)\.(\d+)", version)
    return command if found and tuple(map(int, found.groups())) >= OLDEST else None


def test(suite):
    go = compiler()
    if not go:
        print("skipped: Go {}.{} or newer was not found".format(*OLDEST))
        sys.exit(programs.SKIPPED)
    folder = build.own("go")
    common = ["env", "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod", "GOPROXY=off", "CGO_ENABLED=0",
              "GOCACHE=" + os.path.join(suite.build.directory, "go-cache")]
    compile_here = [go, "build", "-o", "{out}", "."]
    wasm = suite.build.make("go.wasm", [folder], [*common, "GOOS=wasip1", "GOARCH=wasm", *compile_here], cwd=folder)
    native = suite.build.make("go", [folder], [*common, *compile_here], cwd=folder)

    lines = b"line\n" * 777
    env = {"GREETING": "hi"}
    regular = os.path.join(suite.directory.name, "lines")
    suite.file("lines", lines)
    for name, source in (("a pipe", None), ("a file", regular), ("a device", "/dev/null")):
        ours, theirs = suite.folder(f"guest with {name}"), suite.folder(f"native with {name}")
        suite.same(f"a Go program that reads {name}",
                   suite.guest(wasm, "/data", folder=ours, options=["--env", "GREETING"], stdin=lines,
                               stdin_path=source, env=env),
                   suite.execute([native, theirs], stdin=lines, stdin_path=source, env=env), status=3)
        suite.expect("both left the same files", sorted(os.listdir(ours)) == sorted(os.listdir(theirs)) != [])
    refused = suite.guest(wasm, "/elsewhere", stdin=lines)
    suite.expect("no directory without --dir", refused.returncode == 3 and b"\nfiles: " in refused.stdout,
                 programs.text(refused.stdout + refused.stderr))


programs.main(test)
