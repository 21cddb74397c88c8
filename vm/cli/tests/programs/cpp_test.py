#!/usr/bin/env python3
"""C++ with its standard library, C++ exceptions, and jumps in C; see programs.py for the arguments."""
import build
import programs

WORDS = " ".join(f"{'abcdefgh'[i * i % 8] * (1 + i % 3)}" for i in range(5000)).encode()


def standard_library(suite):
    build.require(*build.C, *build.CPP)
    wasm, native = suite.build.both("containers", [build.own("cpp/containers.cpp")], ["-std=c++20", *build.WARNINGS],
                                    ["-fno-exceptions"])
    ours, theirs = suite.folder("guest"), suite.folder("native")
    suite.same("C++ library", suite.guest(wasm, "/data", folder=ours, stdin=WORDS),
               suite.execute([native, theirs], stdin=WORDS), status=2)
    suite.same_file("a file that was written", ours + "/lines.txt", theirs + "/lines.txt")
    refused = suite.guest(wasm, "/elsewhere", folder=ours, stdin=WORDS)
    suite.expect("no file outside of the directory", b"\n, 0 lines" in refused.stdout, programs.text(refused.stdout))


def exceptions(suite):
    build.require(*build.C22, *build.CPP)
    for name, flags, options in (("final", build.FINAL, []),
                                 ("legacy", build.LEGACY, ["--features", "+legacy-exceptions"])):
        wasm, native = suite.build.both(
            "exceptions-" + name, [build.own("cpp/exceptions.cpp")], ["-std=c++20", *build.WARNINGS],
            # libc++ brings functions that say that there are no exceptions.
            [*flags, "-Wl,--allow-multiple-definition"], [build.own("runtime/exceptions.cpp")], compiler="clang-22")
        suite.same(f"C++ exceptions, {name} instructions", suite.guest(wasm, options=options), suite.execute([native]))
        uncaught = suite.guest(wasm, "uncaught", options=options)
        suite.expect(f"an exception that nobody catches, {name} instructions",
                     uncaught.returncode == 134 and b"exception" in uncaught.stderr, programs.text(uncaught.stderr))
        wasm, native = suite.build.both("jumps-" + name, [build.own("c/jumps.c")], build.WARNINGS,
                                        [*flags, *build.JUMPS], [build.own("runtime/jumps.c")], compiler="clang-22")
        suite.same(f"jumps, {name} instructions", suite.guest(wasm, options=options), suite.execute([native]))
    refused = suite.guest(wasm)
    suite.expect("legacy instructions are refused unless they are switched on",
                 refused.returncode == 125 and b"legacy-exceptions" in refused.stderr, programs.text(refused.stderr))


def test(suite):
    standard_library(suite)
    exceptions(suite)


programs.main(test)
