"""What a step does to the weights: the optimiser, and their moving average."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hyperparameters import Hyperparameters


def make_optimizer(network: nn.Module, chosen: Hyperparameters) -> torch.optim.Optimizer:
    """Fused: one pass over all weights, and with fp16 no look at whether a gradient overflowed.

    Gradients must lie in memory as their weights do, which nobody checks; autograd sees to it.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    rate, decay = chosen.learning_rate, chosen.weight_decay
    if chosen.optimizer == "adamw":
        betas = (chosen.momentum, 0.999)
        return torch.optim.AdamW(parameters, lr=rate, betas=betas, weight_decay=decay, fused=True)
    return torch.optim.SGD(
        parameters, lr=rate, momentum=chosen.momentum, weight_decay=decay, fused=True
    )


Pairs = list[tuple[Tensor, Tensor]]


def side_by_side(average: nn.Module, network: nn.Module) -> tuple[Pairs, Pairs]:
    """Averaged and newest weights side by side, and apart from them what is only counted."""
    pairs = list(zip(average.state_dict().values(), network.state_dict().values()))
    floats = [pair for pair in pairs if pair[0].is_floating_point()]
    return floats, [pair for pair in pairs if not pair[0].is_floating_point()]


@torch.no_grad()
def move_average(floats: Pairs, counts: Pairs, decay: float, step: int) -> None:
    """Exponential moving average; early on a shorter memory, so that it is not all start."""
    decay = min(decay, (1 + step) / (10 + step))
    means, values = zip(*floats)
    torch._foreach_lerp_(means, values, 1 - decay)
    for mean, value in counts:
        mean.copy_(value)
