"""The learning rate at every step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hyperparameters import Hyperparameters
from schedule import learning_rate_at

BASE = Hyperparameters(learning_rate=0.01, num_epochs=10, warmup_steps=10, lr_step_size=3)


def test_warm_up_rises_to_the_full_rate() -> None:
    rates = [learning_rate_at(step, 100, BASE) for step in range(12)]
    assert rates[0] == pytest.approx(0.01 / 11)
    assert rates[:10] == sorted(rates[:10])
    assert rates[10] == pytest.approx(0.01)


def test_a_warm_up_longer_than_the_job_is_cut_to_half_of_it() -> None:
    short = replace(BASE, num_epochs=1, warmup_steps=1000)
    assert learning_rate_at(10, 20, short) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("scheduler", "epoch", "expected"),
    [
        ("step", 2, 0.01),
        ("step", 3, 0.001),
        ("step", 6, 0.0001),
        ("multistep", 5, 0.01),
        ("multistep", 6, 0.001),
        ("multistep", 8, 0.0001),
        ("cosine", 5, 0.005),
    ],
)
def test_the_fall_of_each_scheduler(scheduler: str, epoch: int, expected: float) -> None:
    chosen = replace(BASE, lr_scheduler=scheduler)
    assert learning_rate_at(epoch * 100, 100, chosen) == pytest.approx(expected)


def test_given_milestones_win() -> None:
    chosen = replace(BASE, lr_scheduler="multistep", lr_milestones=(2,))
    assert learning_rate_at(200, 100, chosen) == pytest.approx(0.001)
