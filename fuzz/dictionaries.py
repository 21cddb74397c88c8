#!/usr/bin/env python3
"""Writes dictionaries for the fuzz targets, from the tables of the library: dictionaries.py FOLDER

    text.dict    the words of the text format
    binary.dict  the instructions, types and sections of the binary format
    sfv.dict     the marks of Structured Fields
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROWS = re.compile(r'^WARPBEAM_INSTR\(\w+,\s*(0x[0-9a-f]+),\s*"([^"]+)"', re.M)
WORDS = """module type rec sub final func import export memory table global elem data tag start param result local item
offset declare mut field struct array cont ref null i8 i16 i32 i64 f32 f64 v128 any eq i31 none nofunc extern noextern exn
noexn anyref funcref externref structref arrayref exnref then else end catch catch_ref catch_all catch_all_ref on switch
shared pagesize definition binary quote assert_return assert_trap assert_invalid assert_malformed assert_exhaustion register
invoke get nan:canonical nan:arithmetic offset=1 align=1 0x1p-1 1_000 @custom @name ;; (; ;) $a \\00""".split()
MARKS = ["?0", "?1", ";a=", ", ", "=(", " ", ":YQ==:", "@-1", "%\"%c3%a9\"", "\"\\\\\"", "*a", "999999999999999", "0.001"]


def entry(data):
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"\n'


def opcode(number):
    """As it is in a module: one byte, or a prefix, and the rest in LEB128."""
    if number <= 0xff:
        return bytes([number])
    code, rest = bytearray([number >> 12]), number & 0xfff
    while rest >= 0x80:
        code.append(rest & 0x7f | 0x80)
        rest >>= 7
    return bytes(code + bytes([rest]))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    rows = []
    headers = os.path.join(ROOT, "loader", "include", "warpbeam", "loader")
    for name in sorted(os.listdir(headers)):
        if name.startswith("instr_rows_"):
            with open(os.path.join(headers, name), encoding="utf-8") as file:
                rows += [(int(code, 16), word) for code, word in ROWS.findall(file.read())]
    assert len(rows) > 500, "the tables of instructions have another form"
    types = [bytes([code]) for code in range(0x60, 0x80)] + [bytes([code]) for code in range(0x4d, 0x60)]
    sections = [bytes([number]) for number in range(14)] + [b"\0asm\1\0\0\0", b"\4name", b"\x12metadata.code.", b"\x0b"]
    contents = {
        "text": [word.encode() for word in sorted({word for _, word in rows} | set(WORDS))],
        "binary": [opcode(code) for code, _ in rows] + types + sections,
        "sfv": [mark.encode() for mark in MARKS],
    }
    for name, entries in contents.items():
        with open(os.path.join(folder, name + ".dict"), "w", encoding="ascii") as file:
            file.writelines(entry(each) for each in dict.fromkeys(entries))


if __name__ == "__main__":
    main()
