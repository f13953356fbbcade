"""When every task ran, as SVG: a lane for what ran side by side; and which took longest."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from byoa.plan.pipeline.report.graph import Address
from byoa.plan.pipeline.report.markup import duration, number, text
from byoa.plan.pipeline.report.scales import nice
from byoa.plan.pipeline.report.seen import Seen
from byoa.plan.workflow.picture import words

WIDE, HIGH, GAP, TOP = 960.0, 20.0, 4.0, 22.0
LETTERS = 10.5
#: Bars closer than this are drawn as one.
NEAR = 1.0
#: More lanes than this nobody reads.
LANES = 64
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
#: A part of the whole time that nobody sees.
SLACK = 0.005
#: Of an axis of fewer seconds, two decimals are too few.
SHORT = 0.1


@dataclass
class Bar:
    """One task, or several too short to be seen apart."""

    begins: float
    ends: float
    seen: Seen
    many: int = 1


def lanes(seen: Sequence[Seen], slack: float = 1e-3) -> list[list[Seen]]:
    """As few lanes as go: each task in the first one that is free when it begins.

    An end is noticed some moments after it: so much is overlooked.
    """
    ran = sorted((one for one in seen if one.started is not None), key=lambda one: one.started or 0)
    found: list[list[Seen]] = []
    free: list[tuple[float, int]] = []  # when each lane ends
    idle: list[int] = []
    for one in ran:
        began = one.started or 0.0
        while free and free[0][0] <= began + slack:
            heapq.heappush(idle, heapq.heappop(free)[1])
        lane = heapq.heappop(idle) if idle else len(found)
        if lane == len(found):
            found.append([])
        found[lane].append(one)
        heapq.heappush(free, (began + one.seconds, lane))
    return found


def timeline(seen: Sequence[Seen], address: Address | None = None) -> str:
    """Bars over the run's time; "" where nothing ran."""
    ran = [one for one in seen if one.started is not None]
    if not ran:
        return ""
    began = min(one.started or 0.0 for one in ran)
    whole = max((one.started or 0.0) + one.seconds for one in ran) - began or 1e-3
    found = lanes(ran, max(0.005, whole * SLACK))
    high = TOP + min(len(found), LANES) * (HIGH + GAP)
    inside = "".join(_axis(whole, high))
    for number_, lane in enumerate(found[:LANES]):
        y = TOP + number_ * (HIGH + GAP)
        for bar in _bars(lane, began, WIDE / whole):
            inside += _drawn(bar, y, address)
    more = len(found) - LANES
    note = f'<p class="soft">{more} more side by side are not drawn.</p>' if more > 0 else ""
    return (
        f'<svg class="chart timeline" role="group" aria-label="when each task ran" '
        f'viewBox="0 0 {WIDE + 16:g} {number(high)}" width="{WIDE + 16:g}" '
        f'height="{number(high)}"><g transform="translate(8 0)">{inside}</g></svg>{note}'
    )


def moments(whole: float, about: int = 8) -> list[float]:
    """Times for an axis: round seconds, minutes, hours."""
    step = next((step for step in STEPS if step * about >= whole), 0)
    if whole < 2 or not step:
        return nice(0.0, whole, about)
    return [float(at) for at in range(0, int(whole) + 1, step)]


def _axis(whole: float, high: float) -> Iterator[str]:
    for tick in moments(whole):
        x = tick / whole * WIDE
        side = "start" if x < 20 else "end" if x > WIDE - 30 else "middle"
        yield f'<path class="grid" d="M{number(x)} {TOP - 4:g}V{number(high)}"/>'
        yield (
            f'<text class="tick" x="{number(x)}" y="{TOP - 9:g}" text-anchor="{side}">'
            f"{_moment(tick, whole)}</text>"
        )


def _moment(tick: float, whole: float) -> str:
    if not tick:
        return "0"
    return duration(tick) if whole > SHORT else f"{tick * 1000:.3g} ms"


def _bars(lane: Sequence[Seen], began: float, pixels: float) -> list[Bar]:
    made: list[Bar] = []
    for one in lane:
        begins = ((one.started or 0.0) - began) * pixels
        ends = begins + one.seconds * pixels
        last = made[-1] if made else None
        short = ends - begins < NEAR and last and begins - last.ends < NEAR
        same = last and last.seen.status == one.status
        if last and short and same and (last.many > 1 or last.ends - last.begins < NEAR):
            last.ends, last.many = max(ends, last.ends), last.many + 1
        else:
            made.append(Bar(begins, ends, one))
    return made


def _drawn(bar: Bar, y: float, address: Address | None) -> str:
    one, wide = bar.seen, max(bar.ends - bar.begins, 1.5)
    said = f"{bar.many} short tasks" if bar.many > 1 else one.name
    tip = said if bar.many > 1 else f"{said} — {one.status} after {duration(one.seconds)}"
    label = ""
    if words.width("mm", LETTERS) < wide - 8:
        row = words.lines(said, wide - 8, 1, LETTERS)[0]
        label = f'<text class="bar" x="{number(bar.begins + 5)}" y="{number(y + 14)}">'
        label += f"{text(row)}</text>"
    box = (
        f'<rect class="s-{one.status}" x="{number(bar.begins)}" y="{number(y)}" '
        f'width="{number(wide)}" height="{HIGH:g}" rx="{min(3.0, wide / 2):.1f}"/>'
    )
    inside = f"<title>{text(tip)}</title>{box}{label}"
    if address and bar.many == 1:
        return f'<a href="{text(address(one.name))}">{inside}</a>'
    return f"<g>{inside}</g>"
