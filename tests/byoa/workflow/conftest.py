"""One sandbox for all workflows of this folder, and byoa that finds it."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byoa.cli.main import main
from byoa.sandbox import lifecycle, sweep
from byoa.sandbox.state import State
from byoa.settings import Settings
from byoa.workflow.home import Home, open_home
from tests.byoa.conftest import Said

PROJECT = "faces"
NUMBERS = itertools.count()

ENDED = {"Type": "Succeed"}


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    folder = tmp_path_factory.mktemp("workflows") / "sandbox"
    state, _ = lifecycle.up(folder)
    yield state
    lifecycle.down(folder)
    assert sweep.processes(f"{sweep.MARK}={state.token}") == {}


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """Every command makes clients of its own, and reading AWS's models is most of its work."""
    from botocore.loaders import Loader

    plain, read = Loader.load_service_model, {}

    def load(self: Any, service_name: str, type_name: str, api_version: str | None = None) -> Any:
        key = (service_name, type_name, api_version)  # botocore's words: it is called by them, too
        if key not in read:
            read[key] = plain(self, service_name, type_name, api_version)
        return read[key]

    Loader.load_service_model = load
    yield
    Loader.load_service_model = plain


@dataclass(frozen=True)
class Here:
    """The sandbox's side: byoa as a command of this process, and its clients."""

    home: Home
    capsys: pytest.CaptureFixture[str]
    folder: Path

    def byoa(self, *words: object, project: str = PROJECT) -> Said:
        self.capsys.readouterr()
        code = main(["workflow", *map(str, words), "--on", "sandbox", "-p", project])
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def file(self, name: str, definition: dict[str, Any]) -> Path:
        path = self.folder / f"{name}.asl.json"
        path.write_text(json.dumps(definition))
        return path

    def made(self, definition: dict[str, Any], *words: object, project: str = PROJECT) -> str:
        """A workflow that was created, under a name that nobody else has."""
        name = f"w{next(NUMBERS)}-{os.getpid()}"
        done = self.byoa("create", self.file(name, definition), *words, project=project)
        assert done.code == 0, done.err
        return name

    def client(self, service: str) -> Any:
        return self.home.session.client(service)


@pytest.fixture
def here(
    sandbox: State,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Here]:
    before = dict(os.environ)
    monkeypatch.setenv("BYOA_HOME", str(Path(sandbox.folder).parent))
    monkeypatch.chdir(tmp_path)
    yield Here(open_home(Settings(on="sandbox", project=PROJECT)), capsys, tmp_path)
    os.environ.clear()
    os.environ.update(before)


def passes(**states: dict[str, Any]) -> dict[str, Any]:
    """A definition of the states in their order, the last of which ends."""
    names = list(states)
    made = {}
    for name, after in zip(names, [*names[1:], ""]):
        state = states[name]
        ends = state["Type"] in ("Succeed", "Fail", "Choice")
        made[name] = {**state, **({} if ends else {"Next": after} if after else {"End": True})}
    return {"StartAt": names[0], "States": made}
