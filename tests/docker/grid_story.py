"""examples/mask-r-cnn-grid in a folder of its own: from pictures to an endpoint that is asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "mask-r-cnn-grid"
#: Enough for every part of the story to run; the figures mean nothing.
QUICK = {"pictures": "6", "epochs": "1"}
MORE = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
GRID = "backbone: [resnet18_fpn, mobilenet_v3_large_fpn]"


@dataclass(frozen=True)
class Story:
    """The example, and where it runs."""

    folder: Path
    on: str
    env: Mapping[str, str]
    environ: Mapping[str, str]

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

    def change(self, old: str, new: str) -> None:
        """Edits pipeline.yaml as a user would."""
        text = (self.folder / "pipeline.yaml").read_text()
        assert old in text
        (self.folder / "pipeline.yaml").write_text(text.replace(old, new))


def copied(work: Path) -> Path:
    """The example, and beside it what it reads of the checkout."""
    folder = work / "examples" / EXAMPLE.name
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".byoa", "__pycache__"))
    for name in ("mask_r_cnn", "local_test"):
        (work / name).symlink_to(ROOT / name)
    return folder


def build_and_ask(story: Story, points: set[str]) -> None:
    """All trainings, compared; the best one serves, answers and is taken away again."""
    story.pipeline("build", "-j", "2")
    told: dict[str, Any] = json.loads((story.folder / "endpoint.json").read_text())
    try:
        assert set(told["among"]) == points and told["task"] in points
        assert told["value"] == max(told["among"].values())
        for point in points:
            metrics = story.folder / "metrics" / f"{point.removeprefix('train-')}.json"
            figure = json.loads(metrics.read_text())["validation_segm_map"]
            assert figure == told["among"][point]
        picture = next((story.folder / "pictures/validation").rglob("*.jpg"))
        words = ("invoke", told["endpoint"], str(picture), "--on", story.on)
        assert "detections" in json.loads(story.byoa(*words))["predictions"][0]
    finally:
        story.byoa("undeploy", told["endpoint"], "--on", story.on)
