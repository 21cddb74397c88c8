#!/usr/bin/env python3
"""How the command runs programs: options, exit statuses, signals. run_test.py WARPBEAM"""
import os
import pty
import re
import signal
import subprocess
import sys
import time

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file

WASI = '(import "wasi_snapshot_preview1" '
LIST = """(module
  %s"%%s_sizes_get" (func $sizes (param i32 i32) (result i32)))
  %s"%%s_get" (func $get (param i32 i32) (result i32)))
  %s"fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 20)))
    (drop (call $get (i32.const 64) (i32.const 4096)))
    (i32.store (i32.const 16) (i32.const 4096))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))))""" % (WASI, WASI, WASI)
file("env.wat", LIST % ("environ", "environ"))
file("args.wat", LIST % ("args", "args"))
file("folder/args.wat", LIST % ("args", "args"))
file("end.wat", f'(module {WASI}"proc_exit" (func $exit (param i32))) (func (export "_start") (call $exit (i32.const 300))))')
file("trap.wat", '(module (func (export "_start") (unreachable)))')
file("forever.wat", '(module (func $spin (export "_start") (loop (br 0))))')
file("deep.wat", '(module (func $f (export "_start") (call $f) (nop)))')
file("heap.wat", """(module (type $list (struct (field (ref null $list)) (field i64)))
  (func (export "_start") (local $l (ref null $list))
    (loop $more (local.set $l (struct.new $list (local.get $l) (i64.const 1))) (br $more))))""")
file("wait.wat", f"""(module {WASI}"fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $ask (loop $again
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 10))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (br $again)))
  (func (export "_start") (call $ask)))""")
file("sleep.wat", f"""(module {WASI}"poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (loop $again
    (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 100000000000))
    (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))
    (br $again))))""")
file("flood.wat", f"""(module {WASI}"fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (func (export "_start") (loop $again
    (i32.store (i32.const 4) (i32.const 200000))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (br $again))))""")

# The environment
HOME = {"HOME": "/nowhere", "OTHER": "1"}
check("the last of a repeated name wins", ["run", "--env", "A=1", "--env", "B=2", "--env", "A=3", "env.wat"], "A=3\0B=2\0")
check("one variable is inherited", ["run", "--env", "HOME", "env.wat"], "HOME=/nowhere\0", env=HOME)
inherited = check("all are inherited", ["run", "--env", "OTHER=2", "--inherit-env", "env.wat"], None, env=HOME).stdout
suite.expect("and one is replaced", {b"HOME=/nowhere", b"OTHER=2"} <= set(inherited.split(b"\0")) and b"OTHER=1" not in
             inherited, repr(inherited))
check("none is inherited otherwise", ["run", "env.wat"], "", env=HOME)

# Arguments
check("the program's name", ["run", "folder/args.wat", "a", "b"], "args.wat\0a\0b\0")
check("another name", ["run", "--argv0", "ls", "folder/args.wat"], "ls\0")
check("the first -- after FILE is dropped", ["run", "args.wat", "--", "--", "x"], "args.wat\0--\0x\0")
check("or before it", ["run", "--", "args.wat", "--", "--invoke"], "args.wat\0--\0--invoke\0")
check("an empty name", ["run", "--argv0=", "args.wat"], "args.wat\0")

# Modules without _start, and others that are loaded first
file("start.wat", f"""(module {WASI}"fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 16) "started\\n")
  (func $go (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 8))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (start $go))""")
check("a module with only a start function", ["run", "start.wat"], "started\n")
file("library.wat", f"""(module {WASI}"proc_exit" (func $exit (param i32)))
  (func (export "_initialize") (call $exit (i32.const 9))) (func (export "f")))""")
check("a library is only initialized", ["run", "library.wat"], status=9)
file("counter.wat", """(module (global $n (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $n (i32.const 40)))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))""")
file("user.wat", """(module (import "counter" "next" (func $next (result i32)))
  (func (export "two") (result i32) (drop (call $next)) (call $next)))""")
check("a preload, which is initialized", ["run", "--preload", "counter=counter.wat", "user.wat", "--invoke", "two"], "42\n")
check("without it", ["run", "user.wat", "--invoke", "two"], "", re.compile("unknown import counter.next(?s:.*)--preload"),
      status=125)
check("a preload without a name", ["run", "--preload", "counter.wat", "user.wat"], "", re.compile("'counter.wat' is not NAME=FILE"),
      status=2)
check("a preload that is missing", ["run", "--preload", "a=none.wat", "user.wat", "--invoke", "two"], "",
      re.compile("cannot open none.wat"), status=125)
check("a preload twice", ["run", "--preload", "a=counter.wat", "--preload", "a=counter.wat", "user.wat", "--invoke", "two"], "",
      re.compile("already defined"), status=125)
file("bad.wat", '(module (func $f unreachable) (start $f))')
check("a preload that traps", ["run", "--preload", "a=bad.wat", "user.wat", "--invoke", "two"], "", re.compile("^trap: unreachable"),
      status=134)
check("a stub traps", ["run", "--stub-imports", "user.wat", "--invoke", "two"], "", re.compile("^trap: .*counter"), status=134)
check("a stub of zeros", ["run", "--stub-imports=zero", "user.wat", "--invoke", "two"], "0\n")
check("another stub", ["run", "--stub-imports=one", "user.wat"], "", re.compile("'one' is not a kind of stub; use trap or zero"),
      status=2)
file("memory_import.wat", '(module (import "a" "m" (memory 1)) (func (export "_start")))')
check("memories have no stubs", ["run", "--stub-imports", "memory_import.wat"], "", re.compile("unknown import a.m"), status=125)
for option in (["--preload", "a=counter.wat"], ["--stub-imports"], ["--max-heap", "5"]):
    check(f"{option[0]} with --snapshot", ["run", *option, "--snapshot", "x", "--snapshot-after", "5", "end.wat"], "",
          re.compile("can't be combined with --snapshot"), status=2)

# Exit statuses
check("a status above 255", ["run", "end.wat"], status=300 & 255)
check("a trap", ["run", "trap.wat"], "", re.compile("^trap: unreachable"), status=134)
check("fuel", ["run", "--fuel", "1000", "forever.wat"], "", re.compile("^trap: out of fuel"), status=137)
check("more fuel than there is", ["run", "--fuel", str(2**64 - 1), "--print-fuel", "end.wat"], "", re.compile(r"used \d{1,3} units"), status=44)
check("the stack", ["run", "deep.wat"], "", re.compile("^trap: call stack exhausted"), status=137)
check("the heap", ["run", "--max-heap", "64K", "heap.wat"], "", re.compile("^trap: heap exhausted"), status=137)
check("the heap, by the limit of memory", ["run", "--max-memory", "64K", "heap.wat"], "", re.compile("^trap: heap exhausted"),
      status=137)
check("the heap's own limit counts", ["run", "--max-heap", "64K", "--max-memory", "64G", "heap.wat"], "",
      re.compile("^trap: heap exhausted"), status=137)
check("no file", ["none.wasm"], "", re.compile("cannot open none.wasm"), status=125)

# Time
STOPPED = re.compile(r"^stopped: it ran longer than --timeout allows\n  0: spin \(function 0\)")
begin = time.monotonic()
check("a timeout", ["run", "--timeout", "300ms", "forever.wat"], "", STOPPED, status=124)
suite.expect("takes about that time", 0.25 < time.monotonic() - begin < 10)
check("a timeout with the deterministic profile", ["run", "--deterministic", "--timeout", "0.1s", "forever.wat"], "", STOPPED, status=124)
check("a timeout with counted fuel", ["run", "--print-fuel", "--timeout", "100ms", "forever.wat"], "", STOPPED, status=124)
check("a timeout with a profile", ["run", "--profile", "--timeout", "300ms", "forever.wat"], "", re.compile(STOPPED.pattern, re.M),
      status=124)
check("time enough", ["run", "--timeout", "2m", "end.wat"], status=44)
for text in ("5", "s", "1.5", "-1s", "1.5d", "nan", "infs", "", "1s ", "1e3s"):
    check(f"the time '{text}'", ["run", f"--timeout={text}", "end.wat"], "", re.compile("is not a duration"), status=2)
check("no time", ["run", "--timeout", "0s", "end.wat"], "", re.compile("'0s' is no time at all"), status=2)
check("much time", ["run", "--timeout", "99999999999h", "end.wat"], "", re.compile("too long"), status=2)
check("a recording with a timeout", ["run", "--deterministic", "--record", "x", "--timeout", "1s", "end.wat"], "",
      re.compile("can't be combined with --record"), status=2)


def started(args, **streams):
    return subprocess.Popen([suite.command, *args], cwd=suite.directory.name, stderr=subprocess.PIPE, **streams)


def ends(name, process, status, pattern, delay=0.4, sent=signal.SIGINT, times=1):
    """Sends a signal after a while; then the process must end soon."""
    time.sleep(delay)
    for _ in range(times if sent is not None else 0):
        process.send_signal(sent)
        time.sleep(0.1)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
    errors = process.stderr.read().decode()
    suite.expect(name, process.returncode == status and re.search(pattern, errors), f"{process.returncode} {errors}")
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


CTRL_C = r"^stopped: interrupted \(Ctrl-C\)\n  0: "
run = ["run"]
ends("Ctrl-C", started([*run, "forever.wat"]), 130, CTRL_C)
ends("Ctrl-C with fuel", started([*run, "--print-fuel", "forever.wat"]), 130, CTRL_C)
ends("Ctrl-C in a read", started([*run, "wait.wat"], stdin=subprocess.PIPE), 130, CTRL_C + "ask")
BLOCKED = r"it waited in a call of the system\n\Z"
ends("Ctrl-C in a deterministic read", started([*run, "--deterministic", "wait.wat"], stdin=subprocess.PIPE), 130, BLOCKED)
ends("a second Ctrl-C ends at once", started([*run, "--deterministic", "wait.wat"], stdin=subprocess.PIPE), -signal.SIGINT, r"\A\Z", times=2)
file("once.wat", f"""(module {WASI}"fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)))
    (i32.store (i32.const 4) (i32.const 10))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))""")
for extra in ([], ["--print-fuel"]):
    ends(f"Ctrl-C in the last call {extra}", started([*run, *extra, "once.wat"], stdin=subprocess.PIPE), 130, CTRL_C + "_start")
ends("Ctrl-C while it sleeps", started([*run, "sleep.wat"]), 130, CTRL_C)
# With calls that move few bytes at once, a signal may come before the first byte of one, which then goes on.
may_go_on = "unsteady" in os.path.basename(suite.command)
ends("Ctrl-C in a write", started([*run, "flood.wat"], stdout=subprocess.PIPE), 130, f"{CTRL_C}|{BLOCKED}" if may_go_on else CTRL_C)
ends("a timeout in a read", started(["run", "--timeout=200ms", "wait.wat"], stdin=subprocess.PIPE), 124, "^stopped: it ran longer", sent=None)
ends("a timeout in a sleep", started(["run", "--timeout=200ms", "sleep.wat"]), 124, "^stopped: it ran longer", sent=None)
ends("a timeout in a write", started(["run", "--timeout=200ms", "flood.wat"], stdout=subprocess.PIPE), 124, "^stopped: it ran longer", sent=None)
ends("a timeout in a deterministic read", started(["run", "--deterministic", "--timeout=200ms", "wait.wat"], stdin=subprocess.PIPE),
     124, BLOCKED, sent=None)
check("saved", ["run", "--snapshot", "saved", "--snapshot-after", "500", "forever.wat"], "", re.compile("saved to"))
ends("Ctrl-C of a resumed program", started(["resume", "--fuel", "1000000000000", "saved"]), 130, CTRL_C)
check("a timeout of a resumed program", ["resume", "--timeout", "100ms", "--fuel", "1000000000000", "saved"], "", STOPPED, status=124)
ends("Ctrl-C is not the signal that saves", started([*run, "--snapshot", "no", "--snapshot-on-signal", "forever.wat"]), 130, CTRL_C)
os.mkdir(os.path.join(suite.directory.name, "gone"))
unsaved = started(["run", "--timeout=1s", "--snapshot", "gone/x", "--snapshot-on-signal", "forever.wat"])
time.sleep(0.4)
os.rmdir(os.path.join(suite.directory.name, "gone"))
ends("a timeout after a snapshot that could not be written", unsaved, 124, r"the program goes on\nstopped: it ran longer", 0, signal.SIGUSR1)
suite.expect("nothing was saved", not os.path.exists(os.path.join(suite.directory.name, "no")))


def on_terminal(args, env, ctrl_c):
    """What the command writes if standard error is a terminal; optionally, Ctrl-C is typed there."""
    own, theirs = pty.openpty()
    process = subprocess.Popen([suite.command, *args], cwd=suite.directory.name, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=theirs, env={"PATH": os.environ["PATH"], **env})
    os.close(theirs)
    if ctrl_c:
        time.sleep(0.4)
        process.send_signal(signal.SIGINT)
    status = process.wait(timeout=20)
    text = b""
    try:
        while part := os.read(own, 4096):
            text += part
    except OSError:  # the end of a terminal
        pass
    os.close(own)
    return status, text.decode()


status, text = on_terminal(["run", "forever.wat"], {"TERM": "xterm"}, True)
suite.expect("Ctrl-C on a terminal", status == 130 and "0: spin" in text, f"{status} {text}")
for name, env, colored in (("a terminal", {"TERM": "xterm"}, True), ("NO_COLOR", {"TERM": "xterm", "NO_COLOR": "1"}, False),
                           ("an empty NO_COLOR", {"TERM": "xterm", "NO_COLOR": ""}, True), ("a dumb terminal", {"TERM": "dumb"}, False)):
    status, text = on_terminal(["run", "trap.wat"], env, False)
    suite.expect(f"colours with {name}", status == 134 and ("\x1b[1;31mtrap:\x1b[0m" in text) == colored and
                 ("\x1b" in text) == colored, f"{status} {text!r}")

# Spellings
check("a misspelt option", ["run", "--feul", "5", "end.wat"], "", re.compile("unknown option --feul \\(did you mean '--fuel'\\?\\); see"), status=2)
check("a misspelt command", ["valdate", "x"], "", "warpbeam: no command or file named 'valdate' (did you mean 'validate'?)\n", status=2)
check("a misspelt feature", ["run", "--features", "+theads", "end.wat"], "", re.compile("did you mean 'threads'"), status=2)
check("a misspelt function", ["run", "--invoke", "nxet", "counter.wat"], "", re.compile("no function nxet \\(did you mean 'next'\\?\\); it exports"), status=2)
for theirs, ours in (("-Wtimeout=1s", "--timeout"), ("-Sinherit-env", "--inherit-env"), ("--max-wasm-stack=1", "--max-stack"),
                     ("--wasm-features=all", "--features"), ("--trap-unknown-imports", "--stub-imports"),
                     ("--mapdir=/d::x", "--dir HOST::GUEST"), ("-Dcoredump=x", "--coredump"), ("--debug", "--coredump"),
                     ("--coredump-on-trap=x", "--coredump"), ("--wasm", "--features"), ("--wasi", "--inherit-env")):
    check(f"{theirs} names ours", ["run", theirs, "end.wat"], "", re.compile(f"use .*{ours}"), status=2)
suite.close()
