"""What of a training step goes into the loader: how long it is waited for, and its CPU time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch

from _step_sides import orders, our_trainer
from augment import Augmentation, Example
from dataset import Dataset
from hyperparameters import Hyperparameters
from instances import Picture
from loader import Batch, Loader
from network import build_network


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
