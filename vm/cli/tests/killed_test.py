#!/usr/bin/env python3
"""Files that are replaced when the process is killed, at whatever instant: killed_test.py WARPBEAM"""
import os
import subprocess
import sys
import time

from harness import KEPT, Suite

if os.name != "posix":
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

suite = Suite(os.path.abspath(sys.argv[1]))
KILLS = 24

suite.file("module.wat", '(module (memory 80) (func (export "_start") (local i64) (nop)) (data (i32.const 0) "' + "text" * 1_000_000 + '"))')
suite.file("long.wat", """(module (memory 80) (func (export "_start") (local i32)
  (memory.fill (i32.const 9) (i32.const 7) (i32.const 5000000))
  (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000000))))))""")


def start(arguments):
    return subprocess.Popen([suite.command, *arguments], cwd=suite.directory.name, env=KEPT, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def parts(to):
    return [name for name in os.listdir(suite.directory.name) if name.startswith(to + ".") and name.endswith(".part")]


def has_begun(to):
    try:
        return any(os.path.getsize(os.path.join(suite.directory.name, part)) for part in parts(to))
    except FileNotFoundError:  # it has taken its place meanwhile
        return True


def killed(name, arguments, to, is_complete):
    """What is there is the old file or a complete one, after kills that are spread over the time that it takes."""
    began = time.monotonic()
    start(arguments).wait(timeout=60)
    took = time.monotonic() - began
    new, old = suite.read(to), b"what was there before"
    suite.expect(f"{name}: a large file", len(new) > 1_000_000, str(len(new)))
    cut = 0
    for i in range(KILLS):
        suite.file(to, old)
        process = start(arguments)
        if i % 2 == 0:  # when the first bytes have been written
            while process.poll() is None and not has_begun(to):
                pass
        else:
            time.sleep(took * i / KILLS)
        process.kill()
        process.wait(timeout=60)
        left = suite.read(to)
        suite.expect(f"{name}: killed, {i}", left == old or is_complete(left, new), f"{len(left)} bytes")
        cut += bool(parts(to))
        for part in parts(to):
            os.remove(os.path.join(suite.directory.name, part))
    suite.expect(f"{name}: some were killed while they wrote", cut > 0)


def continues(left, _):
    # Each has other random numbers.
    return len(left) > 0 and start(["resume", "saved"]).wait(timeout=60) == 0


killed("wat2wasm", ["wat2wasm", "module.wat", "-o", "out.wasm"], "out.wasm", bytes.__eq__)
start(["wat2wasm", "module.wat"]).wait(timeout=60)
killed("strip", ["strip", "module.wasm", "-o", "stripped.wasm"], "stripped.wasm", bytes.__eq__)
killed("a snapshot", ["run", "--snapshot", "saved", "--snapshot-after", "500000", "long.wat"], "saved", continues)

suite.close()
