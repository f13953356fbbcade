"""How many threads a job computes with in a container that may use a part of the cores."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from container.threads import VARIABLES, thread_variables


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


def limited(root: Path, quota: str) -> Path:
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/cpu.max").write_text(f"{quota} 100000\n")
    return root


@pytest.mark.parametrize(
    ("quota", "threads"), [("10000", 1), ("50000", 1), ("200000", 2), ("250000", 3), ("700000", 7)]
)
def test_no_more_threads_than_the_limit_has_cores(quota: str, threads: int, tmp_path: Path) -> None:
    said: list[str] = []
    told = thread_variables({}, said.append, limited(tmp_path, quota))
    assert told == dict.fromkeys(VARIABLES, str(threads))
    (line,) = said
    assert line.startswith(f"this container may use {int(quota) / 100000:g} of 8 cores: computing")
    assert f" {threads} thread" in line


@pytest.mark.parametrize(("gpus", "threads"), [(2, 3), (4, 2), (8, 1)])
def test_processes_of_several_gpus_share_the_limit(gpus: int, threads: int, tmp_path: Path) -> None:
    said: list[str] = []
    told = thread_variables({}, said.append, limited(tmp_path, "600000"), gpus)
    assert told["OMP_NUM_THREADS"] == str(threads)
    assert "a GPU (set OMP_NUM_THREADS" in said[0]


@pytest.mark.parametrize("quota", ["max", "800000", "6400000"])
def test_where_nothing_is_limited_nothing_is_said(quota: str, tmp_path: Path) -> None:
    said: list[str] = []
    assert thread_variables({}, said.append, limited(tmp_path, quota)) == {}
    assert not said


def test_who_says_how_many_threads_is_not_overruled(tmp_path: Path) -> None:
    root = limited(tmp_path, "50000")
    assert thread_variables({"OMP_NUM_THREADS": "8"}, print, root) == {}


def test_a_system_without_control_groups_has_no_limit(tmp_path: Path) -> None:
    assert thread_variables({}, print, tmp_path) == {}
