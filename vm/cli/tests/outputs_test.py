#!/usr/bin/env python3
"""Where commands write: a file takes the place of another as a whole. outputs_test.py WARPBEAM"""
import os
import re
import stat
import subprocess
import sys
import threading

from harness import Suite, holds

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file
EMPTY = b"\0asm\1\0\0\0"
NAMED = EMPTY + b"\0\6\4name\0"
CUT = NAMED + b"\1\5"  # a section that is longer than the module


def path(name):
    return os.path.join(suite.directory.name, name)


def holds_file(name, contents):
    suite.expect(f"what {name} has now", suite.read(name) == contents, str(suite.read(name)))


file("empty.wat", "(module)")
file("named.wasm", NAMED)
file("cut.wasm", CUT)

# The input may be the output
check("strip in place", ["strip", "named.wasm", "-o", "named.wasm"])
holds_file("named.wasm", EMPTY)
file("named.wasm", NAMED)

# What was there stays if the command fails
for command, given in (("strip", "cut.wasm"), ("wat2wasm", "bad.wat"), ("wasm2wat", "cut.wasm")):
    file("bad.wat", "(module (func (i32.add)))")
    for before in (b"old", None):
        file("out", before) if before else os.remove(path("out"))
        there = sorted(os.listdir(path(".")))
        check(f"{command} fails", [command, given, "-o", "out"], stderr=re.compile("malformed|type mismatch"), status=1)
        suite.expect(f"{command} leaves what was there", sorted(os.listdir(path("."))) == there and (not before or suite.read("out") == before))

if os.name == "posix":
    # A new file is like any other one; one that is replaced keeps its permissions
    old = os.umask(0o027)
    check("a new file", ["wat2wasm", "empty.wat", "-o", "new.wasm"])
    suite.expect("its permissions", stat.S_IMODE(os.stat(path("new.wasm")).st_mode) == 0o640, oct(os.stat(path("new.wasm")).st_mode))
    os.umask(old)
    file("kept.wasm", b"old")
    os.chmod(path("kept.wasm"), 0o764)
    check("an old file", ["wat2wasm", "empty.wat", "-o", "kept.wasm"])
    suite.expect("its permissions", stat.S_IMODE(os.stat(path("kept.wasm")).st_mode) == 0o764, oct(os.stat(path("kept.wasm")).st_mode))
    holds_file("kept.wasm", EMPTY)

    # A link stays one
    os.mkdir(path("folder"))
    file("folder/target", b"old")
    os.symlink("folder/target", path("link"))
    os.symlink("folder/none", path("dangling"))
    for link, target in (("link", "folder/target"), ("dangling", "folder/none")):
        check(f"through the {link}", ["wat2wasm", "empty.wat", "-o", link])
        suite.expect(f"the {link} is still one", os.path.islink(path(link)))
        holds_file(target, EMPTY)
    os.symlink("circle", path("circle"))
    check("a link to itself", ["wat2wasm", "empty.wat", "-o", "circle"], stderr=holds("cannot open circle: "), status=1)

    # What is no file is written in place
    check("a device", ["wat2wasm", "empty.wat", "-o", "/dev/stdout"], EMPTY)
    check("a folder", ["wat2wasm", "empty.wat", "-o", "folder"], stderr=holds("cannot open folder: Is a directory"), status=1)
    os.mkfifo(path("pipe"))
    read = []
    reader = threading.Thread(target=lambda: read.append(suite.read("pipe")))
    reader.start()
    check("a pipe", ["wat2wasm", "empty.wat", "-o", "pipe"])
    reader.join()
    suite.expect("what came through it", read == [EMPTY] and stat.S_ISFIFO(os.stat(path("pipe")).st_mode), str(read))

    # Only root may write where nobody else may
    if os.geteuid() == 0:
        file("read_only/there.wasm", b"old contents")
        os.chmod(path("read_only/there.wasm"), 0o666)
        file("read_only/protected.wasm", b"old")
        os.chmod(path("read_only"), 0o555)
        os.chmod(path("."), 0o755)

        def write(name):
            return subprocess.run([suite.command, "wat2wasm", "empty.wat", "-o", name], cwd=suite.directory.name, capture_output=True,
                                  user=65534, check=False, env={"LLVM_PROFILE_FILE": os.devnull})

        ran = write("read_only/there.wasm")
        suite.expect("a folder where no file can be made", ran.returncode == 0, str(ran))
        holds_file("read_only/there.wasm", EMPTY)
        ran = write("read_only/protected.wasm")
        suite.expect("a file that is read-only", b"cannot open read_only/protected.wasm: Permission denied" in ran.stderr, str(ran))

suite.close()
