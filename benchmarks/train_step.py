"""A training step on one CPU thread: ours (Trainer, Network, Loader) beside plain torchvision's.

Same model, first weights, pictures, sizes, batch, flips, SGD and gradient clipping, in turns; the
seconds are CPU time with decoding in it. Ours at the unchanged recipe has torchvision's 2,000
proposals and 512 regions a picture; beside it are our default of 1,000 proposals and the small-data
setting of 128 regions. Then what of a step goes into the loader, and wall time on all cores.

    python benchmarks/train_step.py [--small]        BYOA_TEST_DATA adds the Penn-Fudan pictures
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mask_r_cnn"))

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import resnet18, resnet50
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops import FrozenBatchNorm2d
from torchvision.transforms.functional import to_tensor

import measure
from _scenes import write_scenes
from augment import Augmentation, Example
from backbone import freeze_stages, group_norm
from channel import load_channel
from dataset import Dataset, rasterise
from distributed import Ranks, layout_of
from engine import Trainer
from hyperparameters import Hyperparameters
from instances import Picture
from loader import Batch, Loader, epoch_order, tall
from network import build_network
from pictures import read_picture

PACKAGES = ("torch", "torchvision", "numpy", "pillow")
CPU = torch.device("cpu")
FPN_NORM = {"resnet50_fpn": None, "resnet18_fpn": group_norm}
TRAINABLE = 3


@dataclass(frozen=True)
class Side:
    """One way to take a step."""

    step: Callable[[], None]
    close: Callable[[], None] = lambda: None


def plain_model(backbone: str, chosen: Hyperparameters, classes: int) -> MaskRCNN:
    """torchvision's Mask R-CNN with its own numbers over a frozen-norm ResNet."""
    make, widths = {
        "resnet50_fpn": (resnet50, [256, 512, 1024, 2048]),
        "resnet18_fpn": (resnet18, [64, 128, 256, 512]),
    }[backbone]
    body = make(weights=None, norm_layer=FrozenBatchNorm2d)
    layers = {f"layer{stage}": str(stage - 1) for stage in range(1, 5)}
    pyramid = BackboneWithFPN(body, layers, widths, 256, norm_layer=FPN_NORM[backbone])
    freeze_stages(pyramid, TRAINABLE)
    return MaskRCNN(pyramid, classes, min_size=chosen.min_size, max_size=chosen.max_size)


@torch.no_grad()
def settle(model: MaskRCNN, pictures: torch.Tensor) -> None:
    """Give the frozen norms the statistics of these pictures, as pretrained ones would have."""

    def take(module: nn.Module, inputs: Any) -> None:
        module.running_mean.copy_(inputs[0].mean((0, 2, 3)))  # type: ignore[operator]
        module.running_var.copy_(inputs[0].var((0, 2, 3)) + 1e-3)  # type: ignore[operator]

    norms = [m for m in model.modules() if isinstance(m, FrozenBatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(take) for norm in norms]
    model.backbone(pictures)
    for hook in hooks:
        hook.remove()


def plain_side(model: MaskRCNN, data: Dataset, chosen: Hyperparameters) -> Side:
    """The loop of torchvision's detection references with their float pictures and full masks."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(
        parameters, chosen.learning_rate, chosen.momentum, weight_decay=chosen.weight_decay
    )
    batches = plain_batches(data, chosen)
    model.train()

    def step() -> None:
        images, targets = next(batches)
        loss = sum(model(images, targets).values())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, chosen.gradient_clip)
        optimizer.step()

    return Side(step)


def plain_batches(data: Dataset, chosen: Hyperparameters) -> Iterator[Any]:
    """The batches of our own order, made the references' way."""
    rng = np.random.default_rng(chosen.seed)
    for batch in orders(data, chosen):
        yield tuple(zip(*(plain_example(data.pictures[index], rng) for index in batch)))


def plain_example(picture: Picture, rng: np.random.Generator) -> Any:
    """A float picture at its own size, flipped half of the time, with masks as large as it is."""
    image = to_tensor(read_picture(picture.path))
    masks = torch.from_numpy(rasterise(picture, picture.height, picture.width))
    boxes = torch.tensor([one.box for one in picture.instances if not one.crowd]).reshape(-1, 4)
    labels = torch.tensor([one.label for one in picture.instances if not one.crowd])
    if rng.random() < 0.5:
        image, masks = image.flip(-1), masks.flip(-1)
        boxes = boxes[:, [2, 1, 0, 3]]
        boxes[:, [0, 2]] = picture.width - boxes[:, [0, 2]]
    return image, {"boxes": boxes, "labels": labels, "masks": masks}


def orders(data: Dataset, chosen: Hyperparameters) -> Iterator[list[int]]:
    """Batches without end, epoch after epoch."""
    epoch = 0
    while True:
        yield from epoch_order(tall(data.pictures), chosen.batch_size, chosen.seed, epoch)
        epoch += 1


def our_trainer(
    state: Mapping[str, Any],
    data: Dataset,
    chosen: Hyperparameters,
    proposals: int | None,
    loader: Loader | None = None,
) -> Trainer:
    """What run.py makes of a job, but for the first weights."""
    classes = len(data.class_names) + 1
    network = build_network(chosen.backbone, "frozen", classes, 100, chosen.rois_per_image)
    network.load_state_dict(state)
    freeze_stages(network.backbone, TRAINABLE)
    if proposals is not None:
        network.rpn._post_nms_top_n["training"] = proposals
    if loader is None:
        variation = Augmentation(chosen.augment, chosen.min_size, chosen.max_size)
        loader = Loader(data.pictures, variation, chosen.seed, threads=1)
    return Trainer(network, chosen, Ranks(layout_of({}), CPU), loader)


def our_side(trainer: Trainer, data: Dataset, chosen: Hyperparameters) -> Side:
    """An epoch of a single batch a step: its decoding is in the step's CPU time, too."""
    batches = orders(data, chosen)

    def step() -> None:
        trainer.run_epoch([next(batches)], lambda: False, lambda _: None)
        trainer.finish_epoch()

    return Side(step, trainer.loader.close)


def compare(
    chosen: Hyperparameters, data: Dataset, rounds: int, threads: int = 1, clock: str = "cpu"
) -> dict[str, Any]:
    """Milliseconds a step of every way, and how many times as long torchvision takes."""
    torch.manual_seed(0)
    torch.set_num_threads(threads)
    backbone = chosen.backbone
    model = plain_model(backbone, chosen, len(data.class_names) + 1)
    settle(model, sample(data, chosen))
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


def hyperparameters(backbone: str, side: int = 320) -> Hyperparameters:
    """torchvision's detection recipe at a size that a CPU trains on."""
    return Hyperparameters(
        backbone=backbone,
        min_size=side,
        max_size=side * 8 // 5,
        trainable_layers=TRAINABLE,
        learning_rate=0.001,
        warmup_steps=0,
        num_epochs=100_000,
        lr_step_size=100_000,
    )


def sample(data: Dataset, chosen: Hyperparameters) -> torch.Tensor:
    """A batch of normalised pictures."""
    augmentation = Augmentation("none", chosen.min_size, chosen.max_size)
    image = augmentation(data.pictures[0], np.random.default_rng(0)).image
    return (image[None].float() / 255 - 0.45) / 0.225


def limit(chosen: Hyperparameters, data: Dataset) -> dict[str, float]:
    """Billions of operations in a step, and how many this core multiplies matrices with a second.

    What the same arithmetic can give at best is the ratio of the two speeds.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = plain_model(chosen.backbone, chosen, len(data.class_names) + 1)
    settle(model, sample(data, chosen))
    side = our_side(our_trainer(model.state_dict(), data, chosen, 2000), data, chosen)
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


class WatchedAugmentation(Augmentation):
    """Adds up the CPU time of the threads that make examples."""

    seconds: ClassVar[float] = 0.0

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Example:
        """The example, as ever."""
        began = time.thread_time()
        example = super().__call__(picture, rng)
        WatchedAugmentation.seconds += time.thread_time() - began
        return example


class WatchedLoader(Loader):
    """Notes how long the step waits for each batch, and the CPU time of putting it together."""

    def batches(self, epoch: int, order: Sequence[Sequence[int]]) -> Iterator[Batch]:
        """The batches, as ever."""
        self.waits: list[float] = []
        self.stacking: list[float] = []
        made = super().batches(epoch, order)
        while True:
            wall, cpu = time.perf_counter(), time.thread_time()
            batch = next(made, None)
            self.waits.append(time.perf_counter() - wall)
            self.stacking.append(time.thread_time() - cpu)
            if batch is None:
                return
            yield batch


def loader_share(chosen: Hyperparameters, data: Dataset, steps: int) -> dict[str, float]:
    """The loader beside a step: percent of the time it is waited for, and of the CPU's time."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = build_network(chosen.backbone, "frozen", len(data.class_names) + 1, 100)
    watched = WatchedAugmentation(chosen.augment, chosen.min_size, chosen.max_size)
    loader = WatchedLoader(data.pictures, watched, chosen.seed, threads=1)
    trainer = our_trainer(network.state_dict(), data, chosen, None, loader)
    order = list(itertools.islice(orders(data, chosen), steps))
    WatchedAugmentation.seconds = 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.run_epoch(order, lambda: False, lambda _: None)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    loader.close()
    work = WatchedAugmentation.seconds + sum(loader.stacking)
    return {
        "step_ms": round(1000 * wall / steps, 1),
        "first_wait_ms": round(1000 * loader.waits[0], 1),
        # Nothing is ahead of the first batch of a job: it is waited for once.
        "waited_percent": round(100 * sum(loader.waits[1:]) / wall, 2),
        "cpu_ms_a_picture": round(1000 * work / steps / chosen.batch_size, 2),
        "cpu_percent": round(100 * work / cpu, 2),
    }


def kinds_of_pictures(room: Path, files: int) -> dict[str, Dataset]:
    """Channels of pictures that the loader has different work with."""
    sizes = {"640 x 480 JPEG": (640, 480), "1920 x 1280 JPEG": (1920, 1280)}
    found = {
        name: load_channel(write_scenes(room / name, 16, 4, size, files))
        for name, size in sizes.items()
    }
    if root := os.environ.get("BYOA_TEST_DATA"):
        found["Penn-Fudan"] = load_channel(Path(root) / "PennFudanPed")
    return found


def measured(room: Path, small: bool) -> dict[str, Any]:
    """Every figure of this benchmark."""
    side, rounds, steps = (64, 1, 2) if small else (320, 5, 12)
    kinds = kinds_of_pictures(room, 2 if small else 16)
    pairs = [("resnet18_fpn", name) for name in kinds if name != "1920 x 1280 JPEG"]
    if not small:
        pairs.insert(0, ("resnet50_fpn", "640 x 480 JPEG"))
    result: dict[str, Any] = {"batch": 2, "min_size": side, "step": {}, "loader": {}}
    for backbone, name in pairs:
        found = compare(hyperparameters(backbone, side), kinds[name], rounds)
        result["step"][f"{backbone}, {name}"] = found
        print(backbone, name, found, flush=True)
    # The fastest step that there is: the loader has the least time beside it.
    fastest = replace(hyperparameters("mobilenet_v2_fpn", side), rois_per_image=128)
    for name, data in kinds.items():
        result["loader"][name] = loader_share(fastest, data, steps)
        print("loader", name, result["loader"][name], flush=True)
    if not small:
        cores = len(os.sched_getaffinity(0))
        slowest = hyperparameters("resnet50_fpn", side)
        found = compare(slowest, kinds["640 x 480 JPEG"], 3, cores, "wall")
        result["wall"] = {"threads": cores, **found}
        print("wall", result["wall"], flush=True)
        result["gflop"] = limit(slowest, kinds["640 x 480 JPEG"])
        print("GFLOP", result["gflop"], flush=True)
    return result


def draw(steps: Mapping[str, Any]) -> None:
    """A bar for every setting and way."""
    drawn = {
        f"{setting.replace('_fpn', '')}: {way.removeprefix('ours, ')}": ratio
        for setting, found in steps.items()
        for way, ratio in found["times_as_fast"].items()
    }
    unit = "times as fast as plain torchvision, one CPU thread"
    measure.bars("train_step", "A training step", drawn, unit)


def main() -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="one round at 64 px: seconds")
    small = parser.parse_args().small
    with tempfile.TemporaryDirectory() as room:
        result = measured(Path(room), small)
    if not small:
        measure.save("train_step", {**measure.machine(*PACKAGES), **result})
        draw(result["step"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
