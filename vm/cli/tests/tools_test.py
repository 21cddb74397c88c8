#!/usr/bin/env python3
"""Tools for modules, completions and manual pages: tools_test.py WARPBEAM C++-COMPILER REPOSITORY [SANITIZERS]"""
import json
import os
import pty
import re
import shutil
import subprocess
import sys

from harness import Suite

suite = Suite(os.path.abspath(sys.argv[1]))
check, file = suite.check, suite.file
compiler, repository = sys.argv[2], sys.argv[3]

file("zoo.wat", r"""(module $zoo
  (import "env" "log\22" (func $log (param i32 i64 f32 f64) (result i32)))
  (import "env" "log\22" (func (param i32 i64 f32 f64) (result i32)))
  (import "env" "pair" (func (param externref v128) (result i32 i64)))
  (import "env" "odd" (func (param (ref func) anyref)))
  (import "env" "m" (memory 1 2)) (import "env" "t" (table 1 funcref)) (import "env" "g" (global (mut v128)))
  (import "env" "r" (global anyref)) (import "env" "tag" (tag (param i32)))
  (import "env" "\00?\80?/" (func)) (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
  (memory $big i64 3)
  (@custom "note" "keep me")
  (@custom "producers" "\00")
  (func $add (export "plus") (param $a i32) (param i32) (result i32) (local i64 i64)
    (i32.add (local.get 0) (i32.mul (local.get 0) (local.get 1))))
  (func $"\1b[31m") (start $"\1b[31m"))""".replace(r"\80", r"\u{202e}"))
file("empty.wat", "(module)")
check("assembled", ["wat2wasm", "zoo.wat"])

# JSON
listing = check("inspect --json", ["inspect", "--json", "zoo.wasm"], None).stdout
zoo = json.loads(listing)
suite.expect("ASCII only", all(0x20 <= byte < 0x7f or byte == 10 for byte in listing), listing)
suite.expect("the name", zoo["name"] == "zoo" and zoo["bytes"] == len(suite.read("zoo.wasm")))
suite.expect("imports", zoo["imports"][0] == {"module": "env", "name": 'log"', "kind": "func", "type":
             "func (param i32 i64 f32 f64) (result i32)"} and zoo["imports"][9]["name"] == "\0?\u202e?/", str(zoo["imports"]))
suite.expect("exports", zoo["exports"] == [{"name": "plus", "kind": "func", "index": 6, "type":
             "func (param i32 i32) (result i32)"}], str(zoo["exports"]))
suite.expect("functions", zoo["functions"][6]["name"] == "add" and zoo["functions"][6]["locals"] == 2 and
             zoo["functions"][7]["name"] == "\x1b[31m" and zoo["functions"][0]["imported"] and not zoo["functions"][6]["imported"],
             str(zoo["functions"]))
suite.expect("memories", zoo["memories"][0] == {"index": 0, "imported": True, "min": 1, "max": 2, "address": "i32", "shared": False,
             "page_size": 65536} and zoo["memories"][1]["address"] == "i64" and "max" not in zoo["memories"][1], str(zoo["memories"]))
suite.expect("custom sections", {"note", "producers", "name"} <= {s["name"] for s in zoo["sections"] if s["section"] == "custom"},
             str(zoo["sections"]))
suite.expect("features", {"simd", "memory64", "multi-memory", "gc"} <= set(zoo["features"]), str(zoo["features"]))
suite.expect("the start", zoo["start"] == 7)
empty = json.loads(check("an empty module", ["inspect", "--json", "empty.wat"], None).stdout)
suite.expect("empty lists", empty["functions"] == [] and empty["imports"] == [] and "start" not in empty, str(empty))
check("two forms", ["inspect", "--json", "--wat", "--func", "0", "zoo.wat"], "", re.compile("only one of"), status=2)

# The text of a function
check("the text of a function", ["inspect", "--wat", "--func", "plus", "zoo.wat"], """(func $"add" (;6;) (param i32 i32) (result i32)
  (local i64 i64)
    local.get 0
    local.get 0
    local.get 1
    i32.mul
    i32.add
)
""")
check("by its index", ["inspect", "--wat", "--func=7", "zoo.wat"], '(func $"\\1b[31m" (;7;)\n)\n')
check("an import has none", ["inspect", "--wat", "--func=0", "zoo.wat"], "", re.compile("function 0 is imported"), status=1)
check("an unknown one", ["inspect", "--wat", "--func", "ad", "zoo.wat"], "", re.compile("no function named 'ad' \\(did you mean 'add'"), status=1)
check("--wat alone", ["inspect", "--wat", "zoo.wat"], "", re.compile("--wat needs --func.*wasm2wat"), status=2)

# Hosts
stub = check("inspect --imports", ["inspect", "--imports", "zoo.wasm"], re.compile("linker.func")).stdout
suite.expect("only what is safe to print", all(0x20 <= byte < 0x7f or byte == 10 for byte in stub), stub)
file("host.cpp", stub)
includes = [f"-I{repository}/{folder}/include" for folder in ("vm", "vm/wasi", "loader", "memory")]
compiled = subprocess.run([compiler, "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *includes,
                           os.path.join(suite.directory.name, "host.cpp")], capture_output=True)
suite.expect("the host compiles", compiled.returncode == 0, compiled.stderr.decode() + stub.decode())
libraries = [os.path.join(os.path.dirname(suite.command), name) for name in (
    "vm/wasi/libwarpbeam_wasi.a", "vm/libwarpbeam_vm.a", "loader/libwarpbeam_loader.a", "memory/libwarpbeam_memory.a")]
if all(os.path.exists(library) for library in libraries):
    # The libraries may have been built with sanitizers.
    sanitizers = [f"-fsanitize={sys.argv[4]}"] if len(sys.argv) > 4 and sys.argv[4] else []
    linked = subprocess.run([compiler, "-std=c++23", *sanitizers, *includes, "host.cpp", "-Wl,--start-group", *libraries, "-Wl,--end-group",
                             "-pthread", "-o", "host"], capture_output=True, cwd=suite.directory.name)
    suite.expect("the host is linked", linked.returncode == 0, linked.stderr.decode())
    ran = subprocess.run(["./host", "zoo.wasm"], capture_output=True, cwd=suite.directory.name)
    suite.expect("all imports fit", ran.returncode == 0 and ran.stderr == b"", ran.stderr.decode())
else:
    suite.skip("linking a host: the libraries are elsewhere")

# Stripping
check("strip", ["strip", "zoo.wasm"])
stripped = json.loads(check("what is left", ["inspect", "--json", "zoo.stripped.wasm"], None).stdout)
names = [s["name"] for s in stripped["sections"] if s["section"] == "custom"]
suite.expect("other custom sections stay", names == ["note"], str(names))
suite.expect("the code stays", [f["size"] for f in stripped["functions"][6:]] == [f["size"] for f in zoo["functions"][6:]])
for name, args, left in (("all", ["--all"], []), ("but one", ["--all", "--keep", "note"], ["note"]),
                         ("names stay", ["--keep=name"], ["note", "name"]), ("nothing that is not there", ["--keep", "x"], ["note"])):
    check(f"strip: {name}", ["strip", *args, "zoo.wasm", "-o", "out.wasm"])
    sections = json.loads(check(name, ["inspect", "--json", "out.wasm"], None).stdout)["sections"]
    names = [s["name"] for s in sections if s["section"] == "custom"]
    suite.expect(f"left: {name}", names == left, str(names))
check("strip to standard output", ["strip", "-", "-o", "-"], b"\0asm\1\0\0\0", stdin=b"\0asm\1\0\0\0\0\6\4name\0")
check("strip the text", ["strip", "empty.wat", "-o", "-"], b"\0asm\1\0\0\0")
file("bad.wasm", b"\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\n\6\1\4\0\x42\1\x0b")
check("an invalid module", ["strip", "bad.wasm"], "", re.compile("type mismatch"), status=1)
suite.expect("is not written", not os.path.exists(os.path.join(suite.directory.name, "bad.stripped.wasm")))
check("no file", ["strip", "none.wasm"], "", re.compile("cannot open none.wasm"), status=1)

# Differences
file("a.wat", """(module (import "env" "f" (func $f)) (memory 1) (export "m" (memory 0))
  (func $same (call $last)) (func $changed (nop)) (func $gone) (func $last (call $f)))""")
file("b.wat", """(module (import "env" "f" (func $f)) (import "env" "g" (func $g (param i32))) (memory 2) (export "n" (memory 0))
  (func $new) (func $same (call $last)) (func $changed (nop) (nop)) (func $last (call $f)))""")
check("diff", ["diff", "a.wat", "b.wat"], """imports:
  + "env" "g" func (param i32): func (param i32)
exports:
  - "m": memory 1
  + "n": memory 2
memories:
  ~ memory 0: memory 1 -> memory 2
functions:
  ~ $changed: 2 bytes -> 3 bytes
  - $gone: 1 byte
  + $new: 1 byte
""", status=1)
check("the same", ["diff", "zoo.wat", "zoo.wasm"])
file("c.wat", """(module (func $x (i32.store (i32.const 1) (i32.const 2))) (memory 1))""")
file("d.wat", """(module (func $x (i32.store (i32.const 1) (i32.const 3))) (memory 1))""")
check("the same size", ["diff", "c.wat", "d.wat"], "functions:\n  ~ $x: 8 bytes, changed\n", status=1)
file("e.wat", "(module (func (param i32)) (func (param i64)))")
file("f.wat", "(module (func (param i32)) (func (param f64)))")
check("without names", ["diff", "e.wat", "f.wat"], "functions:\n  ~ function 1: 1 byte, changed\n", status=1)
check("a hostile name", ["diff", "zoo.wat", "empty.wat"], re.compile(r"- \$\\1b\[31m: "), status=1)
check("one file", ["diff", "a.wat"], "", re.compile("two FILEs are needed"), status=2)
check("a missing file", ["diff", "a.wat", "none.wat"], "", re.compile("cannot open none.wat"), status=2)
check("an invalid file", ["diff", "a.wat", "bad.wasm"], "", re.compile("type mismatch"), status=2)

# Completions and manual pages are made from the options, so they have all of them.
COMMANDS = re.findall(r"^  (\S+) +\S", suite.check("help", ["--help"], None).stdout.decode().split("commands:\n")[1].split("\n\n")[0], re.M)
suite.expect("commands were found", len(COMMANDS) > 10 and "run" in COMMANDS, str(COMMANDS))
scripts = {shell: check(f"completions {shell}", ["completions", shell], None).stdout.decode() for shell in ("bash", "zsh", "fish")}
for command in COMMANDS:
    shown = check(f"help of {command}", [command, "--help"], None).stdout.decode().split("options:\n")[1]
    options = set(re.findall(r"^  (-[\w-]+)", shown.split("\n\n")[0], re.M))
    page = check(f"man {command}", ["man", command], re.compile(r"^\.TH warpbeam\\-")).stdout.decode()
    for option in options:
        suite.expect(f"man {command} has {option}", ".B " + option.replace("-", "\\-") in page, page)
        if option == "--help":
            continue
        suite.expect(f"bash has {option} of {command}", re.search(rf"{command}\) options='[^']*{option}\b", scripts["bash"]))
        suite.expect(f"zsh has {option} of {command}", f"'{option}" in scripts["zsh"])
        spelt = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
        suite.expect(f"fish has {option} of {command}", f"from {command}' {spelt}" in scripts["fish"])
check("man", ["man"], re.compile(r"\.BR warpbeam\\-run \(1\)"))
check("man of a command that is not there", ["man", "rum"], "", "warpbeam: no command named 'rum' (did you mean 'run'?)\n", status=2)
for shell, words in (("bash", "sfv) options='--help --type"), ("bash", "operands='parse format canonical'"), ("zsh", "'*:word:(bash zsh fish)'"), ("fish", "from completions' -f -a 'bash zsh fish'")):
    suite.expect(f"{shell} has the names of shells", words in scripts[shell], scripts[shell])
if shutil.which("bash"):
    for words, wanted in ((["ru"], "run"), (["run", "--tim"], "--timeout"), (["man", "wat"], "wat2wasm"), (["sfv", "can"], "canonical"),
                          (["run", "--features", "+thr"], "+threads"), (["validate", "--features", "-all,-si,+sim"], "-all,-si,+simd"),
                          (["run", "--features", "=", "-tail"], "-tail-call"), (["run", "--features", "+gc", "--ea"], "--eager"),
                          (["run", "--features", "x"], ""), (["run", "--profile", "=", "zoo.wat"], "zoo.wat")):
        script = scripts["bash"] + 'COMP_WORDS=(warpbeam "$@"); COMP_CWORD=$#; _warpbeam; echo "${COMPREPLY[*]}"\n'
        ran = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, cwd=suite.directory.name)
        suite.expect(f"bash completes {words}", (ran.stdout.decode(), ran.stderr) == (wanted + "\n", b""), str(ran))
    script = scripts["bash"] + 'COMP_WORDS=(warpbeam run --features =); COMP_CWORD=3; _warpbeam; echo "${COMPREPLY[0]}"\n'
    ran = subprocess.run(["bash", "-c", script], capture_output=True)
    suite.expect("bash completes a value of which nothing is there yet", (ran.stdout, ran.stderr) == (b"+all\n", b""), str(ran))
check("another shell", ["completions", "csh"], "", re.compile("bash, zsh or fish"), status=2)
check("no shell", ["completions"], "", re.compile("bash, zsh or fish"), status=2)
for shell, checker in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])):
    if not shutil.which(shell):
        suite.skip(f"the syntax of completions for {shell}: there is no {shell}")
        continue
    file(f"completions.{shell}", scripts[shell])
    ran = subprocess.run([*checker, os.path.join(suite.directory.name, f"completions.{shell}")], capture_output=True)
    suite.expect(f"the syntax of completions for {shell}", ran.returncode == 0 and ran.stderr == b"", ran.stderr.decode())


def complete(*words):
    """What bash completes the last word to."""
    script = f'source completions.bash; COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _warpbeam; ' \
             'printf "%s\\n" "${COMPREPLY[@]}"'
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=suite.directory.name).stdout.split()


if shutil.which("bash"):
    suite.expect("a command is completed", complete("warpbeam", "repl") == ["replay"], str(complete("warpbeam", "repl")))
    suite.expect("an option is completed", complete("warpbeam", "run", "--time") == ["--timeout"])
    for command, word, whole in (("man", "st", "strip"), ("help", "val", "validate"), ("completions", "z", "zsh"), ("man", "--h", "--help")):
        suite.expect(f"the operand of {command} is completed", complete("warpbeam", command, word) == [whole], str(complete("warpbeam", command, word)))
    suite.expect("a file is completed", complete("warpbeam", "run", "zoo.st") == ["zoo.stripped.wasm"])
if shutil.which("fish"):
    def fish(line):
        """What fish completes a line to."""
        ran = subprocess.run(["fish", "--no-config", "-c", f"source completions.fish; complete -C '{line}'"], capture_output=True, text=True,
                             cwd=suite.directory.name, env={"PATH": os.environ["PATH"], "HOME": suite.directory.name})
        return [offer.split("\t")[0] for offer in ran.stdout.splitlines()]
    suite.expect("fish completes a command", fish("warpbeam repl") == ["replay"], str(fish("warpbeam repl")))
    suite.expect("fish completes an option", fish("warpbeam run --time") == ["--timeout"], str(fish("warpbeam run --time")))
    suite.expect("fish completes an operand", fish("warpbeam man st") == ["strip"], str(fish("warpbeam man st")))
if shutil.which("zsh"):
    os.mkdir(os.path.join(suite.directory.name, "zsh"))
    file(os.path.join("zsh", "_warpbeam"), scripts["zsh"])
    ran = subprocess.run(["zsh", "-f", "-c", "fpath=($PWD/zsh $fpath); autoload -U compinit && compinit -D -u && autoload +X _warpbeam && "
                          "print $_comps[warpbeam]"], capture_output=True, text=True,
                         cwd=suite.directory.name)
    suite.expect("zsh takes the completions", ran.returncode == 0 and ran.stderr == "" and ran.stdout.strip() == "_warpbeam",
                 f"{ran.returncode} {ran.stdout} {ran.stderr}")
if shutil.which("groff"):
    for command in ["", *COMMANDS]:
        page = subprocess.run([suite.command, "man", *([command] if command else [])], capture_output=True).stdout
        ran = subprocess.run(["groff", "-ww", "-man", "-Tutf8"], input=page, capture_output=True)
        suite.expect(f"roff of {command}", ran.returncode == 0 and ran.stderr == b"", ran.stderr.decode())
else:
    suite.skip("the syntax of manual pages: there is no groff")

# Progress, only on a terminal, and only after a second
file("slow.wast", """(module (func (export "f") (param i32) (loop
  (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
""" + '(assert_return (invoke "f" (i32.const 1000000000)))\n' * 3)
file("quick.wast", "(module)")


def on_terminal(*args):
    own, theirs = pty.openpty()
    process = subprocess.Popen([suite.command, *args], cwd=suite.directory.name, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    text = b""
    try:
        while part := os.read(own, 4096):
            text += part
    except OSError:  # the end of a terminal
        pass
    os.close(own)
    process.wait(timeout=100)
    return text


shown = on_terminal("wast", "slow.wast", "quick.wast")
suite.expect("progress after a second", shown == b"running 2 of 2: quick.wast\r\x1b[K", repr(shown))
shown = on_terminal("wast", "quick.wast", "quick.wast")
suite.expect("no progress before that", shown == b"", repr(shown))
check("no progress elsewhere", ["wast", "--quiet", "slow.wast", "quick.wast"], None)
suite.close()
