"""Random stack programs, valid by construction.

Locals, constants, arithmetic (scalars and vectors), memory accesses (including atomic ones), blocks with several parameters and
results, counted loops, branches, calls (direct, indirect, tail), and exceptions of either kind. NaNs never
reach places where their bits could be seen, and the number of calls is limited, so a program's outcome is deterministic.
"""
from program_operators import CONVERT, FLOAT_BINARY, FLOAT_COMPARE, INT_BINARY, INT_COMPARE, LOADS, STORES, UNARY
from program_vectors import VectorsAndAtomics

MAX_DEPTH = 5
CALLS = 3000


class Label:
    """What a branch to a block needs."""

    def __init__(self, name, types, kind="block"):
        self.name = name
        self.types = types
        self.kind = kind


class Function(VectorsAndAtomics):
    """The text of one function with random code."""

    def __init__(self, rng, module, index, params, results):
        self.rng = rng
        self.module = module
        self.index = index
        self.params = params
        self.results = results
        self.all_types = module.types
        # A function without locals of its own that calls itself at its end is a loop.
        self.is_loop = bool(params) and rng.random() < 0.2
        own = 0 if self.is_loop else rng.randint(1, 7)
        self.locals = list(params) + [rng.choice(self.all_types + ("i32", "i32", "i64")) for _ in range(own)]
        self.counters = 0
        self.names = 0
        self.lines = []
        self.budget = rng.randint(10, 120)
        self.base = 0  # below it the stack belongs to the enclosing blocks
        self.favourites = []  # the locals that the innermost loop uses most, since an engine keeps those in registers

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
        elif kind == "v128":
            self.vector_const()
        else:
            self.emit(f"{kind}.const " + rng.choice(["0", "-0", "1", "-1.5", "2.25", "1e9", "-3e10", "inf", "0.1", "7"]))

    def push(self, stack, kind):
        """One instruction that makes a value."""
        candidates = [i for i, local in enumerate(self.locals) if local == kind]
        if candidates and self.rng.random() < 0.7:
            self.emit(f"local.get {self.rng.choice(self.preferred(candidates))}")
        else:
            self.const(kind)
        stack.append(kind)

    def preferred(self, candidates):
        """Of these locals mostly the favourites."""
        return [i for i in candidates if i in self.favourites and self.rng.random() < 0.8] or candidates

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

    def types(self, max_count=3):
        return [self.rng.choice(self.all_types) for _ in range(self.rng.choice([0, 0, 1, 1, 2, max_count]))]

    def signature(self, params, results):
        return "".join(f" (param {t})" for t in params) + "".join(f" (result {t})" for t in results)

    # ---- Blocks ----

    def body(self, stack, base, results, labels, depth):
        """Instructions up to the end of a block; the stack has the results then."""
        for _ in range(self.rng.randint(1, 9) if depth else self.rng.randint(5, 40)):
            if self.budget <= 0:
                break
            self.budget -= 1
            self.base = base
            if not self.instruction(stack, base, labels, depth):
                # After a jump the rest may be unreachable, but must be valid.
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
        """Takes parameters for a block off the stack; returns their types."""
        count = self.rng.choice([0, 0, 1, 2])
        count = min(count, len(stack) - base)
        return stack[len(stack) - count:]

    def block(self, stack, base, labels, depth):
        kind = self.rng.choice(["block", "loop", "if", "block", "loop"] + self.module.try_blocks)
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
            # The counter limits the iterations; a branch to the head depends on it.
            counter = f"$c{self.counters}"
            self.counters += 1
            label = Label(name, params, "loop")
            label.counter = counter
            label.max_count = self.rng.randint(1, 8)
            self.emit(f"i32.const 0 local.set {counter}")
            self.emit(f"loop {name}{signature}")
            around, self.favourites = self.favourites, self.rng.sample(range(len(self.locals)), min(2, len(self.locals)))
            part(params, self.head_test(labels) + self.busy())
            self.favourites = around
            if not params and not results or params == results:
                self.emit(f"(br_if {name} (i32.lt_s (local.tee {counter} (i32.add (local.get {counter}) "
                          f"(i32.const 1))) (i32.const {label.max_count})))")
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
        elif kind == "try_table":
            self.try_table(name, signature, results, part)
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

    def head_test(self, labels):
        """Code at the beginning of a loop that may leave it."""
        ways = [label.name for label in labels if label.kind != "loop" and not label.types]
        if not ways or self.rng.random() < 0.4:
            return []
        before, self.lines = self.lines, []
        self.condition([])
        self.emit(f"br_if {self.rng.choice(ways)}")
        test, self.lines = self.lines, before
        return test

    def busy(self):
        """Code for the beginning of a loop whose locals count for more than those of the loops in it."""
        if self.rng.random() < 0.8:
            return []
        steps = []
        for local in self.favourites:
            kind = self.locals[local]
            if kind in ("i32", "i64"):
                steps.append(f"(local.set {local} ({kind}.add (local.get {local}) ({kind}.const {self.rng.randint(-3, 3)})))")
        return steps * self.rng.randint(5, 30)

    def go_back(self, label):
        """An unconditional branch to a loop, a few times."""
        passed = self.name()
        self.emit(f"block {passed}")
        self.emit(f"(br_if {passed} (i32.ge_s (local.tee {label.counter} (i32.add (local.get {label.counter}) "
                  f"(i32.const 1))) (i32.const {label.max_count})))")
        for kind in label.types:
            self.push([], kind)
        integers = [i for i, kind in enumerate(self.locals) if kind in ("i32", "i64")]
        if integers:
            local = self.rng.choice(integers)
            kind = self.locals[local]
            self.emit(f"local.get {local}")
            self.push([], kind)
            self.emit(f"{kind}.{self.rng.choice(['add', 'sub'])}")
            self.emit(f"local.set {local}")
        if self.rng.random() < 0.7:
            self.emit(f"br {label.name}")
        else:
            self.emit(f"(br_table {label.name} {label.name} (local.get {label.counter}))")
        self.emit("end")

    def try_table(self, name, signature, results, part):
        """A try_table whose clauses lead to enclosing blocks, each of which ends the statement or rethrows."""
        tag = self.rng.randrange(len(self.module.tags))
        caught, with_ref = f"{name}h", self.rng.random() < 0.5
        types = self.module.tags[tag] if self.rng.random() < 0.7 else None
        clause = ("catch_all" if types is None else "catch") + ("_ref" if with_ref else "")
        carried = (types or []) + (["exnref"] if with_ref else [])
        # The block that a clause leads to can't take the operands, so the try_table has none.
        self.emit(f"block {name}{signature}")
        for _ in range(signature.count("param")):
            self.emit("drop")
        self.emit(f"block {caught}{self.signature([], carried)}")
        self.emit(f"try_table{self.signature([], results)} ({clause}{f' $t{tag}' if types is not None else ''} {caught})")
        part([])
        self.emit("end")
        self.emit(f"br {name}")
        self.emit("end")
        if with_ref:
            self.emit("throw_ref" if self.rng.random() < 0.3 else "drop")
            if self.lines[-1] == "throw_ref":
                self.emit("end")
                return
        part(types or [])
        self.emit("end")

    # ---- Instructions ----

    def branch(self, stack, labels):
        """Any kind of branch; returns whether the code after it is reachable."""
        label = self.rng.choice(labels)
        loops = [label for label in labels if label.kind == "loop"]
        if len(loops) > 1 and self.rng.random() < 0.3: # out of a loop into one around it
            self.go_back(self.rng.choice(loops[:-1]))
            return True
        if label.kind == "loop":
            if self.rng.random() < 0.5:
                self.go_back(label)
                return True
            self.need(stack, label.types)
            self.emit(f"(br_if {label.name} (i32.lt_s (local.tee {label.counter} (i32.add "
                      f"(local.get {label.counter}) (i32.const 1))) (i32.const {label.max_count})))")
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
        """An i32, often a comparison, which the engine fuses with the branch."""
        kind = self.rng.choice(("i32", "i64", "f32", "f64", "i32", "i32"))
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
        """A call of a function with a smaller index, or of its own at the end; returns whether the code after it is reachable."""
        if self.is_loop and self.rng.random() < 0.5:
            for kind in self.params:
                self.push([], kind)
            self.emit(f"return_call $f{self.index}")
            return False
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
        if not tail and self.rng.random() < 0.1:
            self.drop_results(stack, results)
        return not tail

    def drop_results(self, stack, results):
        """Drops what a call has returned; often a local takes what was there before it."""
        for _ in results:
            self.emit("drop")
            stack.pop()
        taking = [i for i, kind in enumerate(self.locals) if len(stack) > self.base and kind == stack[-1]]
        if taking and self.rng.random() < 0.7:
            self.emit(f"local.set {self.rng.choice(taking)}")
            stack.pop()

    def address(self, memory=0):
        """Makes the i32 on the stack an address of a memory."""
        mask = self.rng.choice([255, 1023, 65535])
        wide = " i64.extend_i32_u" if self.module.memories[memory] == "i64" else ""
        return f"i32.const {mask} i32.and{wide}"

    def memory(self):
        """A memory's index, and its immediate in an instruction."""
        memory = self.rng.randrange(len(self.module.memories))
        return memory, f" {memory}" if memory or self.rng.random() < 0.05 and len(self.module.memories) > 1 else ""

    def bulk(self):
        """Fills or copies, usually within bounds."""
        to, from_ = self.rng.randrange(len(self.module.memories)), self.rng.randrange(len(self.module.memories))
        kinds = [self.module.memories[to], self.module.memories[from_]]
        start = [self.rng.choice([0, 5, 1000, 65000]) for _ in range(2)]
        count = self.rng.choice([0, 1, 8, 100, 535])
        if self.rng.random() < 0.05:
            count = 70000
        names = f" {to} {from_}" if len(self.module.memories) > 1 else ""
        if self.rng.random() < 0.5:
            narrow = "i64" if kinds == ["i64", "i64"] else "i32"
            self.emit(f"(memory.copy{names} ({kinds[0]}.const {start[0]}) ({kinds[1]}.const {start[1]}) "
                      f"({narrow}.const {count}))")
        else:
            name = f" {to}" if len(self.module.memories) > 1 else ""
            self.emit(f"(memory.fill{name} ({kinds[0]}.const {start[0]}) (global.get $g0) ({kinds[0]}.const {count}))")

    def instruction(self, stack, base, labels, depth):
        """One or a few instructions; returns whether the code after them is reachable."""
        rng = self.rng
        choice = rng.random()
        top = stack[-1] if len(stack) > base else None
        if self.module.atomics and rng.random() < 0.06:
            self.atomic(stack)
            return True
        if choice < 0.02 and top:
            self.emit("drop")
            stack.pop()
        elif choice < 0.20:
            self.push(stack, rng.choice(self.all_types + ("i32",)))
        elif choice < 0.42 and top == "v128":
            self.vector(stack)
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
            local = rng.choice(self.preferred(range(len(self.locals))))
            self.need(stack, [self.locals[local]])
            if rng.random() < 0.6:
                self.emit(f"local.set {local}")
                stack.pop()
            else:
                self.emit(f"local.tee {local}")
        elif choice < 0.64 and top == "v128":
            self.vector(stack)
        elif choice < 0.59 and top:
            self.emit(rng.choice(UNARY[top]))
        elif choice < 0.64 and top:
            to, _, op = rng.choice([c for c in CONVERT if c[1] == top])
            self.emit(op)
            stack[-1] = to
        elif choice < 0.69:
            memory, named = self.memory()
            kind = rng.choice(self.module.stored)
            self.need(stack, ["i32"])
            if rng.random() < 0.9 or self.module.memories[memory] == "i64":
                self.emit(self.address(memory))
            self.emit(f"{rng.choice(LOADS[kind])}{named} offset={rng.choice([0, 0, 4, 100])}")
            stack[-1] = kind
        elif choice < 0.695:
            self.bulk()
        elif choice < 0.74:
            memory, named = self.memory()
            kind = rng.choice(self.module.stored)
            self.push(stack, "i32")
            self.emit(self.address(memory))
            self.push(stack, kind)
            self.emit(f"{rng.choice(STORES[kind])}{named} offset={rng.choice([0, 0, 8])}")
            del stack[-2:]
        elif choice < 0.76:
            kind = rng.choice(self.all_types)
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
        elif choice < 0.92 and self.module.try_blocks:
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
        extra += "(local $v v128)" * any("$v" in line for line in self.lines)
        return head + self.signature(self.params, self.results) + "\n" + extra + "\n  " + "\n  ".join(self.lines) + ")"


class Module:
    """A module that uses a random subset of `features`."""

    def __init__(self, rng, features):
        self.rng = rng
        may = [feature for feature in sorted(features) if rng.random() < 0.6]
        self.vectors = "simd" in may
        self.atomics = "threads" in may
        self.types = ("i32", "i64", "f32", "f64") + ("v128", "v128") * self.vectors
        self.stored = ("i32", "i64") + ("v128",) * self.vectors
        # An engine may refuse both kinds of exceptions in one module.
        kinds = [kind for kind in ("legacy-exceptions", "exceptions") if kind in features]
        kind = rng.choice(kinds) if kinds and rng.random() < 0.8 else None
        self.try_blocks = {"legacy-exceptions": ["try", "delegate", "try"], "exceptions": ["try_table"] * 2}.get(kind, [])
        self.memories = ["i64" if "memory64" in may and rng.random() < 0.5 else "i32"
                         for _ in range(rng.randint(2, 3) if "multi-memory" in may else 1)]
        self.tags = [[], ["i32"], ["i64", "f64"], ["f32", "i32", "i64"]]
        self.signatures = []
        functions = []
        for index in range(rng.randint(2, 6)):
            params = [rng.choice(self.types) for _ in range(rng.randint(0, 4))]
            # Only integers are returned, since a NaN's bits may differ.
            results = [rng.choice(self.types) for _ in range(rng.choice([0, 1, 1, 1, 2, 3]))]
            self.signatures.append((params, results))
            functions.append(Function(rng, self, index, params, results).text())
        signature = functions and Function.signature
        types = "\n".join(f"(type $s{i} (func{signature(None, p, r)}))" for i, (p, r) in enumerate(self.signatures))
        tags = "\n".join(f"(tag $t{i}{signature(None, t, [])})" for i, t in enumerate(self.tags) if self.try_blocks)
        count = len(functions)
        last = count - 1
        params, results = self.signatures[last]
        # Calls the last function and folds its results into an i64.
        fold = []
        for kind in reversed(results):
            fold.append({"i32": "i64.extend_i32_u", "i64": "", "f32": "i64.trunc_sat_f32_s",
                         "f64": "i64.trunc_sat_f64_s",
                         "v128": "local.set $v local.get $v i64x2.extract_lane 0 local.get $v i64x2.extract_lane 1 "
                                 "i64.const 7 i64.rotl i64.xor"}[kind])
            fold.append("(i64.add (i64.mul (local.get $h) (i64.const 31))) local.set $h")
        arguments = " ".join({"i32": "local.get 0", "i64": "(i64.extend_i32_s (local.get 0))",
                              "f32": "(f32.convert_i32_s (local.get 0))",
                              "f64": "(f64.convert_i32_s (local.get 0))",
                              "v128": "(i32x4.splat (local.get 0))"}[t] for t in params)
        hashes = "\n".join(self.hash_of(i) for i in range(len(self.memories)))
        self.text = f"""(module
{types}
{tags}
{" ".join(f"(memory {'i64 ' * (kind == 'i64')}1)" for kind in self.memories)}
(table funcref (elem {" ".join(f"$f{i}" for i in range(count))}))
(global $calls (mut i32) (i32.const 0))
(global $g0 (mut i32) (i32.const 3))
(global $g1 (mut i64) (i64.const 4))
{chr(10).join(functions)}
(func (export "run") (param i32) (result i64) (local $h i64) {"(local $v v128)" * self.vectors}
  (global.set $calls (i32.const {CALLS}))
  {arguments} call $f{last}
  {" ".join(fold)}
  local.get $h)
(func (export "state") (result i64) (local $i i32) (local $h i64)
{hashes}
  (i64.add (local.get $h) (i64.add (global.get $g1) (i64.extend_i32_u (global.get $g0))))))
"""
        self.calls = []
        for argument in (0, 1, -1, rng.randint(-100, 100), rng.randint(-(1 << 31), (1 << 31) - 1)):
            self.calls += [("run", [("i32", argument)]), ("state", [])]

    def hash_of(self, memory):
        """Code that folds a whole memory into $h."""
        address = "(i64.extend_i32_u (local.get $i))" if self.memories[memory] == "i64" else "(local.get $i)"
        name = f" {memory}" if memory else ""
        return f"""  (local.set $i (i32.const 0))
  (loop $l{memory}
    (local.set $h (i64.add (i64.mul (local.get $h) (i64.const 31)) (i64.load{name} {address})))
    (br_if $l{memory} (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 8))) (i32.const 65536))))"""
