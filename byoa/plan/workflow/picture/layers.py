"""Boxes in layers from top to bottom: which layer, in which order, and how far to the right.

K. Sugiyama, S. Tagawa, M. Toda: Methods for Visual Understanding of Hierarchical Systems (1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

SWEEPS = 12
NEARLY = 8.0  #: what is straight but for so little is made straight


@dataclass
class Layered:
    """Numbered boxes in layers. Ways over several layers go through dummies, from `size` on."""

    layers: list[list[int]]
    chains: list[list[int]]  #: for every edge what it goes through, both ends included
    turned: list[bool]  #: edges that lead upwards; their chain is from top to bottom all the same
    size: int
    above: dict[int, list[int]] = field(default_factory=dict)
    below: dict[int, list[int]] = field(default_factory=dict)


def layered(size: int, edges: Sequence[tuple[int, int]]) -> Layered:
    """Layers without a way that leads upwards; an edge from a box to itself has a chain of one."""
    turned = _turned(size, edges)
    downs = [(b, a) if turn else (a, b) for (a, b), turn in zip(edges, turned)]
    ranks = _ranks(size, [edge for edge in downs if edge[0] != edge[1]])
    layers: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    for box, rank in enumerate(ranks):
        layers[rank].append(box)
    made = Layered(layers, [], turned, size)
    dummy = size
    for top, bottom in downs:
        chain = [top]
        for rank in range(ranks[top] + 1, ranks[bottom]):
            layers[rank].append(dummy)
            chain.append(dummy)
            dummy += 1
        made.chains.append(chain + [bottom] * (top != bottom))
    for chain in made.chains:
        for one, other in zip(chain, chain[1:]):
            made.below.setdefault(one, []).append(other)
            made.above.setdefault(other, []).append(one)
    _order(made)
    return made


def _turned(size: int, edges: Sequence[tuple[int, int]]) -> list[bool]:
    """The edges that close a circle, seen in depth-first order from the first box."""
    outs: dict[int, list[int]] = {}
    for number, (source, _) in enumerate(edges):
        outs.setdefault(source, []).append(number)
    done, open_, turned = set[int](), set[int](), [False] * len(edges)
    for root in range(size):
        trail = [(root, iter(outs.get(root, ())))] if root not in done else []
        open_.update(box for box, _ in trail)
        while trail:
            box, rest = trail[-1]
            number = next(rest, -1)
            if number < 0:
                trail.pop()
                open_.discard(box)
                done.add(box)
                continue
            target = edges[number][1]
            if target in open_:
                turned[number] = target != box
            elif target not in done:
                open_.add(target)
                trail.append((target, iter(outs.get(target, ()))))
    return turned


def _ranks(size: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Every box as high as the longest way to it allows."""
    waiting = [0] * size
    outs: dict[int, list[int]] = {}
    for one, other in edges:
        waiting[other] += 1
        outs.setdefault(one, []).append(other)
    ranks, ready = [0] * size, [box for box in range(size) if not waiting[box]]
    while ready:
        box = ready.pop()
        for other in outs.get(box, ()):
            ranks[other] = max(ranks[other], ranks[box] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    return ranks


def _order(made: Layered) -> None:
    """Fewer crossings: each box goes to the middle of its neighbours, down and up by turns."""
    best, fewest = [list(layer) for layer in made.layers], _crossings(made)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        neighbours = made.above if down else made.below
        for layer in made.layers if down else reversed(made.layers):
            place = {box: at for row in made.layers for at, box in enumerate(row)}
            means = {
                box: sum(place[one] for one in neighbours[box]) / len(neighbours[box])
                if box in neighbours
                else place[box]
                for box in layer
            }
            layer.sort(key=lambda box: means[box])
        crossings = _crossings(made)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in made.layers], crossings
    made.layers[:] = best


def _crossings(made: Layered) -> int:
    total = 0
    place = {box: at for row in made.layers for at, box in enumerate(row)}
    for layer in made.layers:
        ends = [
            [place[other] for other in sorted(made.below.get(box, ()), key=place.__getitem__)]
            for box in layer
        ]
        seen: list[int] = []
        for found in ends:
            total += sum(one > other for one in seen for other in found)
            seen += found
    return total


def columns(made: Layered, widths: Sequence[float], gap: float) -> list[float]:
    """The middle of every box, near its neighbours', with the gap kept between boxes."""
    middles = [0.0] * len(widths)
    for layer in made.layers:
        at = 0.0
        for box in layer:
            middles[box] = at + widths[box] / 2
            at += widths[box] + gap
    ways = {box: chain[1:-1] for chain in made.chains for box in chain[1:-1]}
    for sweep in range(2 * SWEEPS):
        down, both = sweep % 2 == 0, sweep >= SWEEPS
        for layer in made.layers if down else reversed(made.layers):
            wanted, weights = [], []
            for box in layer:
                above, below = made.above.get(box, []), made.below.get(box, [])
                near = above + below if both else above if down else below
                if both:  # a long way is straight, and draws no box along
                    near = ways.get(box) or [one for one in near if one not in ways] or near
                wanted.append(
                    sum(middles[one] for one in near) / len(near) if near else middles[box]
                )
                weights.append((8.0 if box in ways else 2.0) if near else 0.1)
            _spread(layer, middles, widths, gap, wanted, weights)
    for way in ways.values():
        found = [middles[box] for box in way]
        if max(found) - min(found) < NEARLY:
            middles = [sum(found) / len(way) if n in way else at for n, at in enumerate(middles)]
    left = min((middles[box] - widths[box] / 2 for box in range(len(widths))), default=0.0)
    return [middle - left for middle in middles]


def _spread(
    layer: Sequence[int],
    middles: list[float],
    widths: Sequence[float],
    gap: float,
    wanted: Sequence[float],
    weights: Sequence[float],
) -> None:
    """The places nearest to the wanted ones that keep order and gap (pool adjacent violators)."""
    shifts, shift = [], 0.0
    for number, box in enumerate(layer):
        if number:
            shift += (widths[layer[number - 1]] + widths[box]) / 2 + gap
        shifts.append(shift)
    pools: list[tuple[float, float, int]] = []  # sum of wishes, of weights, how many
    for number in range(len(layer)):
        pool = ((wanted[number] - shifts[number]) * weights[number], weights[number], 1)
        while pools and pools[-1][0] / pools[-1][1] > pool[0] / pool[1]:
            before = pools.pop()
            pool = (before[0] + pool[0], before[1] + pool[1], before[2] + pool[2])
        pools.append(pool)
    number = 0
    for wishes, weight, many in pools:
        for _ in range(many):
            middles[layer[number]] = wishes / weight + shifts[number]
            number += 1
