#!/usr/bin/env python3
"""Writes a large WebAssembly module for measuring how fast code is decoded, validated and compiled.

The module is the same for the same arguments on every machine and Python version. It is valid by
construction, imports nothing and cannot trap: addresses are masked, divisors are odd, loops count down, calls
go to lower function indices only. `_start` runs a few of the leaf functions, so that an engine's command can
run it.
"""

import argparse
import struct

I32, I64, F32, F64 = 0x7F, 0x7E, 0x7D, 0x7C
TYPES = (I32, I64, F32, F64)
EMPTY = 0x40

SIGNATURES = [
    ((), ()),
    ((I32,), (I32,)),
    ((I32, I32), (I32,)),
    ((I32, I32, I32), ()),
    ((I32, I64), (I64,)),
    ((I64, I64), (I64,)),
    ((F64, F64), (F64,)),
    ((I32, F64), (F64,)),
    ((F32, F32, I32), (F32,)),
    ((I32, I32, I64, F64), (I32,)),
]
LEAVES = 64  # functions without calls: everything that `_start` runs
PAGES = 2
ADDRESS_MASK = 0xFFF8  # plus the largest static offset stays below PAGES pages

# Opcodes by operand type. Those that can trap are left to `divide`, which keeps them safe.
BINARY = {
    I32: [0x6A, 0x6A, 0x6A, 0x6B, 0x6C, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77],
    I64: [0x7C, 0x7C, 0x7D, 0x7E, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89],
    F32: [0x92, 0x93, 0x94, 0x95, 0x96, 0x97],
    F64: [0xA0, 0xA0, 0xA1, 0xA2, 0xA2, 0xA3, 0xA4, 0xA5],
}
UNARY = {
    I32: [0x67, 0x68, 0x69, 0xC0, 0xC1],
    I64: [0x79, 0x7A, 0x7B, 0xC2, 0xC4],
    F32: [0x8B, 0x8C, 0x91],
    F64: [0x99, 0x9A, 0x9F, 0x9C],
}
COMPARE = {
    I32: range(0x46, 0x50),
    I64: range(0x51, 0x5B),
    F32: range(0x5B, 0x61),
    F64: range(0x61, 0x67),
}
DIVIDE = {I32: [0x6D, 0x6E, 0x6F, 0x70], I64: [0x7F, 0x80, 0x81, 0x82]}
# (opcode, log2 of its natural alignment)
LOAD = {
    I32: [(0x28, 2), (0x28, 2), (0x2C, 0), (0x2D, 0), (0x2E, 1), (0x2F, 1)],
    I64: [(0x29, 3), (0x29, 3), (0x31, 0), (0x34, 2), (0x35, 2)],
    F32: [(0x2A, 2)],
    F64: [(0x2B, 3)],
}
STORE = {
    I32: [(0x36, 2), (0x36, 2), (0x3A, 0), (0x3B, 1)],
    I64: [(0x37, 3), (0x3E, 2)],
    F32: [(0x38, 2)],
    F64: [(0x39, 3)],
}
# (result, operand, opcode)
CONVERT = [
    (I32, I64, b"\xa7"),
    (I32, F64, b"\xfc\x02"),
    (I64, I32, b"\xac"),
    (I64, I32, b"\xad"),
    (F32, F64, b"\xb6"),
    (F32, I32, b"\xb2"),
    (F64, I32, b"\xb7"),
    (F64, F32, b"\xbb"),
]
# Compiled C is mostly 32-bit integers.
TYPE_MIX = [I32] * 6 + [I64] * 2 + [F64] * 2 + [F32]


class Random:
    """A xorshift: the standard library does not promise that its random numbers stay the same."""

    def __init__(self, seed):
        self.state = seed * 2 + 1

    def below(self, limit):
        x = self.state
        x ^= x << 13 & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 7
        x ^= x << 17 & 0xFFFFFFFFFFFFFFFF
        self.state = x
        return (x >> 32) % limit

    def pick(self, choices):
        return choices[self.below(len(choices))]


def unsigned(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def signed(value):
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value & 0x7F)
    return bytes(out)


def vector(items):
    items = list(items)
    return unsigned(len(items)) + b"".join(items)


def sized(content):
    return unsigned(len(content)) + content


def section(number, content):
    return bytes([number]) + sized(content)


class Body:
    """One function's code: statements leave the operand stack as it was, expressions push one value."""

    def __init__(self, random, index, signature_of, size):
        self.random = random
        self.index = index
        self.signature_of = signature_of
        params, self.results = SIGNATURES[signature_of[index]]
        self.locals = list(params)
        for _ in range(3 + random.below(9)):
            self.locals.append(random.pick(TYPE_MIX))
        # Every type has a local, so that `local.get` is always an option.
        self.locals.extend(TYPES)
        self.first_own = len(params)
        self.free_counters = [self.add_local(I32) for _ in range(3)]
        # Bases of loads and stores: always in bounds, since only the function's head writes them.
        self.pointers = [self.add_local(I32) for _ in range(2)]
        self.reserved = {*self.free_counters, *self.pointers}
        self.depth = 0  # enclosing labels, not including the function's own
        self.loops = []  # depths at which loops begin: branching there would repeat without counting
        self.code = bytearray()
        self.generate(size)

    def add_local(self, type_):
        self.locals.append(type_)
        return len(self.locals) - 1

    def emit(self, *parts):
        for part in parts:
            if isinstance(part, int):
                self.code.append(part)
            else:
                self.code += part

    def generate(self, size):
        for pointer in self.pointers:
            self.masked(1)
            self.emit(0x21, unsigned(pointer))
        while len(self.code) < size:
            self.statement(0)
        for type_ in self.results:
            self.expression(type_, 2)
        self.emit(0x0B)

    def encoded(self):
        runs = []
        for type_ in self.locals[self.first_own :]:
            if runs and runs[-1][1] == type_:
                runs[-1][0] += 1
            else:
                runs.append([1, type_])
        return sized(vector(unsigned(n) + bytes([t]) for n, t in runs) + bytes(self.code))

    def local_of(self, type_, writable):
        reserved = self.reserved if writable else ()
        fitting = [i for i, t in enumerate(self.locals) if t == type_ and i not in reserved]
        return unsigned(self.random.pick(fitting))

    # Expressions

    def expression(self, type_, depth):
        roll = self.random.below(100)
        if depth <= 0 or roll < 28:
            self.leaf(type_)
        elif roll < 62:
            self.expression(type_, depth - 1)
            self.expression(type_, depth - 2 if self.random.below(3) else depth - 1)
            self.emit(self.random.pick(BINARY[type_]))
        elif roll < 79:
            self.address(depth - 1)
            self.access(LOAD[type_])
        elif roll < 83:
            self.expression(type_, depth - 1)
            self.emit(self.random.pick(UNARY[type_]))
        elif roll < 88:
            result, operand, opcode = self.random.pick([c for c in CONVERT if c[0] == type_])
            self.expression(operand, depth - 1)
            self.emit(opcode)
        elif roll < 91:
            self.expression(type_, depth - 1)
            self.expression(type_, depth - 2)
            self.condition(depth - 2)
            self.emit(0x1B)  # select
        elif roll < 93 and type_ in DIVIDE:
            self.divide(type_, depth)
        elif roll < 95:
            self.choose(type_, depth)
        elif roll < 97:
            self.expression(type_, depth - 1)
            self.emit(0x22, self.local_of(type_, writable=True))  # local.tee
        else:
            self.call(depth, wanted=(type_,))

    def leaf(self, type_):
        if self.random.below(3):
            self.emit(0x20, self.local_of(type_, writable=False))
        elif type_ in (I32, I64):
            bits = self.random.pick((5, 5, 7, 7, 12, 16, 30))
            value = self.random.below(1 << bits) - (1 << bits - 1 if self.random.below(4) == 0 else 0)
            self.emit(0x41 if type_ == I32 else 0x42, signed(value))
        elif type_ == F32:
            self.emit(0x43, struct.pack("<f", (self.random.below(4001) - 2000) / 16))
        else:
            self.emit(0x44, struct.pack("<d", (self.random.below(400001) - 200000) / 1024))

    def condition(self, depth):
        if self.random.below(5) == 0:
            self.expression(I32, depth)
            self.emit(0x45)  # i32.eqz
            return
        type_ = self.random.pick(TYPE_MIX)
        self.expression(type_, depth)
        self.expression(type_, depth - 1)
        self.emit(self.random.pick(COMPARE[type_]))

    def masked(self, depth):
        self.expression(I32, depth)
        self.emit(0x41, signed(ADDRESS_MASK), 0x71)  # i32.const, i32.and

    def address(self, depth):
        if self.random.below(4):
            self.emit(0x20, unsigned(self.random.pick(self.pointers)))
        else:
            self.masked(depth)

    def access(self, choices):
        opcode, align = self.random.pick(choices)
        offset = self.random.below(16) * 8 if self.random.below(3) else self.random.below(8000)
        self.emit(opcode, unsigned(self.random.below(align + 1) if offset % 8 else align), unsigned(offset))

    def divide(self, type_, depth):
        self.expression(type_, depth - 1)
        if type_ == I32:  # a divisor of 1 to 255 neither traps as zero nor overflows as minus one
            self.expression(type_, depth - 2)
            self.emit(0x41, signed(254), 0x71, 0x41, signed(1), 0x72)
        else:
            self.emit(0x42, signed(1 + self.random.below(1000)))
        self.emit(self.random.pick(DIVIDE[type_]))

    def choose(self, type_, depth):
        self.condition(depth - 2)
        self.emit(0x04, type_)  # if
        self.depth += 1
        self.expression(type_, depth - 1)
        self.emit(0x05)  # else
        self.expression(type_, depth - 1)
        self.depth -= 1
        self.emit(0x0B)

    def call(self, depth, wanted):
        """Calls an earlier function with these results; a leaf function reads a local instead."""
        if self.index >= LEAVES:
            for _ in range(12):
                callee = self.random.below(self.index)
                params, results = SIGNATURES[self.signature_of[callee]]
                if results == wanted:
                    for param in params:
                        self.expression(param, min(depth - 1, 1))
                    self.emit(0x10, unsigned(callee))
                    return
        for type_ in wanted:
            self.leaf(type_)

    # Statements

    def statement(self, nesting):
        roll = self.random.below(100)
        if roll < 42 or nesting > 5:
            type_ = self.random.pick(TYPE_MIX)
            self.expression(type_, 3)
            self.emit(0x21, self.local_of(type_, writable=True))  # local.set
        elif roll < 60:
            type_ = self.random.pick(TYPE_MIX)
            self.address(2)
            self.expression(type_, 2)
            self.access(STORE[type_])
        elif roll < 68:
            self.call(2, wanted=())
        elif roll < 71:
            self.expression(I32, 2)
            self.emit(0x1A)  # drop
        elif roll < 80:
            self.if_else(nesting)
        elif roll < 88:
            self.block_with_exits(nesting)
        elif roll < 95:
            self.loop(nesting)
        else:
            self.switch(nesting)

    def statements(self, nesting, max_count):
        for _ in range(1 + self.random.below(max_count)):
            self.statement(nesting)

    def exit_label(self):
        """A label that leaves a block: never a loop's (it would not count down), nor the function's."""
        return self.random.pick([n for n in range(self.depth) if self.depth - n not in self.loops])

    def if_else(self, nesting):
        self.condition(2)
        self.emit(0x04, EMPTY)
        self.depth += 1
        self.statements(nesting + 1, 3)
        if self.random.below(2):
            self.emit(0x05)
            self.statements(nesting + 1, 3)
            if self.random.below(4) == 0:
                self.emit(0x0C, unsigned(self.exit_label()))  # br
        self.depth -= 1
        self.emit(0x0B)

    def block_with_exits(self, nesting):
        self.emit(0x02, EMPTY)
        self.depth += 1
        for _ in range(1 + self.random.below(3)):
            self.statements(nesting + 1, 2)
            self.condition(2)
            self.emit(0x0D, unsigned(self.exit_label()))  # br_if
        self.statements(nesting + 1, 2)
        self.depth -= 1
        self.emit(0x0B)

    def loop(self, nesting):
        """A block with a loop inside that counts down a local which nothing else writes."""
        if not self.free_counters:
            return self.block_with_exits(nesting)
        counter = self.free_counters.pop()
        self.emit(0x41, signed(2 + self.random.below(9)), 0x21, unsigned(counter))
        self.emit(0x02, EMPTY, 0x03, EMPTY)
        self.depth += 2
        self.loops.append(self.depth)
        self.statements(nesting + 1, 3)
        if self.random.below(2):
            self.condition(2)
            self.emit(0x0D, unsigned(self.exit_label()))
        self.emit(0x20, unsigned(counter), 0x41, signed(1), 0x6B, 0x22, unsigned(counter), 0x0D, 0)
        self.loops.pop()
        self.depth -= 2
        self.emit(0x0B, 0x0B)
        self.free_counters.append(counter)

    def switch(self, nesting):
        """Nested blocks, one per case, as C compilers write a switch."""
        cases = 2 + self.random.below(6)
        self.emit(bytes([0x02, EMPTY]) * (cases + 1))
        self.depth += cases + 1
        self.expression(I32, 2)
        self.emit(0x41, signed(7), 0x71)
        targets = [unsigned(self.random.below(cases)) for _ in range(cases)]
        self.emit(0x0E, vector(targets), unsigned(cases))  # br_table
        for remaining in range(cases, 0, -1):
            self.depth -= 1
            self.emit(0x0B)
            self.statements(nesting + 1, 2)
            if self.random.below(4):
                self.emit(0x0C, unsigned(remaining - 1))  # br out of the switch
        self.depth -= 1
        self.emit(0x0B)


def start_function(signature_of):
    """Calls one leaf per signature with fixed arguments and stores their results in memory."""
    argument = {
        I32: b"\x41" + signed(7),
        I64: b"\x42" + signed(11),
        F32: b"\x43" + struct.pack("<f", 1.5),
        F64: b"\x44" + struct.pack("<d", 2.5),
    }
    store = {I32: b"\x36\x02", I64: b"\x37\x03", F32: b"\x38\x02", F64: b"\x39\x03"}
    code = bytearray()
    for number, (params, results) in enumerate(SIGNATURES):
        callee = signature_of[:LEAVES].index(number)
        call = b"".join(argument[p] for p in params) + b"\x10" + unsigned(callee)
        for result in results:
            call = b"\x41" + signed(8 * number) + call + store[result] + unsigned(0)
        code += call
    return sized(b"\x00" + bytes(code) + b"\x0b")


def build(code_bytes, seed):
    random = Random(seed)
    signature_of = []
    bodies = []
    total = 0
    while total < code_bytes:
        index = len(bodies)
        # The first functions go through all signatures, so that each has a leaf.
        signature_of.append(index if index < len(SIGNATURES) else random.below(len(SIGNATURES)))
        # Most functions are small and a few are large, as in real programs.
        size = random.pick((10, 20, 40, 80, 80, 200, 500, 2000))
        bodies.append(Body(random, index, signature_of, size).encoded())
        total += len(bodies[-1])
    bodies.append(start_function(signature_of))
    signature_of.append(0)

    types = vector(b"\x60" + sized(bytes(params)) + sized(bytes(results)) for params, results in SIGNATURES)
    exports = vector(
        [sized(b"memory") + b"\x02\x00", sized(b"_start") + b"\x00" + unsigned(len(bodies) - 1)]
        + [sized(b"leaf%d" % i) + b"\x00" + unsigned(i) for i in range(LEAVES)]
    )
    return b"\0asm\x01\0\0\0" + b"".join(
        (
            section(1, types),
            section(3, vector(unsigned(s) for s in signature_of)),
            section(5, vector([b"\x00" + unsigned(PAGES)])),
            section(7, exports),
            section(10, vector(bodies)),
        )
    ), len(bodies)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("--code-bytes", type=int, default=4 << 20, help="bytes of code (default: 4 MiB)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    module, functions = build(args.code_bytes, args.seed)
    with open(args.output, "wb") as file:
        file.write(module)
    print(f"{args.output}: {len(module)} bytes, {functions} functions")


if __name__ == "__main__":
    main()
