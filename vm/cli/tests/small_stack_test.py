#!/usr/bin/env python3
"""Every command on a native stack of 64 KiB, which many threads have: small_stack_test.py WARPBEAM"""
import os
import subprocess
import sys

from harness import Suite

try:
    import resource
except ImportError:
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

suite = Suite(os.path.abspath(sys.argv[1]))
STACK = 64 * 1024

suite.file("program.wat", r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (tag $deep (param i32))
  (memory (export "memory") 1) (data (i32.const 8) "deep\n")
  (func $down (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (throw $deep (i32.const 7))))
    (i32.add (call $down (i32.sub (local.get $n) (i32.const 1))) (i32.const 1)))
  (func $forever (export "forever") (result i32) (i32.add (call $forever) (i32.const 1)))
  (func (export "_start")
    (drop (block $caught (result i32) (try_table (catch $deep $caught) (drop (call $down (i32.const 9000)))) (i32.const 0)))
    (drop (call $random (i32.const 100) (i32.const 50)))
    (i32.store (i32.const 0) (i32.const 8)) (i32.store (i32.const 4) (i32.const 5))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))""")
suite.file("nested.wat", "(module (func " + "(block " * 400 + ")" * 400 + "))")
suite.file("script.wast", '(module (func (export "f") (result i32) (i32.const 1))) (assert_return (invoke "f") (i32.const 1))')


def run(arguments, small):
    def limit():
        resource.setrlimit(resource.RLIMIT_STACK, (STACK, STACK))
    return subprocess.run([suite.command, *arguments], cwd=suite.directory.name, env={}, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60, check=False, preexec_fn=limit if small else None)


for arguments, status in (
        (["run", "program.wat"], 0),
        (["run", "--deterministic", "--print-fuel", "program.wat"], 0),
        (["run", "--invoke", "forever", "program.wat"], 137),
        (["run", "--coredump", "core", "--invoke", "forever", "program.wat"], 137),
        (["run", "--record", "log", "--deterministic", "program.wat"], 0),
        (["replay", "log"], 0),
        (["run", "--snapshot", "saved", "--snapshot-after", "2000", "program.wat"], 0),
        (["resume", "saved"], 0),
        (["wat2wasm", "program.wat", "-o", "program.wasm"], 0),
        (["wat2wasm", "nested.wat", "-o", "nested.wasm"], 0),
        (["wasm2wat", "nested.wasm"], 0),
        (["validate", "program.wasm"], 0),
        (["inspect", "program.wasm"], 0),
        (["strip", "program.wasm", "-o", "stripped.wasm"], 0),
        (["wast", "script.wast"], 0),
        (["serve", "--stdio"], 0),
        (["--help"], 0)):
    expected = run(arguments, False)
    suite.expect(f"{arguments} with a large stack", expected.returncode == status, str(expected))
    ran = run(arguments, True)
    suite.expect(f"{arguments} with {STACK} bytes", (ran.returncode, ran.stdout, ran.stderr) ==
                 (expected.returncode, expected.stdout, expected.stderr), f"{ran}\n{expected}")

suite.close()
