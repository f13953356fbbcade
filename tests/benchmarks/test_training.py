"""The training benchmarks at their smallest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

import train_growth
import train_step
from _scenes import write_scenes
from channel import load_channel


def test_scenes_are_a_channel_of_few_files(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "scenes", 10, 3, (96, 64), files=4)
    data = load_channel(folder)
    assert len(data) == 10
    assert all(len(picture.instances) == 3 for picture in data.pictures)
    assert len({picture.path.stat().st_ino for picture in data.pictures}) == 4
    with Image.open(folder / f"{9:012}.jpg") as image:
        assert image.size == (96, 64)
    document = json.loads((folder / "instances.json").read_text())
    first, fifth = ([a for a in document["annotations"] if a["image_id"] == i] for i in (0, 4))
    assert [a["segmentation"] for a in first] == [a["segmentation"] for a in fifth]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """Puts back the number of threads that a benchmark computes with."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_our_step_is_faster_than_torchvisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BYOA_TEST_DATA", raising=False)
    result = train_step.measured(tmp_path, small=True)
    assert list(result) == [
        "step: resnet18_fpn, 640 x 480 JPEG",
        "loader: 640 x 480 JPEG",
        "loader: 1920 x 1280 JPEG",
    ]
    found, *shares = result.values()
    assert set(found["milliseconds"]) == {
        "plain torchvision",
        "ours, unchanged recipe",
        "ours, 1,000 proposals",
        "ours, 128 regions",
    }
    assert min(found["times_as_fast"].values()) > 1
    assert all(0 < share["cpu_percent"] < 50 for share in shares)


def test_growth_has_a_slope_for_every_cost(tmp_path: Path) -> None:
    point = train_growth.Point(pictures=10, instances=2, side=64)
    row = train_growth.train(point, point.channel(tmp_path))
    assert all(value > 0 for name, value in row.items() if name != "read_peak_mb")
    twice = {"x": 20.0, **{name: 2 * value for name, value in row.items()}}
    rows = [{"x": 10.0, **row}, twice]
    slopes = train_growth.slopes({"pictures": rows, "side": rows})
    assert slopes["read_s / pictures"] == slopes["peak_mb / side"] == 1
