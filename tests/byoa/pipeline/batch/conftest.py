"""Projects that run on the sandbox's Batch, as plain processes; one sandbox for all tests here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from byoa.pipeline.batch.home import Home, open_home, project_at
from byoa.sandbox import lifecycle
from byoa.sandbox.state import State
from byoa.settings import Settings
from tests.byoa.conftest import Byoa, Said

TASKS = """\
from pathlib import Path

TEXT = "1 2 3"


def get(product):
    print("getting")
    Path(product).write_text(TEXT)


def fit(product, upstream, n):
    print("fitting", n)
    if n == BAD:
        raise ValueError(f"{n} is no good")
    Path(product).write_text(f"{n}: {Path(upstream['get']).read_text()}")


def best(product, upstream):
    texts = sorted(Path(path).read_text() for path in upstream["fit-*"].values())
    Path(product).write_text("; ".join(texts))


BAD = None
"""
PIPELINE = """\
tasks:
  - source: tasks.get
    product: output/get.txt
  - source: tasks.fit
    name: fit-[[n]]
    product: output/fit-[[n]].txt
    grid: {n: [1, 2]}
  - source: tasks.best
    product: output/best.txt
"""
TARGET = """\
aws:
  backend: aws-batch
  repository: process://
  container_properties: {memory: 64, vcpus: 1}
"""
FILES = {"tasks.py": TASKS, "pipeline.yaml": PIPELINE, "soopervisor.yaml": TARGET}


@pytest.fixture(scope="session")
def sandbox_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, State]]:
    """BYOA_HOME with a sandbox in it."""
    home = tmp_path_factory.mktemp("home")
    state, _ = lifecycle.up(home / "sandbox")
    yield home, state
    lifecycle.down(home / "sandbox")


@dataclass
class Project:
    """A project's folder, and `byoa pipeline` in it."""

    folder: Path
    byoa: Byoa
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.folder / name.replace("__", "/").replace("_", ".", 1)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")

    def change(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def git(self, *words: str) -> None:
        subprocess.run(["git", "-C", str(self.folder), *words], check=True, capture_output=True)

    def run(self, verb: str, *words: object) -> Said:
        """`byoa pipeline VERB … --sandbox`."""
        os.chdir(self.folder)
        return self.byoa("pipeline", verb, *words, "--sandbox")

    def submit(self, *words: object) -> Said:
        return self.run("submit", "--wait", "--json", *words)

    @property
    def home(self) -> Home:
        os.chdir(self.folder)
        return open_home(project_at(None, None, Settings()), Settings(), sandbox=True)


@pytest.fixture
def project(
    sandbox_home: tuple[Path, State],
    tmp_path: Path,
    byoa: Byoa,
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """get → fit over a grid → best, in a git repository; its name is new for each test."""
    from byoa.sandbox.environment import UNSET, variables

    monkeypatch.setenv("BYOA_HOME", str(sandbox_home[0]))
    for name in {*UNSET, *variables(sandbox_home[1])}:  # the verbs set them for their process
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    folder = tmp_path / f"p{abs(hash(tmp_path)) % 10**8}"
    folder.mkdir()
    made = Project(folder, byoa)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    made.git("init", "-q")
    made.git("add", "-A")
    monkeypatch.chdir(folder)
    return made


def tasks_of(said: Said) -> dict[str, Any]:
    """Each task's status, from --json."""
    return {one["task"]: one["status"] for one in said.json["tasks"]}


Wait = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def until() -> Wait:
    """Waits, generously, until something is true, and gives it."""
    import time

    def wait(condition: Callable[[], Any], seconds: float = 60) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, "it did not come true"
            time.sleep(0.1)
        return found

    return wait
