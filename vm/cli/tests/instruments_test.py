#!/usr/bin/env python3
"""What run --profile, --trace and --stats print: instruments_test.py WARPBEAM"""
import json
import os
import re
import sys
import xml.etree.ElementTree

from harness import Suite, holds

suite = Suite(os.path.abspath(sys.argv[1]))
check, file, read, expect = suite.check, suite.file, suite.read, suite.expect


def lines(*texts):
    return "".join(text + "\n" for text in texts)


file("calls.wat", r"""(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (memory (export "memory") 1) (tag $e)
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (i32.lt_s (local.get $n) (i32.const 2)) (then (return (local.get $n))))
    (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1))) (call $fib (i32.sub (local.get $n) (i32.const 2)))))
  (func $loop (export "loop") (param $n i32) (result i32)
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $n))
  (func $both (export "both") (param i32 i32) (result i32)
    (i32.add (call $fib (local.get 0)) (call $loop (local.get 1))))
  (func $id (param i32 i64 f32 f64 v128 externref funcref) (result v128 f64 i64) (local.get 4) (local.get 3) (local.get 1))
  (func (export "values")
    (call $id (i32.const -1) (i64.const -2) (f32.const 0.5) (f64.const nan) (v128.const i32x4 1 2 3 4)
      (ref.null extern) (ref.func $id))
    (drop) (drop) (drop))
  (elem declare func $id)
  (func $tail (export "tail") (param i32) (result i32) (return_call $fib (local.get 0)))
  (func $thrower (throw $e)) (func $between (call $thrower)) (func $after)
  (func (export "catch") (block (try_table (catch $e 0) (call $between))) (call $after))
  (func (export "trap") (call $after) (call $bad)) (func $bad (unreachable))
  (func (export "host") (result i32) (call $yield))
  (func $down (param i32)
    (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (drop (call $loop (i32.const 30000000))))))
  (func (export "down") (param i32) (call $down (local.get 0)))
)""")

file("import.wat", """(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start") (drop (call 0 (i32.const 9)))))""")

# ---- Traces ----

check("a trace of calls", ["run", "--trace", "calls.wat", "--invoke", "fib", "2"], stdout="1\n",
      stderr=lines("> fib(2)", "  > fib(1)", "  < fib = 1", "  > fib(0)", "  < fib = 0", "< fib = 1"))
check("values of all types", ["run", "--trace=id", "calls.wat", "--invoke", "values"],
      stderr=lines("> id(-1, -2, 0.5, nan, 1,2,3,4, null, reference)", "< id = 1,2,3,4, nan, -2"))
check("a tail call", ["run", "--trace", "calls.wat", "--invoke", "tail", "1"], stdout="1\n",
      stderr=lines("> tail(1)", "< tail becomes the next call", "> fib(1)", "< fib = 1"))
check("exceptions", ["run", "--trace", "calls.wat", "--invoke", "catch"],
      stderr=lines("> catch()", "  > between()", "    > thrower()", "    < thrower was left by an exception",
                   "  < between was left by an exception", "  > after()", "  < after", "< catch"))
ran = check("a trap", ["run", "--trace", "calls.wat", "--invoke", "trap"], status=134, stderr=None)
expect("the trace comes before the trap", ran.stderr.decode().startswith(
    lines("> trap()", "  > after()", "  < after", "  > bad()", "  < bad did not return", "< trap did not return") +
    "trap: unreachable"), ran.stderr)
check("a host function", ["run", "--trace", "calls.wat", "--invoke", "host"], stdout="0\n",
      stderr=lines("> host()", "  > yield()", "  < yield = 0", "< host = 0"))
check("no fuel", ["run", "--trace=fib", "--fuel", "2", "calls.wat", "--invoke", "fib", "5"], status=137,
      stderr=holds("> fib(5)\n  > fib(4)\n    > fib(3)\n    < fib did not return\n"))

check("a filter by index", ["run", "--trace=2", "calls.wat", "--invoke", "both", "1", "1"], stdout="1\n",
      stderr=lines("> loop(1)", "< loop = 0"))
check("a filter with a star", ["run", "--trace", "calls.wat", "--invoke", "fib", "0"], stdout="0\n",
      stderr=lines("> fib(0)", "< fib = 0"))
check("two names, with stars", ["run", "--trace=*oo*,b*h", "calls.wat", "--invoke", "both", "1", "1"], stdout="1\n",
      stderr=lines("> both(1, 1)", "  > loop(1)", "  < loop = 0", "< both = 1"))
nothing = "trace: no function that was called has a name or index of the filter\n"
check("a filter that nothing matches", ["run", "--trace=fi", "calls.wat", "--invoke", "fib", "1"], stdout="1\n", stderr=nothing)
file("cpp.wat", r"""(module
  (func $"demo::pair<int, int>::get(int, int) const" (export "get"))
  (func $"(anonymous namespace)::g(void (*)(int))" (export "g"))
  (func $")" (export "odd")) (func $"f)" (export "odder")))""")
for name, pattern, export, shown in (
        ("a C++ name", "demo::pair<int, int>::get(int, int) const", "get", True),
        ("without parameters", "demo::pair<int, int>::get", "get", True),
        ("one of two", "x,demo::pair<int, int>::get,y(", "get", True), ("with a star", "*::g", "g", True),
        ("in a namespace without a name", "(anonymous namespace)::g", "g", True),
        ("only the parameters", "(int, int)*", "get", False), ("a part", "demo::pair<int, int>", "get", False),
        ("brackets that are not closed", "f),(,x", "odd", False), ("one that is not open", "),x", "odd", True),
        ("the same after a name", "f", "odder", False)):
    ran = check(name, ["run", f"--trace={pattern}", "cpp.wat", "--invoke", export], stderr=None)
    suite.expect(f"{name}: shown", (ran.stderr.decode() != nothing) == shown, ran.stderr.decode())
check("an import without a name", ["run", "--trace=wasi_*.fd_*", "import.wat"],
      stderr=lines("> wasi_snapshot_preview1.fd_close(9)", "< wasi_snapshot_preview1.fd_close = 8"))
check("the next word is not the filter", ["run", "--trace", "calls.wat", "--invoke", "loop", "1"], stdout="0\n",
      stderr=lines("> loop(1)", "< loop = 0"))
ran = check("deep recursion", ["run", "--trace", "calls.wat", "--invoke", "down", "2000"], stderr=None)
expect("lines stay short", max(map(len, ran.stderr.splitlines())) < 140)
expect("all calls are there", ran.stderr.count(b"> down(") == 2002, ran.stderr.count(b"> down("))

# Continuations: each of them goes on inside of whoever resumes it.
file("switching.wat", """(module
  (type $ft (func (result i32))) (type $ct (cont $ft)) (tag $yield (param i32)) (elem declare func $gen)
  (func $step (param i32) (suspend $yield (local.get 0)))
  (func $gen (result i32) (call $step (i32.const 1)) (call $step (i32.const 2)) (i32.const 3))
  (func $next (param $k (ref $ct)) (result i32 (ref null $ct))
    (block $h (result i32 (ref $ct))
      (resume $ct (on $yield $h) (local.get $k)) (ref.null $ct) (return))
    )
  (func (export "run") (local $k (ref null $ct))
    (local.set $k (cont.new $ct (ref.func $gen)))
    (loop $again
      (call $next (ref.as_non_null (local.get $k))) (local.set $k) (drop)
      (br_if $again (i32.eqz (ref.is_null (local.get $k)))))))""")
check("continuations", ["run", "--features", "+stack-switching", "--trace", "switching.wat", "--invoke", "run"],
      stderr=lines("> run()",
                   "  > next(reference)", "    > gen()", "      > step(1)", "  < next = 1, reference",
                   "  > next(reference)", "      < step", "      > step(2)", "  < next = 2, reference",
                   "  > next(reference)", "      < step", "    < gen = 3", "  < next = 3, null", "< run"))

# ---- Accesses ----

file("memory.wat", r"""(module (memory 1) (memory $other 1) (data $d "abcdef")
  (func $f (export "f") (param $a i32)
    (i32.store offset=4 (local.get $a) (i32.const 258))
    (drop (i32.load8_u (i32.add (local.get $a) (i32.const 5))))
    (drop (i64.load (i32.add (local.get $a) (i32.const 1))))
    (f64.store (i32.add (local.get $a) (i32.const 8)) (f64.const 1.5))
    (v128.store16_lane 1 (i32.const 12) (v128.const i16x8 1 0xabcd 3 4 5 6 7 8))
    (memory.fill (i32.const 0) (i32.const 7) (i32.const 14))
    (memory.copy (i32.const 13) (i32.const 40) (i32.const 3))
    (memory.copy (i32.const 40) (i32.const 13) (i32.const 1))
    (memory.init $d (i32.const 12) (i32.const 0) (i32.const 6))
    (drop (i32.atomic.rmw.add (i32.const 12) (i32.const 5)))
    (i32.store $other (i32.const 12) (i32.const 1))
    (i32.store (i32.const 16) (i32.const 1))
    (i32.store (i32.const 8) (i32.const 1)))
  (func (export "types")
    (f32.store (i32.const 0) (f32.const 2.5)) (f64.store (i32.const 0) (f64.const -0.5))
    (i64.store (i32.const 0) (i64.const -1)) (i32.store16 (i32.const 0) (i32.const 65537))
    (v128.store (i32.const 0) (v128.const i64x2 1 2))
    (drop (v128.load (i32.const 0))) (drop (f32.load (i32.const 16))))
  (func (export "far") (param i32) (drop (i32.load offset=12 (local.get 0)))))""")
ran = check("accesses to a range", ["run", "--features", "+threads", "--trace-memory", "12:0x10", "memory.wat", "--invoke",
                                    "f", "8"], stderr=None)
seen = re.sub(r"^\* f at 0x[0-9a-f]+: ", "", ran.stderr.decode(), flags=re.M)
expect("each of them", seen == lines(
    "i32.store 0xc, 4 bytes <- 258",
    "i32.load8_u 0xd, 1 byte -> 0x01",
    "i64.load 0x9, 8 bytes -> 0x0000000102000000",
    "v128.store16_lane 0xc, 2 bytes <- 0xabcd",
    "memory.fill 0x0, 14 bytes <- 0x7 in each byte",
    "memory.copy 0xd, 3 bytes <- from 0x28",
    "memory.copy 0xd, 1 byte -> 0x00",
    "memory.init 0xc, 6 bytes <- from a data segment",
    "i32.atomic.rmw.add 0xc, 4 bytes -> 0x64636261 (operand 5)",
    "i32.store 0xc, 4 bytes of memory 1 <- 1"), seen)
ran = check("stores of each type", ["run", "--features", "+threads", "--trace-memory", "0:100", "memory.wat", "--invoke", "types"],
            stderr=None)
seen = re.sub(r"^\* \S+ at 0x[0-9a-f]+: ", "", ran.stderr.decode(), flags=re.M)
expect("their values", seen == lines(
    "f32.store 0x0, 4 bytes <- 2.5",
    "f64.store 0x0, 8 bytes <- -0.5",
    "i64.store 0x0, 8 bytes <- -1",
    "i32.store16 0x0, 2 bytes <- 65537",
    "v128.store 0x0, 16 bytes <- 1,0,2,0",
    "v128.load 0x0, 16 bytes -> 0x00000000000000020000000000000001",
    "f32.load 0x10, 4 bytes -> 0x00000000"), seen)
check("an access that is out of bounds", ["run", "--features", "+threads", "--trace-memory", "65536:0xffffffffffffffff", "memory.wat", "--invoke", "far",
                                          "65530"], status=134, stderr=holds("i32.load 0x10006, 4 bytes (out of bounds)\n"))
check("one that overflows 32 bits", ["run", "--features", "+threads", "--trace-memory", "0x10000000b:0x10000000c", "memory.wat", "--invoke", "far", "-1"],
      status=134, stderr=holds("i32.load 0x10000000b, 4 bytes (out of bounds)\n"))
check("with calls", ["run", "--features", "+threads", "--trace", "--trace-memory", "0:100", "memory.wat", "--invoke", "far", "8"],
      stderr=re.compile(r"^> far\(8\)\n  \* far at 0x[0-9a-f]+: i32.load 0x14, 4 bytes -> 0x00000000\n< far\n$"))

# ---- Nothing else changes ----

for n in range(1, 60, 7):
    results = [check("fuel", ["run", *options, "--fuel", str(n), "calls.wat", "--invoke", "both", "3", "9"],
                     stdout=None, stderr=None, status=0 if n >= 16 else 137)
               for options in ([], ["--trace", "--trace-memory", "0:9"], ["--profile"], ["--profile=exact"],
                               ["--stats"], ["--deterministic", "--trace"])]
    expect(f"the same with {n} units of fuel", len({(ran.returncode, ran.stdout) for ran in results}) == 1)
file("exit.wat", """(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (call $exit (i32.const 7))))""")
for option in ("--stats", "--profile", "--profile=exact", "--trace"):
    check("the exit status is the program's", ["run", option, "exit.wat"], status=7, stderr=None)
check("the arguments are the program's", ["run", "--stats", "exit.wat", "--profile", "--trace"], status=7, stderr=None)

# ---- Profiles ----

ran = check("an exact profile", ["run", "--profile=exact", "calls.wat", "--invoke", "both", "10", "1000"],
            stdout="55\n", stderr=None)
expect("calls and fuel", ran.stderr.decode() == lines(
    "profile: 1179 units of fuel in 3 functions",
    "       calls           self                  total          function",
    "           1           1001  84.9 %           1001  84.9 %  loop",
    "         177            177  15.0 %            177  15.0 %  fib",
    "           1              1   0.1 %           1179 100.0 %  both"), ran.stderr.decode())
ran = check("with exceptions", ["run", "--profile=exact", "calls.wat", "--invoke", "catch"], stderr=None)
expect("what is caught is left", re.search(r" 1 +1 .* after\n", ran.stderr.decode()) and
       re.search(r" 1 +1 +20.0 % +5 100.0 %  catch\n", ran.stderr.decode()), ran.stderr)
check("with a host function", ["run", "--profile=exact", "calls.wat", "--invoke", "host"], stdout="0\n",
      stderr=re.compile(r" 1 +0 +0.0 % +0 +0.0 %  yield\n"))
check("with continuations", ["run", "--features", "+stack-switching", "--profile=exact", "switching.wat", "--invoke", "run"],
      stderr=re.compile(r" 2 +3 .* step\n(.*\n)* +1 +1 .* 4 .*  gen\n"))
check("recursion counts once", ["run", "--profile=exact", "calls.wat", "--invoke", "down", "3000"],
      stderr=re.compile(r" 3001 +3001 +0.0 % +3000\d\d\d\d 100.0 %  down\n"))

ran = check("a sampled profile", ["run", "--profile=p.svg", "calls.wat", "--invoke", "both", "1", "50000000"], stdout="1\n",
            stderr=None)
shares = {name: (float(own), float(all_of_it))
          for own, all_of_it, name in re.findall(r"([\d.]+) % +[\d.]+ ms +([\d.]+) %  (.+)", ran.stderr.decode())}
expect("the time is where the loop is", shares.get("loop", (0, 0))[0] > 80 and shares.get("both", (0, 0))[1] > 99,
       ran.stderr)
image = xml.etree.ElementTree.fromstring(read("p.svg"))
boxes = {element.get("data-name"): element for element in image.iter() if element.get("data-name")}
expect("a flame graph", {"all", "both", "loop"} <= set(boxes), boxes)
expect("callers are below", float(boxes["loop"].get("data-y")) < float(boxes["both"].get("data-y")))
# As above: on a busy machine, the pages of the stack take some milliseconds when they are touched first.
check("a deep stack", ["run", "--profile=p.json", "calls.wat", "--invoke", "down", "10000"],
      stderr=re.compile(r" 100.0 %  loop\n|[89]\d.\d %  loop\n"))
samples = json.loads(read("p.json"))
profile = samples["profiles"][0]
expect("for speedscope", samples["$schema"] == "https://www.speedscope.app/file-format-schema.json" and
       profile["type"] == "sampled" and profile["unit"] == "nanoseconds")
expect("as many weights as samples, which add up", len(profile["samples"]) == len(profile["weights"]) > 0 and
       sum(profile["weights"]) == profile["endValue"])
frames = samples["shared"]["frames"]
expect("samples are of frames", all(0 <= i < len(frames) for sample in profile["samples"] for i in sample))
check("for the Firefox Profiler", ["run", "--profile=p.firefox.json", "calls.wat", "--invoke", "down", "10000"],
      stderr=re.compile("profile: "))
firefox = json.loads(read("p.firefox.json"))
thread, = firefox["threads"]
for name in ("samples", "stackTable", "frameTable", "funcTable"):
    table = thread[name]
    expect(f"the columns of {name} are as long as it says",
           table["length"] > 0 and all(len(column) == table["length"] for column in table.values() if isinstance(column, list)))
stacks, strings = thread["stackTable"], thread["stringArray"]
expect("a caller's stack comes before its callees'",
       all(prefix is None or prefix < i for i, prefix in enumerate(stacks["prefix"])))
expect("stacks, frames, functions and names exist",
       all(0 <= stack < stacks["length"] for stack in thread["samples"]["stack"]) and
       all(0 <= frame < thread["frameTable"]["length"] for frame in stacks["frame"]) and
       all(0 <= func < thread["funcTable"]["length"] for func in thread["frameTable"]["func"]) and
       all(strings[name] for name in thread["funcTable"]["name"]) and "down" in strings)
times = thread["samples"]["time"]
expect("times increase by the weights", all(abs(sum(thread["samples"]["weight"][:i + 1]) - time) < 0.01 for i, time in enumerate(times)))

# Names are the module's, and may be anything.
file("hostile.wat", r"""(module
  (func (export "\1b[31m<script>alert(\"&'\\)]]></script>\e2\80\ae\7f") (export "go") (result i32)
    (local $n i32) (local.set $n (i32.const 30000000))
    (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (local.get $n)))""")
check("a short run", ["run", "--profile", "calls.wat", "--invoke", "fib", "1"], stdout="1\n", stderr=None)
check("a function that traps", ["run", "--profile=p.svg", "calls.wat", "--invoke", "trap"], status=134,
      stderr=re.compile("trap: unreachable\n(.*\n)*profile: "))
for options in (["--profile=h.svg", "--stats=json"], ["--profile=h.json"], ["--profile=h.firefox.json"], ["--profile=exact"], ["--trace"]):
    ran = check("a hostile name", ["run", *options, "hostile.wat", "--invoke", "go"], stdout="0\n", stderr=None)
    expect("no control characters", not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xe2\x80\xae", ran.stderr), ran.stderr)
image = xml.etree.ElementTree.fromstring(read("h.svg"))
expect("the image is well-formed, and the name is text", any("<script>alert" in (element.text or "")
       for element in image.iter() if element.tag.endswith("title")) and
       sum(element.tag.endswith("script") for element in image.iter()) == 1)
expect("and in JSON", "<script>alert(\"&'\\" in json.loads(read("h.json"))["shared"]["frames"][0]["name"])
file("nameless.wat", '(module (func) (func (export "f") (call 0)))')
check("no name", ["run", "--trace=0", "nameless.wat", "--invoke", "f"],
      stderr=lines("> function 0()", "< function 0"))

# ---- Statistics ----

check("statistics", ["run", "--stats", "calls.wat", "--invoke", "fib", "3"], stdout="2\n",
      stderr=re.compile(r"^statistics:\n  load .* ms  \d+ bytes, 15 functions\n  instantiate .*\n  run .*\n"
                        r"  lowering .* for 1 functions?\n  memories +65536 bytes .*\n  objects .*\n  stack .*\n"
                        r"  fuel +not counted .*\n$"))
check("with fuel", ["run", "--stats", "--fuel", "100", "calls.wat", "--invoke", "fib", "3"], stdout="2\n",
      stderr=re.compile(r"  fuel +5 units\n$"))
ran = check("as JSON", ["run", "--stats=json", "--profile=exact", "calls.wat", "--invoke", "both", "3", "9"], stdout="2\n",
            stderr=None)
numbers = json.loads(ran.stderr.splitlines()[-1])
expect("numbers", numbers["fuel"] == 16 and numbers["functions"] == 15 and numbers["lowered_functions"] == 3 and
       numbers["unit"] == "fuel" and [row["name"] for row in numbers["most_used"]] == ["loop", "fib", "both"] and
       numbers["run_ms"] > 0 and numbers["memory_bytes"] == 65536, numbers)
ran = check("eager", ["run", "--stats=json", "--eager", "calls.wat", "--invoke", "fib", "3"], stdout="2\n", stderr=None)
numbers = json.loads(ran.stderr)
expect("all functions are lowered", numbers["lowered_functions"] == numbers["functions"] == 15 and
       numbers["fuel"] is None and "most_used" not in numbers and
       0 < numbers["lowering_ms"] <= numbers["load_ms"] + numbers["run_ms"], numbers)
ran = check("of a trap", ["run", "--stats=json", "calls.wat", "--invoke", "trap"], status=134, stderr=None)
expect("statistics follow", "run_ms" in json.loads(ran.stderr.splitlines()[-1]))
file("start.wat", '(module (func $s (unreachable)) (start $s) (func (export "_start")))')
check("of a start function that traps", ["run", "--stats", "--trace", "start.wat"], status=134,
      stderr=re.compile(r"trap: unreachable\n(.*\n)*> s\(\)\n< s did not return\nstatistics:\n"))

# ---- Wrong usage ----

for options, words in (
        (["--profile=x.txt"], "'x.txt' must end with .svg (a flame graph), .firefox.json (for the Firefox Profiler) or .json (for speedscope), or be 'exact'"),
        (["--profile="], "--profile has nothing after its ="),
        (["--trace="], "--trace has nothing after its ="),
        (["--trace=a,,b"], "a function's name or index is missing"),
        (["--trace-memory", "5"], "'5' has no colon between two addresses"),
        (["--trace-memory", "5:5"], "the range is empty"),
        (["--trace-memory", "0x:9"], "'0x' is not an address"),
        (["--trace-memory", "0:-1"], "'-1' is not an address"),
        (["--trace-memory", "0:99999999999999999999"], "is not an address"),
        (["--stats=xml"], "'xml' is not a format; use json"),
        (["--profile", "--trace"], "--profile can't be combined with --trace"),
        (["--profile=exact", "--trace-memory", "0:1"], "--profile can't be combined with --trace"),
        (["--stats", "--print-fuel"], "can't be combined with --record, --snapshot or --print-fuel"),
        (["--trace", "--snapshot", "s", "--snapshot-after", "5"], "can't be combined with --record, --snapshot"),
        (["--profile", "--deterministic", "--record", "r"], "can't be combined with --record, --snapshot")):
    check("usage", ["run", *options, "calls.wat"], stderr=holds(words), status=2)
check("a profile that can't be written", ["run", "--profile=none/x.svg", "calls.wat", "--invoke", "fib", "3"],
      stderr=holds("cannot open none/x.svg"), status=125)

suite.close()
