"""The picture as a page of its own: no network, no script, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from byoa.plan.workflow.picture import words
from byoa.plan.workflow.picture.layout import kind
from byoa.plan.workflow.picture.svg import STATUSES, style, svg
from byoa.plan.workflow.picture.words import Progress
from byoa.plan.workflow.walk import Machine, Place, every_state, inner, places, whole

#: What a page may load: nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
CSS = (
    "body{margin:0;padding:20px 24px;background:var(--page);color:var(--ink);"
    "font:14px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif}"
    "h1{font-size:20px;margin:0 0 2px;overflow-wrap:anywhere}p{margin:0 0 12px;color:var(--soft)}"
    ".note{color:var(--failed-edge);font-weight:600;overflow-wrap:anywhere}"
    ".picture{overflow-x:auto;padding:4px 0}.picture svg{display:block;margin:auto}"
    "#all,#all:target~#overview{display:none}#all:target{display:block}.picture:focus{outline:0}"
    ".picture a{color:var(--running-edge);font-size:13px}"
    "ul{list-style:none;display:flex;flex-wrap:wrap;gap:6px;padding:0;margin:0 0 8px}"
    "li,.chip{border-radius:10px;padding:1px 9px;border:1px solid;font-size:12px;"
    "white-space:nowrap}"
    "table{border-collapse:collapse;margin-top:20px;width:100%}"
    "th,td{text-align:left;padding:5px 12px 5px 0;border-top:1px solid var(--inside);"
    "vertical-align:top;overflow-wrap:anywhere}th{color:var(--soft);font-weight:600}"
    "th:nth-child(n+3):nth-child(-n+5),td:nth-child(n+3):nth-child(-n+5){white-space:nowrap}"
    "td:last-child{width:35%}"
    + "".join(
        f".c-{one}{{background:var(--{one});border-color:var(--{one}-edge)}}" for one in STATUSES
    )
)


def html(  # noqa: PLR0913 - all but two are words on the page
    definition: Mapping[str, Any],
    progress: Progress | None = None,
    *,
    title: str = "",
    subtitle: str = "",
    note: str = "",
    refresh: int | None = None,
    notes: Mapping[str, str] | None = None,
) -> str:
    """One file: heading, picture, and a table of the states when there is progress."""
    heading = escape(words.plain(title) or "State machine")
    again = f'<meta http-equiv="refresh" content="{int(refresh)}">' if refresh else ""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">{again}',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{heading}</title><style>{style(':root')}{CSS}</style></head><body>",
        f"<h1>{heading}</h1>",
        f"<p>{escape(words.plain(subtitle))}</p>" if subtitle else "",
        f'<p class="note" role="alert">{escape(words.plain(note))}</p>' if note else "",
        _legend() if progress is not None else "",
        *_pictures(definition, progress, title, notes),
        *(_table(definition, progress, notes or {}) if progress is not None else ()),
        "</body></html>\n",
    ]
    return "".join(parts)


def _pictures(
    definition: Mapping[str, Any],
    progress: Progress | None,
    title: str,
    notes: Mapping[str, str] | None,
) -> Iterator[str]:
    """The overview, and all states: the part of the address after # says which is shown.

    So a page that refreshes itself stays as it was, and no script is needed.
    """
    drawn = svg(definition, progress, title=title, notes=notes)
    if any(words.closed(place) for place in every_state(definition)):
        opened = svg(definition, progress, title=title, notes=notes, opened=True)
        turn = '<a accesskey="o" href="#{}">{}</a>'
        yield f'<div class="picture" id="all">{turn.format("", "close the boxes")}{opened}</div>'
        drawn = turn.format("all", "open all boxes") + drawn
    yield f'<div class="picture" id="overview">{drawn}</div>'


def _in_order(machine: Machine) -> Iterator[Place]:
    """Each state, followed by those within it."""
    for place in places(machine):
        yield place
        for one in inner(place):
            yield from _in_order(one)


def _legend() -> str:
    said = {"waiting": "not begun"}
    items = (
        f'<li class="c-{one}">{words.SIGNS[one.replace("-", " ")]} '
        f"{said.get(one, one.replace('-', ' '))}</li>"
        for one in STATUSES
    )
    return f"<ul>{''.join(items)}</ul>"


def _table(
    definition: Mapping[str, Any], progress: Progress, notes: Mapping[str, str]
) -> Iterator[str]:
    yield "<table><thead><tr><th>State</th><th>Kind</th><th>Status</th><th>Time</th>"
    yield "<th>Retries</th><th></th></tr></thead><tbody>"
    for place in _in_order(whole(definition)):
        now = words.progress_of(progress, place.name)
        if now.status == "waiting":
            continue
        said = [notes.get(place.name, ""), words.why(now)]
        cells = [
            escape(words.plain(place.name)),
            escape(kind(place)),
            f'<span class="chip c-{now.status.replace(" ", "-")}">{escape(now.status)}</span>',
            words.duration(now.seconds) if now.started or now.seconds else "",
            str(now.retries or ""),
            escape(" — ".join(words.plain(one) for one in said if one)),
        ]
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    yield "</tbody></table>"
