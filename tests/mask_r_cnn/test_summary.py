"""The report at a job's end: what was judged already is not judged again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from dataset import Dataset
from distributed import Ranks, layout_of
from evaluation import FIGURES, Evaluation
from hyperparameters import parse
from model import ModelInfo
from summary import write_summary

INFO = ModelInfo("resnet18_fpn", "group", ("thing",), (1,), 64, 64, 0.05, 100)
JUDGED = Evaluation(dict.fromkeys(FIGURES, 0.25), dict.fromkeys(FIGURES, 0.375), [])


@pytest.mark.parametrize("known", [True, False])
def test_the_kept_model_is_judged_once(tmp_path: Path, known: bool) -> None:
    nothing = Dataset((), ("thing",), (1,))
    job: Any = SimpleNamespace(
        chosen=parse([]),
        training=nothing,
        validation=nothing,
        folders=SimpleNamespace(output=tmp_path),
    )
    trainer: Any = SimpleNamespace(
        ranks=Ranks(layout_of({}), torch.device("cpu")),
        evaluated=Mock(),
        progress=SimpleNamespace(history=[]),
    )
    validator: Any = Mock(own=[], return_value=JUDGED)
    write_summary(job, trainer, validator, ({}, INFO), JUDGED if known else None)
    assert validator.call_count == (0 if known else 1)
    assert "0.375" in (tmp_path / "report.html").read_text()
