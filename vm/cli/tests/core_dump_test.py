#!/usr/bin/env python3
"""Core dumps: run --coredump writes them, inspect reads them. core_dump_test.py WARPBEAM"""
import json
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
check, file, expect = suite.check, suite.file, suite.expect


def path(name):
    return os.path.join(suite.directory.name, name)


def exists(name):
    return os.path.exists(path(name))


def inspect(core, *args):
    """What inspect --json says."""
    ran = subprocess.run([suite.command, "inspect", "--json", *args, core], cwd=suite.directory.name,
                         capture_output=True, timeout=60)
    expect(f"{core} can be inspected", ran.returncode == 0, ran.stderr.decode())
    return json.loads(ran.stdout or b"{}")


def values(all):
    return [value and f'{value["type"]} {value["value"]}' for value in all]


def frames(dump):
    """Of the first thread: the name, or else the index, of each function, with locals and operands."""
    return [(frame.get("name", frame["function"]), values(frame["locals"]), values(frame["operands"]))
            for frame in dump["threads"][0]["frames"]]


def same(name, actual, expected):
    expect(name, actual == expected, f"is\n{actual}\nexpected\n{expected}")


DUMPED = re.compile(r"^core dumped to \S+\n\Z", re.M)

# One program with everything that a dump can have.
file("lib.wat", """(module $lib
  (memory (export "memory") 1) (global $count (mut i64) (i64.const 8))
  (data (i32.const 16) "hello")
  (func (export "fail") (param $n i32) (param i64) (local i32 f32 f64 v128 externref)
    (local.set 2 (i32.const 99)) (local.set 3 (f32.const -0.5)) (local.set 4 (f64.const 1e100))
    (global.set $count (i64.const -1))
    (drop (i32.load (i32.const 100000)))))""")
file("all.wat", """(module
  (import "lib" "fail" (func $fail (param i32 i64)))
  (import "lib" "memory" (memory 1))
  (memory $wide i64 3 5) (memory $shared 1 2 shared)
  (global $g (mut i32) (i32.const 42)) (global f32 (f32.const 0.25)) (global f64 (f64.const 2.5))
  (global funcref (ref.func $fail)) (global v128 (v128.const i64x2 1 2)) (type $fn (func)) (global (ref null $fn) (ref.null $fn))
  (type $s (struct)) (global (ref null $s) (ref.null $s)) (global i31ref (ref.i31 (i32.const 3)))
  (func $f (param $x i32) (local $y f32)
    (local.set $y (f32.const 1.25)) (global.set $g (i32.const -7))
    (i64.store $wide (i64.const 0x1fff8) (i64.const 0x1122334455667788))
    (i32.store8 $shared (i32.const 5) (i32.const 0xee))
    (i32.const 5) (call $fail (local.get $x) (i64.const -9)) (drop))
  (func $start (export "_start") (call $f (i32.const 7))))""")
RUN = ["run", "--features=+threads", "--preload", "lib=lib.wat", "--coredump", "all.core", "all.wat"]
check("a trap is dumped", RUN, stderr=DUMPED, status=134)
dump = inspect("all.core")
same("the program", dump["executable"], "all.wat")
same("modules", [module["name"] for module in dump["modules"]], ["lib.wat", "all.wat"])
same("instances", dump["instances"], [{"module": 0, "memories": [0], "globals": [0]},
                                      {"module": 1, "memories": [0, 1, 2], "globals": [1, 2, 3, 4, 5, 6, 7, 8]}])
same("frames", frames(dump), [
    ("fail", ["i32 7", "i64 -9", "i32 99", "f32 -0.5", "f64 1e+100", None, None], ["i32 100000"]),
    ("f", ["i32 7", "f32 1.25"], ["i32 5"]),
    ("start", [], [])])
same("globals", [(each["type"], each.get("value")) for each in dump["globals"]], [
    ("i64", "-1"), ("i32", "-7"), ("f32", "0.25"), ("f64", "2.5"), ("funcref", None), ("v128", "1,0,2,0"),
    ("funcref", None), ("anyref", None), ("anyref", None)])
same("memories", [(each["bytes"], each["stored"], each["address"], each["shared"]) for each in dump["memories"]],
     [(65536, 4096, "i32", False), (196608, 4096, "i64", False), (65536, 4096, "i32", True)])
offsets = [frame["offset"] for frame in dump["threads"][0]["frames"]]
ran = subprocess.run([suite.command, *RUN], cwd=suite.directory.name, capture_output=True)
same("offsets are those of the backtrace",
     [int(offset, 16) for offset in re.findall(r"offset (0x\w+)", ran.stderr.decode())], offsets)
check("the dump is a valid module", ["validate", "--features=+threads", "all.core"], "all.core: valid\n")
check("its memories are there", ["inspect", "--memory", "0x10+20", "--memory", "1@0x1fff8+4", "--memory", "2@5+1", "all.core"],
      "00000010  68 65 6c 6c 6f 00 00 00 00 00 00 00 00 00 00 00  hello...........\n"
      "00000020  00 00 00 00                                      ....\n"
      "0001fff8  88 77 66 55                                      .wfU\n"
      "00000005  ee                                               .\n")
check("all of it as text", ["inspect", "all.core"], re.compile(
    r"all\.core: core dump of all\.wat, \d+ bytes\n"
    r"modules:\n  0: lib\.wat\n  1: all\.wat\n"
    r"instances:\n  0: of module 0, memories 0, globals 0\n  1: of module 1, memories 0 1 2, globals 1 2 3 4 5 6 7 8\n"
    r"thread main:\n"
    r"  0: lib!fail \(function 0\)  offset 0x\w+\n"
    r"     locals: \$n i32 7, i64 -9, i32 99, f32 -0\.5, f64 1e\+100, \?, \?\n"
    r"     operands: i32 100000\n"
    r"  1: f \(function 1\)  offset 0x\w+\n"
    r"     locals: \$x i32 7, \$y f32 1\.25\n"
    r"     operands: i32 5\n"
    r"  2: start \(function 2\)  offset 0x\w+\n"
    r"globals:\n  0: \$count i64 -1\n  1: \$g i32 -7\n  2: f32 0\.25\n"))

# Other kinds of code have the same frames.
for option in ("--guard-pages", "--deterministic", "--fuel=1000", "--eager"):
    unshared = [word for word in RUN if word not in ("--features=+threads", "all.wat", "all.core")]
    file("unshared.wat", suite.read("all.wat").decode().replace(" 1 2 shared)", " 1 2)"))
    check(f"a trap with {option}", [*unshared[:3], option, "--coredump", "kind.core", "unshared.wat"], stderr=DUMPED, status=134)
    same(f"frames with {option}", frames(inspect("kind.core")), frames(dump))

# Another program reads it, too.
if shutil.which("wasm-objdump"):
    file("plain.wat", '(module (memory 2) (global i32 (i32.const 5)) (data (i32.const 70000) "x") (func (export "_start") (unreachable)))')
    check("for wasm-objdump", ["run", "--coredump", "plain.core", "plain.wat"], stderr=DUMPED, status=134)
    listed = subprocess.run(["wasm-objdump", "-x", path("plain.core")], capture_output=True, text=True)
    for what in ('- name: "core"\n', '- name: "coremodules"', '- name: "coreinstances"', '- name: "corestack"', "memory[0] pages: initial=2",
                 "global[0] i32 mutable=0 - init i32=5", "memory=0 size=4096 - init i32=69632"):
        expect(f"wasm-objdump finds {what}", listed.returncode == 0 and what in listed.stdout, listed.stdout + listed.stderr)
else:
    suite.skip("there is no wasm-objdump")

# What is dumped, and what is not.
file("trap.wat", '(module (func $f (export "_start") (unreachable)))')
file("end.wat", '(module (func (export "_start")))')
file("exit.wat", '(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) '
                 '(func (export "_start") (call $exit (i32.const 134))))')
file("forever.wat", '(module (func $spin (export "_start") (local $i i32) '
                    "(loop (local.set $i (i32.add (local.get $i) (i32.const 1))) (br 0))))")
file("deep.wat", '(module (func $f (export "_start") (local $i i64) (local.set $i (i64.const 3)) (call $f) (nop)))')
file("start.wat", "(module (memory 1) (func $s (i32.store8 (i32.const 9) (i32.const 1)) (unreachable)) (start $s))")
file("bad_data.wat", '(module (memory 1) (data (i32.const 65535) "ab") (func (export "_start")))')
file("initialize.wat", '(module (func (export "_initialize") (unreachable)))')
file("throw.wat", '(module (tag $e) (func $f (export "_start") (throw $e)))')
check("no dump without a trap", ["run", "--coredump", "no.core", "end.wat"])
check("no dump after an exit", ["run", "--coredump", "no.core", "exit.wat"], status=134)
check("a segment that does not fit runs no code", ["run", "--coredump", "no.core", "bad_data.wat"], stderr=re.compile("out of bounds"),
      status=134)
expect("there is none", not exists("no.core"))
check("an invoked function", ["run", "--coredump", "t.core", "trap.wat", "--invoke", "_start"], stderr=DUMPED, status=134)
same("its frame", frames(inspect("t.core")), [("f", [], [])])
same("only its owner can read it", stat.S_IMODE(os.stat(path("t.core")).st_mode), 0o600)
check("out of fuel", ["run", "--fuel", "100", "--coredump", "t.core", "forever.wat"], stderr=DUMPED, status=137)
same("its locals", frames(inspect("t.core")), [("spin", ["i32 99"], [])])
for option in ("--stats", "--profile=exact", "--trace"):
    check(f"out of fuel with {option}", ["run", option, "--fuel", "50", "--coredump", "t.core", "forever.wat"],
          stderr=re.compile("core dumped to t.core\n"), status=137)
    same(f"its locals with {option}", frames(inspect("t.core")), [("spin", ["i32 49"], [])])
    check(f"a trap with {option}", ["run", option, "--coredump", "t.core", "trap.wat"], stderr=re.compile("core dumped to t.core\n"),
          status=134)
check("a timeout", ["run", "--timeout", "50ms", "--coredump", "t.core", "forever.wat"], stderr=DUMPED, status=124)
same("what it was in", frames(inspect("t.core"))[0][0], "spin")
check("a stack overflow", ["run", "--coredump", "t.core", "deep.wat"], stderr=DUMPED, status=137)
deep = frames(inspect("t.core"))
expect("with all frames", len(deep) > 10000 and all(frame == ("f", ["i64 3"], []) for frame in deep), str(deep[:3]))
check("of which some are shown", ["inspect", "t.core"], re.compile(r"\n 63: f .*\n     locals: \$i i64 3\n     and \d+ more\n"))
check("a start function", ["run", "--coredump", "t.core", "start.wat"], stderr=DUMPED, status=134)
start = inspect("t.core")
same("its frame", frames(start), [("s", [], [])])
same("and its memory", start["memories"][0]["stored"], 4096)
check("a preload", ["run", "--preload", "i=initialize.wat", "--coredump", "t.core", "trap.wat"], stderr=DUMPED, status=134)
same("is named", [module["name"] for module in inspect("t.core")["modules"]], ["initialize.wat"])
check("an exception", ["run", "--coredump", "t.core", "throw.wat"], stderr=DUMPED, status=134)
same("its frame", frames(inspect("t.core")), [("f", [], [])])
running = subprocess.Popen([suite.command, "run", "--coredump", "t.core", "forever.wat"],
                           cwd=suite.directory.name, stderr=subprocess.PIPE)
time.sleep(0.5)
running.send_signal(signal.SIGINT)
printed = running.communicate(timeout=30)[1].decode()
expect("Ctrl-C", running.returncode == 130 and DUMPED.search(printed), printed)
same("what it interrupted", frames(inspect("t.core"))[0][0], "spin")

# A large memory with little in it.
file("large.wat", """(module (memory 65536) (data (i32.const 4096) "a") (data (i32.const 0xfffffffe) "yz")
  (func (export "_start") (unreachable)))""")
check("four GiB", ["run", "--coredump", "large.core", "large.wat"], stderr=DUMPED, status=134)
expect("make a small file", os.path.getsize(path("large.core")) < 10000, str(os.path.getsize(path("large.core"))))
check("with the last byte", ["inspect", "--memory", "0xfffffffe+64", "large.core"],
      "fffffffe  79 7a                                            yz\n")

# Where it is written.
os.mkdir(path("folder"))
TRAP = ["run", "--coredump"]
check("no such folder", [*TRAP, "none/t.core", "trap.wat"], status=134, stderr=re.compile(
    r"^trap: unreachable(.|\n)*warpbeam: cannot write none/t\.core: No such file or directory; there is no core dump\n\Z"))
check("a folder", [*TRAP, "folder", "trap.wat"], status=134,
      stderr=re.compile(r"warpbeam: cannot write folder: it is not a file; there is no core dump\n\Z"))
check("not a device", [*TRAP, "/dev/null", "trap.wat"], status=134, stderr=re.compile("it is not a file"))
os.symlink("folder/target.core", path("link.core"))
check("through a link", [*TRAP, "link.core", "trap.wat"], stderr=DUMPED, status=134)
expect("the link stays", os.path.islink(path("link.core")) and exists("folder/target.core"))
file("old.core", "old")


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


ran = subprocess.run([suite.command, "run", "--preload", "lib=lib.wat", "--features=+threads", "--coredump", "old.core", "all.wat"],
                     cwd=suite.directory.name, capture_output=True, preexec_fn=small_files, timeout=60)
expect("a file that gets too large", ran.returncode == 134 and b"File too large; there is no core dump" in ran.stderr, ran.stderr.decode())
expect("leaves the old one", suite.read("old.core") == b"old")
expect("and nothing beside it", not [name for name in os.listdir(suite.directory.name) if ".part" in name])
USAGE = re.compile(r"can't be combined with --snapshot or --record|needs a file, and not -")
check("not standard output", [*TRAP, "-", "trap.wat"], stderr=USAGE, status=2)
check("not with a snapshot", [*TRAP, "t.core", "--snapshot", "s", "--snapshot-after", "9", "trap.wat"], stderr=USAGE, status=2)
check("not with a record", [*TRAP, "t.core", "--deterministic", "--record", "r", "trap.wat"], stderr=USAGE, status=2)

# The modules that a dump was made from.
os.mkdir(path("elsewhere"))
shutil.copy(path("all.core"), path("elsewhere"))
OTHER = "elsewhere/all.core"
os.rename(path("all.wat"), path("elsewhere/renamed.wat"))
os.rename(path("lib.wat"), path("elsewhere/lib.wat"))
found = inspect(OTHER)
same("beside the dump", [module.get("file") for module in found["modules"]], ["elsewhere/lib.wat", None])
same("the other one has no names", [frame[0] for frame in frames(found)], ["fail", 1, 2])
check("which is said", ["inspect", OTHER], re.compile(
    r"  0: lib\.wat, found in elsewhere/lib\.wat\n  1: all\.wat, not found \(--module FILE says where it is\)\n(.|\n)*"
    r"  1: function 1 of instance 1, \d+ bytes into its body\n     locals: i32 7, f32 1\.25\n"))
check("a file of another name", ["inspect", "--module", "elsewhere/renamed.wat", OTHER], status=1, stderr=
      "warpbeam: the core dump has no module with the file name of elsewhere/renamed.wat; its modules are lib.wat, all.wat\n")
os.mkdir(path("third"))
os.rename(path("elsewhere/renamed.wat"), path("third/all.wat"))
same("a file that is given", [frame[0] for frame in frames(inspect(OTHER, "--module", "third/all.wat"))], ["fail", "f", "start"])
file("fourth/all.wat", "(module)")
check("a file that does not fit", ["inspect", "--module", "fourth/all.wat", OTHER], status=1, stderr=
      "warpbeam: fourth/all.wat is not the module of the core dump: it has other memories or globals\n")
check("no such file", ["inspect", "--module", "fifth/all.wat", OTHER], status=1, stderr=re.compile("cannot open fifth/all.wat"))
file("all.wat", "(module)")
os.rename(path("elsewhere/lib.wat"), path("lib.wat"))
same("one that is found and does not fit is not used", [frame[0] for frame in frames(inspect(OTHER))], ["fail", 1, 2])
os.remove(path("all.wat"))
os.mkfifo(path("all.wat"))
same("nor one that blocks", [frame[0] for frame in frames(inspect(OTHER))], ["fail", 1, 2])

# Options of inspect.
for wrong in ("x", "", "1@", "0x10+", "9@0", "@5", "-1"):
    ran = subprocess.run([suite.command, "inspect", f"--memory={wrong}", "all.core"], cwd=suite.directory.name, capture_output=True)
    expect(f"--memory={wrong}", ran.returncode in (1, 2) and ran.stdout == b"", ran.stderr.decode())
check("no such memory", ["inspect", "--memory", "9@0", "all.core"], status=1, stderr="warpbeam: the core dump has no memory 9; it has 3\n")
check("outside a memory", ["inspect", "--memory", "0x10000", "all.core"], status=1,
      stderr="warpbeam: address 0x10000 is outside memory 0, which has 0x10000 bytes\n")
check("both ways", ["inspect", "--json", "--memory", "0", "all.core"], status=2, stderr=re.compile("--memory can't be combined with --json"))
check("of a module", ["inspect", "--memory", "0", "end.wat"], status=1, stderr="end.wat: --module and --memory are for core dumps, and this is not one\n")
check("to be run", ["run", "all.core"], status=2, stderr="warpbeam: run: all.core is a core dump; warpbeam inspect shows what is in it\n")
whole = suite.read("all.core")
file("short.core", whole[:-3])
check("a damaged dump", ["inspect", "short.core"], status=1, stderr=re.compile("short.core: malformed module: .*at offset"))
file("wrong.core", whole.replace(b"\x09corestack\x00", b"\x09corestack\x02"))
check("a dump of something else", ["inspect", "wrong.core"], status=1,
      stderr=re.compile(r"malformed module: a thread begins with 0x02 instead of 0 \(custom section corestack\), at offset"))
file("control.core", whole.replace(b"all.wat", b"a\x1b[1mxt"))
check("names control no terminal", ["inspect", "control.core"], re.compile(r"core dump of a\\1b\[1mxt"))


# Dumps of many small parts take no time: of a megabyte in 50,000 segments, and of many globals.
def leb(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + leb(number >> 7)


def section(id, contents):
    return bytes([id]) + leb(len(contents)) + contents


def named(text):
    return leb(len(text)) + text


GLOBALS, SEGMENTS = 300_000, 50_000
file("many.core", b"\0asm\1\0\0\0" + section(0, b"\4core\0\1x") + section(0, b"\x0bcoremodules\1\0\6m.wasm") +
     section(0, b"\x0dcoreinstances\1\0\0\0" + leb(GLOBALS) + b"".join(map(leb, range(GLOBALS)))) +
     section(5, b"\1\0\x10") + section(6, leb(GLOBALS) + b"\x7f\0\x41\0\x0b" * GLOBALS) +
     section(11, leb(SEGMENTS) + b"\0\x41\x80\x02\x0b\1Z" * SEGMENTS))
before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
check("many globals", ["inspect", "many.core"], re.compile("299999: i32 0"))
lines = check("many segments", ["inspect", "--memory", "8+0x100000", "many.core"], None).stdout.decode().splitlines()
taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
expect("soon", taken < 10, f"{taken} s")
expect("all lines", [line[:8] for line in lines] == [f"{address:08x}" for address in range(8, 0x100000, 16)])
same("where the segments are", [line for line in lines if "Z" in line], ["000000f8 " + " 00" * 8 + " 5a" + " 00" * 7 + "  " + "." * 8 + "Z" + "." * 7])
expect("the last line", lines[-1].split() == ["000ffff8", *["00"] * 8, "." * 8], lines[-1])

# A file that a dump names again and again is read once.
file("big.wasm", b"\0asm\1\0\0\0" + section(0, named(b"filler") + bytes(2_000_000)))
file("again.core", b"\0asm\1\0\0\0" + section(0, b"\4core\0\1x") + section(0, b"\x0bcoremodules" + leb(600) +
     b"".join(b"\0" + named(b"./" * (i % 50) + b"big.wasm") for i in range(600))))
with open(path("out"), "w+b") as out:
    process = subprocess.Popen([suite.command, "inspect", "again.core"], cwd=suite.directory.name, stdout=out)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
expect("a file that is named often", status == 0 and b"599: " in suite.read("out") and b"not found" not in suite.read("out"), str(status))
expect("takes memory once", used.ru_maxrss < 500_000, f"{used.ru_maxrss} KiB")

# So are many modules, each with an instance.
MANY = 60_000
file("small.wasm", b"\0asm\1\0\0\0")
file("instances.core", b"\0asm\1\0\0\0" + section(0, b"\4core\0\1x") +
     section(0, b"\x0bcoremodules" + leb(MANY) + (b"\0" + named(b"small.wasm")) * MANY) +
     section(0, b"\x0dcoreinstances" + leb(MANY) + b"".join(b"\0" + leb(i) + b"\0\0" for i in range(MANY))))
before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
check("many modules with instances", ["inspect", "instances.core"], re.compile("59999: of module 59999"))
taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
expect("they take no time", taken < 6, f"{taken} s")

suite.close()
