#!/usr/bin/env python3
"""`warpbeam serve` and its protocol, with valid and with hostile clients: serve_test.py WARPBEAM"""
import os
import random
import re
import select
import struct
import subprocess
import sys
import time

from external_terms import Atom, Handle, decode, encode, encode_part
from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
check, expect = suite.check, suite.expect

OK, ERROR, IMPORT = Atom("ok"), Atom("error"), Atom("import")
KIND, MESSAGE = Atom("kind"), Atom("message")
GUEST = b"""(module (import "env" "ask" (func $ask (param i32) (result i32)))
  (memory (export "memory") 1) (global (export "g") (mut externref) (ref.null extern))
  (func $inc (export "inc") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "ask") (param i32) (result i32) (call $ask (local.get 0)))
  (func (export "same") (param externref) (result externref) (local.get 0))
  (func (export "self") (result funcref) (ref.func $inc))
  (func (export "big") (result i64) (i64.const 0x8000000000000000))
  (func (export "forever") (loop $l (br $l))))"""


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([suite.command, "serve", "--stdio", *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.buffer = b""
        self.last = 0
        self.early = {}

    def send_bytes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send_frame(self, frame):
        self.send_bytes(struct.pack(">I", len(frame)) + frame)

    def send(self, term, owner=1, number=None):
        """Begins a request; its number."""
        if number is None:
            self.last += 1
            number = self.last
        self.send_frame(struct.pack(">QQ", number, owner) + encode(term))
        return number

    def receive(self, timeout=20, reads=decode):
        """The next frame: the number and the term; None if there is none."""
        while True:
            if len(self.buffer) >= 4:
                size = struct.unpack_from(">I", self.buffer)[0]
                if len(self.buffer) >= 4 + size:
                    frame, self.buffer = self.buffer[4:4 + size], self.buffer[4 + size:]
                    return struct.unpack_from(">Q", frame)[0], reads(frame[8:])
            if not select.select([self.process.stdout], [], [], timeout)[0]:
                return None
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            if not piece:
                return None
            self.buffer += piece

    def answer(self, number):
        while number not in self.early:
            found = self.receive()
            if found is None:
                return None
            self.early[found[0]] = found[1]
        return self.early.pop(number)

    def ask(self, function, *arguments, owner=1):
        return self.answer(self.send((Atom(function), list(arguments)), owner))

    def call(self, instance, name, *values):
        return self.ask("start_call", instance, name, list(values), {})

    def end(self):
        """The exit status and what was written to standard error."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        status = self.process.wait(timeout=20)
        return status, self.process.stderr.read().decode()


def begin(*options):
    server = Server(*options)
    server.greeting = server.receive()
    return server


def guest(server, owner=1):
    ok, module = server.ask("load", GUEST, {})
    ok, instance = server.ask("instantiate", module, {}, owner=owner)
    return module, instance


def kind(answer):
    return answer[1][KIND] if isinstance(answer, tuple) and answer[0] == ERROR else answer


# The command line
check("without --stdio", ["serve"], stderr=re.compile("--stdio is needed; see warpbeam serve --help"), status=2)
check("a word too many", ["serve", "--stdio", "x"], stderr=re.compile("'x' is not needed"), status=2)
check("a frame that is too large to allow", ["serve", "--stdio", "--max-frame", "3G"],
      stderr=re.compile("2147483647 bytes, not 3221225472"), status=2)
check("no input", ["serve", "--stdio"], stdout=re.compile(r"\A\0\0\0."))
check("the input ends in a size", ["serve", "--stdio"], stdin=b"\0\0", stdout=None, status=1,
      stderr="warpbeam: standard input ends 2 bytes after the beginning of a frame\n")
check("the input ends in a frame", ["serve", "--stdio"], stdin=b"\0\0\0\x09abc", stdout=None, status=1,
      stderr="warpbeam: standard input ends 7 bytes after the beginning of a frame\n")
check("a frame that is too large", ["serve", "--stdio"], stdin=b"\xff" * 100, stdout=None, status=1,
      stderr="warpbeam: standard input has a frame of 4294967295 bytes; they may have 1073741824\n")
check("a smaller limit", ["serve", "--stdio", "--max-frame", "20"], stdin=b"\0\0\0\x15", stdout=None, status=1,
      stderr=re.compile("a frame of 21 bytes; they may have 20"))

# A session
server = begin()
number, (name, version, details) = server.greeting
expect("greeting", (number, name, version) == (0, "warpbeam", 1) and isinstance(details[Atom("version")], bytes))
module, instance = guest(server)
expect("handles", isinstance(module, Handle) and isinstance(instance, Handle))
expect("a call", server.call(instance, b"inc", 41) == (OK, [42]))
expect("a large integer", server.call(instance, b"big") == (OK, [-2**63]))
found = server.call(instance, b"ask", 5)
expect("an import", found[0] == IMPORT and found[2:] == (b"env", b"ask", [5]), found)
call = found[1]
expect("a result that does not fit", kind(server.ask("continue", call, [1.5])) == "bad_argument")
expect("its answer", server.ask("continue", call, [6]) == (OK, [6]))
expect("an answer too many", kind(server.ask("continue", call, [6])) == "usage")
for term in [Atom("foo"), 2**100, -1, (1, [2, {3: b"4"}]), [[[]]], b"", 0.5, instance]:
    expect(f"the term {term!r} comes back", server.call(instance, b"same", term) == (OK, [term]))
reference = server.call(instance, b"self")[1][0]
expect("a reference is called", server.call(instance, reference, 1) == (OK, [2]))
expect("memory", server.ask("write", instance, b"memory", 3, b"abc") == OK and
       server.ask("read", instance, b"memory", 2, 4) == (OK, b"\0abc"))
expect("a list of bytes", server.ask("write", instance, b"memory", 0, [b"a", [98, [99]], []]) == OK and
       server.ask("read", instance, b"memory", 0, 3) == (OK, b"abc"))
for wrong in [[256], [-1], [Atom("a")], 5, (1,), [2.5]]:
    expect(f"{wrong!r} is no list of bytes", kind(server.ask("write", instance, b"memory", 0, wrong)) == "bad_argument")

# Requests at the same time
loops = [server.send((Atom("start_call"), [instance, b"forever", [], {}])) for _ in range(3)]
times = []
for _ in range(15):
    start = time.monotonic()
    expect("a short call beside loops", server.call(instance, b"inc", 1) == (OK, [2]))
    times.append(time.monotonic() - start)
expect("loops delay it by some slices", sorted(times)[7] < 0.05, times)
server.send((Atom("cancel"), loops[0]), number=0)
expect("one is cancelled", server.ask("stats", instance)[1][Atom("executions")] == 2)
server.send((Atom("start_call"), [instance, b"inc", [1], {}]), number=loops[1])
found = server.answer(0)
expect("the number of a request that runs", kind(found) == "bad_argument" and str(loops[1]).encode() in found[1][MESSAGE])
start = time.monotonic()
expect("stop", server.ask("stop", instance) == OK)
expect("what ran has ended", all(kind(server.answer(loop)) == "stopped" for loop in loops[1:]))
expect("at once", time.monotonic() - start < 0.2)
expect("it can't be used", kind(server.call(instance, b"inc", 1)) == "stopped")

# Owners and handles
other = guest(server, owner=7)[1]
loop = server.send((Atom("start_call"), [other, b"forever", [], {}]), owner=1)
lost = server.send((Atom("start_call"), [other, b"forever", [], {}]), owner=7)
server.send((Atom("ended"), 7), number=0)
expect("the end of an owner stops its instances", kind(server.answer(loop)) == "stopped")
expect("for others, too", kind(server.call(other, b"inc", 1)) == "stopped")
expect("its own requests have no answer", server.ask("imports", module)[0][0] == "func" and lost not in server.early)
kept = guest(server)[1]
server.send((Atom("release"), [kept, other]), number=0)
expect("a handle that was given back", kind(server.call(kept, b"inc", 1)) == "bad_argument")
server.send((Atom("release"), [kept, kept, 5, Atom("foo"), Handle(b"\x5a" + kept[1:-1] + b"\xff")]), number=0)
waiting = guest(server)[1]
found = server.call(waiting, b"ask", 1)
server.send((Atom("release"), [waiting]), number=0)
expect("a call keeps its instance", server.ask("continue", found[1], [3]) == (OK, [3]))

# What is refused
for what, term in [("no tuple", 5), ("an empty tuple", ()), ("no such function", (Atom("halt"), [])),
                   ("no function", (5, [])), ("too many arguments", (Atom("stats"), [1, 2])),
                   ("no arguments", (Atom("stats"), Atom("x"))), ("not an instance", (Atom("stats"), [module])),
                   ("a term for an instance", (Atom("stats"), [5]))]:
    expect(what, kind(server.answer(server.send(term))) == "bad_argument")
for what, term in [("no control", 5), ("unknown control", (Atom("halt"), 1)), ("cancel nothing", (Atom("cancel"), Atom("x"))),
                   ("release no list", (Atom("release"), 5))]:
    server.send(term, number=0)
    expect(what, kind(server.answer(0)) == "bad_argument")
# A list of no elements and its tail.
server.send_frame(struct.pack(">QQ", 0, 1) + b"\x83h\2w\7release" + b"l\0\0\0\0j")
expect("an empty list of handles", server.call(guest(server)[1], b"inc", 1) == (OK, [2]))
server.send((Atom("cancel"), 12345), number=0)
server.send((Atom("ended"), 12345), number=0)
for frame in [b"", b"1234567", b"\0" * 8]:
    server.send_frame(frame)
    expect(f"a frame of {len(frame)} bytes", kind(server.answer(0)) == "malformed")
deep = b"\x6c\0\0\0\1" * 300000 + b"\x6a" * 300001
broken = [b"", b"\x83", b"\x82a\1", b"\x83a", b"\x83\x50\0\0\0\1abc", b"\x83a\1a", b"\x83" + b"\xff", b"\x83m\xff\xff\xff\xffab",
          b"\x83l\xff\xff\xff\xffa\1", b"\x83i\xff\xff\xff\xff", b"\x83t\xff\xff\xff\xff", b"\x83h\2a\1", b"\x83n\xff\0",
          b"\x83o\xff\xff\xff\xff\0", b"\x83w\5ab", b"\x83k\0\5ab", b"\x83Z\xff\xff", b"\x83Z\0\3w\1a", b"\x83p\0\0\0\3",
          b"\x83q", b"\x83c" + b"1" * 31, b"\x83" + deep[:-1], b"\x83" + b"l\xff\xff\xff\xff" * 1000, b"\x83" + b"i\xff\xff\xff\xff" * 100000]
for term in broken:
    server.last += 1
    server.send_frame(struct.pack(">QQ", server.last, 1) + term)
    expect(f"the term {term[:20]!r}", kind(server.answer(server.last)) == "malformed")
empty = b"\x6c\0\0\0\0" * 300000
for term, loaded in [(deep, OK), (empty + b"\x6a", OK), (empty + b"a\1", "bad_argument")]:
    server.last += 1
    server.send_frame(struct.pack(">QQ", server.last, 1) + b"\x83h\2w\4loadl\0\0\0\2" + term + encode_part({}) + b"\x6a")
    found = kind(server.answer(server.last))
    expect("a deep list of bytes", found == loaded or found[0] == loaded, found)
    server.last += 1
    server.send_frame(struct.pack(">QQ", server.last, 1) + b"\x83h\2w\5stats" + term)
    expect("deep arguments", kind(server.answer(server.last)) == "bad_argument")
expect("after all that, it still works", server.call(guest(server)[1], b"inc", 1) == (OK, [2]))

# Any bytes in place of some of a request: an answer, or an error
chance = random.Random(1)
request = encode((Atom("start_call"), [guest(server)[1], b"same", [(Atom("a"), [1, 2.5, b"x"], {1: 2**70})], {Atom("fuel"): 100000}]))
count = 0
for _ in range(3000):
    bad = bytearray(request)
    for _ in range(chance.randrange(1, 4)):
        bad[chance.randrange(len(bad))] = chance.choice([0, 1, 97, 104, 106, 107, 108, 109, 255, chance.randrange(256)])
    server.last += 1
    server.send_frame(struct.pack(">QQ", server.last, 1) + bad)
    while (found := server.receive(reads=bytes)) is not None and found[0] != server.last:
        pass
    count += found is not None
expect("random requests are answered", count == 3000, count)
expect("the end of the input ends it", server.end() == (0, ""))

# The end of an instance whose calls had stacks of their own, with a memory that another thread frees
server = begin()
ok, module = server.ask("load", b"""(module (import "env" "ask" (func $ask (result i32)))
  (memory (export "memory") 400) (global (export "__stack_pointer") (mut i32) (i32.const 65536))
  (global $next (mut i32) (i32.const 131072))
  (func (export "malloc") (param i32) (result i32)
    (global.get $next) (global.set $next (i32.add (global.get $next) (local.get 0))))
  (func (export "free") (param i32))
  (func (export "ask") (result i32) (call $ask)))""", {})
for _ in range(10):
    ok, instance = server.ask("instantiate", module, {Atom("stacks"): 1024})
    calls = [server.call(instance, b"ask")[1] for _ in range(200)]
    answers = [server.ask("continue", call, [7]) for call in calls]
    server.send((Atom("release"), [*calls, instance]), number=0)
    if server.ask("imports", module) is None:
        break
expect("calls with stacks have answers", answers == [(OK, [7])] * 200, answers[:2])
expect("stacks are freed before their memory", server.end() == (0, ""))

# Limits
server = begin("--max-requests", "2")
instance = guest(server)[1]
loops = [server.send((Atom("start_call"), [instance, b"forever", [], {}])) for _ in range(3)]
expect("more requests than may be", kind(server.answer(loops[2])) == "busy")
server.process.stdin.close()
expect("the input's end ends loops", server.process.wait(timeout=20) == 0)

server = begin()
server.send_bytes(b"".join(struct.pack(">I", 16 + len(term)) + struct.pack(">QQ", number, 1) + term
                           for number, term in enumerate([encode((Atom("load"), [GUEST, {}]))] * 100, 1)))
expect("many frames in one piece", all(server.answer(number)[0] == OK for number in range(1, 101)))
instance = guest(server)[1]
frame = struct.pack(">QQ", 1000, 1) + encode((Atom("start_call"), [instance, b"inc", [1], {}]))
for byte in struct.pack(">I", len(frame)) + frame:
    server.send_bytes(bytes([byte]))
expect("one frame in many pieces", server.answer(1000) == (OK, [2]))
server.process.stdout.close()
for _ in range(3):
    try:
        server.send((Atom("stats"), [instance]))
    except BrokenPipeError:
        break
status, message = server.end()
expect("nobody reads the answers", status == 1 and "cannot write to standard output" in message, message)

suite.close()
