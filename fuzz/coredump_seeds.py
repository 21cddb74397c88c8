#!/usr/bin/env python3
"""Writes seeds for coredump_fuzz: the contents of each section of a core dump, and a whole one. coredump_seeds.py FOLDER"""
import os
import sys

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


def sized(data):
    return bytes([len(data)]) + data


def write(name, data):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


sections = {
    b"coremodules": b"\2\0" + sized(b"a.wasm") + b"\0" + sized(b"b.wasm"),
    b"coreinstances": b"\2" + b"\0\1\1\0\1\0" + b"\0\0\1\1\2\0\1",
    b"corestack": b"\0" + sized(b"main") + b"\2"
                  # i32, i64 and a missing local; f32 and f64 as operands
                  + b"\0\1\7\x80\1" + b"\3\x7f\x7e\x7e\xc0\0\1" + b"\2\x7d\0\0\xc0\x3f\x7c\0\0\0\0\0\0\4\xc0"
                  + b"\0\0\3\0\0\0",
    b"core": b"\0" + sized(b"a.wasm"),
}
whole = b"\0asm\1\0\0\0"
for number, (name, contents) in enumerate(sections.items(), 1):
    write(name.decode(), bytes([number]) + contents)
    whole += b"\0" + sized(sized(name) + contents)
# Two memories, one with 64-bit addresses; two globals; data in both memories.
whole += b"\5" + sized(b"\2\0\1\5\2\4")
whole += b"\6" + sized(b"\2\x7f\0\x41\7\x0b\x70\0\xd0\x70\x0b")
whole += b"\x0b" + sized(b"\2\0\x41\x0a\x0b" + sized(b"hello") + b"\2\1\x42\4\x0b" + sized(b"xyz"))
write("whole", whole)
