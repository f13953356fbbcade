"""Goals of training, of one request, of how cost grows, and of GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from _goal import Goal
from _markdown import signed, span, times

Results = Mapping[str, Any]
NOISE = 1.1


def training(results: Results) -> Iterable[Goal]:
    """Steps, time to an AP, and the loader."""
    parts = results["train_step"]
    fast = [p["times_as_fast"] for name, p in parts.items() if name.startswith("step: ")]
    wall = next(p["times_as_fast"] for name, p in parts.items() if name.startswith("wall: "))
    for way, least, said in (
        ("ours, unchanged recipe", 2.0, "unchanged recipe"),
        ("ours, 128 regions", 3.0, "setting for small data"),
    ):
        ratios = [one[way] for one in fast]
        yield Goal(
            f"a training step, {said}: {least} x plain torchvision",
            f"{span(ratios, 2)} x; by the wall on two threads {times(wall[way])}",
            min(*ratios, wall[way]) >= least,
            "`train_step`",
        )
    shorter = results["accuracy"]["summary"]["penn_fudan"]["time"]["times_shorter"]
    yield Goal(
        "time to a mask AP on Penn-Fudan: 2.5 x shorter",
        f"{times(shorter['ours'])}; setting for small data {times(shorter['small'])}",
        min(shorter.values()) >= 2.5,
        "`accuracy`",
    )
    shares = [p for name, p in parts.items() if name.startswith("loader: ")]
    most = max(max(p["waited_percent"], p["cpu_percent"]) for p in shares)
    yield Goal("the loader: at most 5 % of a step", f"{most:.1f} %", most <= 5, "`train_step`")


def requests(results: Results) -> Iterable[Goal]:
    """One request, and what its answer loses."""
    found = results["one_request"]["requests"].values()
    for peer, least, said in (
        ("sample", 6, "the AWS sample's way"),
        ("torchvision", 3, "torchvision and pycocotools"),
    ):
        int8, bf16 = (
            [one["times_as_fast"][way][peer] for one in found]
            for way in ("ours int8", "ours openvino")
        )
        yield Goal(
            f"JPEG to JSON, ten detections: {least} x {said}",
            f"int8 {span(int8, 1)} x, bfloat16 {span(bf16, 1)} x",
            min(int8) >= least,
            "`one_request`",
        )
    summary = results["accuracy"]["summary"]
    for way, said in (("openvino bf16", "bfloat16"), ("openvino int8", "int8")):
        lost = [
            (f"{name} {signed(drop['bbox']['mean'], 2)} / {signed(drop['segm']['mean'], 2)}", drop)
            for work, name in (("penn_fudan", "Penn-Fudan"), ("generated", "generated"))
            if (drop := summary[work]["ours"]["drop"].get(way))
        ]
        most = max(drop[kind]["mean"] for _, drop in lost for kind in ("bbox", "segm"))
        yield Goal(
            f"box / mask AP lost in {said}: at most 0.3 points, mean of three seeds",
            ", ".join(text for text, _ in lost),
            most <= 0.3,
            "`accuracy`",
        )


def growth(results: Results) -> Iterable[Goal]:
    """How cost grows: slopes on logarithmic axes, 1 is in proportion. A tenth more is noise."""
    found = results["train_growth"]["slopes"]
    seconds = [found[f"picture_s / {grows}"] for grows in ("pictures", "instances", "side")]
    memory = [found[f"peak_mb / {grows}"] for grows in ("pictures", "instances", "side")]
    yield Goal(
        "training against pictures, things in one, its pixels: in proportion or less",
        f"time {_list(seconds)}; memory {_list(memory)}; reading {found['read_s / pictures']:.2f}",
        max(*seconds, *memory, found["read_s / pictures"]) <= NOISE,
        "`train_growth`",
    )
    cores = results["serving_growth"]["slope from one core to two"]
    yield Goal(
        "serving against cores: in proportion", f"{cores:.2f}", cores >= 0.9, "`serving_growth`"
    )
    starts = [row for row in results["startup"]["starts"] if row["way"] == "without torch"]
    first, last = (
        next(row for row in starts if row["model"] == model)
        for model in ("mobilenet_v2_fpn", "resnet50_fpn")
    )
    more = last["seconds"] / first["seconds"], last["model_mb"] / first["model_mb"]
    yield Goal(
        "start to ready against the model's size: in proportion or less",
        f"{more[0]:.1f} x the time for {more[1]:.1f} x the size",
        more[0] <= more[1],
        "`startup`",
    )


def _list(slopes: Iterable[float]) -> str:
    return ", ".join(signed(slope, 2).removeprefix("+") for slope in slopes)


def gpu(_: Results) -> Iterable[Goal]:
    """What needs a GPU."""
    for says, by in (
        ("R50-FPN 800 x 1333, bfloat16: 100 pictures/s and 4 x torchvision", "`gpu_training`"),
        ("JPEG to JSON at 800 px: p50 12 ms, 150 pictures/s, 90 % by HTTP", "`gpu_latency`"),
        ("Penn-Fudan to its plateau: 60 s", "`gpu_penn_fudan`"),
    ):
        yield Goal(f"one H100, {says}", "no GPU was at hand", None, by)
    waits = "counted on a CPU: 0, and one every 20 steps"
    yield Goal("one H100, waits of the host in a step: near none", waits, None, "`gpu_training`")
