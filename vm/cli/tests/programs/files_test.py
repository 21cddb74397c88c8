#!/usr/bin/env python3
"""Many files, and waiting in poll; see programs.py for the arguments."""
import os
import subprocess
import time

import build
import programs


def many_files(suite):
    wasm, native = suite.build.both("files", [build.own("c/files.c")], build.WARNINGS)
    ours, theirs = suite.folder("guest"), suite.folder("native")
    suite.same("ten thousand files", suite.guest(wasm, "/data", folder=ours), suite.execute([native, theirs]))
    suite.expect("nothing is left", os.listdir(ours) == [], str(os.listdir(ours)))
    read_only = suite.guest(wasm, "/data", options=["--dir", ours + "::/data:ro"])
    suite.expect("a directory that is only read", read_only.returncode == 1 and os.listdir(ours) == [] and
                 read_only.stderr.startswith(b"mkdir "), programs.text(read_only.stderr))
    scratch = suite.execute([suite.command, "run", "--dir", ours + "::/data:scratch", wasm, "/data"])
    suite.expect("a scratch directory", scratch.returncode == 0 and os.listdir(ours) == [],
                 programs.text(scratch.stderr))
    recorded = suite.record(wasm, "/data", folder=ours, options=["--print-fuel"])
    os.rmdir(ours)
    suite.same("ten thousand files again, without a directory", suite.replay("--print-fuel"), recorded)
    suite.expect("the directory is still not there", not os.path.exists(ours))


def converse(server, client):
    """Connects two programs by pipes. Returns what both printed on standard error, their statuses, the seconds that
    passed and those that each took of the processor."""
    to_server, to_client = os.pipe(), os.pipe()
    began = time.monotonic()
    started = [subprocess.Popen(command, stdin=pipes[0], stdout=pipes[1], stderr=subprocess.PIPE)
               for command, pipes in ((server, (to_server[0], to_client[1])), (client, (to_client[0], to_server[1])))]
    for end in (*to_server, *to_client):
        os.close(end)
    output, statuses, work = [], [], []
    for process in started[::-1]:  # the server ends when the client has
        output.append(process.stderr.read().decode())
        process.stderr.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        statuses.append(process.returncode)
        work.append(usage.ru_utime + usage.ru_stime)
    return output[::-1], statuses, time.monotonic() - began, work[::-1]


def waiting(suite):
    wasm, native = suite.build.both("poll", [build.own("c/poll.c")], build.WARNINGS)
    run = [suite.command, "run", wasm]
    expected, statuses, _, _ = converse([native, "server"], [native, "client"])
    suite.expect("native programs converse", statuses == [0, 0] and "20 requests" in expected[0], str(expected))
    for name, server, client in (("two guests", run, run), ("a guest as the server", run, [native]),
                                 ("a guest as the client", [native], run)):
        output, statuses, passed, work = converse([*server, "server"], [*client, "client"])
        suite.expect(f"{name} converse", statuses == [0, 0] and output == expected, f"{statuses} {output}")
        # The client alone waits for 20 times 50 ms.
        suite.expect(f"{name} wait", passed >= 1, f"ended after {passed} s")
        # A program that asked again and again would take all of this second.
        suite.expect(f"{name} sleep meanwhile", max(work) < 0.3, f"they worked for {work} s of {passed}")
    log = os.path.join(suite.directory.name, "log")
    record = [suite.command, "run", "--deterministic", "--record", log, wasm]
    for who, server, client in (("server", record, [native]), ("client", [native], record)):
        output, statuses, _, _ = converse([*server, "server"], [*client, "client"])
        suite.expect(f"a {who} that is recorded converses", statuses == [0, 0] and output == expected,
                     f"{statuses} {output}")
        began = time.monotonic()
        alone = suite.replay()
        suite.expect(f"the {who} again, alone", alone.returncode == 0 and
                     alone.stderr.decode() == expected[who == "client"], programs.text(alone.stderr))
        suite.expect(f"the {who} again does not wait", time.monotonic() - began < 0.5, f"{time.monotonic() - began} s")
        # Some 20 calls of poll and 100 of read and write.
        suite.expect(f"the {who}'s log is small", os.path.getsize(log) - os.path.getsize(wasm) < 60_000,
                     f"{os.path.getsize(log)} bytes")


def test(suite):
    build.require(*build.C)
    many_files(suite)
    waiting(suite)


programs.main(test)
