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
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

import measure
from _looks import looked
from _plain_torchvision import plain_model
from _scenes import write_scenes
from augment import Augmentation
from channel import load_channel
from dataset import Dataset
from distributed import Ranks, layout_of
from engine import Trainer
from hyperparameters import Hyperparameters
from loader import Loader, epoch_order, tall
from network import build_network
from train_step import plain_example

NEEDS = ("gpu",)
PACKAGES = ("torch", "torchvision", "numpy")
OURS = "ours"


@dataclass(frozen=True)
class Setting:
    """What is trained, and how long it is watched."""

    chosen: Hyperparameters
    picture: tuple[int, int]
    batches: tuple[int, ...]
    steps: int
    rounds: int
    threads: int


FULL = Setting(
    Hyperparameters(batch_size=8, learning_rate=0.001, num_epochs=100_000, warmup_steps=0),
    (1333, 800),
    (1, 2, 4, 8, 16, 32),
    20,
    5,
    max(2, min(16, len(os.sched_getaffinity(0)))),
)
SMALL = Setting(
    replace(
        FULL.chosen,
        backbone="mobilenet_v2_fpn",
        batch_size=2,
        rois_per_image=16,
        min_size=64,
        max_size=96,
    ),
    (96, 64),
    (1,),
    1,
    1,
    1,
)


class Ours:
    """Steps as a job takes them."""

    def __init__(self, setting: Setting, data: Dataset, device: torch.device) -> None:
        chosen = self.chosen = setting.chosen
        torch.manual_seed(0)
        network = build_network(
            chosen.backbone, "frozen", len(data.class_names) + 1, 100, chosen.rois_per_image
        )
        if device.type == "cpu":
            # What a GPU would compute, where nothing can be waited for.
            network.rpn.fixed_sizes = network.roi_heads.fixed_sizes = True
        variation = Augmentation("flip", chosen.min_size, chosen.max_size)
        self.loader = Loader(data.pictures, variation, 0, setting.threads)
        self.trainer = Trainer(network, chosen, Ranks(layout_of({}), device), self.loader)
        self.trainer.look_every = 20
        self.order = list(batches(data, chosen.batch_size, setting.steps + 1))
        self.device = device
        self.waited = 0.0

    def block(self) -> float:
        """Seconds of all steps but the first, which waits for the loader to begin."""
        marks: list[tuple[float, float]] = []

        def after(done: int) -> None:
            if done in (1, len(self.order)):
                synchronize(self.device)
                marks.append((time.perf_counter(), self.trainer.feeder.waited))

        self.trainer.run_epoch(self.order, lambda: False, after)
        self.trainer.finish_epoch()
        (began, before), (ended, waited) = marks
        self.waited = (waited - before) / (ended - began)
        return ended - began


class Plain:
    """Steps of torchvision's references: every loss is looked at, as they do."""

    def __init__(
        self, setting: Setting, data: Dataset, device: torch.device, amp: bool = False
    ) -> None:
        chosen = setting.chosen
        torch.manual_seed(0)
        sizes = (chosen.min_size, chosen.max_size)
        classes = len(data.class_names) + 1
        self.model = plain_model(chosen.backbone, "frozen", classes, sizes, chosen.rois_per_image)
        self.model.to(device).train()
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(
            parameters, chosen.learning_rate, chosen.momentum, weight_decay=chosen.weight_decay
        )
        self.amp, self.device = amp, device
        order = list(batches(data, chosen.batch_size, setting.steps + 1))
        workers = setting.threads if device.type == "cuda" else 0
        self.batches = torch.utils.data.DataLoader(
            _Examples(data),
            batch_sampler=order,
            num_workers=workers,
            collate_fn=_together,
            persistent_workers=workers > 0,
        )

    def block(self) -> float:
        """Seconds of all steps but the first."""
        began = 0.0
        for index, (images, targets) in enumerate(self.batches):
            self.step(images, targets)
            if not index:
                synchronize(self.device)
                began = time.perf_counter()
        synchronize(self.device)
        return time.perf_counter() - began

    def step(self, images: Any, targets: Any) -> None:
        """One step of the references' loop."""
        device = self.device
        images = [image.to(device) for image in images]
        targets = [{name: value.to(device) for name, value in t.items()} for t in targets]
        with self._autocast():
            loss = sum(self.model(images, targets).values())
        if not np.isfinite(loss.item()):
            raise SystemExit("plain torchvision's loss is no number")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def _autocast(self) -> AbstractContextManager[object]:
        if not self.amp:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


class _Examples(torch.utils.data.Dataset[Any]):
    def __init__(self, data: Dataset) -> None:
        self.data = data
        self.rng = np.random.default_rng(0)

    def __getitem__(self, index: int) -> Any:
        return plain_example(self.data.pictures[index], self.rng)


def _together(examples: Any) -> Any:
    return tuple(zip(*examples))


def batches(data: Dataset, size: int, count: int) -> Iterator[list[int]]:
    """So many batches, epoch after epoch."""
    made, epoch = 0, 0
    while True:
        for batch in epoch_order(tall(data.pictures), size, 0, epoch):
            yield batch
            made += 1
            if made == count:
                return
        epoch += 1


def synchronize(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


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
