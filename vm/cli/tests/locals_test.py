#!/usr/bin/env python3
"""The locals and operands of a core dump are right wherever a program traps. locals_test.py WARPBEAM [COUNT]

Each of COUNT random functions is run twice: it traps, or calls a function that traps. At calls, frames are known exactly;
where the function itself traps, the same locals must be there, and the same operands, as far as they are known."""
import json
import os
import random
import subprocess
import sys

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 30
TYPES = ["i32", "i64", "f32", "f64"]
LOCALS = ["i32", "f64", "i32", "i64", "f32", "i32", "f64"]
KINDS = [[], ["--fuel=1000"], ["--guard-pages"], ["--deterministic"]]
# Instructions that trap whatever their operand is.
TRAPS = ["(drop (i32.load offset=70000 (i32.and %s (i32.const 1023))))",
         "(f64.store offset=70000 (i32.and %s (i32.const 1023)) (f64.const 3))",
         "(drop (i32.div_u %s (i32.const 0)))",
         "(drop (i32.trunc_f64_s (f64.add (f64.abs (f64.convert_i32_s %s)) (f64.const 1e15))))",
         "(memory.fill (i32.const 65536) %s (i32.const 9))",
         "(drop (table.get 0 (i32.or %s (i32.const 64))))",
         "(drop %s) (unreachable)"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def expression(self, type, depth):
        pick = self.random.choice
        same = [i for i, of in enumerate(LOCALS) if of == type]

        def inner(of=type):
            return self.expression(of, depth - 1)
        if depth == 0:
            return pick([f"({type}.const {pick(range(1, 10))})"] + [f"(local.get {i})" for i in same])
        other = pick(TYPES)
        operator = pick(["add", "sub", "mul"] + (["xor", "shl", "and"] if type[0] == "i" else ["min", "div"]))
        forms = [lambda: self.expression(type, 0),
                 lambda: f"(select {inner()} {inner()} {inner('i32')})",
                 lambda: f"(call $same_{type} {inner()})",
                 lambda: f"(if (result {type}) {inner('i32')} (then {inner()}) (else {inner()}))",
                 lambda: f"({type}.{operator} {inner()} {inner()})",
                 lambda: f"({type}.{operator} {inner()} {inner()})"]
        if same:
            forms.append(lambda: f"(local.tee {pick(same)} {inner()})")
        if type == "i32":
            forms.append(lambda: f"(i32.load (i32.and {inner()} (i32.const 255)))")
            forms.append(lambda: f"({other}.eq {inner(other)} {inner(other)})")
        return pick(forms)()

    def statement(self):
        local = self.random.randrange(len(LOCALS))
        text = f"(local.set {local} {self.expression(LOCALS[local], 2)})"
        return text if self.random.random() < 0.8 else f"(block (br_if 0 {self.expression('i32', 1)}) {text})"

    def programs(self):
        """One that traps, one that calls, and the number of operands below."""
        body = [self.statement() for _ in range(self.random.randint(1, 6))]
        operands = self.random.randint(0, 5)
        for _ in range(operands):
            body.append(self.expression(self.random.choice(TYPES), 2))
            body += [self.statement()] if self.random.random() < 0.3 else []
        last = self.expression("i32", 2)
        ends = (self.random.choice(TRAPS) % last, f"(drop {last}) (call $stop)")
        same = " ".join(f"(func $same_{type} (param {type}) (result {type}) (local.get 0))" for type in TYPES)
        loop = "(loop %s)" if self.random.random() < 0.5 else "%s"
        return [f"""(module (memory 1) (table 1 funcref) (data (i32.const 3) "abcdefgh") {same}
            (func $stop (unreachable))
            (func (export "_start") (local {" ".join(LOCALS)}) {loop % " ".join([*body, end, *["(drop)"] * operands])}))"""
                for end in ends], operands


def frames(text, options):
    suite.file("program.wat", text)
    for words in (["run", *options, "--coredump", "program.core", "program.wat"], ["inspect", "--json", "program.core"]):
        ran = subprocess.run([suite.command, *words], cwd=suite.directory.name, capture_output=True, timeout=60)
    return json.loads(ran.stdout)["threads"][0]["frames"]


known = 0
for seed in range(COUNT):
    (traps, calls), operands = Generator(seed).programs()
    for options in KINDS:
        at_trap = frames(traps, options)[0]
        at_call = frames(calls, options)[1]
        here = at_trap["operands"][:operands]
        known += sum(value is not None for value in here)
        suite.expect(f"seed {seed} {options}", at_trap["locals"] == at_call["locals"] and None not in at_trap["locals"] and
                     len(here) == len(at_call["operands"]) == operands and
                     all(value in (None, exact) for value, exact in zip(here, at_call["operands"])),
                     f"{traps}\n{at_trap}\n{at_call}")
suite.expect("most operands are known", known > COUNT, f"only {known}")
suite.close()
