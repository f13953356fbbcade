"""What a step does to the weights."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from hyperparameters import Hyperparameters
from updates import make_optimizer, move_average, side_by_side


def small_network() -> nn.Module:
    """Weights that lie channels last, statistics, and a count."""
    torch.manual_seed(0)
    # No bias before the norm: its gradient is rounding, which AdamW makes as large as any other.
    layers = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3)
    network: nn.Module = nn.Sequential(*layers).to(
        memory_format=torch.channels_last  # type: ignore[call-overload]
    )
    return network


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_fused_optimisers_take_the_steps_of_plain_ones(name: str) -> None:
    ours = small_network()
    theirs = copy.deepcopy(ours)
    chosen = Hyperparameters(optimizer=name, learning_rate=0.01)
    plain: torch.optim.Optimizer
    if name == "sgd":
        plain = torch.optim.SGD(theirs.parameters(), 0.01, 0.9, weight_decay=0.0005)
    else:
        plain = torch.optim.AdamW(theirs.parameters(), 0.01, (0.9, 0.999), weight_decay=0.0005)
    optimizer = make_optimizer(ours, chosen)
    pictures = torch.randn(2, 3, 8, 8)
    for _ in range(3):
        for network, taker in ((ours, optimizer), (theirs, plain)):
            taker.zero_grad()
            network(pictures).square().sum().backward()
            taker.step()
    for mine, other in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)


def test_what_is_frozen_is_not_the_optimisers() -> None:
    network = small_network()
    next(network.children()).requires_grad_(False)
    optimizer = make_optimizer(network, replace(Hyperparameters(), momentum=0.0))
    assert len(optimizer.param_groups[0]["params"]) == 4


def test_the_average_follows_slowly_and_its_counts_at_once() -> None:
    network = small_network()
    average = copy.deepcopy(network)
    pairs = side_by_side(average, network)
    before = average.state_dict()["0.weight"].clone()
    network(torch.randn(2, 3, 8, 8))  # moves the statistics and the count
    with torch.no_grad():
        network.get_parameter("0.weight").add_(1.0)
    move_average(*pairs, decay=0.9, step=10**6)
    torch.testing.assert_close(average.state_dict()["0.weight"], before + 0.1)
    assert int(average.state_dict()["1.num_batches_tracked"]) == 1
    move_average(*pairs, decay=0.9, step=0)  # at first it remembers little: 1 / 10
    wanted = 0.1 * (before + 0.1) + 0.9 * (before + 1.0)
    torch.testing.assert_close(average.state_dict()["0.weight"], wanted)
