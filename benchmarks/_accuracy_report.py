"""What the runs of the accuracy gate say together: results/accuracy.json and its plots."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import measure

Run = Mapping[str, Any]
COLOURS = {"plain": "#888888", "ours": "#3b6ea5", "small": "#c8553d"}
SAID = {
    "plain": "plain torchvision, fp32",
    "ours": "ours, same recipe",
    "small": "ours, small-data setting",
}
FIGURES = ("bbox_map", "segm_map")
INT8, BF16 = "openvino int8", "openvino bf16"


def write_report(runs: Sequence[Run]) -> None:
    """The summary and the runs themselves as JSON, and a plot for each set of pictures."""
    works = sorted({run["work"] for run in runs})
    summary = {work: summarised([r for r in runs if r["work"] == work]) for work in works}
    versions = measure.machine("torch", "torchvision", "openvino", "faster-coco-eval")
    measure.save("accuracy", {**versions, "summary": summary, "runs": list(runs)})
    for work in (name for name in works if "plain" in summary[name]):
        _plot(work, [run for run in runs if run["work"] == work], summary[work])


def summarised(runs: Sequence[Run]) -> dict[str, Any]:
    """Of one set of pictures: each side's AP, ours against plain's, time to an AP, drops."""
    by = {side: {r["seed"]: r for r in runs if r["recipe"] == side} for side in SAID}
    found: dict[str, Any] = {
        side: {
            "seeds": sorted(own),
            **{f: _spread([last(r, f) for r in own.values()]) for f in FIGURES},
        }
        for side, own in by.items()
        if own
    }
    for side in ("ours", "small"):
        pairs = sorted(by[side].keys() & by["plain"].keys())
        if pairs:
            found[f"{side}_minus_plain"] = {
                figure: _spread(
                    [last(by[side][s], figure) - last(by["plain"][s], figure) for s in pairs]
                )
                for figure in FIGURES
            }
    if by["plain"]:
        found["time"] = time_to_ap(by)
        own = {f: _spread([run[f] for run in by["plain"].values()]) for f in FIGURES}
        found["plain_by_torchvision"] = own
    for side in found.keys() & by.keys():
        found[side]["drop"] = worst_drops(list(by[side].values()))
    found["int8_minus_bf16"] = int8_gain(runs)
    return found


def last(run: Run, figure: str) -> float:
    """What the judge of both sides says at the end: our own predictions, in our own precision."""
    return float(run["curve"][-1][figure])


def time_to_ap(by: Mapping[str, Mapping[int, Run]]) -> dict[str, Any]:
    """CPU seconds to the highest multiple of .05 mask AP that every plain seed was judged at."""
    reached = min(max(p["segm_map"] for p in run["curve"]) for run in by["plain"].values())
    target = int(reached * 20) / 20
    seconds = {
        side: {seed: first_at(run["curve"], target) for seed, run in own.items()}
        for side, own in by.items()
        if own
    }
    shorter = {}
    for side in ("ours", "small"):
        ratios = [
            slow / own
            for seed, own in seconds.get(side, {}).items()
            if own is not None and (slow := seconds["plain"].get(seed)) is not None
        ]
        if ratios:
            shorter[side] = round(statistics.median(ratios), 2)
    return {"segm_map": target, "seconds": seconds, "times_shorter": shorter}


def first_at(curve: Sequence[Mapping[str, float]], target: float) -> float | None:
    """The CPU seconds of the first judgement at or above the target; None if there was none."""
    return next((p["seconds"] for p in curve if p["segm_map"] >= target), None)


def worst_drops(runs: Sequence[Run]) -> dict[str, Any]:
    """Points that each engine loses to torchvision in float32 on the same weights."""
    drops: dict[str, dict[str, list[float]]] = {}
    for run in runs:
        for way, figures in (run.get("inference") or {}).get("drop", {}).items():
            for name, drop in figures.items():
                drops.setdefault(way, {}).setdefault(name, []).append(drop)
    return {way: {n: _spread(d) for n, d in found.items()} for way, found in drops.items()}


def int8_gain(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    """Points that OpenVINO has in int8 over what it has in bfloat16, over models of all recipes."""
    asked = [run["inference"]["ap"] for run in runs if run.get("inference")]
    both = [ap for ap in asked if {INT8, BF16} <= ap.keys()]
    return {
        name: _spread([ap[INT8][name] - ap[BF16][name] for ap in both])
        for name in ("bbox", "segm")
        if both
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": round(statistics.mean(values), 4),
        "deviation": round(statistics.stdev(values), 4) if len(values) > 1 else 0.0,
        "least": round(min(values), 4),
        "most": round(max(values), 4),
    }


def _plot(work: str, runs: Sequence[Run], summary: Mapping[str, Any]) -> None:
    with measure.figure(f"accuracy_{work}", f"Held-out mask AP, {work.replace('_', '-')}") as axes:
        told = set()
        for run in sorted(runs, key=lambda r: (list(SAID).index(r["recipe"]), r["seed"])):
            side = run["recipe"]
            label = None if side in told else SAID[side]
            told.add(side)
            seconds = [point["seconds"] for point in run["curve"]]
            figures = [100 * point["segm_map"] for point in run["curve"]]
            axes.plot(seconds, figures, ".-", color=COLOURS[side], label=label, alpha=0.8)
        if "time" in summary:
            target = 100 * summary["time"]["segm_map"]
            axes.axhline(target, color="black", linewidth=0.6, linestyle=":")
        axes.set(xlabel="CPU seconds of one core, judgements left out", ylabel="mask AP, %")
