"""A page's colours, light and dark, and its style sheet."""

from __future__ import annotations

from collections.abc import Mapping

from byoa.plan.pipeline.report.seen import SIGNS

#: A word: its colour in light and in dark; with a slash a fill and an edge.
COLOURS = {
    "page": ("#ffffff", "#0d1117"), "ink": ("#1b1f24", "#e6edf3"), "soft": ("#57606a", "#9da7b3"),
    "line": ("#d0d7de", "#30363d"), "way": ("#8c959f", "#7d8590"), "inside": ("#f6f8fa", "#161b22"),
    "accent": ("#0969da", "#58a6ff"),
    "failed": ("#ffebe9/#cf222e", "#5a1414/#ff7b72"),
    "running": ("#ddf4ff/#0969da", "#0c2d6b/#58a6ff"),
    "cancelled": ("#eaeef2/#57606a", "#30363d/#9da7b3"),
    "skipped": ("#fbe6f6/#a1238e", "#47153f/#f08be0"),
    "outdated": ("#fff1d6/#9a4d00", "#4a2e06/#e3a33b"),
    "waiting": ("#ffffff/#6e7781", "#0d1117/#8b949e"),
    "done": ("#dafbe1/#1a7f37", "#12361f/#3fb950"),
    "kept": ("#eef6f0/#4f7a5b", "#15241b/#83b08f"),
    # Of charts: told apart by people who see few colours, too.
    "c0": ("#0969da", "#58a6ff"), "c1": ("#b35900", "#e3a33b"), "c2": ("#1a7f37", "#3fb950"),
    "c3": ("#a1238e", "#f08be0"), "c4": ("#57606a", "#b1bac4"), "c5": ("#0e7490", "#39c5cf"),
}  # fmt: skip
SERIES = 6
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif"


def colours(root: str) -> str:
    """The colours as CSS variables below `root`; the dark ones where the reader's screen is."""
    light, dark = (
        ";".join(f"--{key}:{value}" for key, value in _pairs(number)) for number in (0, 1)
    )
    return f"{root}{{{light}}}@media (prefers-color-scheme:dark){{{root}{{{dark}}}}}"


def _pairs(number: int) -> list[tuple[str, str]]:
    made = []
    for key, both in COLOURS.items():
        fill, _, edge = both[number].partition("/")
        made += [(key, fill)] + [(f"{key}-edge", edge)] * bool(edge)
    return made


def light() -> Mapping[str, tuple[str, str]]:
    """Fill and edge of every status, for what knows no dark: Mermaid, DOT."""
    return {
        status: (COLOURS[status][0].split("/")[0], COLOURS[status][0].split("/")[1])
        for status in SIGNS
    }


PICTURE = (
    f"svg.pipeline{{font-family:{FONT};background:var(--page)}}"
    "svg.pipeline text{fill:var(--ink);text-anchor:middle;font-size:11px}"
    "svg.pipeline .name{font-size:13px;font-weight:600}svg.pipeline .soft{fill:var(--soft)}"
    ".way{fill:none;stroke:var(--way);stroke-width:1.4}.each{stroke-dasharray:1.5 3.5;"
    "stroke-linecap:round;stroke-width:2.2}.tip{fill:var(--way);stroke:none}"
    ".box{stroke-width:1.5}.cell{stroke-width:1}.behind{stroke-width:1}"
    "svg.pipeline a:hover>rect,svg.pipeline a:focus>rect{stroke-width:3}"
    "svg.pipeline a{outline:none}"
    + "".join(
        f".s-{one}>rect,rect.s-{one}{{fill:var(--{one});stroke:var(--{one}-edge)}}"
        f"svg.pipeline .s-{one}>.told{{fill:var(--{one}-edge);font-weight:600}}"
        f"rect.cell.s-{one}{{fill:var(--{one}-edge)}}"
        for one in SIGNS
    )
    + ".s-running>.box{stroke-width:2.5}rect.cell.s-waiting{fill:none}"
)
