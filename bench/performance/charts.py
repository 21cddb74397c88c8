"""Bar charts as SVG, without dependencies."""

import xml.sax.saxutils

LABEL, BAR, ROW, GAP, WIDTH = 130, 11, 3, 8, 760
COLOURS = ["#3b6fb6", "#d9822b", "#5a9e5a", "#8a63a8", "#7f7f7f"]


def text(x, y, words, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">'
            f"{xml.sax.saxutils.escape(words)}</text>")


def bars(title, rows, engines, baseline):
    """A chart of ratios: ROWS is {program: {engine: ratio}}. The line at 1 is the baseline."""
    most = max([1.0, *(ratio for by_engine in rows.values() for ratio in by_engine.values())])
    scale = (WIDTH - LABEL - 60) / most
    parts, y = [], 34
    for index, engine in enumerate(engines):
        x = LABEL + index * 120
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLOURS[index % len(COLOURS)]}"/>')
        parts.append(text(x + 15, y, engine))
    y += 14
    top = y
    for program, by_engine in rows.items():
        parts.append(text(LABEL - 8, y + (BAR + ROW) * len(engines) / 2 + 3, program, "end"))
        for index, engine in enumerate(engines):
            if engine in by_engine:
                length = by_engine[engine] * scale
                parts.append(f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" '
                             f'fill="{COLOURS[index % len(COLOURS)]}"/>')
                parts.append(text(LABEL + length + 5, y + BAR - 2, f"{by_engine[engine]:.2f}"))
            y += BAR + ROW
        y += GAP
    line = LABEL + scale
    parts.append(f'<line x1="{line:.1f}" x2="{line:.1f}" y1="{top}" y2="{y - GAP}" stroke="#444" stroke-dasharray="3 3"/>')
    parts.insert(0, text(8, 16, f"{title} ({baseline} = 1, higher is better)", weight="bold"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 8}" viewBox="0 0 {WIDTH} {y + 8}" '
            f'font-family="sans-serif" font-size="11" fill="#222">\n<rect width="100%" height="100%" fill="#fff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")
