#!/usr/bin/env python3
"""Compares printers and parsers of the text format: what Warpbeam prints, wasm-tools, WABT and Binaryen must read as the same
module, and what they print, Warpbeam must.

    round_trips.py WARPBEAM MODULES... --wasm-tools TOOL [--packages FOLDER] [--node NODE] [--count N] [--seed N]
                   [--keep DIRECTORY]

MODULES are files in the binary format, or directories of them, of which N are chosen; those that are not valid are left
out. FOLDER is where npm installed wabt and binaryen. Modules are the same if Warpbeam prints them in the same way. Binaryen
changes what it reads: of its modules it is checked that they are valid. Exit status: 0, or 1 for a difference.
"""
import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import wasmtime

import mutations
from findings import Findings

BATCH = 200
NAME = 0


class RoundTrips:
    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.findings = Findings(options.keep)
        self.counts = self.findings.counts

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, contents):
        with open(self.path(name), "wb") as file:
            file.write(contents if isinstance(contents, bytes) else contents.encode())
        return self.path(name)

    def warpbeam(self, command, name, contents):
        """A pair: the output of a command of Warpbeam for a file, and the message if it fails."""
        path = self.write(name, contents)
        ran = subprocess.run([self.options.warpbeam, command, "--features=+all", path, *(("-o", "-") if command != "validate" else ())],
                             capture_output=True)
        return ran.stdout, ran.stderr.decode().replace(path + ":", "") if ran.returncode != 0 else None

    def printed(self, binary):
        """The text of a module without its names, which not every tool keeps; None if it is not valid."""
        text, problem = self.warpbeam("wasm2wat", "module.wasm", mutations.joined(
            [section for section in mutations.sections(binary) if section[0] != NAME]))
        return text if problem is None else None

    def same(self, who, what, text, binary):
        """Compares a binary that another tool made with the module that is expected."""
        self.counts[who] += 1
        made = self.printed(binary)
        if made != text:
            # WABT loses the offsets of segments, whose modules then may not be valid.
            where = " where segments have other memories" if made is None and b"(data (memory" in text else ""
            self.report(who, what, "prints " + first_difference(text, made) + where, "")

    def report(self, who, what, mine, theirs):
        self.findings.is_settled(who, mine, theirs, "module.wasm", what)

    def parses(self, who, binary, text, printed, same=True):
        """Warpbeam reads what another tool has printed."""
        made, problem = self.warpbeam("wat2wasm", "other.wat", printed)
        if problem is not None:
            self.report(who, binary, problem, "valid")
        elif same:
            self.same(who, binary, text, made)
        else:
            self.counts[who] += 1
            _, problem = self.warpbeam("validate", "other.wasm", made)
            if problem is not None:
                self.report(who, binary, problem, "valid")

    def wasm_tools(self, binary, text, whole):
        try:
            self.same("Warpbeam's text, wasm-tools", binary, text, bytes(wasmtime.wat2wasm(whole.decode())))
        except wasmtime.WasmtimeError as problem:
            self.report("Warpbeam's text, wasm-tools", binary, "valid", str(problem))
        ran = subprocess.run([self.options.wasm_tools, "print", self.path("whole.wasm")], capture_output=True)
        if ran.returncode == 0:
            self.parses("wasm-tools' text, Warpbeam", binary, text, ran.stdout)
        else:
            self.counts["wasm-tools does not print it"] += 1

    def npm(self, modules):
        ran = subprocess.run([self.options.node, os.path.join(os.path.dirname(os.path.abspath(__file__)), "printers.mjs"),
                              self.options.packages], capture_output=True, timeout=600, input=json.dumps(
                                  [{"binary": base64.b64encode(binary).decode(), "text": whole.decode()}
                                   for binary, _, whole in modules]).encode())
        if ran.returncode != 0:
            raise SystemExit(f"printers.mjs failed: {ran.stderr.decode()[-1000:]}")
        for (binary, text, _), found in zip(modules, json.loads(ran.stdout)):
            for who in ("wabt", "binaryen"):
                if f"{who}.text" in found:
                    self.parses(f"{who}'s text, Warpbeam", binary, text, found[f"{who}.text"], same=who == "wabt")
                    # It can read the module, so it must read our text of it.
                    if f"{who}.binary" in found and who == "wabt":
                        self.same(f"Warpbeam's text, {who}", binary, text, base64.b64decode(found[f"{who}.binary"]))
                    elif f"{who}.binary" not in found:
                        self.report(f"Warpbeam's text, {who}", binary, "valid", found[f"{who}.binary error"])
                    else:
                        self.counts[f"Warpbeam's text, {who}"] += 1
                else:
                    self.counts[f"{who} does not read it"] += 1

    def run(self, seeds):
        modules = []
        for binary in seeds:
            if binary[:4] != b"\0asm" or self.warpbeam("validate", "whole.wasm", binary)[1] is not None:
                continue
            self.counts["modules"] += 1
            text = self.printed(binary)
            whole, _ = self.warpbeam("wasm2wat", "whole.wasm", binary)
            self.wasm_tools(binary, text, whole)
            modules.append((binary, text, whole))
            if len(modules) == BATCH and self.options.packages:
                self.npm(modules)
                modules = []
        if modules and self.options.packages:
            self.npm(modules)


def first_difference(mine, other):
    if other is None:
        return "nothing: it is not valid"
    for first, second in zip(mine.decode().split("\n"), other.decode().split("\n")):
        if first != second:
            return f"{second.strip()} for {first.strip()}"
    return "another number of lines"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("warpbeam")
    parser.add_argument("modules", nargs="+")
    parser.add_argument("--wasm-tools", default=shutil.which("wasm-tools"))
    parser.add_argument("--node", default=shutil.which("node"))
    parser.add_argument("--packages")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="directory for modules that show a difference")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        trips = RoundTrips(options, directory)
        modules = [module for module in mutations.read_seeds(options.modules) if len(module) < 50000]
        trips.run(random.Random(options.seed).sample(modules, min(options.count, len(modules))))
    return trips.findings.finish()


if __name__ == "__main__":
    sys.exit(main())
