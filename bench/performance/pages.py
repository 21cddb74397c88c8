"""The tables and charts of docs/performance.md, from what was measured."""

import json
import re
import statistics
import textwrap
from pathlib import Path

import charts

PUBLISHED = json.loads(Path(__file__).with_name("published.json").read_text())

TITLES = {"public": "The public programs", "programs": "Our own programs", "real": "Programs that others wrote"}


def least(result):
    """The least seconds, or None if the engine could not run it."""
    return min(result["seconds"]) if result and result.get("seconds") else None


def baseline_of(section):
    return next(iter(next(iter(section.values()))))


def engines_of(section):
    return list(dict.fromkeys(engine for by_engine in section.values() for engine in by_engine))


def ratios(section):
    """{program: {engine: speed relative to the first engine}}, where both have run."""
    base = baseline_of(section)
    found = {}
    for program, by_engine in section.items():
        reference = least(by_engine.get(base))
        if reference:
            found[program] = {engine: reference / least(result) for engine, result in by_engine.items()
                              if least(result)}
    return found


def seconds(value):
    if value is None:
        return "fails"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.2f} s"


def mib(result):
    return f"{result['rss_kib'] / 1024:.1f}" if result and result.get("rss_kib") else ""


def table(rows):
    head, *rest = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rest])


def compared(section):
    """Time and memory in each engine, and how many times as fast as the first it is."""
    engines, base = engines_of(section), baseline_of(section)
    others = [engine for engine in engines if engine != base]
    by_program = ratios(section)
    # With many engines the others have only a ratio each.
    shown = engines if len(engines) <= 4 else [engine for engine in engines if engine in (base, "warpbeam")]
    rows = [["program", *shown, *(f"{engine} / {base}" for engine in others), *(f"MiB {engine}" for engine in shown)]]
    for program, results in section.items():
        rows.append([program, *(seconds(least(results.get(engine))) if engine in results else "-" for engine in shown),
                     *(f"{by_program[program][engine]:.2f}" if engine in by_program.get(program, {}) else "-"
                       for engine in others),
                     *(mib(results.get(engine)) for engine in shown)])
    means = []
    for engine in others:
        known = [found[engine] for found in by_program.values() if engine in found]
        means.append(f"{statistics.geometric_mean(known):.2f}" if known else "-")
    rows.append(["geometric mean", *([""] * len(shown)), *means, *([""] * len(shown))])
    return table(rows)


def alone(section):
    return table([["program", "time", "MiB"],
                  *([program, seconds(least(found["warpbeam"])), mib(found["warpbeam"])]
                    for program, found in section.items())])


def conditions(data):
    machine = data["machine"]
    text = (f"Measured on {data['date']} at commit {data['commit']}: {machine['processor']}, {machine['processors']} "
            f"processors, {machine['system']}; a load of {data['load']} when it began. The least of {data['rounds']} "
            f"{'short ' if data['short'] else ''}rounds. Warpbeam: {data['compilers'][0]}.")
    older = [f"{name} at {commit}" for name, commit in data["commits"].items() if commit != data["commit"]]
    if older:
        text += f" Measured before: {', '.join(older)}."
    measured = {engine for section in data["sections"].values() for engine in engines_of(section)}
    lines = [f"* {engine}: {how}" for engine, how in data["engines"].items() if how and engine in measured]
    return "\n".join([*textwrap.wrap(text, 120), "", *lines])


def sizes(data):
    return table([["command, stripped", "bytes"],
                  *([engine, f"{size:,}"] for engine, size in data["sizes"].items() if size)])


def published(data):
    """Beside figures that others have published for a processor of the same family."""
    ours = {program: least(results.get("warpbeam")) for program, results in data["sections"].get("public", {}).items()}
    if "EPYC" not in data["machine"]["processor"]:
        return f"Not measured on a processor like the {PUBLISHED['processor']}."
    ratios_ = {program: theirs / 1000 / ours[program] for program, theirs in PUBLISHED["milliseconds"].items()
               if ours.get(program)}
    rows = [["program", f"published: {PUBLISHED['engine']}", "warpbeam", "how many times as fast"]]
    rows += [[program, seconds(PUBLISHED["milliseconds"][program] / 1000), seconds(ours[program]), f"{ratio:.2f}"]
             for program, ratio in ratios_.items()]
    if ratios_:
        rows.append(["geometric mean", "", "", f"{statistics.geometric_mean(ratios_.values()):.2f}"])
    return table(rows)


def parts(data):
    """{name of a part of the page: its text}."""
    found = {"conditions": conditions(data), "sizes": sizes(data), "published": published(data)}
    for name, section in data["sections"].items():
        if not section:
            continue
        text = alone(section) if name == "features" else compared(section)
        if name in TITLES:
            text = f"![{TITLES[name]}, as a chart](performance/{name}.svg)\n\n{text}"
        found[name] = text
    return found


def fill(page, texts):
    """The page with each part between its two marks replaced. A part that has no text says so."""
    def replaced(match):
        name = match.group(1)
        return f"<!-- {name} -->\n{texts.get(name, 'Not measured.')}\n<!-- end -->"
    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", replaced, page, flags=re.DOTALL)


def write(data, docs, only_check):
    """Writes docs/performance.md and the charts; returns the files that differ, if it is only to check."""
    made = {docs / "performance.md": fill((docs / "performance.md").read_text(), parts(data))}
    for name, title in TITLES.items():
        section = data["sections"].get(name)
        if section:
            base = baseline_of(section)
            engines = [engine for engine in engines_of(section) if engine != base]
            made[docs / f"performance/{name}.svg"] = charts.bars(title, ratios(section), engines, base)
    stale = []
    for path, text in made.items():
        if only_check:
            if not path.exists() or path.read_text() != text:
                stale.append(path)
        else:
            path.write_text(text)
    return stale
