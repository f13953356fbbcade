"""Training on a GPU: pictures a second beside plain torchvision, waits a step, the loader's share.

    python benchmarks/gpu_training.py [--small] [--device cpu]

Mask R-CNN R50-FPN at 800 x 1333 in bf16 as `train` takes its steps (Trainer, Loader), and
torchvision's own model in the loop of its references, in float32 and under autocast, with as many
loader workers as ours has threads: blocks of steps in turns. Kept: a profile under build/ for
chrome://tracing, what the GPU was busy with, memory and speed by batch. Goals on an H100: 100
pictures a second, 4 times plain torchvision.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import torch
from torch.profiler import ProfilerActivity, profile

import measure
from _gpu_ways import FULL, SMALL, Ours, Plain, Setting
from _looks import looked
from _scenes import write_scenes
from channel import load_channel
from dataset import Dataset

NEEDS = ("gpu",)
PACKAGES = ("torch", "torchvision", "numpy")
OURS = "ours"


def compared(setting: Setting, data: Dataset, device: torch.device) -> dict[str, Any]:
    """Pictures a second of each way, ours as a multiple, memory, waits and the loader's share."""
    ways: dict[str, Ours | Plain] = {
        OURS: Ours(setting, data, device),
        "plain torchvision": Plain(setting, data, device),
        "plain torchvision, bf16": Plain(setting, data, device, amp=True),
    }
    memory: dict[str, float] = {}
    times: measure.Times = {name: [] for name in ways}
    for number in range(setting.rounds + 1):  # the first one warms up
        for name, way in ways.items():
            seconds, memory[name] = watched(device, way.block)
            if number:
                times[name].append(seconds)
    pictures = setting.steps * setting.chosen.batch_size
    rates = {name: round(pictures / min(found), 2) for name, found in times.items()}
    ratios = {n: round(measure.ratio(times, n, OURS), 2) for n in ways if n != OURS}
    ours = ways[OURS]
    assert isinstance(ours, Ours)
    return {
        "pictures_a_second": rates,
        "times_as_fast_as": ratios,
        "peak_gb": memory,
        "waited_for_the_loader_percent": round(100 * ours.waited, 2),
        "waits_a_step": {name: waits(way, device) for name, way in ways.items()},
        "profile": kept_profile(ours, device, setting.steps),
    }


def watched(device: torch.device, block: Callable[[], float]) -> tuple[float, float]:
    """Its seconds and the most memory, in GB, that tensors took meanwhile."""
    if device.type != "cuda":
        return block(), 0.0
    # The ways take turns, and none must find the memory taken by what another one has kept.
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    return block(), round(torch.cuda.max_memory_allocated(device) / 1e9, 2)


def waits(way: Ours | Plain, device: torch.device) -> dict[str, Any]:
    """Waits of one step, the batch being there."""
    if isinstance(way, Plain):
        images, targets = next(iter(way.batches))
        return looked(device, lambda: way.step(images, targets))
    trainer = way.trainer
    (batch,) = trainer.feeder.batches(way.loader.batches(0, way.order[:1]))
    return looked(device, lambda: trainer._step(batch, 1, 1000))


def kept_profile(ours: Ours, device: torch.device, steps: int) -> list[dict[str, Any]]:
    """What took the most of the device's time; the whole trace is under build/."""
    gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if gpu else [])]
    with profile(activities=activities) as found:
        ours.block()
    folder = measure.ROOT / "build"
    folder.mkdir(exist_ok=True)
    found.export_chrome_trace(str(folder / "gpu_training.json.gz"))
    clock = "self_device_time_total" if gpu else "self_cpu_time_total"
    rows = sorted(found.key_averages(), key=lambda row: -getattr(row, clock))[:25]
    return [
        {
            "what": row.key[:100],
            "ms_a_step": round(getattr(row, clock) / 1000 / (steps + 1), 3),
            "calls_a_step": round(row.count / (steps + 1), 1),
        }
        for row in rows
    ]


def by_batch(setting: Setting, data: Dataset, device: torch.device) -> list[dict[str, Any]]:
    """Pictures a second and memory for every batch size, until memory ends."""
    rows: list[dict[str, Any]] = []
    for size in setting.batches:
        one = replace(setting, chosen=replace(setting.chosen, batch_size=size))
        ours = None
        try:
            ours = Ours(one, data, device)
            ours.block()
            seconds, memory = watched(device, ours.block)
        except torch.OutOfMemoryError:
            rows.append({"batch": size, "note": "out of memory"})
            break
        finally:
            if ours is not None:
                ours.loader.close()
            del ours
            gc.collect()
        rate = round(one.steps * size / seconds, 2)
        rows.append({"batch": size, "pictures_a_second": rate, "peak_gb": memory})
    return rows


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="a small network at 64 px: a try")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("no GPU is here: --device cpu --small tries it")
    setting = SMALL if arguments.small else FULL
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    with tempfile.TemporaryDirectory() as room:
        data = load_channel(write_scenes(Path(room) / "scenes", 64, 8, setting.picture))
        result = compared(setting, data, device)
        print({name: value for name, value in result.items() if name != "profile"}, flush=True)
        result["by_batch"] = by_batch(setting, data, device)
        print(result["by_batch"], flush=True)
    if arguments.small or device.type == "cpu":
        return 0
    facts = {**measure.machine(*PACKAGES), "gpu": torch.cuda.get_device_name(device)}
    measure.save("gpu_training", {**facts, "batch": setting.chosen.batch_size, **result})
    title = f"Training R50-FPN at 800 x 1333, {facts['gpu']}"
    measure.bars("gpu_training", title, result["pictures_a_second"], "pictures a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
