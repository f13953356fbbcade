"""examples/mask-r-cnn-grid from pictures to an endpoint: as plain processes, and in the sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.sandbox_place import Place

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "mask-r-cnn-grid"
#: Enough for every part of the story to run; the figures mean nothing.
QUICK = {"pictures": "6", "epochs": "1"}
POINTS = {
    f"train-{backbone}-{rate}"
    for backbone in ("resnet18_fpn", "mobilenet_v3_large_fpn")
    for rate in ("0.001", "0.0003")
}


@dataclass(frozen=True)
class Story:
    """The example in a folder of its own, and where it runs."""

    folder: Path
    on: str
    env: Mapping[str, str]
    environ: Mapping[str, str] = field(default_factory=dict)

    def byoa(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "byoa.cli", *words], cwd=self.folder, env=dict(self.environ),
            text=True, capture_output=True, timeout=500,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def pipeline(self, *words: str) -> str:
        given = [word for name, value in self.env.items() for word in (f"--env--{name}", value)]
        return self.byoa("pipeline", *words, *given)


@pytest.fixture(params=["process", "sandbox"])
def story(
    request: pytest.FixtureRequest, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    work, home = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("home")
    folder = work / "examples" / EXAMPLE.name
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".byoa", "__pycache__"))
    for name in ("mask_r_cnn", "local_test"):  # what the example reads of the checkout
        (work / name).symlink_to(ROOT / name)
    more = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    if request.param == "process":
        environ = {**os.environ, "BYOA_HOME": str(home), **more}
        yield Story(folder, "process", QUICK, environ)
        return
    with Place.up(home, "mask-r-cnn-grid", more) as place:
        yield Story(folder, "sandbox", {**QUICK, "on": "sandbox", "image": image}, place.environ)


def test_four_trainings_are_compared_and_the_best_one_serves(story: Story):
    story.pipeline("build", "-j", "2")
    told = json.loads((story.folder / "endpoint.json").read_text())
    try:
        assert set(told["among"]) == POINTS and told["task"] in POINTS
        assert told["value"] == max(told["among"].values())
        for point in POINTS:
            metrics = story.folder / "metrics" / f"{point.removeprefix('train-')}.json"
            figure = json.loads(metrics.read_text())["validation_segm_map"]
            assert figure == told["among"][point]
        picture = next((story.folder / "pictures/validation").rglob("*.jpg"))
        words = ("invoke", told["endpoint"], str(picture), "--on", story.on)
        assert "detections" in json.loads(story.byoa(*words))["predictions"][0]
    finally:
        story.byoa("undeploy", told["endpoint"], "--on", story.on)
    story.pipeline("report", "--family", "train", "-o", "grid.html")
    page = (story.folder / "grid.html").read_text()
    assert all(point in page for point in POINTS) and "validation_segm_map" in page
    # the same again is nothing; another learning rate is two more trainings
    text = (story.folder / "pipeline.yaml").read_text()
    (story.folder / "pipeline.yaml").write_text(text.replace("[0.001, ", "[0.001, 0.0005, "))
    planned = json.loads(story.pipeline("plan", "--json"))
    running = {one["task"] for one in planned if one["action"] != "keep"}
    assert running == {"train-resnet18_fpn-0.0005", "train-mobilenet_v3_large_fpn-0.0005", "deploy"}
