"""The graph as text that other programs draw: Mermaid's and Graphviz's.

https://mermaid.js.org/syntax/flowchart.html · https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

from collections.abc import Iterator

from byoa.plan.pipeline.report.graph import products
from byoa.plan.pipeline.report.groups import Group, groups, links
from byoa.plan.pipeline.report.markup import duration, plain
from byoa.plan.pipeline.report.seen import SIGNS, Seen, View, word
from byoa.plan.pipeline.report.style import COLOURS, light

#: Programs that draw text find a place for more boxes than a page of ours.
MOST = 200


def mermaid(view: View, with_products: bool = False, most: int = MOST) -> str:
    """A flowchart; grids are one box with a frame, coloured by status."""
    found = groups({name: seen.task for name, seen in view.tasks.items()}, most)
    lines = ["flowchart TD"]
    used = {}
    for number, group in enumerate(found):
        counts = view.counts(group.tasks)
        status = used[number] = next(iter(counts))
        left, right = ("[", "]") if group.is_one else ("[[", "]]")
        said = "<br/>".join(_escaped(line) for line in _label(group, view, counts, with_products))
        lines.append(f'    n{number}{left}"{said}"{right}:::{status}')
    for link in links(found, {name: seen.task for name, seen in view.tasks.items()}):
        lines.append(f"    n{link.source} {'-.->' if link.each else '-->'} n{link.target}")
    for status in SIGNS:
        if status in used.values():
            fill, edge = light()[status]
            ink = COLOURS["ink"][0]
            lines.append(f"    classDef {status} fill:{fill},stroke:{edge},color:{ink}")
    return "\n".join(lines) + "\n"


def dot(view: View, with_products: bool = False, most: int = MOST) -> str:
    """A digraph for `dot`, `neato` …"""
    tasks = {name: seen.task for name, seen in view.tasks.items()}
    found = groups(tasks, most)
    lines = [
        f"digraph {_quoted(view.pipeline)} {{",
        '    node [shape=box style="rounded,filled" fontname="sans-serif" fontsize=11]',
    ]
    for number, group in enumerate(found):
        counts = view.counts(group.tasks)
        fill, edge = light()[next(iter(counts))]
        said = _quoted("\n".join(_label(group, view, counts, with_products)))
        many = "" if group.is_one else " peripheries=2"
        lines.append(f'    n{number} [label={said} fillcolor="{fill}" color="{edge}"{many}]')
    for link in links(found, tasks):
        sort = " [style=dotted]" if link.each else ""
        lines.append(f"    n{link.source} -> n{link.target}{sort}")
    return "\n".join([*lines, "}"]) + "\n"


def _label(group: Group, view: View, counts: dict[str, int], with_products: bool) -> Iterator[str]:
    yield group.said
    if not group.is_one:
        yield f"{len(group.tasks)} tasks: " + ", ".join(
            f"{count} {word(status)}" for status, count in counts.items()
        )
        return
    seen = view.tasks[group.tasks[0]]
    yield f"{seen.task.kind}: {_status(seen)}"
    if with_products:
        yield from (f"→ {path}" for path in products(seen))


def _status(seen: Seen) -> str:
    said = word(seen.status)
    return f"{said}, {duration(seen.seconds)}" if seen.seconds else said


def _escaped(text: str) -> str:
    """Text that Mermaid takes for nothing but text."""
    return "".join(
        sign if sign.isalnum() or sign in " -_.,:/" else f"#{ord(sign)};" for sign in plain(text)
    )


def _quoted(text: str) -> str:
    lines = (plain(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'
