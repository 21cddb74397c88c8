"""The changes of a line that mutants.py makes, each as text and as code that chooses when it runs (switch.hpp)."""
import re
from typing import NamedTuple


class Change(NamedTuple):
    """Replaces line[begin:end]. `switched` has texts, in which @ stands for the mutant's number, and the (begin, end) of
    what stays of the line and may have changes of its own; it is None if only the compiler can choose."""
    begin: int
    end: int
    after: str
    switched: tuple | None

    def has_room_for(self, other):
        """Whether the other change lies within what stays."""
        return any(not isinstance(part, str) and part[0] <= other.begin and other.end <= part[1] for part in self.switched)


# Operators stand between spaces, unlike the brackets of templates.
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+"}
NO_CODE = re.compile(r"^\s*(//|/\*|\*|#|using |template|\[\[nodiscard\]\]|public:|private:)|operator|friend |\\$")
# What is plainly a constant expression: the compiler evaluates it, up to the semicolon (or for `requires` clauses and
# labels, the end of the line).
CONSTANT = re.compile(r"\bstatic_assert\(|\bconcept \w+ =|\bconstexpr (?!auto \w+ = \[[^\]]*\]\()[\w:<>,* ]+ \w+(\[[^\]]*\])*( = | =$|\{)")
CONSTANT_LINE = re.compile(r"^\s*(requires\b|case |\} else if constexpr |if constexpr |template <|alignas)|^\s*\w+ = [^;]*,( ///.*)?$")
OPERAND = r"(?<![\w.>\])])\w+(?:(?:\.|->)\w+)*"


def closing(text, begin):
    """Where the bracket at `begin` closes; None if that isn't in the text."""
    depth = 0
    for i in range(begin, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if depth == 0:
            return i
    return None


def left_end(code, at, stops):
    """Where the operand begins that ends at `at`; None if that may be on the line before."""
    depth = 0
    for i in range(at - 1, -1, -1):
        depth += (code[i] in ")]}") - (code[i] in "([{")
        if depth < 0:
            return i + 1
        if depth == 0:
            for stop in stops:
                if code.startswith(stop, i):
                    return i + len(stop)
    return None


def right_end(code, at, stops):
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if depth < 0:
            return i
        if depth == 0 and any(code.startswith(stop, i) for stop in stops):
            return i
    return None


def boolean_changes(code):
    for match in re.finditer(r" (&&|\|\|) ", code):
        op, other = (match[1], "||" if match[1] == "&&" else "&&")
        switched = None
        begin, end = match.start(), match.end()
        common = ["return ", " = ", ", ", "; ", " ? ", " : "]
        left = left_end(code, begin, common + ([" || "] if op == "&&" else []))
        right = right_end(code, end, [";", ", ", " ? ", " : ", " || "] + ([" && "] if op == "&&" else []))
        if left is not None and right is not None:
            a, b = code[left:begin], code[end:right]
            after = f"{a} {other} {b}"
            if op == "||": # && binds tighter, so that the text alone would mean something else
                after = f"({a}) {other} ({b})"
            x, y = (left, begin), (end, right)
            switched = "(mutant::on<@>() ? (", x, f") {other} (", y, ") : (", x, f") {op} (", y, "))"
            yield Change(left, right, after if op == "||" else f"({after})", switched)
        else:
            yield Change(begin, end, f" {other} ", None)


def all_changes(code):
    for match in re.finditer(r" (<|<=|>|>=|==|!=) ", code):
        yield Change(match.start(), match.end(), f" {OTHER[match[1]]} ", (f" {match[1]} mutant::Mark<@>{{}} {match[1]} ",))
    for match in re.finditer(r" ([+-]) 1\b(?!')", code):
        yield Change(match.start(), match.end(), "", (f" {match[1]} mutant::Omit<@>{{}} {match[1]} 1",))
    for match in re.finditer(r" ([+-]) (?=\w)(?!1\b)", code):
        yield Change(match.start(), match.end(), f" {OTHER[match[1]]} ", (f" {match[1]} mutant::Mark<@>{{}} {match[1]} ",))
    for match in re.finditer(r"(?<![\w!])!(?=[\w(])", code):
        yield Change(match.start(), match.end(), "", ("mutant::Not<@>{}->*",))
    match = re.search(r"\bif \((?!constexpr)", code)
    if match:
        end = closing(code, match.end() - 1)
        condition = code[match.end():end]
        if end is not None and " = " not in condition and ";" not in condition:
            yield Change(match.end(), end, f"!({condition})",
                         ("mutant::flip<@>(static_cast<bool>(", (match.end(), end), "))"))
    for match in re.finditer(r"\breturn (true|false);", code):
        yield Change(match.start(), match.end(), f"return {'false' if match[1] == 'true' else 'true'};",
                     (f"return mutant::flip<@>({match[1]});",))
    for match in re.finditer(r"\bstd::(min|max)([(<])", code):
        yield Change(match.start(), match.end(), f"std::{'max' if match[1] == 'min' else 'min'}{match[2]}",
                     (f"mutant::{match[1]}<@" + (">(" if match[2] == "(" else ", "),))
    for match in re.finditer(rf"\+\+({OPERAND})(?![\w\[(.]|->)", code):
        yield Change(match.start(), match.end(), f"--{match[1]}", (f"mutant::step<@>({match[1]})",))
    for match in re.finditer(rf"({OPERAND})\+\+", code):
        yield Change(match.start(), match.end(), f"{match[1]}--", (f"mutant::step_after<@>({match[1]})",))
    match = re.search(r" ([+-])= (.+);$", code)
    if match:
        yield Change(match.start(), match.end(), f" {OTHER[match[1]]}= {match[2]};",
                     (f" {match[1]}= mutant::negate<@>(", match.span(2), ");"))
    match = re.match(r"(\s+)([\w.:>-]+\([^;{}]*\);)$", code)
    if match and not match[2].startswith("return"):
        yield Change(match.start(2), match.end(2), ";", ("if (mutant::on<@>()) {} else ", match.span(2)))
    yield from boolean_changes(code)


def changes_of(line):
    """All changes of a line. A text in quotes stays."""
    if NO_CODE.search(line):
        return []
    code = line.split(" // ")[0]
    return [change for change in all_changes(code) if code[:change.begin].count('"') % 2 == 0]


def constant_lines(lines):
    """The numbers of the lines that are plainly within constant expressions."""
    found, depth, is_constant = set(), 0, False
    for number, line in enumerate(lines): # what only the compiler may call, with an indented body
        body = re.match(r"( *)(?:.* )?consteval .*\{$", line)
        if body:
            while number < len(lines) and lines[number] != body[1] + "}":
                found.add(number)
                number += 1
    for number, line in enumerate(lines):
        code = line.split("//")[0]
        match = None if is_constant else CONSTANT.search(code)
        if match:
            is_constant, depth, code = True, 0, code[match.start():]
        if is_constant:
            found.add(number)
            for c in code:
                depth += (c in "([{") - (c in ")]}")
                if c == ";" and depth <= 0:
                    is_constant = False
                    break
        elif CONSTANT_LINE.search(code):
            found.add(number)
    return found


def compatible(changes):
    """Those, and how many not, that can be made at once: each pair is apart, or one within what stays of the other."""
    chosen = []
    for change in sorted(changes, key=lambda change: (change.begin, -change.end)): # outer ones first
        if all(change.begin >= other.end or other.has_room_for(change) for other in chosen):
            chosen.append(change)
    return chosen, len(changes) - len(chosen)


def switched(line, numbered, begin=0, end=None):
    """The line with all of these pairs of a number and a change, in the order of `compatible`."""
    end = len(line) if end is None else end
    text, at = "", begin
    while numbered:
        (number, change), *rest = numbered
        within = [pair for pair in rest if pair[1].begin < change.end]
        numbered = rest[len(within):]
        text += line[at:change.begin]
        for part in change.switched:
            if isinstance(part, str):
                text += part.replace("@", str(number))
            else:
                inner = [pair for pair in within if part[0] <= pair[1].begin and pair[1].end <= part[1]]
                text += switched(line, inner, *part)
        at = change.end
    return text + line[at:end]
