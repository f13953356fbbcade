"""What only a GPU can show; `pytest -m gpu` where there is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

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
