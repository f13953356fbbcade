"""The picture of a pipeline as SVG: a box a task, a box with cells a grid."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from byoa.plan.pipeline.report.groups import MOST, Group, Link, groups, links
from byoa.plan.pipeline.report.markup import duration, number, plain, text
from byoa.plan.pipeline.report.parts import components, shelved
from byoa.plan.pipeline.report.seen import SIGNS, Seen, View, word
from byoa.plan.pipeline.report.style import PICTURE, colours
from byoa.plan.workflow.picture import layout, words
from byoa.plan.workflow.picture.layout import LINE, NAME, PAD, SMALL, STATE, Box
from byoa.plan.workflow.picture.svg import way_svg

MARGIN, LEAST, WIDEST = 16.0, 104.0, 210.0
CELL, STEP = 11.0, 14.0
#: Of more points than this the cells are one bar.
CELLS = 240
PRODUCTS = 4
#: How far the box behind a box looks out; lines of a name.
BEHIND, ROWS = 6.0, 3
#: A wide picture is made so much smaller before one has to scroll.
SMALLEST = 0.65
PIECE = re.compile(r"[^-_./\s]*[-_./\s]*")

Address = Callable[[str], str]


@dataclass(frozen=True)
class Drawing:
    """How a picture is made."""

    address: Address | None = None  #: of a task's place on the page
    products: bool = False
    most: int = MOST


@dataclass
class Node(Box):
    """A box of the picture with what is in it."""

    group: Group | None = None
    seen: tuple[Seen, ...] = ()
    counts: dict[str, int] | None = None
    small: tuple[str, ...] = ()  #: lines below the name
    across: int = 0  #: cells in a row

    @property
    def status(self) -> str:
        return next(iter(self.counts or {"waiting": 1}))


def svg(view: View, drawing: Drawing | None = None, *, style: bool = True) -> str:
    """The whole picture; with its own style sheet where it stands alone."""
    drawing = drawing or Drawing()
    tasks = {name: seen.task for name, seen in view.tasks.items()}
    found = groups(tasks, drawing.most)
    nodes = [_node(group, view, drawing) for group in found]
    ways = [
        layout.Link(link.source, link.target, "each" if link.each else "all", _said(found, link))
        for link in links(found, tasks)
    ]
    parts = [
        _part(nodes, ways, numbers, drawing)
        for numbers in components(len(nodes), [(way.source, way.target) for way in ways])
    ]
    inside, width, height = shelved(parts)
    wide, high = width + 2 * MARGIN, height + 2 * MARGIN + 6
    said = text(f"pipeline {view.pipeline}")
    sheet = f"<style>{colours('svg.pipeline')}{PICTURE}</style>" if style else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pipeline" role="group" '
        f'aria-label="{said}" width="{wide:.0f}" height="{high:.0f}" '
        f'style="min-width:{wide * SMALLEST:.0f}px" '
        f'viewBox="0 0 {wide:.0f} {high:.0f}"><title>{said}</title>{sheet}'
        f'<g transform="translate({MARGIN:g} {MARGIN:g})">{inside}</g></svg>'
    )


def _part(
    nodes: list[Node], ways: list[layout.Link], numbers: list[int], drawing: Drawing
) -> tuple[str, float, float]:
    """What hangs together, drawn from its own corner; its size."""
    place = {number: at for at, number in enumerate(numbers)}
    own = [
        replace(way, source=place[way.source], target=place[way.target])
        for way in ways
        if way.source in place
    ]
    some = [nodes[number] for number in numbers]
    drawn = layout.placed("", list[Box](some), own)
    inside = "".join(way_svg(way) for way in drawn.ways)
    inside += "".join("".join(_box(node, drawing)) for node in some)
    return inside, drawn.width + BEHIND, drawn.height + BEHIND


def wrapped(name: str) -> list[str]:
    """A name on at most three lines, broken behind a sign that parts words."""
    rows = [""]
    for piece in PIECE.findall(plain(name)):
        if words.width(rows[-1] + piece, NAME) > WIDEST and rows[-1]:
            rows.append("")
        rows[-1] += piece
    fits = len(rows) <= ROWS and all(words.width(row, NAME) <= WIDEST for row in rows)
    return rows if fits else words.lines(name, WIDEST, ROWS, NAME)


def _said(found: list[Group], link: Link) -> str:
    said = f"{found[link.source].said} → {found[link.target].said}"
    return plain(said + ", point to point" * link.each)


def _node(group: Group, view: View, drawing: Drawing) -> Node:
    seen = tuple(view.tasks[name] for name in group.tasks)
    counts = view.counts(group.tasks)
    node = Node(STATE, 0, 0, wrapped(group.said), group.said, group=group)
    node.seen, node.counts = seen, counts
    node.kind = seen[0].task.kind if group.is_one else f"{len(seen)} tasks"
    node.told = _told(seen, counts)
    node.small = _products(seen[0]) if drawing.products and group.is_one else ()
    count = len(seen)
    if not group.is_one and count <= CELLS:
        node.across = max(min(count, 6), math.ceil(math.sqrt(count * 2.4)))
    small = [words.width(said, SMALL * layout.BOLD) for said in (node.kind, node.told, *node.small)]
    names = [words.width(row, NAME * layout.BOLD) for row in node.rows]
    node.width = max(LEAST, *names, *small, node.across * STEP - CELL / 3) + 2 * PAD
    node.height = 2 * PAD + SMALL + len(node.rows) * LINE + (SMALL + 5) * bool(node.told)
    node.height += len(node.small) * (SMALL + 3) + _cells_high(node)
    return node


def _cells_high(node: Node) -> float:
    if not node.group or node.group.is_one:
        return 0.0
    rows = math.ceil(len(node.seen) / node.across) if node.across else 1
    return rows * STEP + 6


def _told(seen: tuple[Seen, ...], counts: dict[str, int]) -> str:
    if len(seen) > 1:
        return " · ".join(f"{count} {word(status)}" for status, count in counts.items())
    (one,) = seen
    said = f"{SIGNS[one.status][0]} {word(one.status)}"
    took = one.seconds and one.status in ("done", "kept", "failed")
    return f"{said} · {duration(one.seconds)}" if took else said


def products(seen: Seen) -> list[str]:
    """The paths of a task's products, and the names of its tables."""
    return [
        product.path or ".".join(part for part in (product.relation or ())[:2] if part)
        for product in seen.task.products.values()
    ]


def _products(seen: Seen) -> tuple[str, ...]:
    paths = products(seen)
    said = [words.lines(f"→ {path}", WIDEST, 1, SMALL)[0] for path in paths[:PRODUCTS]]
    more = len(paths) - PRODUCTS
    return (*said, *([f"and {more} more"] if more > 0 else []))


def _box(node: Node, drawing: Drawing) -> Iterator[str]:
    middle, at = node.x + node.width / 2, node.y + PAD + SMALL - 2
    group = node.group
    yield f'<g class="s-{node.status}"><title>{text(_tip(node))}</title>'
    if group and not group.is_one:
        for back in (6, 3):  # there are several
            yield _rect(node, back, "behind")
    link = drawing.address(group.tasks[0]) if drawing.address and group and group.is_one else ""
    box = _rect(node, 0, "box")
    yield f'<a href="{text(link)}" class="s-{node.status}">{box}' if link else box
    label = [_text(node.kind, middle, at, "soft")]
    for row in node.rows:
        at += LINE
        label.append(_text(row, middle, at, "name"))
    for row in node.small:
        at += SMALL + 3
        label.append(_text(row, middle, at, "soft"))
    if node.told:
        at += SMALL + 6
        label.append(_text(node.told, middle, at, "told"))
    yield "".join(label) + "</a>" * bool(link)
    if group and not group.is_one:
        yield from _cells(node, at + 10, drawing)
    yield "</g>"


def _cells(node: Node, y: float, drawing: Drawing) -> Iterator[str]:
    if not node.across:
        yield from _shares(node, y)
        return
    left = node.x + (node.width - (node.across * STEP - (STEP - CELL))) / 2
    for place, seen in enumerate(node.seen):
        row, column = divmod(place, node.across)
        x, top = left + column * STEP, y + row * STEP
        tip = f"<title>{text(_one_tip(seen))}</title>"
        cell = (
            f'<rect class="cell s-{seen.status}" x="{number(x)}" y="{number(top)}" '
            f'width="{CELL:g}" height="{CELL:g}" rx="2.5"/>'
        )
        if drawing.address:
            yield f'<a href="{text(drawing.address(seen.name))}">{tip}{cell}</a>'
        else:
            yield f"<g>{tip}{cell}</g>"


def _shares(node: Node, y: float) -> Iterator[str]:
    """Too many for cells: one bar, a part a status."""
    x, whole = node.x + PAD, node.width - 2 * PAD
    for status, count in (node.counts or {}).items():
        wide = whole * count / len(node.seen)
        yield (
            f'<rect class="cell s-{status}" x="{number(x)}" y="{number(y)}" '
            f'width="{number(max(wide, 1))}" height="{CELL:g}"/>'
        )
        x += wide


def _rect(node: Node, back: float, sort: str) -> str:
    return (
        f'<rect class="{sort}" x="{number(node.x + back)}" y="{number(node.y + back)}" '
        f'width="{number(node.width)}" height="{number(node.height)}" rx="8"/>'
    )


def _text(said: str, x: float, y: float, sort: str) -> str:
    return f'<text class="{sort}" x="{number(x)}" y="{number(y)}">{text(said)}</text>'


def _tip(node: Node) -> str:
    if node.group and not node.group.is_one:
        return f"{node.name}: {len(node.seen)} tasks, {node.told}"
    return _one_tip(node.seen[0])


def _one_tip(seen: Seen) -> str:
    said = [seen.name, SIGNS[seen.status][1], *seen.reasons[:3]]
    said += [duration(seen.seconds)] if seen.seconds else []
    said += [seen.error] if seen.error else []
    return " — ".join(said)
