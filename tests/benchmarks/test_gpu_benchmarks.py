"""The benchmarks for GPUs at their smallest, on the CPU: what they print is there and plausible."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import gpu_latency
import gpu_penn_fudan
import gpu_training
from _gpu_ways import SMALL, Ours, Plain
from _looks import looked
from _scenes import write_scenes
from channel import load_channel
from tests.mask_r_cnn.test_training import write_discs

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """One thread: the tests' machine is shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_looks_are_counted_with_their_lines() -> None:
    values, mask = torch.arange(6.0), torch.arange(6) > 2

    def step() -> None:
        float(values.sum())
        values[mask].sum()
        values[mask] = 0.0
        torch.where(mask)
        torch.tensor(1.0, device=values.device)
        values[torch.tensor([1, 2])].sum()

    found = looked(CPU, step)
    assert found["count"] == sum(found["at"].values()) == 4
    assert {place.split(" at ")[0] for place in found["at"]} == {
        "_local_scalar_dense",
        "index",
        "nonzero",
        "constant",
    }
    assert all("benchmarks/test_gpu_benchmarks.py:" in place for place in found["at"])


def test_our_step_waits_for_nothing_where_torchvisions_waits_often(tmp_path: Path) -> None:
    setting = SMALL
    data = load_channel(write_scenes(tmp_path / "scenes", 8, 3, setting.picture))
    ours = Ours(setting, data, CPU)
    try:
        ours.block()
        assert 0 <= ours.waited < 1
        # The loss is looked at every 20th step on a GPU; in this one it is not.
        assert gpu_training.waits(ours, CPU)["at"] == {}
    finally:
        ours.loader.close()
    plain = Plain(setting, data, CPU)
    assert plain.block() > 0
    assert gpu_training.waits(plain, CPU)["count"] > 30


def test_a_request_is_timed_alone_in_batches_and_through_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASK_R_CNN_ENGINE", "torch")
    found = gpu_latency.measured(tmp_path, CPU, True, None)
    assert 0 < found["one_request_ms"]["p50"] <= found["one_request_ms"]["p99"]
    assert found["answer_bytes"] > 1000
    assert found["batches_of_8_pictures_a_second"] > 0
    assert found["through_http"]["pictures_a_second"] > 0


def test_the_plateau_is_the_first_judgement_near_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points = [{"seconds": float(s), "segm_map": ap} for s, ap in enumerate((0.2, 0.7, 0.705, 0.69))]
    assert gpu_penn_fudan.plateau(points)["seconds"] == 1
    channel = write_discs(tmp_path / "discs", 8)
    monkeypatch.setattr(sys, "argv", ["", "--small", "--channel", str(channel)])
    assert gpu_penn_fudan.main() == 0
    assert "plateau {'epoch': 1" in capsys.readouterr().out
