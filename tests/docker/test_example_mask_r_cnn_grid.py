"""examples/mask-r-cnn-grid from pictures to an endpoint, as plain processes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.docker.grid_story import MORE, QUICK, Story, build_and_ask, copied

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]
POINTS = {
    f"train-{backbone}-{rate}"
    for backbone in ("resnet18_fpn", "mobilenet_v3_large_fpn")
    for rate in ("0.001", "0.0003")
}


@pytest.fixture
def story(tmp_path: Path) -> Story:
    (tmp_path / "work").mkdir()
    environ = {**os.environ, "BYOA_HOME": str(tmp_path / "home"), **MORE}
    return Story(copied(tmp_path / "work"), "process", QUICK, environ)


def test_four_trainings_are_compared_and_the_best_one_serves(story: Story):
    build_and_ask(story, POINTS)
    story.pipeline("report", "--family", "train", "-o", "grid.html")
    page = (story.folder / "grid.html").read_text()
    assert all(point in page for point in POINTS) and "validation_segm_map" in page
    # the same again is nothing; another learning rate is two more trainings
    story.change("[0.001, ", "[0.001, 0.0005, ")
    planned = json.loads(story.pipeline("plan", "--json"))
    running = {one["task"] for one in planned if one["action"] != "keep"}
    assert running == {"train-resnet18_fpn-0.0005", "train-mobilenet_v3_large_fpn-0.0005", "deploy"}
