"""Batches in an order that is known in advance, decoded by threads ahead of the step.

Threads, not worker processes: decoding and resizing release the interpreter lock, and
threads need no /dev/shm (64 MB in a container by default), no fork beside a CUDA context,
and die with the process when a signal comes.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from augment import Augmentation, Example
from instances import Picture
from packing import PackedPictures
from resize import stack_pictures

_BATCHES_AHEAD = 4


@dataclass(frozen=True)
class Batch:
    """What one step needs: the network's arguments."""

    pictures: Tensor
    sizes: list[tuple[int, int]]
    targets: list[dict[str, Tensor]]
    seeds: list[int]


def epoch_order(
    tall_ones: NDArray[np.bool_], batch_size: int, seed: int, epoch: int
) -> list[list[int]]:
    """Every picture once, in batches of `batch_size`, the tall ones and the others kept apart.

    A mixed batch is padded to a square, which costs up to 60 % more. The last batch of
    each kind is filled up with pictures from the epoch's start, so all steps weigh the same.
    """
    rng = np.random.default_rng([seed, epoch])
    batches: list[list[int]] = []
    for kind in (False, True):
        order = rng.permutation(np.flatnonzero(tall_ones == kind)).tolist()
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            missing = batch_size - len(batch)
            batches.append(batch + list(itertools.islice(itertools.cycle(order), missing)))
    return [batches[i] for i in rng.permutation(len(batches))]


def tall(pictures: Sequence[Picture]) -> NDArray[np.bool_]:
    """Which pictures are higher than wide."""
    if isinstance(pictures, PackedPictures):
        return np.asarray(pictures.sizes[:, 1] > pictures.sizes[:, 0])
    return np.array([picture.height > picture.width for picture in pictures], dtype=bool)


def example_seed(seed: int, epoch: int, index: int) -> int:
    """A 62-bit number that only this picture has in this epoch of this job."""
    return int(np.random.SeedSequence([seed, epoch, index]).generate_state(1, np.uint64)[0] >> 2)


class Loader:
    """Makes batches out of pictures; `close` ends its threads."""

    def __init__(
        self, pictures: Sequence[Picture], augmentation: Augmentation, seed: int, threads: int
    ) -> None:
        self._pictures = pictures
        self._augmentation = augmentation
        self._seed = seed
        self._pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="loader")

    def batches(self, epoch: int, order: Sequence[Sequence[int]]) -> Iterator[Batch]:
        """The batches of `order` one after the other, a few always being made ahead."""
        waiting: deque[list[tuple[int, Future[Example]]]] = deque()
        remaining = iter(order)
        try:
            while True:
                while len(waiting) < _BATCHES_AHEAD and (indices := next(remaining, None)):
                    waiting.append([self._submit(epoch, index) for index in indices])
                if not waiting:
                    return
                made = [(seed, future.result()) for seed, future in waiting.popleft()]
                yield _batch(made)
        finally:
            for futures in waiting:
                for _, future in futures:
                    future.cancel()

    def close(self) -> None:
        """End the threads; what they are decoding is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, epoch: int, index: int) -> tuple[int, Future[Example]]:
        seed = example_seed(self._seed, epoch, index)
        rng = np.random.default_rng(seed)
        return seed, self._pool.submit(self._augmentation, self._pictures[index], rng)


def _batch(made: Sequence[tuple[int, Example]]) -> Batch:
    examples = [example for _, example in made]
    pictures, sizes = stack_pictures([example.image for example in examples])
    return Batch(
        pictures, sizes, [example.target for example in examples], [seed for seed, _ in made]
    )
