"""COCO's figures by our `evaluate` beside pycocotools: time, memory, growth, and every last bit.

    python benchmarks/coco_evaluation.py [--small]

500 pictures, 10,000 things, 15,000 detections, 20 classes; boxes and masks apart, in turns. The
first epoch makes the truth ready, the later ones keep it; pycocotools' truth is always ready.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import re
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "mask_r_cnn")]

import measure
from _coco_peers import PEERS, Peer, Predictions, hard_scenes, scenes
from average_precision import FIGURES, figure
from dataset import Dataset
from evaluation import Judge, evaluate

KINDS = ("bbox", "segm")
PACKAGES = ("numpy", "pycocotools", "faster-coco-eval")
Way = Callable[[], Any]
_ways: dict[str, Way] = {}


def ours(judge: Judge, predictions: Predictions, kind: str) -> list[float]:
    """Our twelve figures of one kind; nan is written as COCO does, -1."""
    guesses = judge.read(predictions)
    tables = judge.boxes(guesses) if kind == "bbox" else judge.masks(guesses)
    found = [figure(tables, name) for name in FIGURES]
    return [-1.0 if math.isnan(one) else one for one in found]


def compare(dataset: Dataset, predictions: Predictions, rounds: int) -> dict[str, Any]:
    """CPU seconds of every way and its ratio to pycocotools, for each kind."""
    judge = Judge(dataset)
    peers = {name: Peer(name, dataset, predictions) for name in PEERS}
    result: dict[str, Any] = {}
    for kind in KINDS:
        ways: dict[str, Way] = {
            name: lambda peer=peer, kind=kind: peer.figures(kind)  # type: ignore[misc]
            for name, peer in peers.items()
        }
        ways["ours, first epoch"] = lambda kind=kind: ours(Judge(dataset), predictions, kind)  # type: ignore[misc]
        ways["ours, later epochs"] = lambda kind=kind: ours(judge, predictions, kind)  # type: ignore[misc]
        times = measure.interleaved(ways, rounds)
        result[kind] = {
            "cpu_ms": measure.milliseconds(times),
            "times_as_fast_as_pycocotools": {
                name: round(measure.ratio(times, "pycocotools", name), 2)
                for name in ways
                if name != "pycocotools"
            },
            "memory_mb": {name: peak(way) for name, way in ways.items()},
        }
    return result


def identical(dataset: Dataset, predictions: Predictions) -> dict[str, Any]:
    """How many of the 24 figures are pycocotools' to the last bit, and the largest difference."""
    found = evaluate(dataset, predictions)
    mine = [*found.bbox.values(), *found.segm.values()]
    mine = [-1.0 if math.isnan(one) else one for one in mine]
    peer = Peer("pycocotools", dataset, predictions)
    theirs = [one for kind in KINDS for one in peer.figures(kind)]
    pairs = list(zip(mine, theirs, strict=True))
    return {
        "equal_to_the_last_bit": sum(a == b for a, b in pairs),
        "of": len(pairs),
        "largest_difference": max(abs(a - b) for a, b in pairs),
        "box_ap": round(mine[0], 4),
        "mask_ap": round(mine[12], 4),
    }


def growth(small: bool) -> dict[str, list[tuple[int, float]]]:
    """CPU seconds of both kinds, truth made ready too, against pictures and detections."""
    pictures = (20, 40) if small else (50, 200, 500, 2000)
    guesses = (10, 20) if small else (10, 30, 100, 300)
    dataset, predictions = scenes(max(pictures))
    found: dict[str, list[tuple[int, float]]] = {"pictures": [], "detections in a picture": []}
    for number in pictures:
        part = Dataset(dataset.pictures[:number], dataset.class_names, dataset.category_ids)
        some = {key: value for key, value in predictions.items() if key <= number}
        found["pictures"].append((number, seconds(part, some)))
    dataset, predictions = scenes(20 if small else 200, max(guesses))
    for number in guesses:
        some = {key: value[:number] for key, value in predictions.items()}
        found["detections in a picture"].append((number, seconds(dataset, some)))
    return found


def seconds(dataset: Dataset, predictions: Predictions) -> float:
    """The median of three evaluations."""
    times = measure.interleaved({"ours": lambda: evaluate(dataset, predictions)}, rounds=3)
    return round(statistics.median(times["ours"]), 4)


def peak(way: Way) -> float:
    """MB that a process of its own grows by, at most, while it goes that way once more."""
    _ways["one"] = way
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return round(pool.apply(_peak), 1)


def _peak() -> float:
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    _ways["one"]()
    return _memory("VmHWM") - before


def _memory(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    kilobytes = re.search(rf"{name}:\s+(\d+)", status)
    assert kilobytes is not None
    return int(kilobytes[1]) / 1024


def draw(result: Mapping[str, Any], grown: Mapping[str, list[tuple[int, float]]]) -> None:
    """Bars of the ratios, and a line a kind of growth."""
    bars = {
        f"{kind}: {way}": ratio
        for kind in KINDS
        for way, ratio in result[kind]["times_as_fast_as_pycocotools"].items()
    }
    title = "COCO's figures: 500 pictures, 15,000 detections"
    measure.bars("coco_evaluation", title, bars, "times as fast as pycocotools (CPU)")
    lines = {f"against {what}": points for what, points in grown.items()}
    lines["in proportion"] = [(10, 0.02), (2000, 4.0)]
    measure.growth(
        "coco_evaluation_growth", "Evaluation, boxes and masks", lines, ("number", "CPU seconds")
    )


def main() -> int:
    """Measure; 1 when a figure is not pycocotools' to the last bit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="20 pictures: seconds")
    small = parser.parse_args().small
    pictures, rounds = (20, 1) if small else (500, 5)
    sets = {"plain": scenes(pictures), "crowds, gaps and ties": hard_scenes(pictures)}
    same = {name: identical(*one) for name, one in sets.items()}
    print(same, flush=True)
    result = compare(*sets["plain"], rounds)
    print({kind: result[kind] for kind in KINDS}, flush=True)
    grown = growth(small)
    slopes = {name: round(measure.slope(points), 2) for name, points in grown.items()}
    print(grown, slopes, flush=True)
    if not small:
        facts = {"pictures": pictures, "figures": same, **result, "growth": grown, "slopes": slopes}
        measure.save("coco_evaluation", {**measure.machine(*PACKAGES), **facts})
        draw(result, grown)
    return 0 if all(one["equal_to_the_last_bit"] == one["of"] for one in same.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
