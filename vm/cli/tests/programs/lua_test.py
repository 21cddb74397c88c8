#!/usr/bin/env python3
"""Lua's interpreter runs scripts; see programs.py for the arguments."""
import os
import shutil

import build
import programs


def test(suite):
    build.require(*build.C22)
    folder = os.path.join(build.source("lua5.4"), "src")
    sources = sorted(os.path.join(folder, name) for name in os.listdir(folder)
                     if name.endswith(".c") and name != "luac.c")
    wasm, native = suite.build.both(
        "lua", sources, ["-w", "-I" + build.own("lua")],
        [*build.FINAL, *build.JUMPS, *build.UNIX, "-include", build.own("lua/wasi.h")], [build.own("runtime/jumps.c")],
        compiler="clang-22", libraries=build.UNIX_LIBRARIES, inputs=[build.own("lua")])
    for script, status in (("tables", 0), ("control", 1), ("files", 5)):
        # The same relative names natively, since Lua prints them. Both run in a directory of their own.
        runs = []
        for who in ("guest", "native"):
            data = suite.folder(f"{script} {who}")
            shutil.copy(build.own(f"lua/{script}.lua"), data)
            words = [f"{script}.lua", "."]
            runs.append((suite.guest_command(wasm, *words, options=["--env", "GREETING", "--dir", "."])
                         if who == "guest" else [native, *words], data))
        ran = [suite.execute(command, stdin=b"12345\n" * 1000, env={"GREETING": "hi", "TZ": "UTC"}, cwd=data)
               for command, data in runs]
        suite.same(f"{script}.lua", *without_own_name(ran, wasm, native), status=status)
    data = suite.folder("recorded")
    shutil.copy(build.own("lua/files.lua"), data)
    ran = suite.record(wasm, "files.lua", ".", options=["--env", "GREETING", "--dir", ".", "--print-fuel"],
                       stdin=b"12345\n" * 1000, env={"GREETING": "hi", "TZ": "UTC"}, cwd=data)
    shutil.rmtree(data)
    os.mkdir(data)
    suite.same("files.lua again, without its files", suite.replay("--print-fuel", cwd=data), ran, status=5)
    suite.expect("and without making some", os.listdir(data) == [], str(os.listdir(data)))
    run = suite.guest(wasm, "-", stdin=b"print(1 + 1) os.exit(true)")
    suite.expect("a script from standard input", run.stdout == b"2\n" and run.returncode == 0,
                 programs.text(run.stderr))
    run = suite.guest(wasm, "-e", "io.open('/etc/passwd')\nprint(io.open('/etc/passwd'))")
    suite.expect("no file without a directory", run.returncode == 0 and run.stdout.startswith(b"nil\t"),
                 programs.text(run.stdout))


def without_own_name(ran, *paths):
    """Messages begin with the program's name, which is not the same."""
    for run, path in zip(ran, paths):
        run.stderr = run.stderr.replace(path.encode(), b"lua").replace(os.path.basename(path).encode(), b"lua")
    return ran


programs.main(test)
