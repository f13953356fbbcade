"""examples/pipeline, built as its README tells it: twelve fits, their reports, their metrics."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "pipeline"


def byoa(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "byoa.cli", "pipeline", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(EXAMPLE.parents[1]), "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def records(folder: Path) -> dict[str, dict[str, object]]:
    found = (folder / ".byoa/pipeline/pipeline/records").glob("*.json")
    return {path.stem: json.loads(path.read_text()) for path in found}


def runs(folder: Path) -> set[str]:
    """The tasks that the plan would run or may run."""
    plan = byoa(folder, "plan")
    return set(re.findall(r"^(\S+)  +(?:run|perhaps)\b", plan, re.MULTILINE))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grid") / "pipeline"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("products", ".byoa"))
    assert "16 done" in byoa(folder, "build")
    return folder


def test_twelve_reports_models_and_accuracies(built: Path):
    reports = sorted((built / "products").glob("report-*.html"))
    models = sorted((built / "products").glob("model-*.pickle"))
    assert len(reports) == len(models) == 12
    assert (built / "products/report-ada-boost-3-2.html") in reports
    for report in reports:
        text = report.read_text()
        assert "data:image/png;base64" in text or "image/png" in text
        assert "weighted avg" in text and 'src="http' not in text
    model = pickle.loads((built / "products/model-random-forest-5-gini.pickle").read_bytes())  # noqa: S301
    assert model.n_estimators == 5 and model.criterion == "gini"
    fits = [one for name, one in records(built).items() if name.startswith("fit-")]
    accuracies = [one["metrics"]["accuracy"] for one in fits]  # type: ignore[index]
    assert len(accuracies) == 12 and min(accuracies) > 0.5 and max(accuracies) > 0.9


def test_nothing_runs_twice_and_reports_keep_their_bytes(built: Path):
    assert runs(built) == set()
    report = built / "products/report-ada-boost-3-1.html"
    before = report.read_bytes()
    byoa(built, "build", "--force", "fit-ada-boost-3-1", "--only", "fit-ada-boost-3-1")
    assert report.read_bytes() == before


@pytest.mark.parametrize(
    "file, old, new, tasks",
    [
        ("pipeline.yaml", "[1, 3, 5]", "[1, 2, 3, 5]",
         {"fit-random-forest-2-gini", "fit-random-forest-2-entropy",
          "fit-ada-boost-2-1", "fit-ada-boost-2-2"}),
        ("steps/areas.py", "def area", "# a comment\ndef area", set()),
        ("steps/raw.py", '"_")', '"-")', {"get", "sepal", "petal", "features"}),
        ("scripts/fit.py", "test_size=0.33", "test_size=0.4", {"fit"}),
        ("scripts/fit.py", "# ## Data", "# ## Flowers", set()),
    ],
)  # fmt: skip
def test_exactly_what_a_change_concerns_runs(built: Path, file, old, new, tasks):
    path = built / file
    text = path.read_text()
    path.write_text(text.replace(old, new))
    try:
        found = runs(built)
    finally:
        path.write_text(text)
    fits = {name for name in records(built) if name.startswith("fit-")}
    if tasks == {"fit"}:
        assert found == fits
    elif "get" in tasks:
        assert tasks <= found and found - tasks <= fits
    else:
        assert found == tasks


def test_the_readme_shows_the_folder_as_it_is():
    readme = (EXAMPLE / "README.md").read_text()
    for path in re.findall(r"`((?:steps|scripts)/\w+\.py)`", readme):
        assert (EXAMPLE / path).is_file()
    assert "4 run, 16 up to date" in readme
