"""The training benchmarks at their smallest."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

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
