"""The picture as Mermaid's text, which GitHub and many editors draw.

https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan.workflow.picture import words
from byoa.plan.workflow.picture.layout import kind
from byoa.plan.workflow.picture.svg import LIGHT, STATUSES
from byoa.plan.workflow.picture.words import Progress
from byoa.plan.workflow.walk import Machine, Place, edges, every_state, inner, places, whole

SHAPES = {
    "Choice": ("{{", "}}"),
    "Succeed": ("([", "])"),
    "Fail": ("([", "])"),
    "Wait": ("(", ")"),
}


@dataclass(frozen=True)
class Chart:
    """What every line is made with."""

    ids: Mapping[int, str]
    progress: Progress | None
    opened: bool


def mermaid(
    definition: Mapping[str, Any], progress: Progress | None = None, *, opened: bool = False
) -> str:
    """A flowchart: Parallel and Map as frames, catches dotted, states coloured by status.

    A step that is a box of states is one box, but with `opened`.
    """
    ids = {id(place.state): f"s{n}" for n, place in enumerate(every_state(definition))}
    chart = Chart(ids, progress, opened)
    lines = ["flowchart TD", *_machine(whole(definition), chart, "    ")]
    if progress:
        for status in STATUSES:
            fill, _, edge = LIGHT[status].partition("/")
            lines.append(f"    classDef {status} fill:{fill},stroke:{edge},color:{LIGHT['ink']}")
    return "\n".join(lines) + "\n"


def _machine(machine: Machine, chart: Chart, indent: str) -> Iterator[str]:
    found = places(machine)
    names = {place.name: chart.ids[id(place.state)] for place in found}
    for place in found:
        yield from _state(place, chart, indent)
    start = machine.body.get("StartAt")
    if not machine.label:
        yield f"{indent}start((start))"
        if isinstance(start, str) and start in names:
            yield f"{indent}start --> {names[start]}"
    for place in found:
        yield from _ways(place, names, indent)


def _state(place: Place, chart: Chart, indent: str) -> Iterator[str]:
    name, now = chart.ids[id(place.state)], words.progress_of(chart.progress, place.name)
    within = [] if chart.opened else words.closed(place)
    sort = f"{len(within)} states inside" if within else kind(place)
    told = [words.told(now), words.busy(place, chart.progress) if within else ""]
    said = "<br/>".join(escaped(one) for one in (place.name, sort, *told) if one)
    mark = f":::{now.status.replace(' ', '-')}" if chart.progress else ""
    machines = [] if within else inner(place)
    if not machines:
        left, right = ("[[", "]]") if within else SHAPES.get(place.kind, ("[", "]"))
        yield f'{indent}{name}{left}"{said}"{right}{mark}'
        return
    yield f'{indent}subgraph {name}["{said}"]'
    yield f"{indent}    direction TB"
    for number, machine in enumerate(machines, 1):
        deeper = indent + "    "
        if len(machines) > 1:
            yield f'{deeper}subgraph {name}b{number}["{number}"]'
            yield f"{deeper}    direction TB"
            yield from _machine(machine, chart, deeper + "    ")
            yield f"{deeper}end"
        else:
            yield from _machine(machine, chart, deeper)
    yield f"{indent}end"
    if mark:
        yield f"{indent}class {name} {mark[3:]}"


def _ways(place: Place, names: Mapping[str, str], indent: str) -> Iterator[str]:
    for edge in edges(place):
        if edge.target not in names:
            continue
        label = escaped(words.lines(words.edge_label(place, edge), 400, 3, 11)[0])
        arrow = "-.->" if edge.kind == "catch" else "-->"
        said = f'|"{label}"|' if label else ""
        yield f"{indent}{names[edge.source]} {arrow}{said} {names[edge.target]}"


def escaped(text: str) -> str:
    """Text that Mermaid takes for nothing but text."""
    return "".join(
        sign if sign.isalnum() or sign in " -_.,:/" else f"#{ord(sign)};"
        for sign in words.plain(text)
    )
