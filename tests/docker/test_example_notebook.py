"""examples/notebook from its first cell to its last, in the sandbox, held against what it keeps.

The container is a small one without torch; the notebook builds, trains, deploys and asks it.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_place import Place
from tests.small_image import small_image

__all__ = ["small_image"]
pytestmark = [pytest.mark.docker, pytest.mark.timeout(400)]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NOTEBOOK = EXAMPLES / "notebook" / "walk.ipynb"
STAND_IN = Path(__file__).parent / "fixtures" / "notebook_container"
#: Marks of a run, hashes of contents, sizes.
VARIES = re.compile(r"\b[0-9a-f]{8,}\b|\b[0-9.]+ KB|\d+ files")
STATES = (
    *("Calls CodeBuild to Build", "Train Step", "Save model"),
    *("Create Endpoint Config", "Create Endpoint"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place.up(tmp_path_factory.mktemp("home"), "notebook", {}) as place:
        yield place
        place.forget_images("byoa-notebook")


@pytest.fixture(scope="module")
def executed(
    place: Place, small_image: str, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """The code cells as they are when all of them have run."""
    folder = tmp_path_factory.mktemp("examples")
    for name in ("notebook", "coco-export"):
        ignored = shutil.ignore_patterns(".byoa", "pictures", "container", "__pycache__")
        shutil.copytree(EXAMPLES / name, folder / name, ignore=ignored)
    container = folder / "notebook" / "container"
    shutil.copytree(STAND_IN, container)
    (container / "Dockerfile").write_text(
        f"FROM {small_image}\nCOPY *.py /opt/byoa/small_algorithm/\n"
    )
    notebook = folder / "notebook" / "walk.ipynb"
    words = (sys.executable, "-m", "jupyter", "execute", "--inplace", str(notebook))
    done = place.run(*words, seconds=360)
    assert done.returncode == 0, done.stderr[-6000:]
    return code_cells(notebook)


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    cells = json.loads(notebook.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def shown(cell: dict[str, Any]) -> str:
    """What a cell shows; of pictures the states, without what differs from run to run."""
    found = ""
    for output in cell["outputs"]:
        data = output.get("data", {})
        text = output.get("text") or data.get("image/svg+xml") or data["text/plain"]
        whole = "".join(text).replace("\r", "")
        if "<svg" in whole:
            words = re.findall(r">([^<>]+)<", whole)
            whole = "\n".join(sorted({*words} & {*STATES}))
        found += VARIES.sub("…", whole)
    return found


def test_every_cell_shows_what_the_notebook_keeps(executed: list[dict[str, Any]]):
    kept = code_cells(NOTEBOOK)
    assert [cell["source"] for cell in executed] == [cell["source"] for cell in kept]
    assert [shown(cell) for cell in executed] == [shown(cell) for cell in kept]


def test_it_has_gone_the_whole_road(executed: list[dict[str, Any]], place: Place):
    texts = [shown(cell) for cell in executed]
    assert texts.count("\n".join(sorted(STATES))) == 2, "the graph, and the progress"
    assert any(text.endswith("'SUCCEEDED'") for text in texts)
    assert texts[-2:] == ["True", texts[-1]] and "nothing is left" in texts[-1]
    place.until_empty()
