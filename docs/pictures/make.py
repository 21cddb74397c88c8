#!/usr/bin/env python3
"""Makes the pictures of the README: make.py WARPBEAM JSON.WASM CLANG [OUT]

flame-graph.svg is the profile of the benchmark program `json`, as `run --profile` writes it. trap.svg is what the command
prints when the C++ program ledger.cpp traps. CLANG is the command that compiles for WASI, with its options.
"""
import os
import shlex
import subprocess
import sys
import tempfile
import xml.sax.saxutils

HERE = os.path.dirname(os.path.abspath(__file__))
LETTER, LINE, MARGIN = 7.8, 19, 16


def terminal(lines):
    """An image of a terminal; what follows `$` was typed."""
    width = MARGIN * 2 + LETTER * max(map(len, lines))
    height = MARGIN * 2 + LINE * len(lines)
    rows = []
    for number, line in enumerate(lines):
        colour = "#9ece6a" if line.startswith("$") else "#f7768e" if line.startswith("trap:") else "#c8d3f5"
        rows.append(f'<text x="{MARGIN}" y="{MARGIN + LINE * number + 14}" fill="{colour}" xml:space="preserve">'
                    f"{xml.sax.saxutils.escape(line)}</text>")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
            f'viewBox="0 0 {width:.0f} {height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13">\n'
            f'<rect width="100%" height="100%" rx="8" fill="#1e2030"/>\n' + "\n".join(rows) + "\n</svg>\n")


def trap_report(command, clang):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*clang, "-g", "-O1", "-fdebug-compilation-dir=.", "ledger.cpp", "-o",
                        os.path.join(folder, "ledger.wasm")], check=True, cwd=HERE)
        ran = subprocess.run([command, "run", "ledger.wasm"], cwd=folder, capture_output=True, text=True)
    if ran.returncode != 134:
        raise SystemExit(f"ledger.wasm ends with {ran.returncode} instead of a trap: {ran.stderr}")
    return ["$ warpbeam run ledger.wasm", *(ran.stdout + ran.stderr).splitlines()]


def main():
    command, program, clang = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), shlex.split(sys.argv[3])
    out = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else HERE
    with open(os.path.join(out, "trap.svg"), "w", encoding="utf-8") as file:
        file.write(terminal(trap_report(command, clang)))
    subprocess.run([command, "run", f"--profile={os.path.join(out, 'flame-graph.svg')}", program, "600"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
