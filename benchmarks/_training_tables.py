"""Tables of docs/performance.md about training: steps, their limit, the loader and growth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from _markdown import signed, table, times

Results = Mapping[str, Any]
BODIES = {"resnet50_fpn": "ResNet-50", "resnet18_fpn": "ResNet-18"}
WAYS = ("ours, unchanged recipe", "ours, 1,000 proposals", "ours, 128 regions")
COSTS = (("picture_s", 1), ("peak_mb", 1024))
AGAINST = {
    "pictures": "pictures in the channel",
    "instances": "things in a picture",
    "side": "pixels of a picture",
}


def train_step(results: Results) -> str:
    """How many times as fast as plain torchvision a step is, and by which clock."""
    rows = []
    for name, part in results["train_step"].items():
        kind, _, setting = name.partition(": ")
        if kind in ("step", "wall"):
            body, _, pictures = setting.partition(", ")
            clock = "one thread, CPU" if kind == "step" else "wall"
            plain = part["milliseconds"]["plain torchvision"] / 1000
            ratios = [times(part["times_as_fast"][way]) for way in WAYS]
            rows.append([f"{BODIES[body]}, {pictures}", clock, f"{plain:.2f} s", *ratios])
    head = ["a step of batch 2 at 320 px", "clock", "plain", "unchanged recipe", "our default"]
    return table([*head, "128 regions"], rows)


def limit(results: Results) -> str:
    """What the same arithmetic can give at most, and what a step of ours takes beside it."""
    found = results["train_step"]["gflop: resnet50_fpn"]
    step = results["train_step"]["step: resnet50_fpn, 640 x 480 JPEG"]["milliseconds"]
    bf16, fp32 = found["bf16_per_second"], found["fp32_per_second"]
    cells = [
        f"{found['step']:.0f} GFLOP",
        f"{bf16:.0f} and {fp32:.0f} GFLOP a second",
        times(bf16 / fp32),
        f"{found['step'] / bf16:.2f} of {step[WAYS[0]] / 1000:.2f} s",
    ]
    head = ["a ResNet-50 step", "a core in bfloat16 and float32", "their ratio"]
    return table([*head, "arithmetic of our step"], [cells])


def loader(results: Results) -> str:
    """What of a step is the loader's."""
    rows = [
        [
            name.removeprefix("loader: "),
            f"{part['waited_percent']:.1f} %",
            f"{part['cpu_percent']:.1f} %",
            f"{part['cpu_ms_a_picture']:.1f} ms",
        ]
        for name, part in results["train_step"].items()
        if name.startswith("loader: ")
    ]
    return table(["pictures", "waited for", "its CPU time", "a picture"], rows)


def growth(results: Results) -> str:
    """How training's time and memory grow, as slopes and from where to where."""
    found = results["train_growth"]
    rows = []
    for grows, against in AGAINST.items():
        series = found["series"][grows]
        first, last = series["points"][0], series["points"][-1]
        seconds, memory = (
            found["slopes"][f"{cost} / {grows}"] for cost in ("picture_s", "peak_mb")
        )
        ends = [f"{first[k] / by:.2f} to {last[k] / by:.2f}" for k, by in COSTS]
        text = f"{first['x']:,.0f} to {last['x']:,.0f}: {ends[0]} s, {ends[1]} GB"
        slopes = [signed(slope, 2).removeprefix("+") for slope in (seconds, memory)]
        rows.append([against, *slopes, text, series["date"]])
    return table(["against", "CPU time of a picture", "most memory", "measured", "on"], rows)


def reading(results: Results) -> str:
    """What it takes to read a channel before the first step."""
    rows = [
        [
            f"{point['x']:,.0f}",
            f"{point['read_s']:.2f} s",
            f"{1e6 * point['read_s'] / point['x']:.0f} µs",
            f"{point['read_peak_mb']:.0f} MB",
            f"{point['order_s']:.3f} s",
        ]
        for point in results["train_growth"]["series"]["pictures"]["points"]
    ]
    return table(["pictures", "read in", "a picture", "memory", "order of an epoch"], rows)


TABLES = {
    "train_step": train_step,
    "limit": limit,
    "loader": loader,
    "growth": growth,
    "reading": reading,
}
