from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from byoa.local.folder_storage import FolderStorage
from byoa.plan.errors import ByoaError
from byoa.plan.layout import ProjectPlace, TaskPlace
from byoa.record import Run, claim, decide, hidden, latest, shown

PARTS = {"code": {"train.py": "abc"}, "parameters": {"lr": "0.1"}, "image": "sha256:1"}
LAST = Run(number=3, job="first-1", fingerprint=PARTS)


@pytest.mark.parametrize(
    ("last", "status", "fingerprint", "force", "action", "why"),
    [
        (None, "", PARTS, "", "new", "not run yet"),
        (LAST, "Completed", PARTS, "", "skip", "complete"),
        (LAST, "InProgress", PARTS, "", "join", "already at it"),
        (LAST, "", PARTS, "", "create", "never begun"),
        (LAST, "Failed", PARTS, "", "new", "first-1 is Failed"),
        (LAST, "Stopped", PARTS, "", "new", "first-1 is Stopped"),
        (LAST, "Stopping", PARTS, "", "new", "first-1 is Stopping"),
        (LAST, "Completed", PARTS, "forced", "new", "forced"),
        (LAST, "Completed", {**PARTS, "image": "sha256:2"}, "", "new", "image changed"),
        (LAST, "InProgress", {**PARTS, "parameters": {"lr": "0.2"}}, "", "new", "lr: 0.1 → 0.2"),
        (LAST, "Completed", {**PARTS, "code": {"train.py": "x"}}, "", "new", "train.py changed"),
    ],
)
def test_what_is_done_about_a_task(
    last: Run | None, status: str, fingerprint: Any, force: str, action: str, why: str
):
    decision = decide(last, status, fingerprint, force)
    assert decision.action == action
    assert why in decision.why


def task(folder: Path) -> tuple[FolderStorage, TaskPlace]:
    storage = FolderStorage(folder)
    return storage, ProjectPlace(storage.base, "demo").task("first")


@pytest.mark.parametrize("left", ["", "{", '{"number": 1', "[]", '{"strange": 1}'])
def test_a_run_that_a_crash_cut_short_is_told_in_a_sentence(tmp_path: Path, left: str):
    storage, place = task(tmp_path)
    storage.write(place.run(1), left.encode())
    with pytest.raises(ByoaError, match=r"000001\.json is damaged .* Delete that file"):
        latest(storage, place)


def test_the_last_run_is_the_one_of_the_highest_number(tmp_path: Path):
    storage, place = task(tmp_path)
    assert latest(storage, place) is None
    for number in (1, 2, 10):
        assert claim(storage, place, Run(number=number, job=f"first-{number}"))
    assert latest(storage, place) == Run(number=10, job="first-10")


def test_a_run_is_claimed_once(tmp_path: Path):
    storage, place = task(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: claim(storage, place, Run(number=1, job=f"j{n}")), range(40)))
    assert won.count(True) == 1
    found = latest(storage, place)
    assert found is not None
    assert found.job == f"j{won.index(True)}"


def test_what_may_be_a_secret_is_kept_as_a_hash():
    assert "s3cret" not in hidden("s3cret")
    assert hidden("a") != hidden("b")
    assert shown("0.1") == "0.1"
    assert shown("x" * 5000).startswith("sha256:")
