"""examples/mask-r-cnn-grid behind AWS's API: its jobs and its endpoint are containers.

Half of the grid: that a grid is all of its points, test_example_mask_r_cnn_grid.py shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.grid_story import GRID, MORE, QUICK, Story, build_and_ask, copied
from tests.sandbox_place import Place

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]


def test_two_trainings_are_compared_and_the_better_one_serves(image: str, tmp_path: Path):
    (tmp_path / "work").mkdir()
    with Place.up(tmp_path / "home", "mask-r-cnn-grid", MORE) as place:
        env = {**QUICK, "on": "sandbox", "image": image}
        story = Story(copied(tmp_path / "work"), "sandbox", env, place.environ)
        story.change(GRID, "backbone: [mobilenet_v3_large_fpn]")
        points = {f"train-mobilenet_v3_large_fpn-{rate}" for rate in ("0.001", "0.0003")}
        build_and_ask(story, points)
