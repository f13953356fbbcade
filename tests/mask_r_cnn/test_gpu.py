"""What only a GPU can show; `pytest -m gpu` where there is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import gpu_training
from _gpu_ways import SMALL, Ours
from _scenes import write_scenes
from channel import load_channel
from network import Network, build_network
from tests.mask_r_cnn.test_fixed_sizes import SIZES, target
from tests.mask_r_cnn.test_training import train, write_discs

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_gpu_learns_in_every_precision(tmp_path: Path, precision: str) -> None:
    channel = write_discs(tmp_path / "channel", 24)
    output = train(
        tmp_path,
        channel,
        precision=precision,
        num_epochs="6",
        batch_size="4",
        learning_rate="0.02",
        validation_fraction="0.25",
        checkpoint_every="0",
    )
    assert f"x cuda in {precision}" in output
    rows = (tmp_path / "output" / "data" / "metrics.jsonl").read_text().splitlines()
    losses = [json.loads(row)["train_loss"] for row in rows]
    assert losses[-1] < losses[0] / 2


def test_a_gpu_repeats_itself_when_asked_to(tmp_path: Path) -> None:
    channel = write_discs(tmp_path / "channel", 6)
    for name in ("one", "two"):
        train(tmp_path / name, channel, deterministic="true")
    weights = [(tmp_path / n / "model" / "model.safetensors").read_bytes() for n in ("one", "two")]
    assert weights[0] == weights[1]


@pytest.fixture
def network() -> Iterator[Network]:
    """In plain float32: TF32 has ten bits."""
    places: list[Any] = [torch.backends.cuda.matmul, torch.backends.cudnn]
    before = [place.allow_tf32 for place in places]
    for place in places:
        place.allow_tf32 = False
    torch.manual_seed(0)
    yield build_network("resnet18_fpn", "group", 3, 20, rois_per_image=64)
    for place, allowed in zip(places, before):
        place.allow_tf32 = allowed


def _pictures() -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (2, 3, 96, 128), dtype=torch.uint8, generator=generator)


def test_losses_on_a_gpu_are_the_cpus(network: Network) -> None:
    pictures, targets = _pictures(), [target(4, 0), target(0, 1)]
    found = []
    for device in ("cpu", "cuda"):
        network.to(device).train().zero_grad()
        moved = [{name: value.to(device) for name, value in t.items()} for t in targets]
        losses = network(pictures.to(device), SIZES, moved, [3, 4])
        sum(losses.values()).backward()
        gradients = [p.grad.flatten().cpu() for p in network.parameters() if p.grad is not None]
        found.append(({n: float(v.detach()) for n, v in losses.items()}, torch.cat(gradients)))
    (on_cpu, theirs), (on_gpu, ours) = found
    assert on_gpu == pytest.approx(on_cpu, rel=1e-2, abs=1e-4)
    assert (ours - theirs).norm() < 0.02 * theirs.norm()


def test_detections_on_a_gpu_are_the_cpus(network: Network) -> None:
    network.eval().roi_heads.score_thresh = 0.3
    with torch.no_grad():
        on_cpu, on_gpu = (
            network.to(device)(_pictures().to(device), SIZES) for device in ("cpu", "cuda")
        )
    for theirs, ours in zip(on_cpu, on_gpu, strict=True):
        assert all(value.device.type == "cpu" for value in ours.values())
        assert len(ours["labels"]) == len(theirs["labels"])
        torch.testing.assert_close(ours["scores"], theirs["scores"], rtol=1e-2, atol=1e-3)


def test_a_step_waits_for_nothing(tmp_path: Path) -> None:
    setting = SMALL
    data = load_channel(write_scenes(tmp_path / "scenes", 8, 3, setting.picture))
    ours = Ours(setting, data, torch.device("cuda"))
    try:
        ours.block()
        found = gpu_training.waits(ours, torch.device("cuda"))
    finally:
        ours.loader.close()
    # The batch's event is waited for by the GPU; the loss is looked at every 20th step.
    assert found["count"] <= 1, found["at"]
