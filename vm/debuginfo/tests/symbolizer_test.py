#!/usr/bin/env python3
"""print_frames and llvm-symbolizer say the same of every address: symbolizer_test.py PRINT_FRAMES MODULE...

Skipped if there is no llvm-symbolizer.
"""
import shutil
import subprocess
import sys
import tempfile

symbolizer = next(filter(None, map(shutil.which, ("llvm-symbolizer-19", "llvm-symbolizer"))), None)
if symbolizer is None:
    print("skipped: there is no llvm-symbolizer")
    sys.exit(77)


def blocks(text):
    """What is said of each address: the frames as pairs of function and place; nothing for what is unknown."""
    found = []
    for block in text.split("\n\n")[:-1]:
        lines = block.split("\n")
        frames = list(zip(lines[::2], lines[1::2]))
        # Without a file there is only a symbol, which does not come from DWARF.
        found.append([frame for frame in frames if not frame[1].startswith(("??:", ":"))])
    return found


def without_symbols(path):
    """The module without exports and names, which newer versions prefer to the names in DWARF."""
    with open(path, "rb") as file:
        data = file.read()
    kept = bytearray(data[:8])
    at = 8
    while at < len(data):
        begin, kind = at, data[at]
        at += 1
        size = shift = 0
        more = True
        while more:
            size |= (data[at] & 0x7f) << shift
            more = data[at] & 0x80
            shift += 7
            at += 1
        is_name = kind == 0 and data[at:at + 5] == b"\x04name"
        at += size
        if kind != 7 and not is_name:
            kept += data[begin:at]
    return bytes(kept)


passed = failed = 0
stripped = tempfile.NamedTemporaryFile(suffix=".wasm")
for module in sys.argv[2:]:
    ours = subprocess.run([sys.argv[1], module], capture_output=True, text=True, check=True).stdout
    addresses = []
    answers = []
    for block in ours.split("\n\n")[:-1]:
        address, _, rest = block.partition("\n")
        addresses.append(address)
        answers.append(rest)
    with open(stripped.name, "wb") as file:
        file.write(without_symbols(module))
    theirs = subprocess.run([symbolizer, "--obj=" + stripped.name], input="\n".join(addresses) + "\n",
                            capture_output=True, text=True, check=True).stdout
    known = 0
    for address, mine, other in zip(addresses, blocks("\n\n".join(answers) + "\n\n"), blocks(theirs), strict=True):
        known += bool(mine)
        if mine == other:
            passed += 1
        else:
            failed += 1
            if failed <= 5:
                print(f"{module} at {address}:\n{mine}\ninstead of\n{other}")
    if known == 0:
        failed += 1
        print(f"{module}: nothing is known of any address")
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
