#!/usr/bin/env python3
"""Recordings of programs with files, and logs that are damaged: recording_test.py WARPBEAM"""
import os
import re
import shutil
import subprocess
import sys

from harness import Suite
from recorded import CALL, COMPLETE_SNAPSHOT, END, SNAPSHOT, Log

suite = Suite(os.path.abspath(sys.argv[1]))
check, file, expect = suite.check, suite.file, suite.expect
folder = os.path.join(suite.directory.name, "folder")
record = ["run", "--deterministic", "--record", "log"]
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")

# Copies a file to another one and to standard output, in pieces, counts in between, and ends with a status.
file("copy.wat", r"""(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 32) "inout")
  (func $must (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
  (func $pause (local $i i32)
    (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))))
  (func (export "_start")
    (call $must (call $open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 2) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))
    (call $must (call $open (i32.const 3) (i32.const 0) (i32.const 34) (i32.const 3) (i32.const 1)
      (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 20)))
    (loop $more
      (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1000))
      (call $must (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 4)))
      (call $must (call $write (i32.load (i32.const 20)) (i32.const 0) (i32.const 1) (i32.const 8)))
      (call $must (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (call $pause)
      (br_if $more (i32.load (i32.const 4))))
    (call $exit (i32.const 5))))""")
text = b"".join(b"line %d\n" % i for i in range(1000))


def fresh():
    shutil.rmtree(folder, ignore_errors=True)
    file("folder/in", text)


# Without the folder, a replay has nothing but the log.
for mode in ("", ":ro", ":scratch"):
    fresh()
    expected = 76 if mode == ":ro" else 5  # 76: the program may not make the second file
    ran = check(f"recorded with a folder{mode}", [*record, "--dir", "folder::/" + mode, "copy.wat"],
                "" if mode == ":ro" else text.decode(), status=expected)
    made = os.path.exists(os.path.join(folder, "out"))
    expect(f"the second file{mode}", made == (mode == ""))
    shutil.rmtree(folder)
    os.mkdir(folder)
    check(f"replayed beside an empty folder{mode}", ["replay", "log"], ran.stdout.decode(), status=expected)
    expect(f"a replay makes no file{mode}", os.listdir(folder) == [], str(os.listdir(folder)))
    os.rmdir(folder)
    check(f"replayed without the folder{mode}", ["replay", "log"], ran.stdout.decode(), status=expected)
before = suite.read("log")
check("a folder that is not there", [*record, "--dir", "folder", "copy.wat"], "", re.compile("--dir folder"), status=125)
expect("it costs no earlier log", suite.read("log") == before)

fresh()
fuel = check("with snapshots", [*record, "--print-fuel", "--record-snapshots", "1500", "--dir", "folder::/", "copy.wat"],
             text.decode(), re.compile(r"used \d+ units"), status=5).stderr
shutil.rmtree(folder)
log = Log(suite.read("log"))
expect("a complete snapshot, others, and the end",
       log.kinds().count(COMPLETE_SNAPSHOT) == 1 and SNAPSHOT in log.kinds() and log.kinds()[-1] == END, str(log.kinds()))
check("replayed over the snapshots", ["replay", "--print-fuel", "log"], text.decode(), fuel.decode(), status=5)
used = int(re.search(rb"\d+", fuel)[0])
for to in range(1, used + 500, 701):
    check(f"until {to}", ["replay", "--to", str(to), "--backtrace", "log"], None,
          re.compile(r"stopped after \d+ units of fuel\s+0: " if to < used else "the program ended"),
          status=0 if to < used else 5)
whole = suite.read("log")
expect("a log takes what was read, once, and some bytes for each call", len(text) < sum(
    len(contents) for kind, _, contents in log.events if kind == CALL) < len(text) + 40 * len(log.events), str(len(whole)))

# Fuel that a call takes beyond what there is until the next snapshot, or the end of a replay.
file("owes.wat", r"""(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (memory (export "memory") 2)
  (func (export "_start") (local $n i32)
    (loop $more
      (drop (call $random (i32.const 0) (i32.const 64000)))
      (drop (call $yield)) (drop (call $yield))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5))))))""")
fuel = check("owing fuel", [*record, "--record-snapshots", "700", "--print-fuel", "owes.wat"], "",
             re.compile(r"used \d+ units")).stderr
expect("all of it is counted", 5 * 1000 < int(re.search(rb"\d+", fuel)[0]) < 5 * 1000 + 20, fuel.decode())
check("its replay", ["replay", "--print-fuel", "log"], "", fuel.decode())
for to in range(100, 5200, 300):
    check(f"owing until {to}", ["replay", "--to", str(to), "log"], "", re.compile("units of fuel\n$"))

# 64-bit addresses.
file("wide.wat", r"""(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i64 i64) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") i64 1)
  (func (export "_start") (drop (call $random (i64.const 0) (i64.const 1))) (call $exit (i32.load8_u (i64.const 0)))))""")
status = subprocess.run([suite.command, *record, "wide.wat"], cwd=suite.directory.name).returncode
check("its number again", ["replay", "log"], status=status)

# ---- Differences, with checksums that are right ----

fresh()
check("recorded", [*record, "--dir", "folder::/", "copy.wat"], text.decode(), status=5)
good = suite.read("log")
suite.file("other", Log(good).replace(b"line 5\n", b"line 6\n"))
check("another line that was read", ["replay", "--quiet", "other"], "",
      re.compile(r"differs from the log at byte \d+, after \d+ units of fuel: the program passes other bytes to fd_write\(5, 0,"),
      status=125)
log = Log(good)
log.events[3], log.events[4] = log.events[4], log.events[3]
suite.file("other", log.bytes())
check("other calls", ["replay", "--quiet", "other"], "",
      re.compile(r"the program calls fd_write\(5, 0, 1, 8\) instead of fd_write\(1, 0, 1, 8\)"), status=125)
log = Log(good)
del log.events[-2]
suite.file("other", log.bytes())
check("a call that is missing", ["replay", "--quiet", "other"], "", re.compile("the program goes on where it ended"), status=125)
log = Log(good)
log.events.insert(-1, log.events[-2])
suite.file("other", log.bytes())
check("a call too many", ["replay", "--quiet", "other"], "", re.compile("the program ends where it made another call"), status=125)
log = Log(good)
kind, head, contents = log.events[4]
log.events[4] = (kind, head[:1] + bytes([head[1] ^ 1]) + head[2:], contents)
suite.file("other", log.bytes())
check("other fuel", ["replay", "--quiet", "other"], "", re.compile(r"the next call comes after \d+ units in the log"), status=125)
log = Log(good)
kind, head, contents = log.events[-1]
log.events[-1] = (kind, head, bytes([contents[0] ^ 1]) + contents[1:])
suite.file("other", log.bytes())
check("another end", ["replay", "--quiet", "other"], "", re.compile("memory, globals or tables are different at the end"), status=125)

# ---- Damage ----

file("small.wat", r"""(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 3))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))""")
check("a small one", [*record, "small.wat"], "som", stdin=b"some input")
good = suite.read("log")
refused = re.compile(r"(is damaged at byte \d+|ends at byte \d+: the recording was cut off|not a log that .*|recorded by another version of warpbeam .*)\n$")
for size in range(len(good)):
    file("damaged", good[:size])
    check(f"its first {size} bytes", ["replay", "--quiet", "damaged"], "", refused, status=125)
for at in range(len(good)):
    file("damaged", good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:])
    check(f"byte {at} is another one", ["replay", "--quiet", "damaged"], "", refused, status=125)

# A log of each version; this one is what is written.
with open(os.path.join(GOLDEN, "recording_2.hex"), encoding="ascii") as lines:
    golden = bytes.fromhex(lines.read())
expect("the format has not changed", good == golden, good.hex())
file("golden", golden)
check("a log from earlier", ["replay", "golden"], "som")
file("old", b"\0wblog\1\n" + golden[8:])
check("a log of the first version", ["replay", "old"], "",
      "old: recorded by another version of warpbeam (format 1; this one reads 2); record the program again\n", status=125)

if os.path.exists("/dev/full"):
    check("a full disk", ["run", "--deterministic", "--record", "/dev/full", "small.wat"], None,
          re.compile("cannot write /dev/full: No space left"), status=125, stdin=b"some input")
suite.close()
