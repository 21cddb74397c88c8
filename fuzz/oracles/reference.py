#!/usr/bin/env python3
"""Has the specification's reference interpreter check what modules do in Warpbeam.

    reference.py INTERPRETER PLAN OUTCOMES MODULE...

PLAN and OUTCOMES are what the program `outcomes` has written for the modules; INTERPRETER is `wasm` of WebAssembly/spec. For
each module the outcomes of calls become the assertions of a script. The output has `module NAME` and then `agrees`, `can't
read it: ...`, or the first assertion that fails.
"""
import json
import math
import re
import struct
import subprocess
import sys
import tempfile

import mutations

HOST = """(module $host
  (global $calls (mut i32) (i32.const -1))
  (func $called (global.set $calls (i32.add (global.get $calls) (i32.const 1))))
  (func (export "count") (result i32) (call $called) (global.get $calls))
  (func (export "numbers") (param i32 i64 f32 f64) (call $called))
  (func (export "half") (param f64) (result f64) (call $called) (f64.const 0.5))
  (func (export "both") (param i64) (result i32 i64) (call $called) (i32.const -1) (local.get 0)))
(register "host" $host)
"""
TIMEOUT = 60
RESOURCES = ("call stack exhausted", "out of memory", "heap exhausted", "function too large")
# What the interpreter does not have: atomic instructions, shared memories and pages of other sizes, old exceptions, 128-bit
# arithmetic, descriptors and continuations. And what it runs out of.
UNREAD = re.compile(r"decoding error: (illegal opcode (fe|0[679]|1[89]|e[0-6]|fc 1[3-6]|fb (2[0-9a-f]))|malformed (limits flags|heap "
                    r"type|definition type|reference type|number type))|exhaust|Stack overflow")
EXPORTS = 7


def string(data):
    return '"' + "".join(f"\\{byte:02x}" for byte in data) + '"'


def export_names(binary):
    contents = dict(mutations.sections(binary)).get(EXPORTS, b"\0")
    count, at = mutations.read_leb(contents, 0)
    names = []
    for _ in range(count):
        size, at = mutations.read_leb(contents, at)
        names.append(contents[at:at + size])
        _, at = mutations.read_leb(contents, at + size + 1)
    return names


def constant(kind, bits):
    number = int(bits, 16)
    if kind[0] == "i":
        return f"({kind}.const {number})"
    value = struct.unpack(*(("<f", struct.pack("<I", number)) if kind == "f32" else ("<d", struct.pack("<Q", number))))[0]
    if math.isnan(value):
        width = 23 if kind == "f32" else 52
        sign = "-" if number >> (31 if kind == "f32" else 63) else ""
        return f"({kind}.const {sign}nan:{number & (1 << width) - 1:#x})"
    return f"({kind}.const {value.hex() if math.isfinite(value) else 'inf' if value > 0 else '-inf'})"


def script(binary, plan, lines):
    """The assertions, until something happens that depends on the engine."""
    names = export_names(binary)
    outcomes = {" ".join(line.split(" ")[:2]): line.split(" ")[2:] for line in lines}
    made = f"(module binary {string(binary)})"
    if outcomes.get("instance made") is None:
        # The interpreter has the imports of the official suite, too: that one is missing is not compared.
        trap = " ".join(outcomes.get("instance trap", []))
        return HOST + f"(assert_trap {made} \"{trap}\")" if trap and trap not in RESOURCES else None
    text = [HOST, made]
    for kind, *step in plan:
        if kind == "state":
            text += [f"(assert_return (get {string(names[number])}) {constant(*outcomes[f'global {number}'][0].split(':'))})"
                     for number, what in step[1] if what not in ("memory", "table", "ref")]
            break
        number, round_, args, _ = step
        outcome = outcomes[f"call {number}.{round_}"]
        call = f"(invoke {string(names[number])} {' '.join(constant(*arg) for arg in args)})"
        if outcome == ["exception"]:
            text.append(f"(assert_exception {call})")
        elif outcome[:1] == ["trap"]:
            trap = " ".join(outcome[1:])
            if trap in RESOURCES:
                break
            text.append(f"(assert_trap {call} \"{trap}\")")
        else:
            text.append(f"(assert_return {call} {' '.join(constant(*value.split(':')) for value in outcome)})")
    return "\n".join(text)


def check(interpreter, text):
    if text is None:
        return "can't read it: it depends on the engine"
    with tempfile.NamedTemporaryFile("w", suffix=".wast") as file:
        file.write(text)
        file.flush()
        try:
            ran = subprocess.run([interpreter, file.name], capture_output=True, text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            return f"can't read it: it takes more than {TIMEOUT} s"
    if ran.returncode == 0:
        return "agrees"
    problem = ran.stderr.replace(file.name + ":", "").strip()
    return ("can't read it: " if UNREAD.search(problem) else "") + " | ".join(problem.split("\n")[:3])


def main():
    interpreter, plan_path, outcomes_path, *files = sys.argv[1:]
    with open(plan_path, encoding="utf-8") as file:
        plans = [json.loads(line) for line in file]
    with open(outcomes_path, encoding="utf-8") as file:
        outcomes = [part.split("\n")[1:] for part in ("\n" + file.read()).split("\nmodule ")[1:]]
    for path, plan, lines in zip(files, plans, outcomes):
        if plan is None:
            continue
        with open(path, "rb") as file:
            binary = file.read()
        print(f"module {path}\n{check(interpreter, script(binary, plan, [line for line in lines if line]))}", flush=True)


if __name__ == "__main__":
    main()
