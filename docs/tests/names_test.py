#!/usr/bin/env python3
"""What the pages say of the repository is true: names_test.py REPOSITORY

Looks at what stands between backticks. A path is that of a file or a folder, or the end of one where the page says what
comes before; `*` stands for anything, and `docs/decisions/0011` for the file that begins like that. A C++ name is a word of
some source file; only decisions, which are not rewritten, may have old ones.

Files that validate, lower or execute instructions say where these are specified.
"""
import fnmatch
import os
import re
import sys

ROOT = sys.argv[1]
PATH = re.compile(r"(\.?[\w*-][\w.*-]*/)*[\w*-][\w.*-]*/?")
FILE = re.compile(r"\.(md|hpp|cpp|h|c|inc|py|txt|cmake|wat|mjs|json)$")
NAME = re.compile(r"\w+(::\w+)*(\(\))?")
# What a build makes, what stands for a name, and what others have.
ELSEWHERE = re.compile(r"build/.*|.*NAME.*|ENOSYS|RssShmem|BUILD_WASI|sfparse\.h|proposals/threads/imports\.wast")


def all_files():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in (".git", "build", "__pycache__")]
        for name in files:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def read(file):
    with open(os.path.join(ROOT, file), encoding="utf-8", errors="replace") as text:
        return text.read()


def quoted(page):
    """What stands between backticks, with the number of the line; blocks of code do not count."""
    for number, line in enumerate(read(page).splitlines(), 1):
        if not line.startswith("    "):
            for text in re.findall(r"`([^`]+)`", line):
                yield number, text


files = list(all_files())
places = set(files)
for file in files:
    while file := os.path.dirname(file):
        places.add(file)
words = set()
for file in files:
    if not file.endswith(".md"):
        words.update(re.findall(r"\w+", read(file)))


def exists(path):
    end = "/" + path.rstrip("/")
    return any(fnmatch.fnmatchcase("/" + place, "*" + end) or ("/" + place).find(end + "-") >= 0 for place in places)


passed = failed = 0
for page in files:
    if not page.endswith(".md") or page == "CHANGELOG.md":
        continue
    for number, text in quoted(page):
        if ELSEWHERE.fullmatch(text):
            continue
        if PATH.fullmatch(text) and ("/" in text or FILE.search(text)):
            good = exists(text)
        elif NAME.fullmatch(text) and not page.startswith("docs/decisions/"):
            good = all(word in words for word in re.findall(r"\w+", text))
        else:
            continue
        passed += bool(good)
        if not good:
            failed += 1
            print(f"{page}:{number}: there is no {text}")
for file in files:
    implements = re.fullmatch(r"loader/src/validate_\w+\.cpp|vm/src/lower/lower_\w+\.cpp", file) or (
        file.startswith("vm/src/handlers/") and re.search("Decoder<|group<|load_groups<", read(file)))
    if implements:
        good = re.search(r"https://(webassembly\.github\.io|github\.com/WebAssembly)/", read(file).split("\nnamespace ")[0])
        passed += bool(good)
        if not good:
            failed += 1
            print(f"{file} does not say at its top where its instructions are specified")

print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
