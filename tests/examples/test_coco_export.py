"""examples/coco-export as its README tells it, from an empty folder: fewer pictures, one epoch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "coco-export"
QUICK = {"PICTURES": "6", "EPOCHS": "1", "TRAIN": "-h quantize=off", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the script leaves, and what it prints."""
    work, home = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("home")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [str(EXAMPLE / "run.sh")], cwd=work, text=True, capture_output=True, timeout=280,
        env={**os.environ, **QUICK, "PATH": path, "BYOA_HOME": str(home), "ON": "process"},
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return work, done.stdout + done.stderr


@pytest.mark.slow
def test_an_export_becomes_an_endpoint(told: tuple[Path, str]):
    work, said = told
    assert "export: 6 pictures, 9 outlines in result.json" in said
    assert "classes: plate, washer" in said and "status:            Completed" in said
    assert re.search(r"epoch=1; train_loss=\d", said)
    (picture,) = (work / "export/images").glob("*_01.png")
    with Image.open(work / "seen.png") as drawn, Image.open(picture) as sent:
        assert (drawn.format, drawn.size) == ("PNG", sent.size)
    answer = json.loads((work / "seen.json").read_text())
    assert set(answer["predictions"][0]) >= {"detections"}
    assert "endpoint parts-first: deleted" in said


def test_the_readme_shows_what_the_script_does():
    script, readme = ((EXAMPLE / name).read_text() for name in ("run.sh", "README.md"))
    flags = {word for word in script.split() if re.fullmatch(r"--?[a-z][-a-z]*", word)}
    assert len(flags) > 6 and flags - set(readme.split()) <= {"-name", "-euo"}
    names = {
        word.partition("=")[0] for word in script.split() if re.match(r"[a-z_]+=[\w\"$]", word)
    }
    assert names >= {"backbone", "min_size", "num_epochs", "score_threshold"}
    settings = names - {"here", "on", "image", "picture", "name", "disable"}
    assert all(f"{name}=" in readme for name in settings), settings
