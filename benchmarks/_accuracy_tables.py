"""Tables of docs/performance.md about accuracy: AP by recipe, by engine and by precision."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from _markdown import signed, table, times

Results = Mapping[str, Any]
KINDS = ("bbox", "segm")
WORKS = {"penn_fudan": "Penn-Fudan", "generated": "generated"}
PREDICTED = {
    "torchvision fp32": "torchvision fp32",
    "torch fp32": "torch fp32",
    "torch bf16": "torch bf16",
    "openvino fp32": "OpenVINO fp32",
    "openvino bf16": "OpenVINO bf16",
    "openvino int8": "OpenVINO int8",
    "torch bf16, JPEG decoded as in training": "torch bf16, JPEG decoded as in training",
}


def accuracy(results: Results) -> str:
    """Box and mask AP of every recipe on held-out pictures."""
    rows = []
    for work, recipe, runs in _groups(results):
        figures = [[run["curve"][-1][f] for run in runs] for f in ("bbox_map", "segm_map")]
        seconds = " · ".join(f"{run['curve'][-1]['seconds']:.0f}" for run in runs)
        rows.append([WORKS[work], recipe, *map(_seeds, figures), seconds])
    head = ["pictures", "recipe", "box AP, seeds 0 · 1 · 2 (mean)", "mask AP", "CPU seconds"]
    return table(head, rows)


def predictions(results: Results) -> str:
    """AP of one model by every engine and precision."""
    ours = {work: runs for work, recipe, runs in _groups(results) if recipe == "ours"}
    rows = []
    for way, said in PREDICTED.items():
        cells = [
            " · ".join(_pair(asked[way]) for run in runs if way in (asked := _asked(run)))
            for runs in ours.values()
        ]
        rows.append([said, *(cell or "PNG" for cell in cells)])
    head = ["box / mask AP, seeds 0 · 1 · 2", *(f"{WORKS[work]}, ours" for work in ours)]
    return table(head, rows)


def int8(results: Results) -> str:
    """AP by OpenVINO in three precisions, of every model that there is."""
    rows, gains = [], []
    fp32, bf16, whole = (f"openvino {precision}" for precision in ("fp32", "bf16", "int8"))
    for work, recipe, runs in _groups(results):
        for run in runs:
            asked = _asked(run)
            if {fp32, bf16, whole} <= asked.keys():
                own = [[asked[whole][k] - asked[w][k] for k in KINDS] for w in (bf16, fp32)]
                gains.append(own)
                figures = [_pair(asked[way], " / ") for way in (fp32, bf16, whole)]
                rows.append(
                    [f"{WORKS[work]}, {recipe}, seed {run['seed']}", *figures, *map(_gain, own)]
                )
    for said, of in (("mean", statistics.mean), ("worst", min)):
        both = [[of([gain[way][kind] for gain in gains]) for kind in (0, 1)] for way in (0, 1)]
        rows.append([said, "", "", "", *(f"**{_gain(one)}**" for one in both)])
    head = ["model", "float32", "bfloat16", "int8", "int8 − bfloat16", "int8 − float32"]
    return table(head, rows)


def time_to(results: Results) -> str:
    """CPU seconds to a mask AP, and how many times shorter ours are."""
    rows = []
    for work, said in WORKS.items():
        found = results["accuracy"]["summary"][work]["time"]
        for recipe, seconds in found["seconds"].items():
            spent = " · ".join(f"{value:.0f}" for value in seconds.values())
            shorter = found["times_shorter"].get(recipe)
            cells = [recipe, f"{100 * found['segm_map']:.0f}", spent]
            rows.append([said, *cells, times(shorter) if shorter else ""])
    head = ["pictures", "recipe", "mask AP", "CPU seconds, seeds 0 · 1 · 2"]
    return table([*head, "times shorter, median"], rows)


def drops(results: Results) -> str:
    """Points below torchvision in float32: the gate's figures."""
    summary = results["accuracy"]["summary"]
    rows = []
    for work, said in WORKS.items():
        for recipe in ("ours", "small", "plain"):
            for way, drop in summary[work].get(recipe, {}).get("drop", {}).items():
                if way in ("openvino bf16", "openvino int8"):
                    cells = [_spread(drop[kind]) for kind in KINDS]
                    rows.append([f"{said}, {recipe}", PREDICTED[way], *cells])
    return table(["models", "way", "box AP lost: mean (least to most)", "mask AP lost"], rows)


def _spread(of: Mapping[str, float]) -> str:
    return f"{signed(of['mean'], 2)} ({signed(of['least'])} to {signed(of['most'])})"


def _groups(results: Results) -> list[tuple[str, str, list[Any]]]:
    runs = results["accuracy"]["runs"]
    return [
        (work, recipe, own)
        for work in WORKS
        for recipe in ("plain", "ours", "small")
        if (own := [r for r in runs if (r["work"], r["recipe"]) == (work, recipe)])
    ]


def _asked(run: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (run.get("inference") or {}).get("ap", {})
    return found


def _seeds(values: Sequence[float]) -> str:
    each = " · ".join(f"{100 * value:.1f}" for value in values)
    return f"{each} (**{100 * statistics.mean(values):.1f}**)"


def _pair(figures: Mapping[str, float], between: str = "/") -> str:
    return f"{figures['bbox']:.1f}{between}{figures['segm']:.1f}"


def _gain(both: Sequence[float]) -> str:
    return " / ".join(map(signed, both))


TABLES = {
    "accuracy": accuracy,
    "time_to": time_to,
    "predictions": predictions,
    "drops": drops,
    "int8": int8,
}
