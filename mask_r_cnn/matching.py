"""COCO's matching of detections with the truth, for every picture and class at once. numpy only.

Walking through pictures, classes, sizes, thresholds and detections, as pycocotools does, costs far
more than the comparing. Only truths that a detection overlaps by half or more can become its own:
these candidates are listed first. Then the best detection of each picture and class chooses, after
it the second best, and so on, for every size and threshold together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Overlap = Callable[[Ints, Ints], Floats]  # IoU of detections and truths, place by place

# As pycocotools makes them, to the last bit; sizes are areas in pixels, ends included.
THRESHOLDS: Floats = np.linspace(0.5, 0.95, 10)
SIZES: Floats = np.array([[0, 1e10], [0, 32**2], [32**2, 96**2], [96**2, 1e10]], np.float64)
_PAIRS, _CHOICES = 1 << 20, 1 << 13  # compared, and chosen from, in one go: bounds the memory


@dataclass(frozen=True)
class Truth:
    """What is to be found; `group` (picture and class) ascends."""

    group: Ints
    area: Floats
    crowd: Bools


@dataclass(frozen=True)
class Found:
    """What was found; `group` ascends, in a group the score descends: `place` counts from 0."""

    group: Ints
    area: Floats
    score: Floats
    place: Ints


@dataclass(frozen=True)
class Matches:
    """For each detection, size and threshold: is it somebody's, and does it count at all?"""

    hit: Bools
    ignored: Bools


@dataclass(frozen=True)
class _Candidates:
    found: Ints
    truth: Ints
    iou: Floats


def aside(truth: Truth) -> Bools:
    """[truth, size]: crowds and what is of another size; finding them is no merit and no fault."""
    return _outside(truth.area) | truth.crowd[:, None]


def places_in_runs(values: Ints) -> Ints:
    """0, 1, 2 … within each run of equal values."""
    starts, counts = runs(values)
    return np.asarray(np.arange(len(values)) - np.repeat(starts, counts))


def match(found: Found, truth: Truth, overlap: Overlap) -> Matches:
    """Give each detection the free truth that it overlaps most, the highest score first."""
    shape = (len(SIZES), len(THRESHOLDS))
    matches = Matches(*(np.zeros((len(found.group), *shape), np.bool_) for _ in range(2)))
    taken = np.zeros((len(truth.group), *shape), np.bool_)
    spared = aside(truth)
    for choice in _rounds(_candidates(found, truth, overlap), found.group):
        _choose(choice, truth.crowd, spared, taken, matches)
    np.logical_or(
        matches.ignored, ~matches.hit & _outside(found.area)[:, :, None], out=matches.ignored
    )
    return matches


def _outside(area: Floats) -> Bools:
    return np.asarray((area[:, None] < SIZES[:, 0]) | (area[:, None] > SIZES[:, 1]))


def _candidates(found: Found, truth: Truth, overlap: Overlap) -> _Candidates:
    """The pairs that overlap enough for the lowest threshold, worst first for each detection."""
    kept: list[tuple[Ints, Ints, Floats]] = [(np.zeros(0, np.int64),) * 2 + (np.zeros(0),)]
    for places, others in _pairs(found.group, truth.group):
        iou = overlap(places, others)
        enough = iou >= THRESHOLDS[0]
        kept.append((places[enough], others[enough], iou[enough]))
    places, others, iou = (np.concatenate(column) for column in zip(*kept, strict=True))
    order = np.lexsort((others, iou, places))  # of two equal ones COCO takes the later
    return _Candidates(places[order], others[order], iou[order])


def _pairs(found: Ints, truth: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Every detection with every truth of its group, some at a time."""
    first = np.searchsorted(truth, found, "left")
    number = np.searchsorted(truth, found, "right") - first
    for begin, end in _parts(number, _PAIRS):
        count = number[begin:end]
        start = first[begin:end] - (np.cumsum(count) - count)
        others = np.repeat(start, count) + np.arange(count.sum())
        yield np.repeat(np.arange(begin, end), count), others


def _parts(counts: Ints, limit: int) -> Iterator[tuple[int, int]]:
    """Cut a list so that the counts of a part make up the limit at most (or it has one entry)."""
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        before = ends[begin - 1] if begin else 0
        end = max(int(np.searchsorted(ends, before + limit, "right")), begin + 1)
        yield begin, end
        begin = end


def _rounds(candidates: _Candidates, group: Ints) -> Iterator[_Candidates]:
    """The candidates of each group's best detection, then of each one's second best, and so on."""
    starts, counts = runs(candidates.found)
    turn = places_in_runs(group[candidates.found[starts]])
    order = np.argsort(turn, kind="stable")
    begins, sizes = runs(turn[order])
    for first, last in zip(begins.tolist(), (begins + sizes).tolist(), strict=True):
        segments = order[first:last]
        for begin, end in _parts(counts[segments], _CHOICES):
            part = segments[begin:end]
            ends = np.cumsum(counts[part])
            places = np.repeat(starts[part] - (ends - counts[part]), counts[part])
            places += np.arange(len(places))
            yield _Candidates(
                candidates.found[places], candidates.truth[places], candidates.iou[places]
            )


def runs(values: Ints) -> tuple[Ints, Ints]:
    """Where each run of equal values starts, and how long it is."""
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
    return starts, np.diff(starts, append=len(values))


def _choose(
    choice: _Candidates, crowd: Bools, spared: Bools, taken: Bools, matches: Matches
) -> None:
    """One detection of a group at most: it takes the last of its candidates that is free.

    One that counts goes before all that do not. A crowd is free for any number of detections.
    """
    truth, number = choice.truth, len(choice.truth)
    free = ~taken[truth] | crowd[truth][:, None, None]
    free &= (choice.iou[:, None] >= THRESHOLDS)[:, None, :]
    place = np.arange(1, number + 1, dtype=np.int32)[:, None]
    worth = np.where(spared[truth], place, place + np.int32(number))[:, :, None] * free
    starts, _ = runs(choice.found)
    best = np.maximum.reduceat(worth, starts, axis=0)
    who, size, threshold = np.nonzero(best)
    value = best[who, size, threshold]
    taken[truth[(value - 1) % number], size, threshold] = True
    detection = choice.found[starts[who]]
    matches.hit[detection, size, threshold] = True
    matches.ignored[detection, size, threshold] = value <= number
