"""Every promised form of annotation and picture loads as meant, and trains."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from channel import load_channel
from dataset import rasterise
from pictures import read_picture
from tests.mask_r_cnn.every_form import write_every_form
from tests.mask_r_cnn.late_mistakes import TINY
from tests.mask_r_cnn.mistakes import Job
from tests.mask_r_cnn.test_bad_input import train


def test_everything_loads_as_meant(tmp_path: Path) -> None:
    meant = write_every_form(tmp_path / "training")
    data = load_channel(tmp_path / "training")
    assert data.class_names == ("pedestrian", "first", "last", "object")
    summary = data.summary()
    assert summary["pictures"] == meant["pictures"]
    assert summary["pictures_without_instances"] == 2
    assert summary["crowds"] == meant["crowds"]
    assert data.notes["instances without a surface, left out"] == meant["degenerate"]
    by_name = {picture.path.name: picture for picture in data.pictures}
    assert len(by_name["crowded.png"].instances) == 200
    assert len(by_name["two.png"].instances) == 2
    for picture in data.pictures:
        assert read_picture(picture.path).shape == (48, 64, 3), picture.path
        for mask, one in zip(
            rasterise(picture, 48, 64), [one for one in picture.instances if not one.crowd]
        ):
            rows, columns = np.nonzero(mask)
            x0, y0, x1, y1 = one.box
            assert (columns.min(), rows.min()) == (math.floor(x0), math.floor(y0))
            assert (columns.max() + 1, rows.max() + 1) == (math.ceil(x1), math.ceil(y1))


@pytest.mark.slow
def test_everything_trains(tmp_path: Path) -> None:
    job = Job(tmp_path)
    write_every_form(job.training)
    job.set(**{**TINY, "augment": "strong", "batch_size": "2", "validation_fraction": "0.2"})
    run = train(tmp_path, torch=True)
    assert run.returncode == 0, run.stderr
    rows = (tmp_path / "output" / "data" / "metrics.jsonl").read_text().splitlines()
    assert len(rows) == 1
    assert math.isfinite(json.loads(rows[0])["train_loss"])
    described = json.loads((tmp_path / "model" / "model.json").read_text())
    assert described["class_names"] == ["pedestrian", "first", "last", "object"]
