#!/usr/bin/env python3
"""bzip2 and LZ4 compress and decompress files; see programs.py for the arguments."""
import os
import random

import build
import programs


def input_bytes():
    """Text that repeats itself, noise, and zeros: two and a half megabytes in the same order every time."""
    source = random.Random(1)
    words = [bytes(source.choices(b"abcdefghijklmnop", k=source.randrange(2, 12))) for _ in range(3000)]
    text = b" ".join(source.choices(words, k=200_000))
    return text + source.randbytes(500_000) + bytes(500_000)


ORIGINAL = input_bytes()


def check(suite, name, wasm, native, compress, decompress, extension, same_output=True):
    """The guest and the native program compress, and each decompresses what the other has made. COMPRESS and DECOMPRESS
    give the arguments for a source and a target."""
    ours, theirs = suite.folder(name + " guest"), suite.folder(name + " native")
    for folder in (ours, theirs):
        with open(os.path.join(folder, "file"), "wb") as out:
            out.write(ORIGINAL)
    packed = "file" + extension

    def succeed(what, ran):
        suite.expect(f"{name}: {what}", ran.returncode == 0, f"{ran.returncode} {programs.text(ran.stderr)}")

    succeed("the guest compresses", suite.guest(wasm, *compress("/data/file", "/data/" + packed), folder=ours))
    succeed("the native program compresses", suite.execute([native, *compress(theirs + "/file", f"{theirs}/{packed}")]))
    if same_output:
        suite.same_file(f"{name} makes the same file", f"{ours}/{packed}", f"{theirs}/{packed}")

    # They change places.
    ours, theirs = theirs, ours
    for folder in (ours, theirs):
        os.replace(folder + "/file", folder + "/original")
    succeed("the guest decompresses", suite.guest(wasm, *decompress("/data/" + packed, "/data/file"), folder=ours))
    succeed("the native program decompresses",
            suite.execute([native, *decompress(f"{theirs}/{packed}", theirs + "/file")]))
    for folder in (ours, theirs):
        suite.same_file(f"{name} gives the file back", folder + "/file", folder + "/original")

    # A damaged file, which both must refuse.
    for folder in (ours, theirs):
        os.unlink(folder + "/file")
        with open(f"{folder}/{packed}", "r+b") as file:
            file.seek(100_000)
            file.write(bytes(64))
    for who, ran in (("guest", suite.guest(wasm, *decompress("/data/" + packed, "/data/file"), folder=ours)),
                     ("native", suite.execute([native, *decompress(f"{theirs}/{packed}", theirs + "/file")]))):
        suite.expect(f"{name} refuses a damaged file ({who})", ran.returncode > 0 and ran.stderr,
                     f"{ran.returncode} {programs.text(ran.stderr)}")


def bzip2(suite):
    folder = build.source("bzip2")
    files = ["blocksort", "bzip2", "bzlib", "compress", "crctable", "decompress", "huffman", "randtable"]
    wasm, native = suite.build.both(
        "bzip2", [os.path.join(folder, name + ".c") for name in files], ["-w"],
        build.UNIX, libraries=build.UNIX_LIBRARIES)
    # bzip2 names its output itself.
    check(suite, "bzip2", wasm, native, lambda source, target: ["-k", "-9", source],
          lambda source, target: ["-d", "-k", source], ".bz2")


def lz4(suite):
    folder = build.source("lz4")
    files = ["programs/lz4cli", "programs/lz4io", "programs/datagen", "programs/bench", "lib/lz4", "lib/lz4hc",
             "lib/lz4frame", "lib/xxhash"]
    wasm, native = suite.build.both(
        "lz4", [os.path.join(folder, name + ".c") for name in files],
        ["-w", "-I" + os.path.join(folder, "lib")], build.UNIX, libraries=build.UNIX_LIBRARIES)
    # At level 1, LZ4 looks for matches of another length where pointers have 64 bits.
    for level, same_output in (("-1", False), ("-9", True)):
        check(suite, "lz4 " + level, wasm, native, lambda source, target: ["-q", level, source, target],
              lambda source, target: ["-q", "-d", source, target], ".lz4", same_output)


def test(suite):
    build.require(*build.C)
    bzip2(suite)
    lz4(suite)


programs.main(test)
