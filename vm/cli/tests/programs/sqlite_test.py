#!/usr/bin/env python3
"""SQLite with database files, also when it is killed; see programs.py for the arguments."""
import os
import re
import shutil
import signal
import subprocess

import build
import programs

OPTIONS = ["-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "-DSQLITE_MAX_MMAP_SIZE=0",
           '-DSQLITE_DEFAULT_UNIX_VFS="unix-none"']


def amalgamation(suite):
    """SQLite in one file, which its own scripts make."""
    build.require("make", "tcl")
    folder = build.source("sqlite3")
    work = os.path.join(suite.build.directory, "sqlite")
    os.makedirs(work, exist_ok=True)
    script = f'"{folder}/configure" --disable-tcl --disable-readline && make sqlite3.c && cp sqlite3.c "$0"'
    return suite.build.make("sqlite3.c", [folder], ["sh", "-c", script, "{out}"], cwd=work), work


def programs_of(suite):
    source, headers = amalgamation(suite)
    objects = []
    # Apart from the program, which is compiled in no time. Natively, speed matters little.
    for name, flags in (("sqlite3.wasm.o", [*build.WASI, "-O1", *build.UNIX]), ("sqlite3.o", ["-O0"])):
        objects.append(suite.build.make(name, [source],
                                        ["clang-19", *flags, "-w", *OPTIONS, "-c", source, "-o", "{out}"]))
    program = build.own("sqlite/database.c")
    wasm = suite.build.make("database.wasm", [program, objects[0]],
                            ["clang-19", *build.WASI, *build.WARNINGS, "-O2", "-I" + headers, program, objects[0],
                             "-o", "{out}", *build.UNIX_LIBRARIES])
    native = suite.build.make("database", [program, objects[1]],
                              ["clang-19", *build.WARNINGS, "-I" + headers, program, objects[1], "-o", "{out}", "-lm"])
    return wasm, native


def interrupt(command):
    """Kills the program in the middle of a transaction; returns what it had printed, and its status."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    printed = process.stdout.readline()  # the last thing before it waits
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return printed + rest, process.returncode


def test(suite):
    build.require(*build.C)
    wasm, native = programs_of(suite)
    ours, theirs = suite.folder("guest"), suite.folder("native")
    guest = [*suite.guest_command(wasm, folder=ours), "/data/items.db"]
    beside = [native, theirs + "/items.db"]

    def step(name):
        suite.same(f"SQLite: {name}", suite.execute([*guest, name]), suite.execute([*beside, name]))

    step("create")
    step("query")
    step("check")
    suite.same_file("both databases are the same", ours + "/items.db", theirs + "/items.db")

    for name, options in (("create", []), ("query", ["--record-snapshots", "2000000"])):
        folder = suite.folder(name)
        if name == "query":
            shutil.copy(ours + "/items.db", folder)
        recorded = suite.record(wasm, "/data/items.db", name, folder=folder, options=["--print-fuel", *options])
        shutil.rmtree(folder)
        suite.same(f"SQLite: {name} again, without its file", suite.replay("--print-fuel"), recorded)
    used = int(re.search(rb"used (\d+)", recorded.stderr)[1])
    middle = suite.replay("--quiet", "--backtrace", "--to", str(used // 2))
    suite.expect("to the middle of it", middle.returncode == 0 and b"sqlite3" in middle.stderr, programs.text(middle.stderr))

    before = os.stat(ours + "/items.db").st_mtime_ns
    killed, twin = interrupt([*guest, "interrupted"]), interrupt([*beside, "interrupted"])
    suite.expect("killed in a transaction", killed == twin and killed[1] == -signal.SIGKILL and killed[0],
                 f"{killed} {twin}")
    suite.expect("it had written to the database", os.stat(ours + "/items.db").st_mtime_ns != before)
    suite.expect("a journal is left", os.path.getsize(ours + "/items.db-journal") > 0)
    step("check")
    suite.expect("the journal was used", not os.path.exists(ours + "/items.db-journal"))
    step("query")

    # The native program recovers what the guest has left, and the other way round.
    interrupt([*guest, "interrupted"])
    interrupt([*beside, "interrupted"])
    recovered = suite.execute([native, ours + "/items.db", "check"])
    suite.same("each recovers the other's database",
               suite.execute([*suite.guest_command(wasm, folder=theirs), "/data/items.db", "check"]), recovered)

    with open(ours + "/text.db", "w") as file:
        file.write("this is no database, but long enough to be taken for one. " * 20)
    damaged = suite.guest(wasm, "/data/text.db", "check", folder=ours)
    suite.expect("what is no database is refused", damaged.returncode == 1 and b"not a database" in damaged.stderr,
                 programs.text(damaged.stderr))
    read_only = suite.guest(wasm, "/data/items.db", "query", options=["--dir", ours + "::/data:ro"])
    suite.expect("a database in a directory that is only read", read_only.returncode == 1 and
                 b"readonly" in read_only.stderr, programs.text(read_only.stderr))


programs.main(test)
