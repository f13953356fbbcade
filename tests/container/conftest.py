"""A job's folder tree on disk, and the real `train` run on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = Path(__file__).parent / "fixtures"
TRAIN = ROOT / "container/bin/train"


@dataclass
class Place:
    """What SageMaker mounts at /opt/ml, somewhere else, and the programs run on it."""

    base: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def config(self, name: str, content: Any) -> Path:
        """Writes input/config/<name>.json: text or bytes as they are, the rest as JSON."""
        path = self.base / "input/config" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def hyperparameters(self, **values: Any) -> None:
        self.config("hyperparameters", values)

    def channel(self, name: str) -> Path:
        path = self.base / "input/data" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def code(self, fixture: str) -> Path:
        """Puts a fixture's files where an image bakes a user's code."""
        return Path(shutil.copytree(FIXTURES / fixture, self.base / "code", dirs_exist_ok=True))

    def environ(self, algorithm: str | Path, extra: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            "SAGEMAKER_BASE_DIR": str(self.base),
            "BYOA_ALGORITHM": str(FIXTURES / algorithm),
            **extra,
        }

    def start(
        self, algorithm: str | Path = "echo", *arguments: str, **environ: str
    ) -> subprocess.Popen[str]:
        """Starts `train`; what it prints goes to log.txt."""
        with (self.base / "log.txt").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, str(TRAIN), *arguments],
                env=self.environ(algorithm, environ),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        self.running.append(process)
        return process

    def train(self, algorithm: str | Path = "echo", *arguments: str, **environ: str) -> int:
        """Runs `train` to its end; its exit code."""
        return self.start(algorithm, *arguments, **environ).wait(timeout=60)

    @property
    def log(self) -> str:
        return (self.base / "log.txt").read_text(errors="replace")

    @property
    def failure(self) -> str | None:
        path = self.base / "output/failure"
        return path.read_text() if path.exists() else None

    @property
    def headline(self) -> str:
        return (self.failure or "").splitlines()[0]

    @property
    def seen(self) -> Any:
        """What the fixture `echo` saw."""
        return json.loads((self.base / "output/data/seen.json").read_text())

    def wait_for(self, name: str, seconds: float = 20) -> str:
        """The text of a file below output/data, once the program has written it."""
        path = self.base / "output/data" / name
        end = time.monotonic() + seconds
        while not (path.exists() and path.read_text()):
            assert time.monotonic() < end, f"{name} was not written: {self.log}"
            time.sleep(0.02)
        return path.read_text()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty tree; whatever was started on it is killed at the end."""
    made = Place(tmp_path / "ml")
    made.base.mkdir()
    yield made
    for process in made.running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_until_gone(pid: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
