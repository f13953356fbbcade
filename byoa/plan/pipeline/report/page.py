"""The report of a pipeline: one page that opens anywhere and loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from byoa.plan.pipeline.report import graph, tables
from byoa.plan.pipeline.report.compared import comparison
from byoa.plan.pipeline.report.markup import duration, figure, lines, megabytes, text
from byoa.plan.pipeline.report.script import POLICY, SCRIPT
from byoa.plan.pipeline.report.seen import SIGNS, Seen, View, word
from byoa.plan.pipeline.report.sheet import SHEET
from byoa.plan.pipeline.report.tables import address, chip
from byoa.plan.pipeline.report.timeline import timeline

#: More failures than this are told in the table alone.
FAILURES = 20
LONGEST, SHARE = 12, 0.01


def html(view: View, refresh: int = 0) -> str:
    """The whole pipeline: what failed, the graph, times, grids, every task.

    With `refresh` the page asks for itself anew after so many seconds.
    """
    families = {name: found for name, found in view.families().items() if len(found) > 1}
    sections = [
        ("failed", "What failed", _failures(view)),
        ("graph", "Graph", _graph(view)),
        ("times", "Times", _times(view)),
        *(
            (f"grid-{name}", f"Grid {name}", comparison(found, address))
            for name, found in families.items()
        ),
        ("tasks", "Tasks", _find(view) + tables.tasks(view)),
        ("code", "Code", _sources(view)),
    ]
    made = _page(view.pipeline, _about(view), view, list(view.tasks.values()), sections)
    again = f'<meta http-equiv="refresh" content="{refresh}">'
    return made.replace("<title>", f"{again}<title>", 1) if refresh else made


def family_page(view: View, family: str) -> str:
    """One grid alone: its points side by side."""
    found = view.families().get(family) or []
    some = View(
        pipeline=view.pipeline,
        tasks={seen.name: seen for seen in found},
        run=view.run,
        command=view.command,
        made=view.made,
    )
    sections = [
        ("failed", "What failed", _failures(some)),
        ("compared", "Compared", comparison(found, address, ids=True)),
        ("times", "Times", _times(some)),
    ]
    return _page(f"{view.pipeline}: {family}", _about(some), some, found, sections)


def picture(view: View, products: bool = False) -> str:
    """The graph alone, as a page."""
    drawn = graph.svg(view, graph.Drawing(products=products), style=False)
    inside = f'<div class="picture" tabindex="0" role="region" aria-label="graph">{drawn}</div>'
    return _page(view.pipeline, _about(view), view, (), [("graph", "Graph", inside)])


def _page(
    title: str,
    about: str,
    view: View,
    seen: Sequence[Seen],
    sections: Sequence[tuple[str, str, str]],
) -> str:
    said = [section for section in sections if section[2]]
    body = "".join(
        f'<section id="{text(key)}"><h2>{text(head)}</h2>{inside}</section>'
        for key, head, inside in said
    )
    ways = "".join(f'<a href="#{text(key)}">{text(head)}</a>' for key, head, _ in said)
    ways = f"<nav>{ways}</nav>"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{text(title)}</title><style>{SHEET}</style></head><body>"
        f'<header><h1>{text(title)}</h1><p class="soft">{about}</p>'
        f"{_bar(view)}{_tiles(view, seen) if seen else ''}{ways if len(said) > 1 else ''}</header>"
        f"<main>{body}</main>"
        f'<footer class="soft">{text(view.made)}</footer><script>{SCRIPT}</script></body></html>\n'
    )


def _about(view: View) -> str:
    said = []
    if view.run and view.run.started is not None:
        said.append(f"run {text(view.run.run)}" if view.run.run else "")
        said.append(f"begun {tables.moment(view.run.started).html} UTC")
        if view.run.ended is not None:
            said.append(f"took {duration(view.run.seconds(0.0))}")
        said.append(f"{view.run.jobs} at a time" if view.run.jobs > 1 else "")
    else:
        said.append("never built")
    said.append(f"<code>{text(view.command)}</code>" if view.command else "")
    return " · ".join(one for one in said if one)


def _bar(view: View) -> str:
    """How many tasks of each status, as one bar and in words."""
    counts, total = view.counts(), max(len(view.tasks), 1)
    parts = "".join(
        f'<span class="c-{status}" style="flex-grow:{count}" '
        f'title="{count} {SIGNS[status][1]}"></span>'
        for status, count in counts.items()
    )
    words = "".join(
        f"<li>{chip(status)} {figure(count)}<small> {100 * count / total:.0f} %</small></li>"
        for status, count in counts.items()
    )
    return f'<div class="bar" aria-hidden="true">{parts}</div><ul class="counts">{words}</ul>'


def _tiles(view: View, seen: Sequence[Seen]) -> str:
    ran = [one for one in seen if one.started is not None]
    tiles: dict[str, str] = {"tasks": figure(len(seen)), "ran": figure(len(ran))}
    if view.run and view.run.ended is not None:
        tiles["time"] = duration(view.run.seconds(0.0))
    if spent := sum(one.cpu_seconds for one in ran):
        tiles["CPU time"] = duration(spent)
    if most := megabytes(max((one.peak_mb for one in ran), default=0.0)):
        tiles["most memory"] = most
    saved = sum(one.seconds for one in seen if one.status == "kept")
    if saved:
        tiles["not done again"] = duration(saved)
    cells = "".join(f"<div><dt>{key}</dt><dd>{value}</dd></div>" for key, value in tiles.items())
    return f'<dl class="tiles">{cells}</dl>'


def _failures(view: View) -> str:
    failed = [seen for seen in view.tasks.values() if seen.status == "failed"]
    stopped = sum(seen.status == "skipped" for seen in view.tasks.values())
    made = [_failure(seen) for seen in failed[:FAILURES]]
    if len(failed) > FAILURES:
        made.append(f'<p class="soft">{len(failed) - FAILURES} more: in the table below.</p>')
    if stopped and made:
        those = "1 task that needs" if stopped == 1 else f"{stopped} tasks that need"
        these = "these" if len(failed) > 1 else "it"
        made.append(f'<p class="soft">{those} {these} did not run.</p>')
    return "".join(made)


def _failure(seen: Seen) -> str:
    again = f" after {seen.attempts} attempts" if seen.attempts > 1 else ""
    tail = (
        f'<pre tabindex="0" role="region" aria-label="end of the log">{lines(seen.tail)}</pre>'
        if seen.tail.strip() not in ("", seen.error.strip())
        else ""
    )
    return (
        f'<article class="failure"><h3><a href="{text(address(seen.name))}">{text(seen.name)}</a>'
        f"<small>{again} {tables.links(seen)}</small></h3>"
        f"<p>{text(seen.error or 'It failed.')}</p>{tail}</article>"
    )


def _graph(view: View) -> str:
    if not view.tasks:
        return '<p class="soft">There are no tasks.</p>'
    drawn = graph.svg(view, graph.Drawing(address=address), style=False)
    note = (
        '<p class="soft">A dotted way leads point to point: each task of a grid needs its own of'
        " the other.</p>"
    )
    return (
        f'<div class="picture" tabindex="0" role="region" aria-label="graph">{drawn}</div>'
        + note * ('class="way each"' in drawn)
    )


def _times(view: View) -> str:
    seen = list(view.tasks.values())
    drawn = timeline(seen, address)
    took = sorted((one for one in seen if one.seconds), key=lambda one: -one.seconds)
    if not took:
        return ""
    most, whole = took[0].seconds, sum(one.seconds for one in took)
    long = [one for one in took if one.seconds >= whole * SHARE] or took[:3]
    rows = "".join(_long(one, most, whole) for one in long[:LONGEST])
    head = "<h3>Longest</h3>" if drawn else "<h3>Longest, when they ran last</h3>"
    ran = (
        f'<div class="picture" tabindex="0" role="region" aria-label="timeline">{drawn}</div>'
        if drawn
        else '<p class="soft">Nothing had to run.</p>' * (view.run is not None)
    )
    return f'{ran}{head}<ol class="longest">{rows}</ol>'


def _long(one: Seen, most: float, whole: float) -> str:
    wide, part = max(100 * one.seconds / most, 0.5), 100 * one.seconds / whole
    return (
        f'<li><a href="{text(address(one.name))}">{text(one.name)}</a><span class="track">'
        f'<span class="c-{one.status}" style="width:{wide:.1f}%"></span></span>'
        f"<span>{duration(one.seconds)} <small>{part:.0f} %</small></span></li>"
    )


def _sources(view: View) -> str:
    """What the tasks are made of, folded."""
    made = []
    for code in view.sources:
        many = len(code.tasks)
        of = code.tasks[0] if many == 1 else f"{figure(many)} tasks, {code.tasks[0]} …"
        made.append(
            f'<details><summary><code>{text(code.said)}</code> <span class="soft">{text(of)}'
            f'</span></summary><pre tabindex="0" role="region" aria-label="{text(code.said)}">'
            f"{lines(code.text)}</pre></details>"
        )
    return "".join(made)


def _find(view: View) -> str:
    """What the script shows: a field to find tasks by name, a box a status."""
    counts: Mapping[str, int] = view.counts()
    boxes = "".join(
        f'<label><input type="checkbox" value="{status}"> {word(status)}</label>'
        for status in counts
    )
    return (
        '<div id="find" role="search" hidden><input type="search" placeholder="find a task" '
        f'aria-label="find a task"> {boxes} <output></output></div>'
    )
