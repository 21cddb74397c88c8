#!/usr/bin/env python3
"""Programs that are saved and continued in another process: saved_program_test.py WARPBEAM"""
import os
import re
import signal
import subprocess
import sys
import time

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file

# Prints its arguments and variables, then counts with a line for each step, and copies its input.
file("count.wat", r"""(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $env_sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $env (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (func $print (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $size))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func $digit (param $n i32)
    (i32.store8 (i32.const 16) (i32.add (i32.const 48) (local.get $n)))
    (i32.store8 (i32.const 17) (i32.const 10))
    (call $print (i32.const 16) (i32.const 2)))
  (func $pause (local $i i32)
    (loop $more (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))))
  (func (export "_start") (local $n i32) (local $before i64)
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 32)))
    (local.set $before (i64.load (i32.const 32)))
    (drop (call $close (i32.const 2)))
    (loop $more
      (call $digit (local.get $n))
      (call $pause)
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 6))))
    (drop (call $args_sizes (i32.const 40) (i32.const 44)))
    (drop (call $args (i32.const 1024) (i32.const 2048)))
    (call $print (i32.const 2048) (i32.load (i32.const 44)))
    (drop (call $env_sizes (i32.const 40) (i32.const 44)))
    (drop (call $env (i32.const 1024) (i32.const 2048)))
    (call $print (i32.const 2048) (i32.load (i32.const 44)))
    (i32.store (i32.const 0) (i32.const 4096)) (i32.store (i32.const 4) (i32.const 100))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $print (i32.const 4096) (i32.load (i32.const 8)))
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 32)))
    ;; The monotonic clock never goes back, and standard error is still closed.
    (call $exit (i32.add (i32.mul (i32.const 10) (i64.lt_u (i64.load (i32.const 32)) (local.get $before)))
                         (i32.eqz (call $close (i32.const 2)))))))""")
# Asks for a hundred pages one by one, and exits with the number that it got.
file("grow.wat", """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (loop $more
      (drop (memory.grow (i32.const 1)))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100))))
    (call $exit (memory.size))))""")
file("forever.wat", """(module (func (export "_start") (loop (br 0))))""")

whole = "0\n1\n2\n3\n4\n5\ncount.wat\0one\0A=b\0input"
saved = re.compile(r"saved to snapshot")
run = ["run", "--env", "A=b", "--snapshot", "snapshot"]
check("a program that ends first is not saved", [*run, "--snapshot-after", "1000000", "count.wat", "one"], whole,
      stdin=b"input")
suite.expect("no snapshot", not os.path.exists(os.path.join(suite.directory.name, "snapshot")))
check("saved after some fuel", [*run, "--snapshot-after", "2500", "count.wat", "one"], "0\n1\n2\n", saved)
suite.expect("nothing is left beside", not [name for name in os.listdir(suite.directory.name) if name.endswith(".part")])
check("continues in another process", ["resume", "snapshot"], "3\n4\n5\n" + whole[12:], stdin=b"input")
check("continues again from the same file, and is saved again",
      ["resume", "--snapshot", "second", "--snapshot-after", "1000", "snapshot"], "3\n", re.compile("saved to second"))
check("continues from the second", ["resume", "second"], "4\n5\n" + whole[12:], stdin=b"input")
# Wherever it is saved, all output together is the same.
for step in range(1, 6100, 487):
    first = suite.check(f"saved after {step}", [*run, "--snapshot-after", str(step), "count.wat", "one"], None, saved)
    rest = suite.check(f"continued after {step}", ["resume", "snapshot"], None, stdin=b"input")
    suite.expect(f"the output of both, cut after {step}", (first.stdout + rest.stdout).decode() == whole,
                 repr((first.stdout, rest.stdout)))
check("fuel that was left counts", ["run", "--fuel", "3000", "--snapshot", "snapshot", "--snapshot-after", "2500", "count.wat"],
      None, saved)
check("and ends", ["resume", "snapshot"], "", re.compile("out of fuel"), status=137)

check("fuel can be added", ["resume", "--fuel", "10000", "snapshot"], None, stdin=b"input")
check("how much was used", ["run", "--fuel", "3000", "--print-fuel", "count.wat"], None,
      re.compile(r"used 3000 units of fuel\ntrap: out of fuel\n +0: .*pause", re.DOTALL), status=137)

def signalled(args, delay):
    """A program that has got the signal."""
    process = subprocess.Popen([suite.command, *args], cwd=suite.directory.name, stderr=subprocess.PIPE)
    time.sleep(delay)
    process.send_signal(signal.SIGUSR1)
    return process


on_signal = ["run", "--snapshot", "forever", "--snapshot-on-signal", "forever.wat"]
process = signalled(on_signal, 0.5)
_, errors = process.communicate(timeout=30)
suite.expect("saved at a signal", process.returncode == 0 and b"saved to forever" in errors, errors.decode())
# It stands in its loop, where only code that can be interrupted stops.
process = signalled(["resume", "--snapshot", "again", "--snapshot-on-signal", "forever"], 0.5)
_, errors = process.communicate(timeout=30)
suite.expect("continues and is saved again", process.returncode == 0 and b"saved to again" in errors, errors.decode())
file("spin.wat", """(module (func (export "_start") (loop (br 0))))""")
process = signalled(["run", "--fuel", "1000000000000", "--snapshot", "spin", "--snapshot-on-signal", "spin.wat"], 0.5)
process.communicate(timeout=30)
check("fuel counts from the resume on", ["resume", "--snapshot", "later", "--snapshot-after", "1000", "spin"], "",
      re.compile("saved to later"))
process = subprocess.Popen([suite.command, "resume", "again"], cwd=suite.directory.name, stderr=subprocess.PIPE)
time.sleep(0.5)
suite.expect("goes on without the option", process.poll() is None)
process.kill()
process.communicate()

# A snapshot that can't be written does not end the program.
os.mkdir(os.path.join(suite.directory.name, "gone"))
process = subprocess.Popen([suite.command, "run", "--snapshot", "gone/x", "--snapshot-on-signal", "forever.wat"],
                           cwd=suite.directory.name, stderr=subprocess.PIPE)
time.sleep(0.5)
os.rmdir(os.path.join(suite.directory.name, "gone"))
process.send_signal(signal.SIGUSR1)
time.sleep(0.5)
suite.expect("goes on after a save that failed", process.poll() is None)
os.mkdir(os.path.join(suite.directory.name, "gone"))
process.send_signal(signal.SIGUSR1)
_, errors = process.communicate(timeout=30)
suite.expect("and is saved later", process.returncode == 0 and b"the program goes on" in errors and b"saved to" in errors,
             errors.decode())

# Limits are kept.
limited = ["run", "--max-memory", "1M"]
check("within a limit", [*limited, "grow.wat"], status=16)
check("saved with a limit", [*limited, "--snapshot", "limited", "--snapshot-after", "3000", "grow.wat"], "",
      re.compile("saved to"))
check("the limit is kept", ["resume", "limited"], status=16)

# Where it is saved is replaced only if that is a file.
os.mkdir(os.path.join(suite.directory.name, "folder"))
check("a folder", ["run", "--snapshot", "folder", "--snapshot-after", "5", "count.wat"], "", re.compile("is not a file"),
      status=125)
check("standard output", ["run", "--snapshot", "-", "--snapshot-after", "5", "count.wat"], "", re.compile("needs a file"),
      status=2)
check("standard input", ["resume", "-"], "", re.compile("belongs to the program"), status=2)
os.symlink("target", os.path.join(suite.directory.name, "link"))
check("a link", ["run", "--snapshot", "link", "--snapshot-after", "5", "count.wat"], None, re.compile("saved to target"))
suite.expect("a link is followed", os.path.islink(os.path.join(suite.directory.name, "link")) and
             os.path.exists(os.path.join(suite.directory.name, "target")))
check("a saved program is no module", ["run", "target"], "", re.compile("saved program: use warpbeam resume"), status=125)
check("continues and is saved without fuel", ["resume", "--snapshot-after", "5", "--snapshot", "x", "forever"], "",
      re.compile("does not count fuel"), status=2)

check("--snapshot alone", ["run", "--snapshot", "x", "count.wat"], "", re.compile("needs --snapshot-after or"), status=2)
check("--snapshot-after alone", ["run", "--snapshot-after", "5", "count.wat"], "", re.compile("need --snapshot FILE"),
      status=2)
check("with --invoke", ["run", "--snapshot", "x", "--snapshot-after", "5", "count.wat", "--invoke", "f"], "",
      re.compile("--invoke"), status=2)
check("a folder that is not there", ["run", "--snapshot", "no/x", "--snapshot-after", "5", "count.wat"], None,
      re.compile("cannot write no/x"), status=125)
check("a file that is no snapshot", ["resume", "count.wat"], "", re.compile("not a program that warpbeam run"), status=125)
check("a file that is not there", ["resume", "nowhere"], "", re.compile("cannot open nowhere"), status=125)
check("saved", [*run, "--snapshot-after", "2500", "count.wat", "one"], "0\n1\n2\n", saved)
data = suite.read("snapshot")
file("newer", data[:7] + b"\3" + data[8:])
check("another version", ["resume", "newer"], "", re.compile(r"another version of warpbeam \(format 3"), status=125)
for cut in (0, 5, 20, 60, len(data) // 2, len(data) - 1):
    file("cut", data[:cut])
    check(f"cut after {cut} bytes", ["resume", "cut"], "", re.compile("cut: "), status=125)
for at in range(0, len(data), max(1, len(data) // 40)):
    file("flipped", data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
    check(f"byte {at} changed", ["resume", "flipped"], "", re.compile("flipped: "), status=125)
# A program that has a file open is saved while it waits for input. It copies each line of its input to the file.
file("copy.wat", """(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "copied")
  (func $check (param $errno i32) (if (local.get $errno) (then (call $exit (local.get $errno)))))
  (func (export "_start")
    (call $check (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 1) (i64.const 0x42)
      (i64.const 0) (i32.const 0) (i32.const 16)))
    (loop $next
      (i32.store (i32.const 32) (i32.const 100))
      (i32.store (i32.const 36) (i32.const 50))
      (call $check (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 40)))
      (i32.store (i32.const 36) (i32.load (i32.const 40)))
      (call $check (call $write (i32.load (i32.const 16)) (i32.const 32) (i32.const 1) (i32.const 44)))
      (br_if $next (i32.load (i32.const 40))))))""")
data_directory = os.path.join(suite.directory.name, "data")
os.mkdir(data_directory)


def copied():
    with open(os.path.join(data_directory, "copied"), "rb") as copied_file:
        return copied_file.read()


def fed(args, text):
    """Starts a program that gets some input, and then the signal while it waits for more."""
    process = subprocess.Popen([suite.command, *args], cwd=suite.directory.name, stdin=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdin.write(text)
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGUSR1)
    process.wait(timeout=30)
    return process.returncode, process.stderr.read().decode()


on_signal = ["--snapshot", "waits", "--snapshot-on-signal"]
status, errors = fed(["run", "--dir", "data::/", *on_signal, "copy.wat"], b"one\n")
suite.expect("saved while it waits for input", status == 0 and "saved to waits" in errors, errors)
status, errors = fed(["resume", *on_signal, "waits"], b"two\n")
suite.expect("and once more", status == 0 and "saved to waits" in errors, errors)
check("goes on with its file", ["resume", "waits"], "", stdin=b"three\n")
suite.expect("has written where it was", copied() == b"one\ntwo\nthree\n", repr(copied()))
check("a file that has changed", ["resume", "waits"], "",
      re.compile(r"descriptor 4 \(copied\) can't be restored: the file was changed; see --changed-files"), status=125)
check("is used if one wants", ["resume", "--changed-files", "waits"], "", stdin=b"2\n")
suite.expect("at the same position", copied() == b"one\ntwo\n2\nree\n", repr(copied()))
os.rename(data_directory, data_directory + "2")
check("a directory that is gone", ["resume", "waits"], "", re.compile(r"--dir data: No such file or directory"), status=125)
# What was changed in memory is part of the program.
status, errors = fed(["run", "--dir", "data2::/:scratch", *on_signal, "copy.wat"], b"memory")
suite.expect("saved with files in memory", status == 0, errors)
check("goes on with them", ["resume", "waits"], "", stdin=b"!")
suite.expect("and the real one is as before", open(os.path.join(data_directory + "2", "copied"), "rb").read()
             == b"one\ntwo\n2\nree\n")

suite.close()
