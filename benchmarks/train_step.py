"""A training step on one CPU thread: ours (Trainer, Network, Loader) beside plain torchvision's.

Same model, first weights, pictures, sizes, batch, flips, SGD and gradient clipping, in turns; the
seconds are CPU time with decoding in it. Ours at the unchanged recipe has torchvision's 2,000
proposals and 512 regions a picture; beside it are our default of 1,000 proposals and the small-data
setting of 128 regions. Then what of a step goes into the loader, and wall time on all cores.

    python benchmarks/train_step.py [--small] [--only PART]

BYOA_TEST_DATA adds the Penn-Fudan pictures. Each part is kept with its own date; --only measures
one anew (its name, or the start of it) and leaves the others.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import torch
from torch.utils.flop_counter import FlopCounterMode

import measure
from _loader_share import loader_share
from _scenes import write_scenes
from _step_sides import hyperparameters, our_side, our_trainer, plain_network, plain_side
from channel import load_channel
from dataset import Dataset
from hyperparameters import Hyperparameters

PACKAGES = ("torch", "torchvision", "numpy", "pillow")
SMALL_PICTURES, LARGE_PICTURES, PEOPLE = "640 x 480 JPEG", "1920 x 1280 JPEG", "Penn-Fudan"
Part = Callable[[], dict[str, Any]]


def compare(
    chosen: Hyperparameters, data: Dataset, rounds: int, threads: int = 1, clock: str = "cpu"
) -> dict[str, Any]:
    """Milliseconds a step of every way, and how many times as long torchvision takes."""
    torch.set_num_threads(threads)
    model = plain_network(data, chosen)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    few = replace(chosen, rois_per_image=128)
    sides = {
        "plain torchvision": plain_side(model, data, chosen),
        "ours, unchanged recipe": our_side(our_trainer(state, data, chosen, 2000), data, chosen),
        "ours, 1,000 proposals": our_side(our_trainer(state, data, chosen, None), data, chosen),
        "ours, 128 regions": our_side(our_trainer(state, data, few, None), data, few),
    }
    try:
        ways = {name: side.step for name, side in sides.items()}
        times = measure.interleaved(ways, rounds, clock)
    finally:
        for side in sides.values():
            side.close()
    plain, *ours = sides
    ratios = {name: round(measure.ratio(times, plain, name), 2) for name in ours}
    return {"milliseconds": measure.milliseconds(times), "times_as_fast": ratios}


def limit(chosen: Hyperparameters, data: Dataset) -> dict[str, float]:
    """Billions of operations in a step, and how many this core multiplies matrices with a second.

    What the same arithmetic can give at best is the ratio of the two speeds.
    """
    torch.set_num_threads(1)
    first = plain_network(data, chosen).state_dict()
    side = our_side(our_trainer(first, data, chosen, 2000), data, chosen)
    with FlopCounterMode(display=False) as counter:
        side.step()
    side.close()
    matrix = torch.randn(2048, 2048)
    kinds = {"bf16": matrix.bfloat16(), "fp32": matrix}
    ways = {name: functools.partial(torch.mm, one, one) for name, one in kinds.items()}
    times = measure.interleaved(ways, rounds=8)
    speeds = {f"{name}_per_second": 2 * 2048**3 / 1e9 / min(times[name]) for name in kinds}
    found = {"step": counter.get_total_flops() / 1e9, **speeds}
    return {name: round(value, 1) for name, value in found.items()}


def kinds_of_pictures(room: Path, files: int) -> dict[str, Dataset]:
    """Channels of pictures that the loader has different work with."""
    sizes = {SMALL_PICTURES: (640, 480), LARGE_PICTURES: (1920, 1280)}
    found = {
        name: load_channel(write_scenes(room / name, 16, 4, size, files))
        for name, size in sizes.items()
    }
    if root := os.environ.get("BYOA_TEST_DATA"):
        found[PEOPLE] = load_channel(Path(root) / "PennFudanPed")
    return found


def parts(room: Path, small: bool) -> dict[str, Part]:
    """What there is to measure here, by name: steps, the loader's share, wall time, the limit."""
    side, rounds, steps = (64, 1, 2) if small else (320, 7, 12)
    kinds = kinds_of_pictures(room, 2 if small else 16)
    slowest = hyperparameters("resnet50_fpn", side)
    found: dict[str, Part] = {}
    if not small:
        found[f"step: resnet50_fpn, {SMALL_PICTURES}"] = functools.partial(
            compare, slowest, kinds[SMALL_PICTURES], rounds
        )
    for name in sorted(kinds.keys() - {LARGE_PICTURES}):
        chosen = hyperparameters("resnet18_fpn", side)
        found[f"step: resnet18_fpn, {name}"] = functools.partial(
            compare, chosen, kinds[name], rounds
        )
    # The fastest step that there is: the loader has the least time beside it.
    fastest = replace(hyperparameters("mobilenet_v2_fpn", side), rois_per_image=128)
    for name, data in kinds.items():
        found[f"loader: {name}"] = functools.partial(loader_share, fastest, data, steps)
    if not small:
        data, cores = kinds[SMALL_PICTURES], len(os.sched_getaffinity(0))
        found[f"wall: resnet50_fpn, {SMALL_PICTURES}, {cores} threads"] = functools.partial(
            compare, slowest, data, 5, cores, "wall"
        )
        found["gflop: resnet50_fpn"] = functools.partial(limit, slowest, data)
    return found


def measured(room: Path, small: bool, only: str = "") -> dict[str, Any]:
    """Every part of this benchmark whose name begins so, with its machine and date."""
    result = {}
    for name, part in parts(room, small).items():
        if name.startswith(only):
            result[name] = {**measure.machine(*PACKAGES), **part()}
            print(name, result[name], flush=True)
    return result


def draw(parts: Mapping[str, Any]) -> None:
    """A bar for every setting and way."""
    drawn = {
        f"{name.removeprefix('step: ').replace('_fpn', '')}: {way.removeprefix('ours, ')}": ratio
        for name, found in parts.items()
        for way, ratio in found.get("times_as_fast", {}).items()
        if name.startswith("step: ")
    }
    unit = "times as fast as plain torchvision, one CPU thread"
    measure.bars("train_step", "A training step", drawn, unit)


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="one round at 64 px: seconds")
    parser.add_argument("--only", default="", metavar="PART", help="as 'wall' or 'step: resnet50'")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        result = measured(Path(room), chosen.small, chosen.only)
    if not result:
        parser.error(f"there is no part {chosen.only!r}")
    if not chosen.small:
        if chosen.only:
            text = (measure.RESULTS / "train_step.json").read_text(encoding="utf-8")
            result = {**json.loads(text), **result}
        measure.save("train_step", result)
        draw(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
