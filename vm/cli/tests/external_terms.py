"""Erlang's external term format, as far as a client of `warpbeam serve` needs it. A term is an int, a float, an Atom, bytes
for a binary, a tuple, a list, a dict, or a Handle: the bytes of a reference, which only the server understands."""
import struct


class Atom(str):
    pass


class Handle(bytes):
    pass


def encode(term):
    return b"\x83" + encode_part(term)


def encode_part(term):
    if isinstance(term, Atom):
        return struct.pack(">BB", 119, len(term)) + term.encode()
    if isinstance(term, Handle):
        return bytes(term)
    if isinstance(term, bytes):
        return struct.pack(">BI", 109, len(term)) + term
    if isinstance(term, float):
        return struct.pack(">Bd", 70, term)
    if isinstance(term, int):
        if -2**31 <= term < 2**31:
            return struct.pack(">Bi", 98, term)
        size = (abs(term).bit_length() + 7) // 8
        return struct.pack(">BBB", 110, size, term < 0) + abs(term).to_bytes(size, "little")
    if isinstance(term, tuple):
        return struct.pack(">BB", 104, len(term)) + b"".join(map(encode_part, term))
    if isinstance(term, list):
        return struct.pack(">BI", 108, len(term)) + b"".join(map(encode_part, term)) + b"\x6a" if term else b"\x6a"
    if isinstance(term, dict):
        return struct.pack(">BI", 116, len(term)) + b"".join(encode_part(part) for pair in term.items() for part in pair)
    raise TypeError(term)


def decode(data):
    if data[:1] != b"\x83":
        raise ValueError("not of version 131")
    term, end = decode_part(data, 1)
    if end != len(data):
        raise ValueError("bytes after the term")
    return term


def decode_part(data, at):
    tag = data[at]
    at += 1

    def number(size):
        return int.from_bytes(data[at:at + size], "big")

    def parts(count, begin):
        found = []
        for _ in range(count):
            part, begin = decode_part(data, begin)
            found.append(part)
        return found, begin

    if tag == 97:
        return data[at], at + 1
    if tag == 98:
        return struct.unpack_from(">i", data, at)[0], at + 4
    if tag == 70:
        return struct.unpack_from(">d", data, at)[0], at + 8
    if tag == 110:
        magnitude = int.from_bytes(data[at + 2:at + 2 + data[at]], "little")
        return -magnitude if data[at + 1] else magnitude, at + 2 + data[at]
    if tag == 119:
        return Atom(data[at + 1:at + 1 + data[at]].decode()), at + 1 + data[at]
    if tag == 109:
        return bytes(data[at + 4:at + 4 + number(4)]), at + 4 + number(4)
    if tag == 104:
        found, end = parts(data[at], at + 1)
        return tuple(found), end
    if tag == 106:
        return [], at
    if tag == 108:
        found, end = parts(number(4), at + 4)
        if data[end] != 106:
            raise ValueError("an improper list")
        return found, end + 1
    if tag == 116:
        found, end = parts(2 * number(4), at + 4)
        return dict(zip(found[::2], found[1::2])), end
    if tag == 90:
        words = number(2)
        end = at + 2 + 2 + data[at + 3] + 4 + 4 * words
        return Handle(data[at - 1:end]), end
    raise ValueError(f"tag {tag}")
