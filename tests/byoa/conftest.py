"""A home of its own for each test, and byoa as a command in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byoa.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Byoa = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """BYOA_HOME, and an empty working folder beside it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("BYOA_HOME", str(folder))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


@pytest.fixture
def byoa(home: Path, capsys: pytest.CaptureFixture[str]) -> Byoa:
    """Runs `byoa WORDS` here; every word as text."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run
