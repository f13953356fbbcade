"""nobody is who we become, where nobody can read what is needed."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from container.serving.privileges import Identity, decide

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop it")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others can reach; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "deep").mkdir()
        (path / "deep" / "weights").write_text("x")
        yield path


@ROOT_ONLY
def test_root_becomes_nobody(folder: Path):
    entry = pwd.getpwnam("nobody")
    assert decide([folder]).identity == Identity(entry.pw_uid, entry.pw_gid)


@ROOT_ONLY
@pytest.mark.parametrize("closed", ["deep/weights", "deep", "."])
def test_root_stays_where_nobody_could_not_read(folder: Path, closed: str):
    path = (folder / closed).resolve()
    path.chmod(0o600 if path.is_file() else 0o700)
    decision = decide([folder])
    assert decision.identity is None
    assert decision.reason == f"nobody cannot read {path}"


@ROOT_ONLY
def test_what_is_missing_is_no_reason_to_stay(folder: Path):
    assert decide([folder / "nowhere"]).identity is not None
