#!/usr/bin/env python3
"""Threads (wasi-threads); see programs.py for the arguments."""
import build
import programs

# A libc would be compiled with the first two, too.
GUEST = ("--target=wasm32", "-matomics", "-mbulk-memory", "-nostdlib", "-I" + build.RUNTIME,
         "-Wl,--shared-memory,--import-memory,--export-memory,--max-memory=4194304")


def test(suite):
    build.require("clang-19", "lld-19")
    source = build.own("c/threads.c")
    wasm = suite.build.make("threads.wasm", [source], ["clang-19", *GUEST, "-O2", *build.WARNINGS, source, "-o", "{out}"])
    native = suite.build.make("threads", [source],
                              ["clang-19", "-O2", "-pthread", *build.WARNINGS, source, "-o", "{out}"])
    expected = suite.execute([native])
    suite.expect("the native program finds the primes", expected.stdout.startswith(b"primes 17984\n"), str(expected))
    suite.same("threads share work and hand it on", suite.guest(wasm, options=["--threads"]), expected)
    few = suite.guest(wasm, options=["--threads=3"])
    suite.expect("there may be too few of them", few.returncode == 1 and few.stdout == b"no thread 0\n", str(few))


programs.main(test)
