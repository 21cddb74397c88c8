#!/usr/bin/env python3
"""Loads and runs modules in wasmtime, by its Python package.

    wasmtime_engine.py PLAN MODULE...      prints what the modules do, as outcomes.cpp does for Warpbeam
"""
import importlib.metadata
import json
import struct
import sys
import zlib

import wasmtime

# The features of `ours.EXTRA_FEATURES` that wasmtime has.
FEATURES = ("threads", "stack-switching", "custom-page-sizes", "wide-arithmetic")

# What Warpbeam calls the traps, or the groups of executions.py.
TRAPS = {
    "UNREACHABLE": "unreachable", "INTEGER_DIVISION_BY_ZERO": "integer divide by zero", "INTEGER_OVERFLOW": "integer overflow",
    "BAD_CONVERSION_TO_INTEGER": "invalid conversion to integer", "MEMORY_OUT_OF_BOUNDS": "out of bounds memory access",
    "TABLE_OUT_OF_BOUNDS": "table", "INDIRECT_CALL_TO_NULL": "uninitialized element",
    "BAD_SIGNATURE": "indirect call type mismatch",
    "HEAP_MISALIGNED": "unaligned atomic", "NULL_REFERENCE": "null", "CAST_FAILURE": "cast failure",
    "ARRAY_OUT_OF_BOUNDS": "out of bounds array access", "ALLOCATION_TOO_LARGE": "resources", "STACK_OVERFLOW": "resources",
    "ATOMIC_WAIT_NON_SHARED_MEMORY": "expected shared memory",
}


def new_engine():
    config = wasmtime.Config()
    for name in dir(wasmtime.Config):
        if name.startswith("wasm_") and "component" not in name and "deterministic" not in name:
            setattr(config, name, True)
    config.shared_memory = True
    return wasmtime.Engine(config)


class Validator:
    version = importlib.metadata.version("wasmtime")

    def __init__(self):
        self.engine = new_engine()

    def validate(self, binaries):
        """For each module why it is not valid; None if it is."""
        return [self.validate_one(binary) for binary in binaries]

    def validate_one(self, binary):
        try:
            wasmtime.Module.validate(self.engine, binary)
        except wasmtime.WasmtimeError as problem:
            return str(problem)
        return None


class Run:
    """One module, its instance, and what its host functions were called with."""

    def __init__(self, engine):
        self.engine = engine
        self.store = wasmtime.Store(engine)
        self.store.set_limits(memory_size=1 << 30)
        self.logged = self.crc = 0
        self.linker = wasmtime.Linker(engine)
        i32, i64, f32, f64 = (getattr(wasmtime.ValType, name)() for name in ("i32", "i64", "f32", "f64"))
        for name, params, results, function in (
                ("count", [], [i32], lambda: self.log("<Q", 0)),
                ("numbers", [i32, i64, f32, f64], [], self.numbers),
                ("half", [f64], [f64], lambda x: (self.log("<d", x), 0.5)[1]),
                ("both", [i64], [i32, i64], lambda x: (self.log("<q", x), [-1, x])[1])):
            self.linker.define(self.store, "host", name, wasmtime.Func(self.store, wasmtime.FuncType(params, results), function))

    def log(self, layout, *values):
        self.crc = zlib.crc32(struct.pack(layout, *values), self.crc)
        self.logged += 1
        return self.logged - 1

    def numbers(self, a, b, c, d):
        self.log("<IIqfId", a & 0xffffffff, 0, b, c, 0, d)

    def lines(self, binary, plan):
        try:
            module = wasmtime.Module(self.engine, binary)
        except wasmtime.WasmtimeError as problem:
            yield "not valid: " + str(problem).replace("\n", " ")
            return
        try:
            instance = self.linker.instantiate(self.store, module)
        except (wasmtime.WasmtimeError, wasmtime.Trap) as problem:
            unlinkable = "unknown import" in str(problem) or "incompatible import type" in str(problem)
            yield "instance " + ("unlinkable" if unlinkable else outcome_of(problem))
            yield f"host {self.logged} {self.crc:x}"
            return
        yield "instance made"
        exports = list(instance.exports(self.store).values())
        for kind, *step in plan:
            # The package has no values of other types than numbers, functions and external references.
            if kind == "references" or kind == "state" and step[0]:
                break
            if kind == "state":
                for number, what in step[1]:
                    line = self.state(exports[number], what)
                    if line is not None:
                        yield f"{'global' if what not in ('memory', 'table') else what} {number} {line}"
            else:
                yield self.call(exports, *step)
        yield f"host {self.logged} {self.crc:x}"

    def state(self, thing, what):
        if what == "memory":
            data = thing.get_buffer_ptr(self.store) if isinstance(thing, wasmtime.Memory) else None
            if data is None:
                return None
            contents = bytes(data)
            return f"{len(contents)} {zlib.crc32(contents):x}"
        if what in ("table", "ref"):
            return None
        return text_of(what, thing.value(self.store))

    def call(self, exports, number, round_, args, results):
        name = f"call {number}.{round_}"
        try:
            values = exports[number](self.store, *(from_bits(kind, bits) for kind, bits in args))
        except (wasmtime.WasmtimeError, wasmtime.Trap) as problem:
            return f"{name} {outcome_of(problem)}"
        values = [] if len(results) == 0 else [values] if len(results) == 1 else values
        return " ".join([name, *(text_of(kind, value) for kind, value in zip(results, values))])


def from_bits(kind, bits):
    number = int(bits, 16)
    if kind == "i32":
        return wasmtime.Val.i32(struct.unpack("<i", struct.pack("<I", number))[0])
    if kind == "i64":
        return wasmtime.Val.i64(struct.unpack("<q", struct.pack("<Q", number))[0])
    if kind == "f32":
        return wasmtime.Val.f32(struct.unpack("<f", struct.pack("<I", number))[0])
    return wasmtime.Val.f64(struct.unpack("<d", struct.pack("<Q", number))[0])


def text_of(kind, value):
    layout, width = {"i32": ("<i", "<I"), "i64": ("<q", "<Q"), "f32": ("<f", "<I"), "f64": ("<d", "<Q")}[kind]
    return f"{kind}:{struct.unpack(width, struct.pack(layout, value))[0]:x}"


def outcome_of(problem):
    code = getattr(problem, "trap_code", None)
    name = getattr(code, "name", None)
    if name == "UNCAUGHT_EXCEPTION" or "uncaught exception" in str(problem) or "thrown Wasm exception" in str(problem):
        return "exception"
    if name in TRAPS:
        return "trap " + TRAPS[name]
    text = str(problem).split("\n", 1)[0]
    return "trap resources" if any(part in text for part in ("GC heap", "exceeds", "out of memory")) else "error " + " | ".join(str(problem).split("\n"))


def main():
    engine = new_engine()
    with open(sys.argv[1], encoding="utf-8") as file:
        plans = [json.loads(line) for line in file]
    for path, plan in zip(sys.argv[2:], plans):
        print("module " + path)
        if plan is None:
            continue
        with open(path, "rb") as file:
            binary = file.read()
        for line in Run(engine).lines(binary, plan):
            print(line, flush=True)


if __name__ == "__main__":
    main()
