"""The learning rate as a function of the step alone, so that resuming needs no state."""

from __future__ import annotations

import math

from hyperparameters import Hyperparameters


def learning_rate_at(step: int, steps_per_epoch: int, chosen: Hyperparameters) -> float:
    """The rate of step `step` (0-based): a linear warm-up, then the chosen schedule."""
    total = max(1, steps_per_epoch * chosen.num_epochs)
    # A warm-up longer than half of a short job would leave nothing to train at full rate.
    warmup = min(chosen.warmup_steps, total // 2)
    rise = min(1.0, (step + 1) / (warmup + 1))
    return chosen.learning_rate * rise * _decay(step, steps_per_epoch, total, chosen)


def _decay(step: int, steps_per_epoch: int, total: int, chosen: Hyperparameters) -> float:
    if chosen.lr_scheduler == "cosine":
        return 0.5 * (1 + math.cos(math.pi * min(1.0, step / total)))
    epoch = step // max(1, steps_per_epoch)
    if chosen.lr_scheduler == "step":
        return chosen.lr_gamma ** (epoch // chosen.lr_step_size)
    return chosen.lr_gamma ** sum(epoch >= milestone for milestone in _milestones(chosen))


def _milestones(chosen: Hyperparameters) -> tuple[int, ...]:
    if chosen.lr_milestones is not None:
        return chosen.lr_milestones
    return (round(chosen.num_epochs * 0.6), round(chosen.num_epochs * 0.85))
