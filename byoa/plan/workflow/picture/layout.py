"""Where everything of a picture stands: boxes, the boxes within them, and the ways between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.workflow.picture import layers, words
from byoa.plan.workflow.picture.words import Progress
from byoa.plan.workflow.walk import Edge, Machine, Place, edges, inner, places, whole

NAME, SMALL = 13.0, 11.0  #: sizes of letters
LINE, PAD, GAP, RISE = 17.0, 14.0, 26.0, 38.0
BOLD = 1.07  #: how much wider bold letters are
WIDEST = 210.0  #: of a name's line
LEAST = 110.0
ROUND = 12.0  #: where it begins and where it ends
START, END, LABEL, STATE = "start", "end", "label", "state"


@dataclass
class Box:
    """One thing that takes up room. x and y are its left upper corner."""

    sort: str
    width: float
    height: float
    rows: list[str] = field(default_factory=list)
    name: str = ""  #: of a state
    kind: str = ""
    full: str = ""  #: what a label says when there is room
    told: str = ""  #: of its progress
    busy: str = ""  #: of a closed box: what goes on within
    closed: bool = False
    within: list[Layout] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0


@dataclass
class Way:
    """A line from one box to another, through points."""

    kind: str
    points: list[tuple[float, float]]
    full: str = ""
    arrow: bool = True
    upwards: bool = False


@dataclass
class Layout:
    """One machine's picture; boxes within boxes are placed from their own corner."""

    label: str
    width: float
    height: float
    boxes: list[Box]
    ways: list[Way]


@dataclass
class Link:
    source: int
    target: int
    kind: str
    full: str = ""
    arrow: bool = True


def layout(
    definition: Mapping[str, Any], progress: Progress | None = None, opened: bool = False
) -> Layout:
    """With `opened` the boxes that a step is made of are drawn from inside, too."""
    return _machine(whole(definition), progress, opened)


def _machine(machine: Machine, progress: Progress | None, opened: bool) -> Layout:
    states = places(machine)
    boxes = [_round(START)] if not machine.label else []
    numbers: dict[str, int] = {}
    for place in states:
        numbers[place.name] = len(boxes)
        boxes.append(_state(place, progress, opened))
    links = []
    start = machine.body.get("StartAt")
    if not machine.label and isinstance(start, str) and start in numbers:
        links.append(Link(0, numbers[start], "next"))
    for place in states:
        links += _links(place, numbers, boxes)
    ends = [numbers[place.name] for place in states if _ends(place)]
    if ends and not machine.label:
        links += [Link(number, len(boxes), "next") for number in ends]
        boxes.append(_round(END))
    return placed(machine.label, boxes, links)


def _ends(place: Place) -> bool:
    leads_on = place.kind not in ("Choice", "Fail", "Succeed") and "Next" not in place.state
    return place.kind == "Succeed" or (leads_on and place.state.get("End") is True)


def _round(sort: str) -> Box:
    return Box(sort, 2 * ROUND, 2 * ROUND)


def _links(place: Place, numbers: Mapping[str, int], boxes: list[Box]) -> list[Link]:
    """A state's ways on; a rule's words stand in a box of their own: nothing covers them."""
    made, rules, caught = [], dict[int, list[str]](), dict[int, list[str]]()
    source = numbers[place.name]
    for edge in edges(place):
        if edge.target not in numbers:
            continue
        target, full = numbers[edge.target], words.plain(words.edge_label(place, edge))
        if edge.kind == "next":
            made.append(Link(source, target, edge.kind))
        else:
            (caught if edge.kind == "catch" else rules).setdefault(target, []).append(full)
    for target, said in rules.items():
        boxes.append(_label(" — or ".join(said)))
        number, full = len(boxes) - 1, "; ".join(said)
        made += [
            Link(source, number, "choice", full, arrow=False),
            Link(number, target, "choice", full),
        ]
    made += [Link(source, target, "catch", "; ".join(said)) for target, said in caught.items()]
    return made


def _label(full: str) -> Box:
    rows = words.lines(full, WIDEST * 0.75, 4, SMALL)
    wide = max(words.width(row, SMALL) for row in rows) + 8
    return Box(LABEL, wide, len(rows) * (SMALL + 3) + 4, rows, full=full)


def _state(place: Place, progress: Progress | None, opened: bool) -> Box:
    within = [] if opened else words.closed(place)
    sort = f"{len(within)} states inside" if within else kind(place)
    busy = words.busy(place, progress) if within else ""
    rows = words.lines(place.name, WIDEST, 3, NAME)
    told = words.told(words.progress_of(progress, place.name))
    wide = max(
        [
            *(words.width(row, NAME * BOLD) for row in rows),
            *(words.width(said, SMALL * BOLD) for said in (told, busy)),
        ]
    )
    wide += 2 * PAD * (place.kind == "Choice")
    kind_wide = words.width(sort, SMALL)
    wide = max(LEAST, wide + 2 * PAD, kind_wide + 2 * PAD)
    high = 2 * PAD + len(rows) * LINE + SMALL + (SMALL + 5) * (bool(told) + bool(busy))
    box = Box(STATE, wide, high, rows, place.name, sort, told=told, busy=busy, closed=bool(within))
    box.within = [] if within else [_machine(one, progress, opened) for one in inner(place)]
    if box.within:
        box.width = max(wide, sum(one.width + GAP for one in box.within) + GAP)
        box.height = high + max(one.height for one in box.within) + PAD
    return box


def kind(place: Place) -> str:
    """A state's kind; of a task what it calls."""
    if place.kind != "Task":
        return place.kind
    resource = place.state.get("Resource")
    parts = str(resource).split(":") if isinstance(resource, str) else []
    if len(parts) > 6 and parts[2] == "states" and not parts[4]:
        return words.lines(":".join(parts[5:]), WIDEST * 1.5, 1, SMALL)[0]
    return f"Task · {parts[2]}" if len(parts) > 2 else "Task"


def placed(label: str, boxes: list[Box], links: list[Link]) -> Layout:
    made = layers.layered(len(boxes), [(link.source, link.target) for link in links])
    numbers = max((box for row in made.layers for box in row), default=-1) + 1
    widths = [*(box.width for box in boxes), *([10.0] * (numbers - len(boxes)))]
    middles = layers.columns(made, widths, GAP)
    y, tops, highs = 0.0, [0.0] * numbers, [0.0] * numbers
    for row in made.layers:
        high = max((boxes[box].height for box in row if box < len(boxes)), default=0.0)
        for number in row:
            tops[number], highs[number] = y, high
        y += high + RISE
    for number, box in enumerate(boxes):
        box.x = middles[number] - box.width / 2
        box.y = tops[number] + (highs[number] - box.height) / 2 * (box.sort != STATE)
        if box.sort == STATE and not box.within:
            box.y = tops[number] + (highs[number] - box.height) / 2
    ports = _ports(made, boxes, middles)
    ways = [
        _way(made, number, link, boxes, (middles, tops, highs), ports)
        for number, link in enumerate(links)
    ]
    wide = max((middles[n] + widths[n] / 2 for n in range(numbers)), default=0.0)
    loops = any(link.source == link.target for link in links)
    return Layout(label, wide + 30 * loops, max(y - RISE, 0.0), boxes, ways)


def _ports(
    made: layers.Layered, boxes: list[Box], middles: list[float]
) -> dict[tuple[int, bool, int], float]:
    """Where ways leave and enter a box: side by side, in the order of where they come from."""
    at: dict[tuple[int, bool], list[tuple[float, int]]] = {}
    for number, chain in enumerate(made.chains):
        if len(chain) > 1:
            at.setdefault((chain[0], True), []).append((middles[chain[1]], number))
            at.setdefault((chain[-1], False), []).append((middles[chain[-2]], number))
    ports = {}
    for (box, below), found in at.items():
        step = min(22.0, boxes[box].width * 0.6 / len(found)) if boxes[box].sort == STATE else 0.0
        for place, (_, number) in enumerate(sorted(found)):
            ports[box, below, number] = middles[box] + (place - (len(found) - 1) / 2) * step
    return ports


def _way(
    made: layers.Layered,
    number: int,
    link: Link,
    boxes: list[Box],
    room: tuple[list[float], list[float], list[float]],
    ports: dict[tuple[int, bool, int], float],
) -> Way:
    middles, tops, highs = room
    chain = made.chains[number]
    top, bottom = boxes[chain[0]], boxes[chain[-1]]
    if len(chain) == 1:
        x, y = top.x + top.width, top.y + top.height / 2
        corners = [(x, y - 10), (x + 24, y - 10), (x + 24, y + 10), (x, y + 10)]
        return Way(link.kind, corners, link.full)
    points = [(ports[chain[0], True, number], top.y + top.height)]
    if top.height < highs[chain[0]]:
        points.append((points[0][0], tops[chain[0]] + highs[chain[0]]))
    for box in chain[1:-1]:
        points += [(middles[box], tops[box]), (middles[box], tops[box] + highs[box])]
    last = ports[chain[-1], False, number]
    if bottom.y > tops[chain[-1]]:
        points.append((last, tops[chain[-1]]))
    points.append((last, bottom.y))
    upwards = made.turned[number]
    return Way(link.kind, points[::-1] if upwards else points, link.full, link.arrow, upwards)


__all__ = ["Box", "Edge", "Layout", "Link", "Way", "layout", "placed"]
