"""Batches on their way to the device: in one buffer each, copied while the step before computes.

A copy out of ordinary memory makes the host wait for all that the GPU has to do; so does each of a
batch's small tensors. A thread puts a batch into one pinned buffer and has it copied on a stream of
its own. Nobody waits for that copy but the GPU's own queue.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from loader import Batch

Sent = TypeVar("Sent")
# Batches on the device beside the one that is computed with.
_AHEAD = 2
_ALIGNED = 16


class Feeder:
    """Brings batches to `device`; `waited` is how many seconds a step has waited for its batch."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.waited = 0.0
        self._stream: torch.cuda.Stream | None = None
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def batches(self, made: Iterator[Batch]) -> Iterator[Batch]:
        """The same batches, on the device."""
        arriving = made if self._stream is None else self._arriving(made)
        while True:
            began = time.perf_counter()
            batch = next(arriving, None)
            self.waited += time.perf_counter() - began
            if batch is None:
                return
            yield batch

    def _arriving(self, made: Iterator[Batch]) -> Iterator[Batch]:
        for buffer, batch, copied in ahead(made, self._send, _AHEAD):
            computing = torch.cuda.current_stream(self.device)
            computing.wait_event(copied)
            # The buffer was made on the other stream: it is not free before this one is done.
            buffer.record_stream(computing)
            yield batch

    def _send(self, batch: Batch) -> tuple[Tensor, Batch, torch.cuda.Event]:
        # Its stream is on this rank's device: nothing is set up on another one from this thread.
        with torch.cuda.stream(self._stream):
            buffer = pack(batch, pin=True).to(self.device, non_blocking=True)
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            copied.record(self._stream)  # type: ignore[no-untyped-call]
        return buffer, unpack(buffer, batch), copied


def ahead(made: Iterator[Batch], send: Callable[[Batch], Sent], depth: int) -> Iterator[Sent]:
    """What `send` makes of each batch, `depth` of them beforehand, in a thread."""

    def take() -> Sent | None:
        batch = next(made, None)
        return None if batch is None else send(batch)

    thread = ThreadPoolExecutor(1, thread_name_prefix="feeder")
    try:
        waiting: deque[Future[Sent | None]] = deque(thread.submit(take) for _ in range(depth))
        while (sent := waiting.popleft().result()) is not None:
            waiting.append(thread.submit(take))
            yield sent
    finally:
        thread.shutdown(cancel_futures=True)


def pack(batch: Batch, pin: bool = False) -> Tensor:
    """All of a batch's tensors one after the other in bytes; pinned, the GPU reads them itself."""
    tensors = _tensors(batch)
    ends = _ends(tensors)
    buffer = torch.empty(ends[-1], dtype=torch.uint8, pin_memory=pin)
    for start, tensor in zip(ends, tensors):
        _part(buffer, start, tensor).copy_(tensor)
    return buffer


def unpack(buffer: Tensor, like: Batch) -> Batch:
    """The batch in a buffer that `pack` made of `like`: views into it, on its device."""
    starts = iter(_ends(_tensors(like)))
    pictures = _part(buffer, next(starts), like.pictures)
    targets = [
        {name: _part(buffer, next(starts), value) for name, value in target.items()}
        for target in like.targets
    ]
    return Batch(pictures, like.sizes, targets, like.seeds)


def _tensors(batch: Batch) -> list[Tensor]:
    return [batch.pictures, *(value for target in batch.targets for value in target.values())]


def _ends(tensors: list[Tensor]) -> list[int]:
    """Where each tensor begins, and where the last one ends."""
    ends = [0]
    for tensor in tensors:
        ends.append(ends[-1] + math.ceil(tensor.nbytes / _ALIGNED) * _ALIGNED)
    return ends


def _part(buffer: Tensor, start: int, like: Tensor) -> Tensor:
    return buffer[start : start + like.nbytes].view(like.dtype).view(like.shape)
