"""One form for what a text does not determine: how its types and its element segments are encoded."""
from mutations import leb, read_leb

# How many numbers follow the instructions of constant expressions, or how many bytes if negative.
NUMBERS = {0x23: 1, 0x41: 1, 0x42: 1, 0x43: -4, 0x44: -8, 0xd2: 1, 0x6a: 0, 0x6b: 0, 0x6c: 0, 0x7c: 0, 0x7d: 0, 0x7e: 0}
NUMBERS_GC = {0: 1, 1: 1, 6: 1, 7: 1, 8: 2, 26: 0, 27: 0, 28: 0, 32: 1, 33: 1}  # after 0xfb


class Reader:
    """Reads a section; the functions return the bytes of what they pass over."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value, self.at = read_leb(self.data, self.at)
        return value

    def since(self, start):
        return self.data[start:self.at]

    def heap_type(self):
        if self.data[self.at] == 0x62:  # exact
            self.at += 1
        self.number()

    def value_type(self):
        start = self.at
        if self.byte() in (0x63, 0x64):
            self.heap_type()
        return self.since(start)

    def field_type(self):
        self.value_type()
        self.at += 1

    def sub_type(self):
        """A type; final, without a supertype, is the same as its short form."""
        start = self.at
        if self.data[self.at] in (0x4f, 0x50):
            self.at += 1
            supertypes = [self.number() for _ in range(self.number())]
            if not supertypes and self.data[start] == 0x4f:
                start = self.at
        while self.data[self.at] in (0x4c, 0x4d):  # describes, descriptor
            self.at += 1
            self.number()
        if self.data[self.at] == 0x65:  # shared
            self.at += 1
        kind = self.byte()
        if kind == 0x60:
            for _ in range(2):
                for _ in range(self.number()):
                    self.value_type()
        elif kind == 0x5f:
            for _ in range(self.number()):
                self.field_type()
        elif kind == 0x5e:
            self.field_type()
        elif kind == 0x5d:
            self.heap_type()
        else:
            raise ValueError(f"type {kind:#x}")
        return self.since(start)

    def expression(self):
        start = self.at
        while (op := self.byte()) != 0x0b:
            if op == 0xd0:
                self.heap_type()
            elif op == 0xfd:
                if self.number() != 12:
                    raise ValueError("a vector instruction")
                self.at += 16
            else:
                count = NUMBERS_GC[self.number()] if op == 0xfb else NUMBERS[op]
                self.at += max(-count, 0)
                for _ in range(count):
                    self.number()
        return self.since(start)


def types(contents):
    """The groups of types, each of which is a list; a group of one type is the type alone."""
    reader = Reader(contents)
    groups = []
    for _ in range(reader.number()):
        count = 1
        if contents[reader.at] == 0x4e:
            reader.at += 1
            count = reader.number()
        groups.append([reader.sub_type() for _ in range(count)])
    if reader.at != len(contents):
        raise ValueError("the section of types does not end")
    return groups


def elements(contents):
    """The element segments: mode, table, offset, type and expressions."""
    reader = Reader(contents)
    segments = []
    for _ in range(reader.number()):
        flags = reader.number()
        active = flags & 1 == 0
        table = reader.number() if active and flags & 2 else 0
        offset = reader.expression() if active else b""
        typed = bool(flags & 3)
        if flags & 4:
            kind = reader.value_type() if typed else b"\x70"
            items = [reader.expression() for _ in range(reader.number())]
        else:
            if typed and reader.byte() != 0:
                raise ValueError("a kind of elements")
            kind = b"\x64\x70"
            items = [b"\xd2" + leb(reader.number()) + b"\x0b" for _ in range(reader.number())]
        # Functions alone may be said to be null or not.
        if all(item[0] == 0xd2 for item in items) and kind in (b"\x70", b"\x63\x70", b"\x64\x70"):
            kind = b"\x70"
        segments.append(("active" if active else "declared" if flags & 2 else "passive", table, offset, kind, items))
    if reader.at != len(contents):
        raise ValueError("the section of elements does not end")
    return segments
