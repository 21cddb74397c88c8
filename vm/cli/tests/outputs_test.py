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


if os.name == "posix":
    os.umask(0o022)
file("empty.wat", "(module)")
file("bad.wat", "(module (func (i32.add)))")
file("named.wasm", NAMED)
file("cut.wasm", CUT)

# The input may be the output
check("strip in place", ["strip", "named.wasm", "-o", "named.wasm"])
holds_file("named.wasm", EMPTY)
file("named.wasm", NAMED)

# What was there stays if the command fails
for command, given in (("strip", "cut.wasm"), ("wat2wasm", "bad.wat"), ("wasm2wat", "cut.wasm")):
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

    # A file with two names keeps both
    file("first", b"old")
    os.link(path("first"), path("second"))
    check("a file with two names", ["wat2wasm", "empty.wat", "-o", "first"])
    holds_file("second", EMPTY)

    # What another program has left, or made to lead elsewhere, is not used
    file("victim", b"precious")
    ran = subprocess.Popen(["sh", "-c", 'ln -s victim "made.wasm.$$.part" && exec "$0" wat2wasm empty.wat -o made.wasm', suite.command],
                           cwd=suite.directory.name, env={"PATH": os.environ["PATH"], "LLVM_PROFILE_FILE": os.devnull})
    suite.expect("beside what is there", ran.wait() == 0)
    holds_file("victim", b"precious")
    holds_file("made.wasm", EMPTY)
    check("a name without room for another", ["wat2wasm", "empty.wat", "-o", "n" * 250])
    holds_file("n" * 250, EMPTY)

    # What is no file is written in place, as is one that only the system can find
    with open(path("redirected"), "wb") as to:
        to.write(b"first ")
        to.flush()
        subprocess.run([suite.command, "wat2wasm", "empty.wat", "-o", "/dev/stdout"], cwd=suite.directory.name, stdout=to, check=True,
                       env={"LLVM_PROFILE_FILE": os.devnull})
        to.write(b" last")
    suite.expect("standard output that is a file", suite.read("redirected").endswith(b" last"), str(suite.read("redirected")))
    check("a device", ["wat2wasm", "empty.wat", "-o", "/dev/stdout"], EMPTY)
    check("a folder", ["wat2wasm", "empty.wat", "-o", "folder"], stderr=holds("cannot open folder: Is a directory"), status=1)
    os.mkfifo(path("pipe"))
    read = []
    reader = threading.Thread(target=lambda: read.append(suite.read("pipe")), daemon=True)
    reader.start()
    check("a pipe", ["wat2wasm", "empty.wat", "-o", "pipe"])
    reader.join(timeout=30)
    suite.expect("what came through it", read == [EMPTY] and stat.S_ISFIFO(os.stat(path("pipe")).st_mode), str(read))

    # Needs root, to become another user
    if os.geteuid() != 0:
        suite.skip("files of other users: needs root")
    else:
        file("read_only/there.wasm", b"old contents")
        os.chmod(path("read_only/there.wasm"), 0o666)
        file("read_only/protected.wasm", b"old")
        os.chmod(path("read_only/protected.wasm"), 0o444)
        os.chmod(path("read_only"), 0o555)
        os.chmod(path("."), 0o755)
        file("theirs.wasm", b"old")
        os.chmod(path("theirs.wasm"), 0o4660)
        os.chown(path("theirs.wasm"), 1234, 1235)
        check("a file of another user", ["wat2wasm", "empty.wat", "-o", "theirs.wasm"])
        there = os.stat(path("theirs.wasm"))
        suite.expect("is theirs", (there.st_uid, there.st_gid, there.st_mode & 0o777) == (1234, 1235, 0o660), str(there))
        holds_file("theirs.wasm", EMPTY)

        def write(name):
            return subprocess.run([suite.command, "wat2wasm", "empty.wat", "-o", name], cwd=suite.directory.name, capture_output=True,
                                  user=65534, group=65534, extra_groups=[], check=False, env={"LLVM_PROFILE_FILE": os.devnull})

        ran = write("read_only/there.wasm")
        suite.expect("a folder where no file can be made", ran.returncode == 0, str(ran))
        holds_file("read_only/there.wasm", EMPTY)
        ran = write("read_only/protected.wasm")
        suite.expect("a file that is read-only", b"cannot open read_only/protected.wasm: Permission denied" in ran.stderr, str(ran))

suite.close()
