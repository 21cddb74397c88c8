#!/usr/bin/env python3
"""A disk that is full after any number of bytes: full_disk_test.py WARPBEAM

The limit on the size of files stands for the disk: a write that reaches it is cut short, and the next one fails. What
the command then says, and what is left, is tried for every command that writes a file.
"""
import os
import subprocess
import sys

from harness import Suite

try:
    import resource
    import signal
except ImportError:
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

suite = Suite(os.path.abspath(sys.argv[1]))
file = suite.file

file("module.wat", '(module (func (export "_start") (local i64) (nop) (nop)) (memory 1) (data (i32.const 0) "' + "x" * 9000 + '"))')
file("trap.wat", '(module (memory 3) (func (export "_start") (memory.fill (i32.const 9) (i32.const 7) (i32.const 100000)) unreachable))')
file("long.wat", '(module (memory 2) (func (export "_start") (memory.fill (i32.const 9) (i32.const 7) (i32.const 90000)) (loop (br 0))))')
file("prints.wat", r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 8) "line of text\n")
  (func (export "_start") (local $n i32)
    (i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.const 13))
    (loop $more
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 50))))))""")


def run(arguments, limit=None):
    def few_bytes():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    # Counters of a build with coverage are files, too.
    environment = {**os.environ, "LLVM_PROFILE_FILE": os.devnull} if limit is not None else None
    return subprocess.run([suite.command, *arguments], cwd=suite.directory.name, env=environment, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, preexec_fn=few_bytes if limit is not None else None)


def folder():
    return sorted(os.listdir(suite.directory.name))


OLD = b"what was there before"


def replaces(name, arguments, to, status, size_varies=False):
    """The file is written as a whole or not at all, whatever it was before."""
    whole = run(arguments)
    size = len(suite.read(to))
    suite.expect(f"{name}: there is room", whole.returncode in (0, status) and size > 0, str(whole))
    limits = sorted({0, 1, 2, 8, 100, 4095, 4096, 4097, size // 2, size - 1} & set(range(size - 100 if size_varies else size)))
    for before in (OLD, None):
        for limit in limits:
            if before is None:
                os.remove(os.path.join(suite.directory.name, to)) if to in folder() else None
            else:
                file(to, before)
            names = folder()
            ran = run(arguments, limit)
            message = ran.stderr.decode()
            suite.expect(f"{name}: full after {limit} bytes",
                         ran.returncode == status and f"cannot write {to}: File too large" in message, str(ran))
            suite.expect(f"{name}: what is left after {limit} bytes",
                         folder() == names and (before is None or suite.read(to) == before), str(folder()))


replaces("wat2wasm", ["wat2wasm", "module.wat", "-o", "out.wasm"], "out.wasm", 1)
run(["wat2wasm", "module.wat"])
replaces("wasm2wat", ["wasm2wat", "module.wasm", "-o", "out.wat"], "out.wat", 1)
replaces("strip", ["strip", "module.wasm", "-o", "stripped.wasm"], "stripped.wasm", 1)
replaces("a profile", ["run", "--profile=profile.json", "module.wat"], "profile.json", 125, size_varies=True)
replaces("a snapshot", ["run", "--snapshot", "saved", "--snapshot-after", "5000", "long.wat"], "saved", 125)
replaces("a core dump", ["run", "--coredump", "dump", "trap.wat"], "dump", 134)

# A log is written as it goes on: what is there can be replayed, as far as it goes.
record = ["run", "--deterministic", "--record", "log", "prints.wat"]
whole = run(record)
size = len(suite.read("log"))
suite.expect("a recording", whole.returncode == 0 and size > 200, str(whole))
for limit in range(1, size, 37):
    ran = run(record, limit)
    suite.expect(f"a log that is full after {limit} bytes", ran.returncode in (125, 134) and b"log" in ran.stderr, str(ran))
    replayed = run(["replay", "log"])
    suite.expect(f"its replay after {limit} bytes",
                 replayed.returncode == 125 and whole.stdout.startswith(replayed.stdout), str(replayed))
    os.remove(os.path.join(suite.directory.name, "log"))

suite.close()
