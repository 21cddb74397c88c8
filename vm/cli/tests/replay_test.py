#!/usr/bin/env python3
"""Programs that are recorded and run again: replay_test.py WARPBEAM"""
import os
import re
import signal
import subprocess
import sys
import time

from harness import Suite
from recorded import Log

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file

# Mixes input, random numbers and clocks into a sum of floats, prints its bytes, and ends with a status.
file("mix.wat", r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2) (global $sum (mut f64) (f64.const 0))
  (func $hex (param $n i32) (local $digit i32)
    (local.set $digit (i32.and (local.get $n) (i32.const 15)))
    (i32.store8 (i32.const 16) (i32.add (local.get $digit)
      (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $pause (local $i i32)
    (loop $more
      (global.set $sum (f64.add (global.get $sum) (f64.sqrt (f64.convert_i32_u (local.get $i)))))
      (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))))
  (func $step (param $n i32)
    (drop (call $random (i32.const 32) (i32.const 8)))
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 40)))
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 3))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $pause)
    (call $hex (i32.load (i32.const 32)))
    (call $hex (i32.load (i32.const 41)))
    (call $hex (i32.load (i32.const 64))))
  (func (export "_start") (local $n i32)
    (loop $more
      (call $step (local.get $n))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10))))
    (call $exit (i32.const 7))))""")

record = ["run", "--deterministic", "--record", "log"]
first = check("recorded", [*record, "mix.wat"], re.compile("^[0-9a-f]{30}$"), status=7, stdin=b"some input")
text = first.stdout.decode()
check("replayed, without the input", ["replay", "log"], text, status=7)
check("quiet", ["replay", "--quiet", "log"], "", status=7)
second = check("another run is another one", [*record, "mix.wat"], None, status=7, stdin=b"some input")
suite.expect("random numbers are real", second.stdout != first.stdout)
check("with snapshots on the way", [*record, "--record-snapshots", "1500", "mix.wat"], None, status=7, stdin=b"some input")
text = check("replayed over the snapshots", ["replay", "log"], None, status=7).stdout.decode()
check("stopped in the middle", ["replay", "--to", "4500", "--backtrace", "log"], None,
      re.compile(r"stopped after 4500 units of fuel\s+0: .*function 6.*\n +1: .*function 7"))
whole = check("stopped early", ["replay", "--to", "1000", "log"], None, re.compile("stopped after 1000 units")).stdout.decode()
suite.expect("what was written until then", text.startswith(whole))
check("to the end", ["replay", "--to", "100000000", "log"], None, re.compile(r"the program ended after \d+ units of fuel\n$"), status=7)

log = suite.read("log")
suite.file("short", log[:-50])
check("a log that ends too early", ["replay", "short"], None, re.compile("cut off"), status=125)
suite.file("no", b"no log")
check("no log", ["replay", "no"], "", re.compile("not a log that warpbeam run --record"), status=125)
check("no file", ["replay", "nowhere"], "", re.compile("cannot open nowhere"), status=125)
# A change in an answer changes what the program does with it, and the first consequence is found.
suite.file("other", Log(log).replace(b"som", b"xom")) # what it read first
check("another input", ["replay", "other"], None,
      re.compile(r"differs from the log at byte \d+, after \d+ units of fuel: the program passes other bytes to fd_write\(1, 0, 1, 8\)"),
      status=125)
check("the digest of the end", ["replay", "--quiet", "log"], "", status=7)

check("not deterministic", ["run", "--record", "x", "mix.wat"], "", re.compile("--record needs --deterministic"), status=2)
check("with --fuel", [*record, "--fuel", "5", "mix.wat"], "", re.compile("--record can't be combined"), status=2)
check("with --invoke", [*record, "mix.wat", "--invoke", "f"], "", re.compile("--invoke"), status=2)
check("no snapshots", [*record, "--record-snapshots", "0", "mix.wat"], "", re.compile("--record-snapshots"), status=2)
check("a folder that is not there", ["run", "--deterministic", "--record", "no/x", "mix.wat"], "",
      re.compile("cannot open no/x"), status=125)
file("trap.wat", '(module (func (export "_start") (unreachable)))')
check("a trap", [*record, "trap.wat"], "", re.compile("unreachable"), status=134)
check("the same trap", ["replay", "log"], "", re.compile("unreachable"), status=134)

# Limits are those of the recorded run, also when it is replayed.
file("grow.wat", """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (memory.grow (i32.const 20))) (call $exit (memory.size))))""")
check("a limit", ["run", "--max-memory", "1M", "--deterministic", "--record", "grown", "grow.wat"], status=1)
check("the same limit", ["replay", "grown"], status=1)

# What ends a recording early costs only what came later.
file("slow.wat", """(module (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 16) "step\\n")
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 5))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (loop (br 0))))""")
process = subprocess.Popen([suite.command, "run", "--deterministic", "--record", "killed", "slow.wat"],
                           cwd=suite.directory.name, stdout=subprocess.PIPE)
process.stdout.read(5)
time.sleep(0.2)
process.kill()
process.communicate()
stopped = check("a recording that was killed", ["replay", "--to", "1000", "killed"], "step\n", re.compile("stopped after 1000 units"))

# Ctrl-C stops both, with a backtrace, wherever the program is; the log has what came before.
def interrupted(name, args):
    process = subprocess.Popen([suite.command, *args], cwd=suite.directory.name, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    process.stdin.close()
    suite.expect(name, process.wait(30) == 130 and b"Ctrl-C" in said and b"  0: " in said, said.decode())


file("silent.wat", '(module (func (export "_start") (loop (br 0))))')
file("starts.wat", '(module (func $s (loop (br 0))) (start $s) (func (export "_start")))')
for program in ("silent.wat", "slow.wat", "starts.wat"):
    interrupted(f"Ctrl-C: {program}", ["run", "--deterministic", "--record", "stopped", program])
    interrupted(f"Ctrl-C in its replay: {program}", ["replay", "stopped"])
interrupted("Ctrl-C in a wait", ["run", "--deterministic", "--record", "stopped", "mix.wat"])
check("the replay until then", ["replay", "stopped"], "", re.compile("the recording was cut off"), status=125)

# --to stops in a start function, too, and what it does counts.
file("early.wat", """(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (func $early (local $n i32)
    (loop $more (drop (call $yield)) (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100)))))
  (start $early) (func (export "_start") (call $early)))""")
fuel = check("a start function", ["run", "--deterministic", "--record", "early", "--print-fuel", "early.wat"], "", re.compile("used")).stderr
used = int(re.search(rb"\d+", fuel)[0])
check("its replay", ["replay", "--print-fuel", "early"], "", fuel.decode())
for to in (0, 1, used // 4, used // 2 - 1, used // 2, used // 2 + 1, used - 1):
    check(f"--to {to} of {used}", ["replay", "--to", str(to), "--backtrace", "early"], "", re.compile(rf"stopped after {to} units of fuel\n  0: "))
check("--to the end", ["replay", "--to", str(used), "early"], "", f"warpbeam: the program ended after {used} units of fuel\n")

# What can't be recorded costs no earlier log, and a replay says when its output is lost.
before = suite.read("log")
file("library.wat", '(module (func (export "f")))')
check("no program", [*record, "library.wat"], "", re.compile("no function _start"), status=125)
suite.expect("the log is still there", suite.read("log") == before)
check("recorded again", [*record, "mix.wat"], None, status=7, stdin=b"some input")
with open("/dev/full", "wb") as full:
    lost = subprocess.run([suite.command, "replay", "log"], stdout=full, stderr=subprocess.PIPE, cwd=suite.directory.name)
suite.expect("output that is lost", lost.returncode == 125 and b"can't be written" in lost.stderr, lost.stderr.decode())

# Snapshots in a log have only what changed.
file("large.wat", """(module (memory (export "memory") 400)
  (func (export "_start") (local $n i32)
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 20000000))
    (loop $more
      (i32.store (i32.const 5000) (local.get $n))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))))""")
check("a large memory", ["run", "--deterministic", "--record", "large", "--record-snapshots", "40000", "large.wat"])
suite.expect("the log is small", 20_000_000 < len(suite.read("large")) < 25_000_000, str(len(suite.read("large"))))
check("from the last snapshot", ["replay", "--to", "400000", "large"], "", re.compile("stopped after 400000 units"))

# An execution has less than 2^56 units of fuel; more may be asked for.
fuel = check("more fuel between snapshots than there is", [*record, "--record-snapshots", str(2**64 - 1), "--print-fuel", "mix.wat"], None,
             re.compile(r"used \d{1,6} units of fuel\n$"), status=7, stdin=b"some input").stderr
check("the replay of that", ["replay", "--print-fuel", "log"], None, fuel.decode(), status=7)
for to in (2**56 - 1, 2**56, 2**64 - 1):
    check(f"--to {to}", ["replay", "--quiet", "--to", str(to), "log"], "", re.compile(r"the program ended after \d{1,6} units"), status=7)

fuel = check("the fuel of a recording", [*record, "--print-fuel", "mix.wat"], None, re.compile(r"used \d+ units of fuel"),
             status=7, stdin=b"some input").stderr
check("and of its replay", ["replay", "--quiet", "--print-fuel", "log"], "", fuel.decode(), status=7)
check("--record-snapshots alone", ["run", "--record-snapshots", "5", "mix.wat"], "", re.compile("needs --record"), status=2)
check("--seed", [*record, "--seed", "5", "mix.wat"], "", re.compile("--seed"), status=2)
check("--backtrace alone", ["replay", "--backtrace", "log"], "", re.compile("needs --to"), status=2)
check("a log is no module", ["run", "log"], "", re.compile("log of a program: use warpbeam replay"), status=125)

# A deterministic program that is saved has the same clocks and random numbers afterwards.
plain = check("deterministic", ["run", "--deterministic", "mix.wat"], None, status=7, stdin=b"some input").stdout
one = check("saved", ["run", "--deterministic", "--snapshot", "saved", "--snapshot-after", "4000", "mix.wat"], None,
            re.compile("saved to"), stdin=b"some input").stdout
read = 3 * (len(one) // 3 + 1)
two = check("continued", ["resume", "saved"], None, status=7, stdin=b"some input"[read:]).stdout
suite.expect("the same output in two parts", one + two == plain, repr((one, two, plain)))
suite.close()
