#!/usr/bin/env python3
"""Random programs, executed by Warpbeam and by V8: both must come to the same results, traps, exceptions and memory.

    differential.py WARPBEAM [--node NODE] [--seed N] [--modules N] [--batches N] [--keep DIRECTORY]

Every module is valid by construction: stack programs of locals, constants, arithmetic, memory accesses, blocks with
several parameters and results, counted loops, branches, calls (direct, indirect, tail), and exceptions in the legacy
form, which is the one that node 20 knows. NaNs are kept from where their bits could be seen, and a count of calls ends
what would run too long, so a program's outcome is determined. V8 goes first; what it finds becomes the assertions of a
script that `warpbeam wast` runs. With --keep the scripts that fail stay there; else they are gone, but the seed, which
is printed, makes them again. Exit status: 0, 1 for a difference, 77 when there is no node.
"""
import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
TYPES = ("i32", "i64", "f32", "f64")
MAX_DEPTH = 5
CALLS = 3000

RUNNER = r"""
const input = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const text = v => typeof v === 'bigint' ? BigInt.asIntN(64, v).toString() : String(v | 0);
const outcome = (f, args) => {
  try {
    const r = f(...args);
    return {values: (r === undefined ? [] : Array.isArray(r) ? r : [r]).map(text)};
  } catch (e) {
    if (e instanceof WebAssembly.Exception) return {exception: true};
    if (e instanceof WebAssembly.RuntimeError) return {trap: e.message};
    return {other: String(e)};
  }
};
console.log(JSON.stringify(input.map(({wasm, calls}) => {
  const exports = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(wasm, 'base64'))).exports;
  return calls.map(([name, args]) => outcome(exports[name], args.map(([t, v]) => t === 'i64' ? BigInt(v) : v)));
})));
"""

# What V8 says, and what the specification's interpreter would.
TRAPS = {
    "unreachable": "unreachable",
    "divide by zero": "integer divide by zero",
    "divide result unrepresentable": "integer overflow",
    "remainder by zero": "integer divide by zero",
    "float unrepresentable in integer range": "",
    "memory access out of bounds": "out of bounds memory access",
    "table index is out of bounds": "undefined element",
    "null function or function signature mismatch": "indirect call type mismatch",
}

INT_BINARY = ("add sub mul and or xor shl shr_s shr_u rotl rotr div_s div_u rem_s rem_u").split()
INT_COMPARE = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split()
FLOAT_BINARY = "add sub mul div min max".split()
FLOAT_COMPARE = "eq ne lt gt le ge".split()
UNARY = {
    "i32": ["i32.clz", "i32.ctz", "i32.popcnt", "i32.extend8_s", "i32.extend16_s"],
    "i64": ["i64.clz", "i64.ctz", "i64.popcnt", "i64.extend8_s", "i64.extend16_s", "i64.extend32_s"],
    "f32": ["f32.abs", "f32.neg", "f32.ceil", "f32.floor", "f32.trunc", "f32.nearest", "f32.sqrt"],
    "f64": ["f64.abs", "f64.neg", "f64.ceil", "f64.floor", "f64.trunc", "f64.nearest", "f64.sqrt"],
}
CONVERT = [("i32", "i64", "i32.wrap_i64"), ("i64", "i32", "i64.extend_i32_s"), ("i64", "i32", "i64.extend_i32_u"),
           ("i32", "i32", "i32.eqz"), ("i32", "i64", "i64.eqz"),
           ("f32", "f64", "f32.demote_f64"), ("f64", "f32", "f64.promote_f32")]
for _to in ("i32", "i64"):
    for _from in ("f32", "f64"):
        for _sign in "su":
            CONVERT.append((_to, _from, f"{_to}.trunc_sat_{_from}_{_sign}"))
            CONVERT.append((_from, _to, f"{_from}.convert_{_to}_{_sign}"))
LOADS = {"i32": ["i32.load", "i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u"],
         "i64": ["i64.load", "i64.load8_s", "i64.load16_u", "i64.load32_s", "i64.load32_u"]}
STORES = {"i32": ["i32.store", "i32.store8", "i32.store16"], "i64": ["i64.store", "i64.store8", "i64.store32"]}


class Label:
    """What a branch to a block needs."""

    def __init__(self, name, types, kind="block"):
        self.name = name
        self.types = types
        self.kind = kind


class Function:
    """The text of one function with random code."""

    def __init__(self, rng, module, index, params, results):
        self.rng = rng
        self.module = module
        self.index = index
        self.params = params
        self.results = results
        self.locals = list(params) + [rng.choice(TYPES + ("i32", "i32", "i64")) for _ in range(rng.randint(1, 7))]
        self.counters = 0
        self.names = 0
        self.lines = []
        self.budget = rng.randint(10, 120)
        self.base = 0  # below it the stack belongs to the blocks around

    # ---- Output ----

    def emit(self, text):
        self.lines.append(text)

    def name(self):
        self.names += 1
        return f"$l{self.names}"

    def const(self, kind):
        rng = self.rng
        if kind in ("i32", "i64"):
            bits = 32 if kind == "i32" else 64
            value = rng.choice([0, 1, -1, 2, 5, 8, 255, 1 << (bits - 1), (1 << (bits - 1)) - 1, 65535,
                                rng.randint(-20, 20), rng.getrandbits(bits), rng.randint(0, 70000)])
            value &= (1 << bits) - 1
            self.emit(f"{kind}.const {value}")
        else:
            self.emit(f"{kind}.const " + rng.choice(["0", "-0", "1", "-1.5", "2.25", "1e9", "-3e10", "inf", "0.1", "7"]))

    def push(self, stack, kind):
        """One instruction that makes a value."""
        candidates = [i for i, local in enumerate(self.locals) if local == kind]
        if candidates and self.rng.random() < 0.7:
            self.emit(f"local.get {self.rng.choice(candidates)}")
        else:
            self.const(kind)
        stack.append(kind)

    def need(self, stack, types):
        """Makes the top of the stack have these types."""
        if len(stack) - self.base >= len(types) and stack[len(stack) - len(types):] == list(types):
            return
        for kind in types:
            self.push(stack, kind)

    def settle(self, stack, base, results):
        """Leaves just the results above the base."""
        while len(stack) - base > len(results) or stack[base:] != list(results[:len(stack) - base]):
            self.emit("drop")
            stack.pop()
        for kind in results[len(stack) - base:]:
            self.push(stack, kind)

    def types(self, most=3):
        return [self.rng.choice(TYPES) for _ in range(self.rng.choice([0, 0, 1, 1, 2, most]))]

    def signature(self, params, results):
        return "".join(f" (param {t})" for t in params) + "".join(f" (result {t})" for t in results)

    # ---- Blocks ----

    def body(self, stack, base, results, labels, depth):
        """Instructions up to the end of a block; the stack has the results then."""
        for _ in range(self.rng.randint(1, 9)):
            if self.budget <= 0:
                break
            self.budget -= 1
            self.base = base
            if not self.instruction(stack, base, labels, depth):
                # Behind a jump the rest need not be reached, but must be passed well.
                del stack[base:]
                if self.rng.random() < 0.3:
                    self.const("i32")
                    self.emit("drop")
                if results and self.rng.random() < 0.5:
                    for kind in results:
                        self.const(kind)
                stack.extend(results)
                return
        self.settle(stack, base, results)

    def enter(self, stack, base):
        """Takes parameters for a block off the stack; their types."""
        count = self.rng.choice([0, 0, 1, 2])
        count = min(count, len(stack) - base)
        return stack[len(stack) - count:]

    def block(self, stack, base, labels, depth):
        kind = self.rng.choice(["block", "loop", "if", "try", "delegate", "block", "loop", "try"])
        if kind == "if":
            self.need(stack, ["i32"])
            stack.pop()
        params = self.enter(stack, base)
        results = self.types()
        name = self.name()
        inner = len(stack) - len(params)
        signature = self.signature(params, results)

        def part(types, head=()):
            """A part of the block, which begins with these operands."""
            del stack[inner:]
            stack.extend(types)
            for line in head:
                self.emit(line)
            self.body(stack, inner, results, labels + [label], depth + 1)

        label = Label(name, results)
        if kind == "loop":
            # The counter bounds the turns; a branch to the head is possible only while it says so.
            counter = f"$c{self.counters}"
            self.counters += 1
            label = Label(name, params, "loop")
            label.counter = counter
            label.most = self.rng.randint(1, 8)
            self.emit(f"i32.const 0 local.set {counter}")
            self.emit(f"loop {name}{signature}")
            part(params)
            if not params and not results or params == results:
                self.emit(f"(br_if {name} (i32.lt_s (local.tee {counter} (i32.add (local.get {counter}) "
                          f"(i32.const 1))) (i32.const {label.most})))")
            self.emit("end")
        elif kind == "if":
            self.emit(f"if {name}{signature}")
            part(params)
            if self.rng.random() < 0.6 or params != results:
                self.emit("else")
                part(params)
            self.emit("end")
        elif kind == "delegate":
            outer = [i for i, around in enumerate(reversed(labels))]
            self.emit(f"try {name}{signature}")
            part(params)
            self.emit(f"delegate {self.rng.choice(outer)}")
        elif kind == "try":
            self.emit(f"try {name}{signature}")
            part(params)
            for _ in range(self.rng.choice([0, 1, 1, 2])):
                tag = self.rng.randrange(len(self.module.tags))
                self.emit(f"catch $t{tag}")
                label = Label(name, results, "catch")
                part(self.module.tags[tag])
            if self.rng.random() < 0.4:
                self.emit("catch_all")
                label = Label(name, results, "catch")
                part([])
            self.emit("end")
        else:
            self.emit(f"block {name}{signature}")
            part(params)
            self.emit("end")
        del stack[inner:]
        stack.extend(results)

    # ---- Instructions ----

    def branch(self, stack, labels):
        """Any kind of branch; whether what follows is reached."""
        label = self.rng.choice(labels)
        if label.kind == "loop":
            self.need(stack, label.types)
            self.emit(f"(br_if {label.name} (i32.lt_s (local.tee {label.counter} (i32.add "
                      f"(local.get {label.counter}) (i32.const 1))) (i32.const {label.most})))")
            return True
        choice = self.rng.random()
        if choice < 0.6:
            self.need(stack, label.types)
            self.condition(stack)
            self.emit(f"br_if {label.name}")
            stack.pop()
            return True
        if choice < 0.8:
            self.need(stack, label.types)
            self.emit(f"br {label.name}")
            return False
        same = [other.name for other in labels if other.kind != "loop" and other.types == label.types]
        self.need(stack, label.types)
        self.push(stack, "i32")
        self.emit("br_table " + " ".join(self.rng.choice(same) for _ in range(self.rng.randint(1, 4))))
        return False

    def condition(self, stack):
        """An i32, often a comparison, which the engine takes into the branch."""
        kind = self.rng.choice(TYPES + ("i32", "i32"))
        if self.rng.random() < 0.3:
            self.push(stack, "i32")
            return
        self.push(stack, kind)
        self.push(stack, kind)
        self.emit(f"{kind}." + self.rng.choice(INT_COMPARE if kind[0] == "i" else FLOAT_COMPARE))
        del stack[-2:]
        stack.append("i32")
        if self.rng.random() < 0.3:
            self.emit("i32.eqz")

    def call(self, stack):
        """A call of a function with a smaller index; whether what follows is reached."""
        if self.index == 0:
            return True
        callee = self.rng.randrange(self.index)
        params, results = self.module.signatures[callee]
        tail = self.rng.random() < 0.15
        if tail:
            same = [i for i in range(self.index) if self.module.signatures[i][1] == self.results]
            if not same:
                return True
            callee = self.rng.choice(same)
            params, results = self.module.signatures[callee]
        self.need(stack, params)
        prefix = "return_" if tail else ""
        if self.rng.random() < 0.3:
            self.emit(f"i32.const {callee}" if self.rng.random() < 0.95 else "i32.const 77")
            self.emit(f"{prefix}call_indirect (type $s{callee})")
        else:
            self.emit(f"{prefix}call $f{callee}")
        if params:
            del stack[-len(params):]
        stack.extend(results)
        return not tail

    def address(self):
        mask = self.rng.choice([255, 1023, 65535])
        return f"i32.const {mask} i32.and"

    def instruction(self, stack, base, labels, depth):
        """One or a few instructions; whether what follows is reached."""
        rng = self.rng
        choice = rng.random()
        top = stack[-1] if len(stack) > base else None
        if choice < 0.20:
            self.push(stack, rng.choice(TYPES + ("i32",)))
        elif choice < 0.42:
            kind = top or "i32"
            if len(stack) - base < 2 or stack[-2] != kind:
                self.need(stack, [kind])
                self.push(stack, kind)
            compare = rng.random() < 0.3
            if kind[0] == "i":
                op = rng.choice(INT_COMPARE) if compare else rng.choice(INT_BINARY[:11] if rng.random() < 0.9 else INT_BINARY)
            else:
                op = rng.choice(FLOAT_COMPARE if compare else FLOAT_BINARY)
            self.emit(f"{kind}.{op}")
            del stack[-2:]
            stack.append("i32" if compare else kind)
        elif choice < 0.54:
            local = rng.randrange(len(self.locals))
            self.need(stack, [self.locals[local]])
            if rng.random() < 0.6:
                self.emit(f"local.set {local}")
                stack.pop()
            else:
                self.emit(f"local.tee {local}")
        elif choice < 0.59 and top:
            self.emit(rng.choice(UNARY[top]))
        elif choice < 0.64 and top:
            to, _, op = rng.choice([c for c in CONVERT if c[1] == top])
            self.emit(op)
            stack[-1] = to
        elif choice < 0.69:
            kind = rng.choice(("i32", "i64"))
            self.need(stack, ["i32"])
            if rng.random() < 0.9:
                self.emit(self.address())
            self.emit(f"{rng.choice(LOADS[kind])} offset={rng.choice([0, 0, 4, 100])}")
            stack[-1] = kind
        elif choice < 0.74:
            kind = rng.choice(("i32", "i64"))
            self.push(stack, "i32")
            self.emit(self.address())
            self.push(stack, kind)
            self.emit(f"{rng.choice(STORES[kind])} offset={rng.choice([0, 0, 8])}")
            del stack[-2:]
        elif choice < 0.76:
            kind = rng.choice(TYPES)
            for _ in range(2):
                self.push(stack, kind)
            self.condition(stack)
            self.emit("select")
            del stack[-2:]
        elif choice < 0.79:
            number = rng.randrange(2)
            if rng.random() < 0.5:
                self.emit(f"global.get $g{number}")
                stack.append(("i32", "i64")[number])
            else:
                self.need(stack, [("i32", "i64")[number]])
                self.emit(f"global.set $g{number}")
                stack.pop()
        elif choice < 0.84:
            return self.call(stack)
        elif choice < 0.90:
            return self.branch(stack, labels)
        elif choice < 0.92:
            tag = rng.randrange(len(self.module.tags))
            self.condition(stack)
            stack.pop()
            self.emit("if")
            for kind in self.module.tags[tag]:
                self.push([], kind)
            self.emit(f"throw $t{tag}")
            self.emit("end")
        elif choice < 0.925:
            caught = [i for i, label in enumerate(reversed(labels)) if label.kind == "catch"]
            if not caught:
                return True
            self.emit(f"rethrow {rng.choice(caught)}")
            return False
        elif choice < 0.93:
            self.need(stack, self.results)
            self.emit("return")
            return False
        elif depth < MAX_DEPTH:
            self.block(stack, base, labels, depth)
        return True

    def text(self):
        stack = []
        self.emit("(global.set $calls (i32.sub (global.get $calls) (i32.const 1)))")
        self.emit("(if (i32.lt_s (global.get $calls) (i32.const 0)) (then (unreachable)))")
        self.emit(f"block $body{self.signature([], self.results)}")
        self.body(stack, 0, self.results, [Label("$body", self.results)], 0)
        self.emit("end")
        head = f"(func $f{self.index} (export \"f{self.index}\") (type $s{self.index})"
        extra = " ".join(f"(local {t})" for t in self.locals[len(self.params):])
        extra += "".join(f"(local $c{i} i32)" for i in range(self.counters))
        return head + self.signature(self.params, self.results) + "\n" + extra + "\n  " + "\n  ".join(self.lines) + ")"


class Module:
    def __init__(self, rng):
        self.rng = rng
        self.tags = [[], ["i32"], ["i64", "f64"], ["f32", "i32", "i64"]]
        self.signatures = []
        functions = []
        for index in range(rng.randint(2, 6)):
            params = [rng.choice(TYPES) for _ in range(rng.randint(0, 4))]
            # Only integers get out, since a NaN's bits may differ.
            results = [rng.choice(TYPES) for _ in range(rng.choice([0, 1, 1, 1, 2, 3]))]
            self.signatures.append((params, results))
            functions.append(Function(rng, self, index, params, results).text())
        signature = functions and Function.signature
        types = "\n".join(f"(type $s{i} (func{signature(None, p, r)}))" for i, (p, r) in enumerate(self.signatures))
        tags = "\n".join(f"(tag $t{i}{signature(None, t, [])})" for i, t in enumerate(self.tags))
        count = len(functions)
        last = count - 1
        params, results = self.signatures[last]
        # Calls the last function and folds its results into an i64.
        fold = []
        for kind in reversed(results):
            fold.append({"i32": "i64.extend_i32_u", "i64": "", "f32": "i64.trunc_sat_f32_s",
                         "f64": "i64.trunc_sat_f64_s"}[kind])
            fold.append("(i64.add (i64.mul (local.get $h) (i64.const 31))) local.set $h")
        arguments = " ".join({"i32": "local.get 0", "i64": "(i64.extend_i32_s (local.get 0))",
                              "f32": "(f32.convert_i32_s (local.get 0))",
                              "f64": "(f64.convert_i32_s (local.get 0))"}[t] for t in params)
        self.text = f"""(module
{types}
{tags}
(memory 1)
(table funcref (elem {" ".join(f"$f{i}" for i in range(count))}))
(global $calls (mut i32) (i32.const 0))
(global $g0 (mut i32) (i32.const 3))
(global $g1 (mut i64) (i64.const 4))
{chr(10).join(functions)}
(func (export "run") (param i32) (result i64) (local $h i64)
  (global.set $calls (i32.const {CALLS}))
  {arguments} call $f{last}
  {" ".join(fold)}
  local.get $h)
(func (export "state") (result i64) (local $i i32) (local $h i64)
  (loop $l
    (local.set $h (i64.add (i64.mul (local.get $h) (i64.const 31)) (i64.load (local.get $i))))
    (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 65536))))
  (i64.add (local.get $h) (i64.add (global.get $g1) (i64.extend_i32_u (global.get $g0))))))
"""
        self.calls = []
        for argument in (0, 1, -1, rng.randint(-100, 100), rng.randint(-(1 << 31), (1 << 31) - 1)):
            self.calls += [("run", [("i32", argument)]), ("state", [])]


def assertion(call, outcome):
    """The line of a script for one call; None when the outcome says nothing of the program."""
    name, arguments = call
    action = f"(invoke \"{name}\" " + " ".join(f"({t}.const {v})" for t, v in arguments) + ")"
    if "values" in outcome:
        return f"(assert_return {action} " + " ".join(f"(i64.const {v})" for v in outcome["values"]) + ")"
    if "exception" in outcome:
        return f"(assert_exception {action})"
    if "trap" in outcome and outcome["trap"] in TRAPS:
        return f"(assert_trap {action} \"{TRAPS[outcome['trap']]}\")"
    return None


def run_batch(options, seed, directory):
    """Whether both came to the same with the modules of one seed."""
    rng = random.Random(seed)
    modules = []
    for i in range(options.modules):
        module = Module(rng)
        wat = os.path.join(directory, "module.wat")
        wasm = os.path.join(directory, "module.wasm")
        with open(wat, "w", encoding="utf-8") as file:
            file.write(module.text)
        made = subprocess.run([options.warpbeam, "wat2wasm", "--features", "+all", wat, "-o", wasm], capture_output=True, text=True)
        if made.returncode != 0:
            print(f"seed {seed}, module {i} is refused: {made.stderr or made.stdout}")
            return keep(options, f"{seed}-{i}.wat", module.text)
        with open(wasm, "rb") as file:
            module.wasm = base64.b64encode(file.read()).decode()
        modules.append(module)
    ran = subprocess.run([options.node, "-e", RUNNER], text=True, capture_output=True, timeout=300,
                         input=json.dumps([{"wasm": m.wasm, "calls": m.calls} for m in modules]))
    if ran.returncode != 0:
        print(f"seed {seed}: node failed: {ran.stderr[-2000:]}")
        return False
    script = []
    for module, outcomes in zip(modules, json.loads(ran.stdout)):
        script.append(module.text)
        for call, outcome in zip(module.calls, outcomes):
            line = assertion(call, outcome)
            if line is None:
                # V8's own stack ran out, say: from here on the states may differ.
                break
            script.append(line)
            options.counts[next(iter(outcome))] = options.counts.get(next(iter(outcome)), 0) + 1
    text = "\n".join(script)
    path = os.path.join(directory, "script.wast")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    for mode in ([], ["--eager"]):
        ran = subprocess.run([options.warpbeam, "wast", "--messages", *mode, path], text=True, capture_output=True,
                             timeout=300)
        findings = [line for line in ran.stdout.splitlines() if line.startswith(path + ":") and "passed," not in line]
        if ran.returncode != 0 or findings:
            print(f"seed {seed}: {' '.join(mode)} status {ran.returncode}", *findings[:10], ran.stderr[-2000:], sep="\n")
            return keep(options, f"{seed}.wast", text)
    return True


def keep(options, name, text):
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        with open(os.path.join(options.keep, name), "w", encoding="utf-8") as file:
            file.write(text)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("warpbeam")
    parser.add_argument("--node", default=shutil.which("node"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--modules", type=int, default=25, help="in a batch")
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--keep", help="where scripts that fail stay")
    options = parser.parse_args()
    if not options.node:
        print("there is no node")
        return SKIPPED
    options.counts = {}
    with tempfile.TemporaryDirectory() as directory:
        good = all([run_batch(options, options.seed + i, directory) for i in range(options.batches)])
    print(f"seeds {options.seed} to {options.seed + options.batches - 1}: {options.counts}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
