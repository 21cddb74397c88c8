#!/usr/bin/env python3
"""How the command runs programs that start threads. threads_test.py WARPBEAM"""
import os
import re
import signal
import subprocess
import sys
import time

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file

SPAWN = '(import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))'
MEMORY = '(import "env" "memory" (memory 1 1 shared)) (export "memory" (memory 0))'
WASI = '(import "wasi_snapshot_preview1" '
EXIT = f'{WASI}"proc_exit" (func $exit (param i32)))'
WRITE = f'{WASI}"fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'
READ = f'{WASI}"fd_read" (func $read (param i32 i32 i32 i32) (result i32)))'
WAIT = "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))"


def threaded(name, thread, main, imports=""):
    """A program whose main thread starts a thread, and then does something else."""
    file(name, f"""(module {SPAWN} {imports} {MEMORY}
      (func $thread (export "wasi_thread_start") (param i32 i32) {thread})
      (func $main (export "_start")
        (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
        {main}))""")


threaded("join.wat", """(i32.store (i32.const 16) (i32.const 32)) (i32.store (i32.const 20) (i32.const 6))
  (i64.store (i32.const 32) (i64.const 0x0a6f6c6c6568))
  (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
  (i32.atomic.store (i32.const 0) (i32.const 1)) (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))""", WAIT, WRITE)
threaded("trap.wat", "(unreachable)", WAIT)
threaded("exit.wat", "(call $exit (i32.const 42))", WAIT, EXIT)
threaded("return.wat", "(loop (br 0))", "")
threaded("main_exit.wat", "(loop (br 0))", "(call $exit (i32.const 9))", EXIT)
threaded("spin.wat", "(loop (br 0))", WAIT)
threaded("both_spin.wat", "(loop (br 0))", "(loop (br 0))")
threaded("input.wat", """(loop $again
  (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 10))
  (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24))) (br $again))""", WAIT, READ)
threaded("exit_while_reading.wat", """
  (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 50000000))) (call $exit (i32.const 42))""", """
  (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 10))
  (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))""", READ + EXIT)

# Programs that end
check("a thread writes, and the main thread waits for it", ["run", "--threads", "join.wat"], "hello\n")
check("a trap names the thread and its functions", ["run", "--threads", "trap.wat"], status=134,
      stderr=re.compile(r"\Atrap: in thread 1: unreachable\n  0: thread \(function 1\) +offset 0x[0-9a-f]+\n\Z"))
check("a thread's exit status", ["run", "--threads", "exit.wat"], status=42)
check("the main thread's return ends the others", ["run", "--threads", "return.wat"])
check("the main thread's exit, too", ["run", "--threads", "main_exit.wat"], status=9)

# A function instead of _start, after _initialize; a module with only a start function
file("library.wat", f"""(module {SPAWN} {MEMORY}
  (func (export "wasi_thread_start") (param i32 i32)
    (i32.atomic.store (i32.const 0) (i32.const 7)) (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))
    (loop (br 0)))
  (func (export "_initialize") (drop (call $spawn (i32.const 0))))
  (func (export "get") (param i32) (result i32) {WAIT} (i32.mul (local.get 0) (i32.atomic.load (i32.const 0)))))""")
check("--invoke: threads of _initialize live until the end", ["run", "--threads", "library.wat", "--invoke", "get", "6"], "42\n")
file("only_start.wat", f"""(module {SPAWN} {EXIT} {MEMORY}
  (func (export "wasi_thread_start") (param i32 i32) (call $exit (i32.const 3)))
  (func $go (if (i32.eqz (i32.atomic.rmw.add (i32.const 4) (i32.const 1))) (then (drop (call $spawn (i32.const 0))) {WAIT})))
  (start $go))""")
check("a start function", ["run", "--threads", "only_start.wat"], status=3)

# Limits
check("a time limit ends all", ["run", "--threads", "--timeout", "200ms", "both_spin.wat"], status=124,
      stderr=re.compile(r"\Astopped: it ran longer than --timeout allows\n  0: main "))
check("also when the main thread waits", ["run", "--threads", "--timeout", "200ms", "input.wat"], status=124, stderr=re.compile("main "))
check("fuel is for all threads", ["run", "--threads", "--fuel", "1000000", "spin.wat"], status=137,
      stderr=re.compile(r"\Atrap: in thread 1: out of fuel\n  0: thread "))
check("a shared memory counts with its maximum", ["run", "--threads", "--max-memory", "65535", "join.wat"], status=125,
      stderr=re.compile("a shared memory of up to 1 page exceeds the store's limit of 65535 bytes"))
check("and once", ["run", "--threads", "--max-memory", "65536", "join.wat"], "hello\n")
check("a number of threads", ["run", "--threads=1", "join.wat"], "hello\n")
check("no thread at all: thread-spawn fails", ["run", "--threads=0", "join.wat"], status=134, stderr=re.compile("^trap: unreachable"))
check("that is no number", ["run", "--threads=many", "join.wat"], status=2, stderr=re.compile("'many' is not a whole number"))
check("too many", ["run", "--threads=1000001", "join.wat"], status=2, stderr=re.compile("'1000001' is more than 1000000 threads"))

# Programs and options that don't fit
check("the feature is off", ["run", "join.wat"], status=125, stderr=re.compile(
    r"a shared memory needs the feature threads.*\nhint: a program that starts threads is run with --threads", re.S))
check("threads are not allowed", ["run", "--features", "+threads", "join.wat"], status=125, stderr=re.compile(
    r"unknown import wasi.thread-spawn(.|\n)*\nhint: a program that starts threads is run with --threads\n\Z"))
file("no_entry.wat", f"(module {SPAWN} {MEMORY} (func (export \"_start\")))")
check("no wasi_thread_start", ["run", "--threads", "no_entry.wat"], status=125, stderr=re.compile(
    r"\Ano_entry.wat: cannot run with threads: .*exports no function wasi_thread_start"))
file("own_memory.wat", f"""(module {SPAWN} (memory (export "memory") 1 1 shared)
  (func (export "wasi_thread_start") (param i32 i32)) (func (export "_start")))""")
check("a memory of its own", ["run", "--threads", "own_memory.wat"], status=125, stderr=re.compile("imports .*no shared memory"))
for option in ["--deterministic"], ["--snapshot", "no", "--snapshot-on-signal"], ["--print-fuel"], ["--preload", "a=trap.wat"]:
    check(f"not with {option[0]}", ["run", "--threads", *option, "join.wat"], status=2,
          stderr=re.compile(r"\Awarpbeam: run: --threads can't be combined with .*" + option[0]))
check("not with --record", ["run", "--threads", "--deterministic", "--record", "no", "join.wat"], status=2,
      stderr=re.compile(r"--threads can't be combined with"))
check("not with --fuel and --stats", ["run", "--threads", "--fuel", "100", "--stats", "join.wat"], status=2,
      stderr=re.compile(r"--threads and --fuel can't be combined with"))
for theirs in "-Sthreads", "-Wthreads":
    check(f"wasmtime's {theirs}", ["run", theirs, "join.wat"], status=2, stderr=re.compile(r"unknown option .*--threads"))
file("none.wat", f'(module {EXIT} (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 4))))')
check("a program without threads runs as ever", ["run", "--threads", "none.wat"], status=4)

# What is told of the main thread only
check("a trace", ["run", "--threads", "--trace", "join.wat"], "hello\n",
      "> main()\n  > spawn(0)\n  < spawn = 1\n< main\n")
check("a trace of a program that a thread ends", ["run", "--threads", "--trace", "exit.wat"], status=42,
      stderr="> main()\n  > spawn(0)\n  < spawn = 1\n< main did not return\n")
check("a profile", ["run", "--threads", "--timeout", "300ms", "--profile", "both_spin.wat"], status=124, stderr=re.compile("main"))
check("calls and fuel", ["run", "--threads", "--profile=exact", "join.wat"], "hello\n", re.compile("main"))
check("statistics", ["run", "--threads", "--stats", "exit.wat"], status=42, stderr=re.compile("statistics:"))


def started(args):
    return subprocess.Popen([suite.command, "run", "--threads", *args], cwd=suite.directory.name, stderr=subprocess.PIPE,
                            stdin=subprocess.PIPE)


def ends(name, process, status, pattern, send=True):
    """The process must end soon, with Ctrl-C or by itself."""
    time.sleep(0.4)
    if send:
        process.send_signal(signal.SIGINT)
    began = time.monotonic()
    try:
        error = process.communicate(timeout=20)[1].decode() if send else process.stderr.read().decode()
    except subprocess.TimeoutExpired:
        process.kill()
        error = "it did not end: " + process.communicate()[1].decode()
    process.wait(timeout=20)
    process.stdin.close()
    suite.expect(name, process.returncode == status and re.search(pattern, error) and time.monotonic() - began < 2,
                 f"status {process.returncode}\n{error}")


CTRL_C = r"\Astopped: interrupted \(Ctrl-C\)\n  0: main "
for wat in "spin.wat", "both_spin.wat", "input.wat":
    ends(f"Ctrl-C ends all of {wat}", started([wat]), 130, CTRL_C)
ends("an exit while the main thread reads standard input", started(["exit_while_reading.wat"]), 42, r"\A\Z", send=False)

suite.close()
