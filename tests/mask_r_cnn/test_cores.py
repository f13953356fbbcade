"""How many threads a job and a model process compute with."""

from __future__ import annotations

import os

import pytest

from cores import compute_threads, cores


@pytest.mark.parametrize(("said", "threads"), [("1", 1), ("7", 7)])
def test_who_says_how_many_threads_gets_them(
    said: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert compute_threads() == compute_threads(processes=4) == threads


@pytest.mark.parametrize("said", ["", "0", "many", "4,2"])
def test_else_the_cores_are_shared_out(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert compute_threads() == cores() == len(os.sched_getaffinity(0))
    assert compute_threads(processes=10_000) == 1


def test_a_system_that_cannot_say_which_cores_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity")
    assert cores() == os.cpu_count()
