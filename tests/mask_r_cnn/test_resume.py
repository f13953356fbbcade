"""What a trainer makes of another one's state."""

from __future__ import annotations

from dataclasses import replace

import torch

from augment import Augmentation
from distributed import Ranks, layout_of
from engine import Trainer
from hyperparameters import Hyperparameters
from loader import Loader
from network import build_network


def trainer(seed: int, ema: float) -> Trainer:
    chosen = replace(Hyperparameters(), backbone="mobilenet_v2_fpn", ema=ema)
    torch.manual_seed(seed)
    network = build_network(chosen.backbone, "group", 2, 100, 16)
    loader = Loader([], Augmentation("none", 64, 96), 0, 1)
    return Trainer(network, chosen, Ranks(layout_of({}), torch.device("cpu")), loader)


def test_an_average_of_a_job_that_had_none_begins_with_its_weights() -> None:
    before, after = trainer(seed=1, ema=0.0), trainer(seed=2, ema=0.99)
    assert after.average is not None
    after.restore(before.state())
    expected = before.network.state_dict()
    assert all(torch.equal(value, expected[n]) for n, value in after.average.state_dict().items())
    first = next(after.average.parameters())
    assert first.data_ptr() != next(after.network.parameters()).data_ptr()


def test_an_average_goes_on() -> None:
    before, after = trainer(seed=1, ema=0.99), trainer(seed=2, ema=0.99)
    assert before.average is not None and after.average is not None
    with torch.no_grad():
        next(before.average.parameters()).fill_(7.0)
    after.restore(before.state())
    assert next(after.average.parameters()).eq(7.0).all()
    assert not next(after.network.parameters()).eq(7.0).any()
