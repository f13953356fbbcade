"""The training loop: steps, epochs, the best model, and a state that resumes to the bit."""

from __future__ import annotations

import copy
import importlib.util
import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.parallel import DistributedDataParallel

from distributed import Ranks
from errors import HyperparameterError, TrainingError
from feeder import Feeder
from hyperparameters import Hyperparameters
from loader import Batch, Loader
from network import Network
from precision import autocast, resolve_precision
from schedule import learning_rate_at
from updates import make_optimizer, move_average, side_by_side

Row = dict[str, float]
LOSSES = (
    "loss_classifier",
    "loss_box_reg",
    "loss_mask",
    "loss_objectness",
    "loss_rpn_box_reg",
)
# On a GPU looking at the loss waits for the step: look only every so often.
_GPU_LOOK_EVERY = 20


@dataclass
class Progress:
    """Where a job is: all that a checkpoint holds beside the tensors."""

    epoch: int = 0
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    history: list[Row] = field(default_factory=list)
    best: float = -math.inf
    best_epoch: int = 0
    seconds: float = 0.0
    # Of these, how many a step waited for its pictures.
    loader_seconds: float = 0.0

    def mean_loss(self) -> float:
        """The epoch's mean loss so far."""
        losses = sum(value for name, value in self.sums.items() if name != "steps")
        return losses / max(1.0, self.sums.get("steps", 0.0))


class Trainer:
    """Takes steps with one network on this rank's device."""

    def __init__(
        self, network: Network, chosen: Hyperparameters, ranks: Ranks, loader: Loader
    ) -> None:
        self.network: Network = network.to(ranks.device, memory_format=torch.channels_last)
        self.chosen = chosen
        self.ranks = ranks
        self.loader = loader
        self.progress = Progress()
        self.precision = resolve_precision(chosen.precision, ranks.device)
        if chosen.compile == "on":
            compile_backbone(self.network, ranks.device)
        self.optimizer = make_optimizer(network, chosen)
        self.scaler = GradScaler(ranks.device.type, enabled=self.precision == "fp16")
        self.average: Network | None = None
        if chosen.ema:
            self.average = copy.deepcopy(network).eval().requires_grad_(False)
            self._averaged = side_by_side(self.average, network)
        self.feeder = Feeder(ranks.device)
        self._pending: list[Tensor] = []
        self.look_every = 1 if ranks.device.type == "cpu" else _GPU_LOOK_EVERY
        self._parallel: nn.Module = network
        if ranks.layout.world_size > 1:
            self._parallel = DistributedDataParallel(network, broadcast_buffers=False)

    @property
    def evaluated(self) -> Network:
        """The network whose weights are judged and kept: the averaged one when there is one."""
        return self.network if self.average is None else self.average

    def run_epoch(
        self,
        order: Sequence[Sequence[int]],
        stop: Callable[[], bool],
        after_step: Callable[[int], None],
    ) -> bool:
        """Take the epoch's remaining steps; False when `stop` said so before its end.

        `order` is the whole epoch's batches; steps that the progress has behind it are skipped.
        """
        progress, began = self.progress, time.perf_counter()
        self.network.train()
        first = progress.step - progress.epoch * len(order)
        made = self.loader.batches(progress.epoch, order[first:])
        for index, batch in enumerate(self.feeder.batches(made), start=first):
            self._step(batch, index, len(order))
            progress.step += 1
            # Half-summed gradients are in no checkpoint: stop only where they were applied.
            applied = (index + 1) % self.chosen.accumulate == 0 or index + 1 == len(order)
            if applied and self.ranks.any(stop()):
                self._collect()
                self._count_time(began)
                return False
            after_step(index + 1)
        self._collect()
        self._count_time(began)
        return True

    def _count_time(self, began: float) -> None:
        self.progress.seconds += time.perf_counter() - began
        self.progress.loader_seconds += self.feeder.waited
        self.feeder.waited = 0.0

    def _step(self, batch: Batch, index: int, steps: int) -> None:
        chosen, device = self.chosen, self.ranks.device
        rate = learning_rate_at(self.progress.step, steps, chosen)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with autocast(device, self.precision):
            losses = self._parallel(batch.pictures, batch.sizes, batch.targets, batch.seeds)
        total = torch.stack([losses[name].float() for name in LOSSES])
        self.scaler.scale(total.sum() / chosen.accumulate).backward()  # type: ignore[no-untyped-call]
        self._pending.append(total.detach())
        if len(self._pending) >= self.look_every:
            self._collect()
        if (index + 1) % chosen.accumulate == 0 or index + 1 == steps:
            self._update()

    def _update(self) -> None:
        if self.chosen.gradient_clip:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), self.chosen.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average is not None:
            move_average(*self._averaged, self.chosen.ema, self.progress.step)

    def _collect(self) -> None:
        """Add the pending losses to the epoch's sums; a loss that is no number ends the job."""
        if not self._pending:
            return
        rows = torch.stack(self._pending).cpu()
        self._pending.clear()
        if not torch.isfinite(rows).all():
            raise TrainingError(self._diverged(rows))
        sums = self.progress.sums
        for name, column in zip(LOSSES, rows.t()):
            sums[name] = sums.get(name, 0.0) + float(column.double().sum())
        sums["steps"] = sums.get("steps", 0.0) + len(rows)

    def _diverged(self, rows: Tensor) -> str:
        bad = [name for name, ok in zip(LOSSES, torch.isfinite(rows).all(0)) if not ok]
        chosen = self.chosen
        clip = chosen.gradient_clip or "off"
        return (
            f"{', '.join(bad)} stopped being a finite number at step {self.progress.step + 1} "
            f"(learning_rate={chosen.learning_rate}, warmup_steps={chosen.warmup_steps}, "
            f"gradient_clip={clip}, precision={self.precision}). Lower learning_rate first, to "
            f"{chosen.learning_rate / 5:g} say; then keep gradient_clip on and try precision=fp32."
        )

    def finish_epoch(self) -> Row:
        """The means of the epoch's losses over all ranks; the next epoch's sums start at zero."""
        progress = self.progress
        gathered = self.ranks.gather((progress.sums, progress.seconds, progress.loader_seconds))
        every, all_seconds, waits = zip(*gathered)
        steps = sum(sums["steps"] for sums in every)
        row = {name: sum(sums[name] for sums in every) / steps for name in LOSSES}
        seconds = max(all_seconds)
        row["train_loss"] = sum(row.values())
        row["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        row["images_per_second"] = steps * self.chosen.batch_size / max(seconds, 1e-9)
        row["seconds"] = seconds
        row["loader_seconds"] = max(waits)
        progress.sums, progress.seconds, progress.loader_seconds = {}, 0.0, 0.0
        progress.epoch += 1
        return {"epoch": progress.epoch, "step": progress.step, **row}

    def state(self) -> dict[str, Any]:
        """Everything that resuming needs, as tensors and plain values."""
        progress = vars(self.progress) | {"sums": dict(self.progress.sums)}
        return {
            "progress": progress,
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Be as the trainer was whose `state` this is."""
        self.progress = Progress(**state["progress"])
        self.network.load_state_dict(state["network"])
        if self.average is not None:
            # A job without an average left none: this one begins with the weights as they are.
            self.average.load_state_dict(state["average"] or state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])


def compile_backbone(network: Network, device: torch.device) -> None:
    """Have torch.compile build the body and pyramid; HyperparameterError where it can not."""
    lacking = [] if any(map(shutil.which, ("cc", "gcc", "clang"))) else ["a C compiler"]
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        lacking.append("Triton")
    if lacking:
        raise HyperparameterError(
            f"compile=on needs {' and '.join(lacking)}, which this image lacks. Build it with "
            "them, or leave compile at auto."
        )
    # In place, so that the names in the state dict stay. Pictures come in many sizes.
    network.backbone.compile(dynamic=True)
