#!/usr/bin/env python3
"""Valid and invalid uses of the command: command_test.py WARPBEAM"""
import json
import os
import platform
import re
import shutil
import subprocess
import sys

from harness import Suite, holds

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file
here = os.path.dirname(os.path.abspath(__file__))

suite.copy("hello.wat")
suite.copy("math.wat")
suite.copy("reactor.wat")
file("empty.wasm", b"\0asm\1\0\0\0")
file("trap.wat", """(module $trapper
  (memory 1)
  (func $read (param i32) (result i32) (i32.load (local.get 0)))
  (func $middle (param i32) (result i32) (i32.add (call $read (local.get 0)) (i32.const 1)))
  (func (export "peek") (param i32) (result i32) (i32.add (call $middle (local.get 0)) (i32.const 1)))
  (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "deep") (call 5) (nop))
  (func $forever (export "forever") (loop (br 0)))
  (func (export "unreachable") (unreachable)))""".replace("(call 5)", "(call $deep)").replace(
      '(func (export "deep")', '(func $deep (export "deep")'))
file("start_trap.wat", '(module (func $boom unreachable) (start $boom) (func (export "_start")))')
file("exit.wat", """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (call $exit (i32.const 42)) unreachable))""")
file("imports.wat", """(module
  (import "env" "log" (func (param i32 i64)))
  (import "env" "table" (table 1 funcref))
  (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32)))
  (func (export "_start")))""")
file("invalid.wat", "(module (func $broken (result i32) (i64.const 1)))")
file("invalid.wasm", b"\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\n\6\1\4\0\x42\1\x0b")
file("malformed.wasm", b"\0asm\1\0\0\0\1\xff")
file("syntax.wat", "(module\n  (func (i32.cosnt 1)))")
file("noise.bin", b"\x7fELF and so on")
file("nothing", b"")
file("grow.wat", """(module (memory 1)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))""")
file("cat.wat", """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024))
    (block $end
      (loop $more
        (i32.store (i32.const 4) (i32.const 4096))
        (br_if $end (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br_if $end (i32.eqz (i32.load (i32.const 8))))
        (i32.store (i32.const 4) (i32.load (i32.const 8)))
        (br_if $end (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (br $more)))))""")
file("env.wat", """(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 0) (i32.const 20)))
    (drop (call $get (i32.const 64) (i32.const 1024)))
    (i32.store (i32.const 16) (i32.const 1024))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))))""")

# The command as a whole
check("no arguments: a usage error that shows the help", [], stdout=holds("usage: warpbeam COMMAND"), status=2)
check("help", ["--help"], stdout=holds("usage: warpbeam COMMAND"))
check("help as a word", ["help"], stdout=holds("usage: warpbeam COMMAND"))
check("help on a command", ["help", "run"], stdout=holds("usage: warpbeam run"))
check("help on no command", ["help", "fly"], stderr="warpbeam: no command named 'fly'; see warpbeam --help\n",
      status=2)
check("an unknown command", ["fly"], stderr="warpbeam: no command or file named 'fly'; see warpbeam --help\n",
      status=2)
if os.path.exists("/dev/full"):
    with open("/dev/full", "wb") as full:
        ran = subprocess.run([suite.command, "--help"], stdout=full, stderr=subprocess.PIPE)
    suite.expect("output that can't be written", (ran.returncode, ran.stderr) == (1, b"warpbeam: cannot write to standard output\n"), str(ran))
reader, writer = os.pipe()
os.close(reader)
ran = subprocess.run([suite.command, "--help"], stdout=writer, stderr=subprocess.PIPE)
os.close(writer)
suite.expect("output that nobody reads", (ran.returncode, ran.stderr) == (1, b""), str(ran))
check("version", ["--version"], stdout=re.compile(r"^warpbeam \d+\.\d+\.\d+\n$"))
check("an unknown option", ["--bogus"], stderr="warpbeam: unknown option --bogus before a command (options of run "
      "come after run); see warpbeam --help\n", status=2)
for command in ("run", "validate", "inspect", "wat2wasm", "wasm2wat", "wast"):
    check(f"help of {command}", [command, "--help"], stdout=re.compile(f"^usage: warpbeam {command}.*--help", re.S))
    check(f"{command} without a file", [command], stderr=re.compile(f"^warpbeam: {command}: .*FILE.*--help\n$"),
          status=2)
    check(f"{command} with an unknown option", [command, "--bogus"],
          stderr=f"warpbeam: {command}: unknown option --bogus (arguments after -- are not options); see warpbeam {command} "
          "--help\n", status=2)
    check(f"{command} of a missing file", [command, "missing.wat"],
          stdout=None, stderr=None if command == "wast" else
          "warpbeam: cannot open missing.wat: No such file or directory\n", status=125 if command == "run" else 1)

# Programs
check("a program", ["run", "hello.wat"], stdout="Hello, world!\n")
check("a program without the word run", ["hello.wat", "Ada"], stdout="Hello, Ada!\n")
check("arguments that look like options are the program's", ["run", "hello.wat", "--fuel"], stdout="Hello, --fuel!\n")
check("an explicit end of the options", ["run", "hello.wat", "--", "--invoke"], stdout="Hello, --invoke!\n")
check("a program from standard input", ["run", "-"], stdin=b'(module (func (export "_start")))')
check("the program's own exit status", ["exit.wat"], status=42)
check("streams pass bytes unchanged", ["cat.wat"], stdin=bytes(range(256)) * 40, stdout=bytes(range(256)) * 40)
check("environment variables", ["run", "--env", "A=1=2", "--env=HOME", "--env", "MISSING", "env.wat"],
      stdout="A=1=2\0HOME=/nowhere\0", env={"HOME": "/nowhere", "B": "not passed on"})
check("a variable without a name", ["run", "--env", "=1", "env.wat"],
      stderr=holds("option --env: '=1' has no name before the ="), status=2)
check("no _start", ["math.wat"], stderr=re.compile(
    r"^warpbeam: run: math.wat has no function _start; it exports add, .*; choose one with --invoke\n$"), status=2)
file("start_params.wat", '(module (func (export "_start") (param i32)))')
check("a _start with parameters", ["start_params.wat"], stderr="warpbeam: run: the _start of start_params.wat has "
      "parameters or results, so it is not a program; use --invoke _start to call it\n", status=2)
check("a start function that traps", ["start_trap.wat"], stderr=re.compile(r"^trap: unreachable\n  0: boom "
      r"\(function 0\)  offset 0x[0-9a-f]+\n$"), status=134)

# Traps and limits
check("a trap with numbers and backtrace", ["run", "trap.wat", "--invoke", "peek", "70000"], stderr=re.compile(
    r"""^trap: out of bounds memory access: 4 bytes at 70000, memory has 65536
  0: trapper!read \(function 0\)    offset 0x[0-9a-f]+
  1: trapper!middle \(function 1\)  offset 0x[0-9a-f]+
  2: trapper!peek \(function 2\)    offset 0x[0-9a-f]+
$"""), status=134)
check("division by zero", ["run", "trap.wat", "--invoke", "div", "7", "0"],
      stderr=re.compile(r"^trap: integer divide by zero.*\n  0: trapper!div \(function 3\)"), status=134)
check("overflow", ["run", "trap.wat", "--invoke", "div", "-2147483648", "-1"],
      stderr=re.compile(r"^trap: integer overflow"), status=134)
check("unreachable", ["run", "--eager", "trap.wat", "--invoke", "unreachable"],
      stderr=re.compile(r"^trap: unreachable\n  0: "), status=134)
check("endless recursion", ["run", "trap.wat", "--invoke", "deep"],
      stderr=re.compile(r"^trap: call stack exhausted.*\n  0: trapper!deep \(function 4\).*\n"
                        r"     \.\.\. [0-9,]+ more times\n(?! +[0-9])"), status=137)
check("a small stack", ["run", "--max-stack", "16K", "trap.wat", "--invoke", "deep"],
      stderr=re.compile(r"^trap: call stack exhausted"), status=137)
check("fuel", ["run", "--fuel", "100000", "trap.wat", "--invoke", "forever"],
      stderr=re.compile(r"^trap: .*fuel.*\n  0: trapper!forever"), status=137)
check("enough fuel", ["run", "--fuel=1000", "math.wat", "--invoke", "add", "1", "2"], stdout="3\n")
check("fuel that is not a number", ["run", "--fuel", "lots", "math.wat"],
      stderr=holds("option --fuel: 'lots' is not a whole number"), status=2)
check("memory within its limit", ["run", "--max-memory=128K", "grow.wat", "--invoke", "grow", "1"], stdout="1\n")
check("memory over its limit", ["run", "--max-memory", "128K", "grow.wat", "--invoke", "grow", "2"], stdout="-1\n")
check("an instance over the limit", ["run", "--max-memory", "64", "grow.wat", "--invoke", "grow", "0"],
      stderr=re.compile("^grow.wat: cannot be instantiated: .*memory"), status=125)
check("a limit that is too large", ["run", "--max-memory", "99999999999G", "grow.wat"],
      stderr=holds("'99999999999G' is too large"), status=2)

# Imports
check("all missing imports at once", ["imports.wat"], stderr=re.compile(
    r"""^imports.wat: cannot be instantiated: (?s:.*)env.log: func \(param i32 i64\)(?s:.*)env.table: table 1 """
    r"""funcref(?s:.*)fd_close: func \(param i64\) \(result i32\), found func \(param i32\) \(result i32\)\n"""
    r"""hint: nothing provides 'env': warpbeam run only provides wasi_snapshot_preview1; --preload adds .*\n$"""),
      status=125)

file("empty.wat", "(module)")
check("a module that exports nothing", ["empty.wat"], status=2,
      stderr="warpbeam: run: empty.wat has no function _start; it exports no functions\n")
check("a preload that lacks a function", ["run", "--preload", "env=empty.wat", "--preload", "other=empty.wat", "imports.wat"],
      stderr=re.compile("\\nhint: empty.wat, which --preload calls 'env', does not export 'log'\n"), status=125)
file("early.wat", '(module (import "late" "f" (func)))')
check("a preload that comes too late", ["run", "--preload", "early=early.wat", "--preload", "late=empty.wat", "imports.wat"],
      stderr=holds("hint: nothing provides 'late'"), status=125)

# Values that may be missing
for option, value in (("--threads", "4"), ("--profile", "profile.svg"), ("--stub-imports", "zero"), ("--trace", "a\x1b*")):
    shown = value.replace("\x1b", "\\1b")
    check(f"the value of {option} as a word", ["run", "--fuel", "9", option, value, "empty.wat"], status=2,
          stderr=re.compile(f"there is no file {re.escape(shown)}; if it is the value of {option}\\[=.*\\], write {option}={re.escape(shown)};"))
check("a file that is not there", ["run", "--fuel", "9", "none.wat"], status=125, stderr=re.compile("cannot open none.wat"))
check("it is the first word", ["run", "none.wat", "--threads"], status=125, stderr=re.compile("cannot open none.wat"))
check("an option without a value", ["run", "--deterministic", "none.wat"], status=125, stderr=re.compile("cannot open none.wat"))
for option in (["--coredump="], ["--record", ""], ["--snapshot", ""]):
    check(f"no file for {option[0]}", ["run", *option, "empty.wat"], status=2, stderr=holds("the name of a file is empty"))
check("a directory with two endings", ["run", "--dir", "d::/d:scratch:ro", "empty.wat"], status=2,
      stderr=holds("'d::/d:scratch:ro' has two endings; use one of :ro and :scratch"))
check("a directory without a name", ["run", "--dir", "::/d", "empty.wat"], status=2,
      stderr=holds("'::/d' lacks the name of a directory"))
for directory, why in (("none", "No such file or directory"), ("empty.wat", "Not a directory"), ("d" * 5000, "File name too long")):
    check(f"a directory that can't be opened: {why}", ["run", "--dir", directory + "::/", "empty.wat"], status=125,
          stderr=holds(f"--dir {directory}: {why}"))

# Modules that are refused
check("an invalid text", ["run", "invalid.wat"],
      stderr=re.compile(
    r"^invalid.wat:1:49: invalid module: type mismatch.*function 0\n\(module .*\n {48}\^\n$"), status=125)
check("an invalid binary", ["invalid.wasm"],
      stderr=re.compile(r"^invalid.wasm: invalid module: type mismatch.*, at offset \d+ \(0x[0-9a-f]+\)\n$"), status=125)
check("a malformed binary", ["malformed.wasm"], stderr=re.compile(r"^malformed.wasm: malformed module: .*offset"),
      status=125)
check("a syntax error points at its position", ["syntax.wat"], stderr=re.compile(
    r"^syntax.wat:2:10: .*cosnt.*\n.*\(func \(i32.cosnt 1\)\)\)\n +\^\n?$"), status=125)
check("something else", ["noise.bin"],
      stderr="noise.bin: not a WebAssembly module in the binary or text format\n", status=125)
check("an empty file is the empty module", ["validate", "nothing"], stdout="nothing: valid\n")
check("empty input becomes the empty module", ["wat2wasm", "-"], stdout=b"\0asm\1\0\0\0")
check("wasm2wat of an empty file", ["wasm2wat", "nothing"], stderr="nothing: not in the binary format\n", status=1)
file("open.wat", "(module\n  (func\n    (nop)\n  (memory 1))\n")
check("a parenthesis that is not closed", ["validate", "open.wat"], stderr=None, status=1)
file("old.wat", "(module (func (param i32) (drop (get_local 0))))")
check("an old name", ["old.wat"], stderr=holds("1:34: unknown operator get_local; use its current name, local.get"), status=125)
file("component.wasm", b"\0asm\x0d\0\1\0")
file("component.wat", "(component)")
for command in ("run", "validate", "inspect", "wasm2wat"):
    check(f"{command} of a component", [command, "component.wasm"], stderr="component.wasm: malformed module: unknown binary "
          "version: this is a component (version 13, layer 1), not a module (version 1, layer 0), at offset 4 (0x4)\n", status=125 if command == "run" else 1)
check("the text of a component", ["component.wat"], stderr=holds("component.wat:1:1: this is a component, not a module\n"),
      status=125)
check("a directory", ["."], stderr=re.compile("^warpbeam: cannot read .: "), status=125)

# Validation
check("valid modules", ["validate", "math.wat", "empty.wasm"], stdout="math.wat: valid\nempty.wasm: valid\n")
check("quietly", ["validate", "--quiet", "math.wat", "empty.wasm"])
check("some are invalid", ["validate", "invalid.wat", "math.wat"], stdout="math.wat: valid\n",
      stderr=re.compile("^invalid.wat:1:49: invalid module: "), status=1)
check("a feature that is off", ["validate", "--features", "-reference-types,-gc", "math.wat"],
      stderr=holds("reference-types"), status=1)
check("an unknown feature", ["validate", "--features", "+telepathy", "math.wat"],
      stderr=re.compile("unknown feature 'telepathy'; use one of: all, .*simd"), status=2)
file("vectors.wat", "(module (func (drop (v128.const i32x4 1 2 3 4))))")
file("pages.wat", "(module (memory 1 (pagesize 1)))")
file("vectors.wast", "(module (func (drop (v128.const i32x4 1 2 3 4))))")
check("a module that needs a feature", ["wat2wasm", "vectors.wat"])
for command in ("run", "validate", "inspect", "wat2wasm", "wasm2wat", "wast"):
    script = "vectors.wast" if command == "wast" else "vectors.wasm" if command == "wasm2wat" else "vectors.wat"
    refused = re.compile(r"v128.const needs the feature simd, which is switched off.* \(try --features=\+simd\)")
    check(f"{command} names the option that switches a feature on", [command, "--features=-simd", script],
          stdout=refused if command == "wast" else "", stderr="" if command == "wast" else refused, status=125 if command == "run" else 1)
check("a feature that only the limits flags need", ["validate", "pages.wat"],
      stderr=re.compile(r"malformed limits flags .* \(try --features=\+custom-page-sizes\)"), status=1)
check("that option", ["validate", "--features=+custom-page-sizes", "pages.wat"], stdout="pages.wat: valid\n")
check("wasm2wat with a feature off that is not needed", ["wasm2wat", "--features=-simd", "empty.wasm"], stdout="(module)\n")
check("wasm2wat of an invalid module with a feature off", ["wasm2wat", "--features=-simd", "invalid.wasm"],
      stdout=holds("i64.const 1)"))
for command in ("run", "validate", "wast", "wat2wasm", "wasm2wat", "inspect"):
    check(f"{command} --help lists the features and their defaults", [command, "--help"], stdout=re.compile(
        r"\n  simd +on   128-bit vectors.*\n  threads +%s  shared memories.*\(beyond 3.0\)\n"
        % ("on " if command in ("wast", "wasm2wat", "inspect") else "off"), re.S))
check("a feature without its sign", ["validate", "--features=simd", "math.wat"],
      stderr=holds("'simd' must begin with + or -"), status=2)

# Translation
check("wat2wasm", ["wat2wasm", "math.wat", "-o", "out.wasm"])
check("its output runs", ["run", "out.wasm", "--invoke", "add", "20", "22"], stdout="42\n")
check("the default name", ["wat2wasm", "reactor.wat"])
check("it runs under that name", ["run", "reactor.wasm", "--invoke", "ready"], stdout="7\n")
check("to standard output", ["wat2wasm", "-", "-o", "-"], stdin=b"(module)", stdout=b"\0asm\1\0\0\0")
check("an invalid module is not written", ["wat2wasm", "invalid.wat", "-o", "invalid_out.wasm"],
      stderr=holds("type mismatch"), status=1)
suite.expect("no file was written", not os.path.exists(os.path.join(suite.directory.name, "invalid_out.wasm")))
check("unless requested", ["wat2wasm", "--no-check", "invalid.wat", "-o", "invalid_out.wasm"])
check("a binary is refused", ["wat2wasm", "empty.wasm", "-o", "x.wasm"],
      stderr="empty.wasm: already in the binary format\n", status=1)
check("a file that can't be written", ["wat2wasm", "math.wat", "-o", "no/such/place.wasm"],
      stderr=holds("cannot open no/such/place.wasm"), status=1)
check("-o without a name", ["wat2wasm", "math.wat", "-o"], stderr=holds("option -o needs a value: OUT"), status=2)
check("two files", ["wat2wasm", "math.wat", "trap.wat"], stderr=holds("exactly one FILE"), status=2)

# And back
printed = check("wasm2wat", ["wasm2wat", "out.wasm"], stdout=holds("local.get 0\n    local.get 1\n    i32.add)"))
file("again.wat", printed.stdout)
check("the text that was printed", ["wat2wasm", "again.wat", "-o", "again.wasm"])
suite.expect("becomes the same module", suite.read("again.wasm") == suite.read("out.wasm"))
check("wasm2wat into a file", ["wasm2wat", "empty.wasm", "-o", "empty_out.wat"])
suite.expect("the file was written", suite.read("empty_out.wat") == b"(module)\n")
check("a module from standard input", ["wasm2wat", "-"], stdin=b"\0asm\1\0\0\0", stdout="(module)\n")
check("an invalid module can be printed", ["wasm2wat", "invalid.wasm"], stdout=holds("i64.const 1)"))
check("a malformed module can't be printed", ["wasm2wat", "malformed.wasm"],
      stderr="malformed.wasm: malformed module: unexpected end, at offset 10 (0xa)\n", status=1)
check("text is refused", ["wasm2wat", "math.wat"], stderr="math.wat: not in the binary format\n", status=1)

# An object file from a compiler, with numbers padded for the linker to change: sections that refer to its code by
# offset are left out with a warning.
file("object.wasm", b"\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\x0a\x0a\1\x08\0\x10\x80\x80\x80\x80\0\x0b"
     b"\0\x08\7linking\0\x0b\x0areloc.CODE\0\x0d\x0b.debug_line\1\0\6\5other")
printed = check("wasm2wat of an object file", ["wasm2wat", "object.wasm"], stdout=holds('(@custom "other"'), stderr="".join(
    f'object.wasm: warning: the custom section "{name}" is left out: it refers to the code by offset, and wat2wasm '
    "may change the offsets\n" for name in ("linking", "reloc.CODE", ".debug_line")))
file("object.wat", printed.stdout)
check("its text", ["wat2wasm", "object.wat", "-o", "object2.wasm"])
suite.expect("has none of them", suite.read("object2.wasm").endswith(b"\x10\0\x0b\0\6\5other"))

# Inspection
file("kinds.wat", """(module $zoo
  (rec (type $node (sub (struct (field (mut i32)) (field (ref null $node))))) (type $list (array i8)))
  (type $leaf (sub final $node (struct (field (mut i32)) (field (ref null $node)) (field f64))))
  (type $t (func (param i32)))
  (import "env" "log" (func $log (type $t)))
  (import "env" "mem" (memory 1 2 shared))
  (tag $oops (export "oops") (type $t))
  (table $tab 1 10 funcref)
  (memory $wide i64 3)
  (global $g (export "g") (mut i64) (i64.const 1))
  (elem (table $tab) (i32.const 0) func $log)
  (data "passive")
  (@custom "note" "hello")
  (func $main (export "ma\\22in") (local i32 i64)))""")
inspected = check("inspect", ["inspect", "kinds.wat"], stdout=re.compile(r"bytes in the binary format, module \$zoo\n"))
listing = inspected.stdout.decode()
for line in ('env.log: func (param i32)', 'env.mem: memory 1 2 shared', '0: $node (sub (struct (field (mut i32)) (field (ref '
             'null 0))))', '1: $list (array i8)', '2: $leaf (sub final 0 (struct (field (mut i32)) (field (ref null 0)) (field '
             'f64)))', 'oops: tag (param i32), tag 0', '0: $tab table 1 10 funcref', '1: $wide memory i64 3', '0: $g global (mut i64), initially i64.const 1',
             'g: global (mut i64), global 0', 'ma\\22in: func, func 1', '0: $log func (param i32), imported',
             'features beyond WebAssembly 1.0:\n  mutable-globals\n', '  threads\n', 'recursive group, 0 to 1:', '1: $main func, ', '2 locals (i32 i64)', '"note"', '0: active in table 0 at i32.const 0, 1 of ', '0: passive, 7 bytes'):
    suite.expect(f"inspect lists {line}", line in listing, listing)
file("named.wat", r"""(module
  (type $pair (struct (field $left i32) (field i64) (field $"ri\1bght" f64)))
  (import "e" "i" (global $base i32))
  (table $t 3 (ref null i31) (ref.i31 (i32.const 5)))
  (memory $m 1)
  (global $f f64 (f64.const 1.5))
  (tag $gone (param i32))
  (func $go (param $p i32) (local $a i32) (local i32 i32) (local $b v128)
    (block $out (@metadata.code.branch_hint "\00") (br_if $out (local.get $p)))
    (@metadata.code.branch_hint "\01") (if $on (local.get $p) (then)))
  (elem $es (table $t) (offset (i32.add (global.get $base) (i32.const -1))) (ref null i31) (ref.i31 (i32.const 1)))
  (elem $declared declare func $go)
  (data $d (memory $m) (offset (global.get $base)) "four")
  (start $none) (func $none))""")
listing = check("inspect names", ["inspect", "named.wat"], stdout=None).stdout.decode()
for line in ('0: $pair (struct', 'fields $left 0, $ri\\1bght 2', '0: $base global i32, imported', '0: $t table 3 i31ref, initially i32.const 5 ref.i31',
             '0: $m memory 1', '1: $f global f64, initially f64.const 1.5', '0: $gone tag (param i32)',
             '0: $go func (param i32), ', ', 4 locals (i32 x 3 v128)', 'parameters and locals $p 0, $a 1, $b 4', 'labels $out 0, $on 1',
             '0: $es active in table 0 at global.get 0 i32.const -1 i32.add, 1 of i31ref', '1: $declared declarative, 1 of',
             '0: $d active in memory 0 at global.get 0, 4 bytes', 'branch hints:\n  function 0, ', 'into its body: unlikely',
             'into its body: likely', '1: $none func, ', ', started'):
    suite.expect(f"inspect lists {line}", line in listing, listing)
file("one.wat", '(module (memory 1) (data "x") (func))')
listing = check("inspect single bytes", ["inspect", "one.wat"], stdout=None).stdout.decode()
for line in (" 1 byte at offset ", "passive, 1 byte\n"):
    suite.expect(f"inspect lists {line}", line in listing, listing)
file("descriptors.wat", """(module (rec (type (descriptor 1) (struct)) (type (describes 0) (struct)))
  (type (func)) (import "" "" (func (exact (type 2)))) (memory 1 (pagesize 1))
  (func (@metadata.code.branch_hint "\\01") (br_if 0 (i32.const 0)) (drop (ref.null (exact 0)))))""")
listing = check("inspect proposals", ["inspect", "descriptors.wat"], stdout=None).stdout.decode()
for line in ('(descriptor 1) (struct)', '(describes 0) (struct)', '(exact func)', 'memory 1 (pagesize 1)', 'custom-page-sizes',
             '"metadata.code.branch_hint"'):
    suite.expect(f"inspect lists {line}", line in listing, listing)
file("code.wat", """(module (import "env" "f" (func $imported))
  (func $"add\\1b" (export "plus") (param i32 i32) (result i32) (i32.add (local.get 0) (i32.mul (local.get 0) (local.get 1))))
  (func (export "g") (result f64) (f64.const 1.5))
  (memory 1) (func $third (drop (i32.load (i32.const 4)))))""")
PLUS = """function 1 $add\\1b
                    frame=6, l0=s0, l1=s0, f0=s0
     %d    local.get 0
     %d    local.get 0
     %d    local.get 1
     %d    i32.mul
                    0x0000  i32.mul                   acc <- l0, s1
     %d    i32.add
                    0x0010  i32.add                   acc <- acc, l0
     %d  end
                    0x0020  return_value              acc
"""
OFFSETS = (65, 67, 69, 71, 72, 73)
check("the code of a function by its index", ["inspect", "--code", "--func", "1", "code.wat"], stdout=PLUS % OFFSETS)
check("the code of a function by its export", ["inspect", "--code", "--func", "plus", "code.wat"], stdout=PLUS % OFFSETS)
check("the code of a function by its name", ["inspect", "--code", "--func=$third", "code.wat"],
      stdout=re.compile(r"\Afunction 3 \$third\n(?s:.*)load_at i32.load"))
check("the code of all functions", ["inspect", "--code", "code.wat"],
      stdout=re.compile(r"\Afunction 1 (?s:.*)^function 2 \$g\n(?s:.*)return_value float +#0x3ff8000000000000\n(?s:.*)^function 3 ", re.M))
check("the code of no function", ["inspect", "--code", "empty.wasm"])
check("the code of an unknown function", ["inspect", "--code", "--func", "none", "code.wat"],
      stderr="warpbeam: no function named 'none'\n", status=1)
check("the code of a function out of range", ["inspect", "--code", "--func", "4", "code.wat"],
      stderr="warpbeam: no function 4; the module has 4 functions\n", status=1)
check("the code of a function far out of range", ["inspect", "--code", "--func", "99999999999", "code.wat"],
      stderr="warpbeam: no function 99999999999; the module has 4 functions\n", status=1)
check("one function, not functions", ["inspect", "--code", "--func", "1", "one.wat"],
      stderr="warpbeam: no function 1; the module has 1 function\n", status=1)
check("code that guard pages check", ["inspect", "--code", "--guard-pages", "--func=$third", "code.wat"],
      stdout=re.compile(r"load_at i32.load guarded " if platform.machine() == "x86_64" and sys.platform == "linux" else "load_at i32.load "))
check("code that counts fuel", ["inspect", "--code", "--fuel", "--func=$third", "code.wat"],
      stdout=re.compile(r"0x0000  poll fuel\n"))
check("code that can be interrupted", ["inspect", "--code", "--interruption", "--func=$third", "code.wat"],
      stdout=re.compile(r"0x0000  poll interrupt\n"))
check("deterministic code", ["inspect", "--code", "--deterministic", "--func=0", "math.wat"],
      stdout=re.compile(r"0x0000  check_stack"))
check("deterministic without --code", ["inspect", "--deterministic", "code.wat"],
      stderr=holds("--deterministic needs --code"), status=2)
check("fuel without --code", ["inspect", "--fuel", "code.wat"], stderr=holds("--fuel needs --code"), status=2)
check("the code of an imported function", ["inspect", "--code", "--func", "0", "code.wat"],
      stderr="warpbeam: function 0 is imported, so it has no code\n", status=1)
check("a function without --code", ["inspect", "--func", "0", "code.wat"], stderr=holds("--func needs --code"), status=2)
check("inspect a binary", ["inspect", "empty.wasm"], stdout="empty.wasm: 8 bytes\n")
check("inspect an invalid module", ["inspect", "invalid.wasm"], stderr=holds("invalid module"), status=1)

# Names from a module must not reach the terminal unescaped: escape sequences, and marks that change the writing
# direction.
file("names.wat", r"""(module $n (func $f (@name "f\1b[31m\u{9b}\u{202e}\0a") (unreachable)) (func (export "\1b]0;\07") (call $f)))""")
def safe(name, ran):
    text = (ran.stdout + ran.stderr).decode("utf-8")
    bad = [c for c in text if (ord(c) < 0x20 and c != "\n") or 0x7f <= ord(c) < 0xa0 or c in "\u202e\u2028"]
    suite.expect(name + " prints nothing that controls a terminal", not bad, text)
shown = "f\\1b[31m\\u{9b}\\u{202e}\\0a"
safe("a backtrace", check("a backtrace", ["run", "names.wat", "--invoke", "\x1b]0;\x07"], stdout=None,
                         stderr=holds("0: n!" + shown + " (function 0)"), status=134))
safe("inspect", check("inspect hostile names", ["inspect", "names.wat"], stdout=holds("$" + shown + " func")))
safe("a missing function", check("a missing function", ["run", "names.wat"], stdout=None,
                                 stderr=holds("it exports \\1b]0;\\07"), status=2))
file("import.wat", r"""(module (import "\1b[1m" "\u{202e}x" (func)))""")
safe("an import", check("an import", ["run", "import.wat", "--invoke", "f"], stdout=None, stderr=None, status=2))
file("start.wat", r"""(module (import "\1b[1m" "\u{202e}x" (func)) (func (export "_start")))""")
safe("an import", check("an import that is missing", ["run", "start.wat"], stdout=None,
                        stderr=holds("unknown import \\1b[1m.\\u{202e}x: func"), status=125))
file("hostile.wat", r"""(module (func (export "f\1b[31m") (i32.add)))""")
check("an invalid module", ["wat2wasm", "--no-check", "hostile.wat"])
safe("validate", check("a hostile invalid module", ["validate", "hostile.wasm"], stdout=None,
                       stderr=holds('function 0 "f\\1b[31m"'), status=1))
file("twice.wat", r"""(module (func (export "\1b") (export "\1b")))""")
check("a module with a duplicate name", ["wat2wasm", "--no-check", "twice.wat"])
safe("validate", check("a duplicate hostile name", ["validate", "twice.wasm"], stdout=None,
                       stderr=holds('duplicate export name "\\1b"'), status=1))
file("source.wat", "(module (func (export \"a\u202eb\u009b\") (i32.oops)))")
safe("an excerpt", check("an excerpt of hostile text", ["validate", "source.wat"], stdout=None, stderr=holds('"a?b?"'), status=1))
file("names.wast", r"""(module (func (export "a") (unreachable))) (assert_return (invoke "\1b[1m"))""")
safe("a script", check("a script with hostile names", ["wast", "names.wast"], stdout=holds("\\1b[1m"), status=1))

# Scripts
file("good.wast", """(module (func (export "one") (result i32) (i32.const 1)))
(assert_return (invoke "one") (i32.const 1))
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_malformed (module quote "(func") "unexpected token")""")
file("bad.wast", """(module (func (export "one") (result i32) (i32.const 1)))
(assert_return (invoke "one") (i32.const 2))
(assert_return (invoke "one") (i32.const 1))""")
file("dir/a.wast", "(module)")
file("dir/b.wast", "(module)\n(module)")
file("dir/readme.txt", "not a script")
file("dir/deeper/c.wast", "(module) (module)")
check("a script", ["wast", "good.wast"], stdout="good.wast: 4 passed, 0 failed, 0 skipped\n4 passed, 0 failed, 0 skipped\n")
check("a script that fails", ["wast", "bad.wast", "good.wast"], stdout=re.compile(
    r"^bad.wast:2: .*\nbad.wast: 2 passed, 1 failed, 0 skipped\ngood.wast: 4 passed, 0 failed, 0 skipped\n"
    r"6 passed, 1 failed, 0 skipped\n$"), status=1)
check("only counts", ["wast", "--quiet", "bad.wast"],
      stdout="bad.wast: 2 passed, 1 failed, 0 skipped\n2 passed, 1 failed, 0 skipped\n", status=1)
check("a directory of scripts", ["wast", "dir"], stdout="dir/a.wast: 1 passed, 0 failed, 0 skipped\ndir/b.wast: 2 passed, "
      "0 failed, 0 skipped\n3 passed, 0 failed, 0 skipped\n")
as_json = check("counts as JSON", ["wast", "--json", "bad.wast", "good.wast"], stdout=None, status=1)
report = json.loads(as_json.stdout)
suite.expect("JSON totals", (report["passed"], report["failed"], report["skipped"]) == (6, 1, 0), as_json.stdout)
suite.expect("JSON findings", report["files"][0]["findings"][0]["line"] == 2 and report["files"][1]["findings"] == [],
             as_json.stdout)

# What a trap says besides: where source positions are, and that a C stack has probably overflowed.
def traps(name, fields, hint, address="-16"):
    file("traps.wat", f"""(module (memory 1) {fields}
      (func (export "_start") (drop (i32.load (i32.const {address})))))""")
    check(name, ["traps.wat"], status=134, stderr=re.compile(
        r"\Atrap: out of bounds memory access: .*\n  0: _start \(function 0\)  offset 0x[0-9a-f]+\n"
        + (r"hint: .*" + hint + r".*\n\Z" if hint else r"\Z")))
overflowed = r"C stack, which grows down from 65536, has probably overflowed; link with -Wl,-z,stack-size=N"
pointer = "(global $__stack_pointer (mut i32) (i32.const 65536))"
traps("a C stack that overflows", pointer, overflowed)
traps("a C stack that overflows by many bytes", pointer, overflowed, "-100000")
traps("a C stack that is not the first global", "(global (mut i32) (i32.const 0))" + pointer, overflowed)
traps("a C stack without a name", "(global (mut i32) (i32.const 65536))", overflowed)
traps("an address that is not just below zero", pointer, None, "0x7fffffff")
traps("an address that is just too large", pointer, None, "65535")
for name, fields in (("no global", ""), ("a constant", "(global i32 (i32.const 65536))"),
                     ("a global of another type", "(global (mut i64) (i64.const 65536))"),
                     ("a global that points to nothing", "(global (mut i32) (i32.const 7))")):
    traps("an address just below zero with " + name, fields, None)
traps("a source map", '(@custom "sourceMappingURL" "\\05a.map")', r"source positions are in the source map a\.map")
traps("a source map with a hostile name", '(@custom "sourceMappingURL" "\\02\\1b]")', r"source map \\1b\]")
traps("debug information elsewhere", '(@custom "external_debug_info" "\\06b.wasm")', r"not in the module, but in b\.wasm")
traps("damaged debug information", '(@custom ".debug_info" "\\ff") (@custom ".debug_line" "\\ff")',
      r"source positions are damaged: \.debug_info at 0x0: the length of a unit exceeds the section")

# A program that uses wasi-libc, if there is a compiler for it
compiler = shutil.which("clang-19") or shutil.which("clang")
program = os.path.join(suite.directory.name, "program.wasm")
if compiler and subprocess.run([compiler, "--target=wasm32-wasi", "-O1", os.path.join(here, "program.c"), "-o", program],
                               capture_output=True).returncode == 0:
    check("a C program", ["run", "--env", "GREETING=hi", "program.wasm", "one", "t w o"], stdin=b"first\nlast",
          stdout=re.compile(r"""^argument one
argument t w o
variable hi
terminal 0 0
line first
line lastend 1
slept 1
date 1
random 1
file .+
seek -1
$"""), stderr="about to end\n", status=3)
    source = os.path.join(here, "lines.c")
    with open(source, encoding="utf-8") as lines:
        marks = {line.split("// line: ")[1].strip(): number for number, line in enumerate(lines, 1) if "// line: " in line}
    subprocess.run([compiler, "--target=wasm32-wasi", "-O1", "-g", "-Wl,--stack-first", source, "-o",
                    os.path.join(suite.directory.name, "lines.wasm")], check=True)
    check("source lines, and inlined functions", ["run", "lines.wasm"], status=134, stderr=re.compile(
        rf"^trap: unreachable\n  0: check +\S+lines\.c:{marks['check']}:\d+ \(inlined\)\n"
        rf"  1: \S+ +\S+lines\.c:{marks['main']}:\d+\n"))
    check("a C program whose stack overflows", ["run", "lines.wasm", "more"], status=134, stderr=re.compile(
        rf"(?s)^trap: out of bounds memory access: .*: deep +\S+lines\.c:{marks['deep']}:.*\n +\.\.\. \d+ more times\n"
        r".*\nhint: .*C stack, which grows down from \d+, has probably overflowed"))
else:
    suite.skip("a C program: clang with wasi-libc was not found")

# Clocks, random numbers and NaNs are the same in every run.
file("same.wat", """(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "times") (result i64 i64)
    (drop (call $time (i32.const 0) (i64.const 1) (i32.const 0)))
    (drop (call $time (i32.const 1) (i64.const 1) (i32.const 8)))
    (i64.load (i32.const 0)) (i64.load (i32.const 8)))
  (func (export "random") (result i64 i32)
    (drop (call $random (i32.const 0) (i32.const 11)))
    (i64.load (i32.const 0)) (i32.load (i32.const 8)))
  (func (export "nan") (param f64) (result i64) (i64.reinterpret_f64 (f64.sub (local.get 0) (local.get 0)))))""")
for _ in range(2):
    check("deterministic clocks", ["run", "--deterministic", "same.wat", "--invoke", "times"], stdout="0\n1000000\n")
    check("deterministic random numbers", ["run", "--deterministic", "same.wat", "--invoke", "random"],
          stdout="-2152535657050944081\n12150260\n")
check("other random numbers", ["run", "--deterministic", "--seed", "7", "same.wat", "--invoke", "random"],
      stdout="7191089600892374487\n3958300\n")
check("a canonical NaN", ["run", "--deterministic", "same.wat", "--invoke", "nan", "inf"],
      stdout=str(0x7ff8 << 48) + "\n")
check("a seed alone", ["run", "--seed", "7", "same.wat", "--invoke", "random"],
      stderr=holds("--seed needs --deterministic"), status=2)
file("shared.wat", '(module (memory 1 2 shared) (func (export "_start")))')
check("a shared memory is refused", ["run", "--deterministic", "--features", "+threads", "shared.wat"],
      stderr=holds("a shared memory is not deterministic"), status=125)

# Output that can't be written is an error, not a success.
if os.path.exists("/dev/full"):
    with open("/dev/full", "w", encoding="utf-8") as full:
        ran = subprocess.run([suite.command, "inspect", "math.wat"], cwd=suite.directory.name, stdout=full,
                             stderr=subprocess.PIPE)
    suite.expect("a full disk", ran.returncode == 1 and b"cannot write" in ran.stderr, ran.stderr)

suite.close()
