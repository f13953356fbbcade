"""The picture as one SVG that brings its colours along, for light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from typing import Any

from byoa.plan.workflow.picture import words
from byoa.plan.workflow.picture.layout import (
    END,
    GAP,
    LABEL,
    LINE,
    NAME,
    PAD,
    ROUND,
    SMALL,
    START,
    Box,
    Layout,
    Way,
    layout,
)
from byoa.plan.workflow.picture.words import Progress

MARGIN = 16.0
LIGHT = {
    "page": "#ffffff", "ink": "#1b1f24", "soft": "#57606a", "line": "#8c959f", "inside": "#f6f8fa",
    "waiting": "#ffffff/#8c959f", "running": "#ddf4ff/#0969da", "succeeded": "#dafbe1/#1a7f37",
    "failed": "#ffebe9/#cf222e", "caught": "#fff1d6/#b35900", "aborted": "#eaeef2/#57606a",
    "timed-out": "#fbe6f6/#a1238e",
}  # fmt: skip
DARK = {
    "page": "#0d1117", "ink": "#e6edf3", "soft": "#9da7b3", "line": "#7d8590", "inside": "#161b22",
    "waiting": "#161b22/#7d8590", "running": "#0c2d6b/#58a6ff", "succeeded": "#12361f/#3fb950",
    "failed": "#5a1414/#ff7b72", "caught": "#4a2e06/#e3a33b", "aborted": "#30363d/#9da7b3",
    "timed-out": "#47153f/#f08be0",
}  # fmt: skip
STATUSES = [key for key in LIGHT if "/" in LIGHT[key]]


def style(root: str = "svg.workflow") -> str:
    """The colours as CSS; the dark ones where the reader's screen is dark."""
    return (
        f"{root}{{{_colours(LIGHT)}}}"
        f"@media (prefers-color-scheme:dark){{{root}{{{_colours(DARK)}}}}}"
        "svg.workflow{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',"
        "sans-serif;background:var(--page)}"
        "svg.workflow text{fill:var(--ink);text-anchor:middle}"
        f".name{{font-size:{NAME:g}px;font-weight:600}}"
        f".kind,.told,.label{{font-size:{SMALL:g}px}}"
        "svg.workflow .kind,svg.workflow .label{fill:var(--soft)}"
        ".way{fill:none;stroke:var(--line);stroke-width:1.4}"
        ".catch{stroke-dasharray:5 4}.tip{fill:var(--line);stroke:none}"
        ".box{stroke-width:1.5}.inside{fill:var(--inside);stroke:var(--line);stroke-opacity:.4}"
        ".end{fill:var(--page);stroke:var(--line);stroke-width:1.5}.dot{fill:var(--line)}"
        + "".join(
            f".{one}>.box{{fill:var(--{one});stroke:var(--{one}-edge)}}"
            f"svg.workflow .{one}>.told{{fill:var(--{one}-edge);font-weight:600}}"
            for one in STATUSES
        )
        + ".running>.box{stroke-width:2.5}.Fail>.box,.Succeed>.box{stroke-width:2.5}"
    )


def _colours(colours: Mapping[str, str]) -> str:
    made = []
    for key, value in colours.items():
        fill, _, edge = value.partition("/")
        made += [f"--{key}:{fill}"] + [f"--{key}-edge:{edge}"] * bool(edge)
    return ";".join(made)


def svg(
    definition: Mapping[str, Any],
    progress: Progress | None = None,
    *,
    title: str = "",
    notes: Mapping[str, str] | None = None,
    opened: bool = False,
) -> str:
    """The state machine from top to bottom; coloured by how far its states are.

    A step that is a box of states is one box, but with `opened`.
    """
    drawn = layout(definition, progress, opened)
    wide, high = drawn.width + 2 * MARGIN, drawn.height + 2 * MARGIN
    inside = "".join(_layout(drawn, progress, notes or {}))
    said = escape(words.plain(title) or "state machine")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="workflow" role="img" aria-label="{said}"'
        f' width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}">'
        f"<title>{said}</title><style>{style()}</style>"
        f'<g transform="translate({MARGIN:g} {MARGIN:g})">{inside}</g></svg>'
    )


def _layout(drawn: Layout, progress: Progress | None, notes: Mapping[str, str]) -> Iterator[str]:
    for way in drawn.ways:
        yield way_svg(way)
    for box in drawn.boxes:
        yield from _box(box, progress, notes)


def way_svg(way: Way) -> str:
    (x, y), *rest = way.points
    path = f"M{x:.1f} {y:.1f}"
    if way.points[0][0] == way.points[-1][0] and len(rest) == 3:
        path += "".join(f"L{a:.1f} {b:.1f}" for a, b in rest)  # a state that leads to itself
    else:
        for a, b in rest:
            bend = (y + b) / 2
            path += (
                f"L{a:.1f} {b:.1f}"
                if a == x
                else f"C{x:.1f} {bend:.1f} {a:.1f} {bend:.1f} {a:.1f} {b:.1f}"
            )
            x, y = a, b
    tip = _tip(way) if way.arrow else ""
    full = f"<title>{escape(way.full)}</title>" if way.full else ""
    return f'<g class="{way.kind}-way">{full}<path class="way {way.kind}" d="{path}"/>{tip}</g>'


def _tip(way: Way) -> str:
    (_, b), (x, y) = way.points[-2:]
    if b == y:
        return f'<path class="tip" d="M{x:.1f} {y:.1f}l8 -4v8z"/>'
    back = -8 if y > b else 8
    return f'<path class="tip" d="M{x:.1f} {y:.1f}l-4 {back}h8z"/>'


def _box(box: Box, progress: Progress | None, notes: Mapping[str, str]) -> Iterator[str]:
    middle, y = box.x + box.width / 2, box.y
    if box.sort in (START, END):
        around = f'<circle cx="{middle:.1f}" cy="{y + ROUND:.1f}"'
        yield f'{around} r="{ROUND - 2:g}" class="{"dot" if box.sort == START else "end"}"/>'
        if box.sort == END:
            yield f'{around} r="{ROUND - 6:g}" class="dot"/>'
        return
    if box.sort == LABEL:
        rows = "".join(
            _text(row, middle, y + SMALL + 3 + number * (SMALL + 3), "label")
            for number, row in enumerate(box.rows)
        )
        yield f"<g><title>{escape(box.full)}</title>{rows}</g>"
        return
    now = words.progress_of(progress, box.name)
    status = now.status.replace(" ", "-")
    yield f'<g class="state {status} {box.kind if box.kind.isalpha() else "Task"}">'
    yield f"<title>{escape(_tool_tip(box, words.why(now), notes))}</title>"
    if box.closed:
        yield _outline(replace(box, x=box.x + 4, y=box.y + 4))  # there is something behind it
    yield _outline(box)
    at = y + PAD + SMALL - 2
    yield _text(box.kind, middle, at, "kind")
    for row in box.rows:
        at += LINE
        yield _text(row, middle, at, "name")
    if box.told:
        at += SMALL + 6
        yield _text(box.told, middle, at, "told")
    if box.busy:
        yield _text(box.busy, middle, at + SMALL + 5, "told")
    yield from _within(box, progress, notes)
    yield "</g>"


def _tool_tip(box: Box, why: str, notes: Mapping[str, str]) -> str:
    said = [box.name, box.kind, box.told, box.busy, notes.get(box.name, ""), why]
    return " — ".join(words.plain(one) for one in said if one)


def _within(box: Box, progress: Progress | None, notes: Mapping[str, str]) -> Iterator[str]:
    wide = sum(one.width + GAP for one in box.within) - GAP
    x = box.x + (box.width - wide) / 2
    for one in box.within:
        y = box.y + box.height - PAD - max(other.height for other in box.within)
        frame = f'x="{x - 10:.1f}" y="{y - 8:.1f}" width="{one.width + 20:.1f}"'
        high = max(other.height for other in box.within) + 16
        yield f'<rect class="inside" {frame} height="{high:.1f}" rx="8"/>'
        yield f'<g transform="translate({x:.1f} {y:.1f})">'
        yield from _layout(one, progress, notes)
        yield "</g>"
        x += one.width + GAP


def _outline(box: Box) -> str:
    x, y, wide, high = box.x, box.y, box.width, box.height
    if box.kind == "Choice":
        cut = min(12.0, high / 2)
        path = f"M{x + cut:.1f} {y:.1f}H{x + wide - cut:.1f}L{x + wide:.1f} {y + high / 2:.1f}"
        path += f"L{x + wide - cut:.1f} {y + high:.1f}H{x + cut:.1f}L{x:.1f} {y + high / 2:.1f}Z"
        return f'<path class="box" d="{path}"/>'
    turn = high / 2 if box.kind in ("Succeed", "Fail") else 8
    size = f'width="{wide:.1f}" height="{high:.1f}"'
    return f'<rect class="box" x="{x:.1f}" y="{y:.1f}" {size} rx="{turn:.1f}"/>'


def _text(said: str, x: float, y: float, sort: str) -> str:
    return f'<text class="{sort}" x="{x:.1f}" y="{y:.1f}">{escape(words.plain(said))}</text>'
