"""Small changes of modules in the binary format and of texts. Most leave the structure whole, so that what is checked last
is reached as often as what is checked first."""
import os

INTERESTING = bytes((0x00, 0x01, 0x02, 0x0b, 0x40, 0x41, 0x60, 0x63, 0x64, 0x6e, 0x70, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0xfb, 0xfd, 0xff))
CODE = 10


def read_seeds(paths):
    files = []
    for path in paths:
        if os.path.isdir(path):
            files += [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
        else:
            files.append(path)
    seeds = []
    for name in sorted(files):
        with open(name, "rb") as file:
            seeds.append(file.read())
    return seeds


def leb(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_leb(data, at):
    """A pair: the number and where it ends. Raises IndexError if the data ends before."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def sections(binary):
    """The sections, as pairs of the number and the contents. Raises IndexError if their sizes are wrong."""
    found = []
    at = 8
    while at < len(binary):
        number = binary[at]
        size, start = read_leb(binary, at + 1)
        at = start + size
        if at > len(binary):
            raise IndexError
        found.append((number, binary[start:at]))
    return found


def joined(found):
    return b"\0asm\1\0\0\0" + b"".join(bytes((number,)) + leb(len(contents)) + contents for number, contents in found)


def bodies(contents):
    """The function bodies of a code section."""
    count, at = read_leb(contents, 0)
    found = []
    for _ in range(count):
        size, start = read_leb(contents, at)
        at = start + size
        if at > len(contents):
            raise IndexError
        found.append(contents[start:at])
    return found


def joined_bodies(found):
    return leb(len(found)) + b"".join(leb(len(body)) + body for body in found)


def change(rng, data, other):
    """One change of some bytes; `other` are bytes of which a part may be taken."""
    if not data:
        return bytes((rng.choice(INTERESTING),))
    at = rng.randrange(len(data))
    kind = rng.randrange(12)
    if kind < 4:
        return data[:at] + bytes((rng.choice(INTERESTING),)) + data[at + 1:]
    if kind < 5:
        return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1:]
    if kind < 6:
        return data[:at] + bytes((data[at] + rng.choice((-1, 1)) & 0xff,)) + data[at + 1:]
    if kind < 7:
        return data[:at] + bytes((rng.randrange(256),)) + data[at + 1:]
    if kind < 8:
        return data[:at] + bytes((rng.choice(INTERESTING),)) + data[at:]
    if kind < 9:
        return data[:at] + data[at + 1 + rng.randrange(3):]
    if kind < 10:
        other = data if rng.random() < 0.5 else other
        start = rng.randrange(len(other) + 1)
        part = other[start:start + 1 + rng.randrange(8)]
        return data[:at] + part + data[at + (len(part) if rng.random() < 0.5 else 0):]
    if kind < 11:
        end = at + 1 + rng.randrange(4)
        return data[:at] + data[end:2 * end - at] + data[at:end] + data[2 * end - at:]
    return data[:at] + b"\x0b" + data[at:]


def mutated(rng, binary, other):
    """The module with one to three changes. In most, the sizes of sections and bodies follow."""
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        binary = mutated_once(rng, binary, other)
    return binary


def mutated_once(rng, binary, other):
    if rng.random() < 0.05:
        return change(rng, binary, other)
    try:
        found = sections(binary)
        others = sections(other)
    except IndexError:
        return change(rng, binary, other)
    if not found:
        return change(rng, binary, other)
    if rng.random() < 0.04:
        kind = rng.randrange(3)
        at = rng.randrange(len(found))
        if kind == 0:
            del found[at]
        elif kind == 1 and others:
            found.insert(at, rng.choice(others))
        else:
            found.insert(at, found.pop(rng.randrange(len(found))))
        return joined(found)
    at = rng.randrange(len(found))
    code = [place for place, (number, _) in enumerate(found) if number == CODE]
    if code and rng.random() < 0.6:
        at = code[0]
    number, contents = found[at]
    if number == CODE and rng.random() < 0.9:
        try:
            functions = bodies(contents)
        except IndexError:
            functions = []
        if functions:
            place = rng.randrange(len(functions))
            functions[place] = change(rng, functions[place], functions[rng.randrange(len(functions))])
            found[at] = (number, joined_bodies(functions))
            return joined(found)
    same = [data for kind, data in others if kind == number]
    found[at] = (number, change(rng, contents, same[0] if same else contents))
    return joined(found)
