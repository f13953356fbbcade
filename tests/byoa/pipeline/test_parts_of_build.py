"""What builds are made of: room for tasks, shared imports, runs on disk, logs, large products."""

from __future__ import annotations

import io
import json
import os
import threading
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.pipeline import hashes
from byoa.pipeline.imported import shared_imports
from byoa.pipeline.lock import alone
from byoa.pipeline.logs import ended, follow, log_of
from byoa.pipeline.outcome import still_true
from byoa.pipeline.runs import Run, new_id, newest_first, prune
from byoa.pipeline.slots import Slots, gpus_of
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline.model import SINGLE, Limits, Product, Source, Task
from tests.byoa.pipeline.made import Project, became


def task(name: str = "t", **limits) -> Task:
    return Task(
        name=name,
        kind="function",
        source=Source(dotted="m.f"),
        products={SINGLE: Product("out")},
        limits=Limits(**limits),
    )


def test_slots_are_cores_and_gpus():
    slots = Slots(2, gpus=["0", "1"])
    big, small, waits = task("big", cpus=8), task("small"), task("waits", cpus=0)
    assert slots.fits(big), "a task larger than the room takes all of it"
    slots.take(big)
    assert not slots.fits(small) and slots.fits(waits) and slots.free == 0
    slots.give(big)
    half = [task(f"h{number}", cpus=0.5, gpus=1) for number in range(3)]
    for one in half[:2]:
        assert slots.fits(one)
        slots.take(one)
    assert [slots.devices(one) for one in half[:2]] == ["0", "1"]
    assert not slots.fits(half[2]) and slots.fits(small)
    slots.give(half[0])
    slots.take(half[2])
    assert slots.devices(half[2]) == "0"


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(0, 5)), max_size=20), st.data())
def test_room_is_never_lost(wanted: list[tuple[float, int]], data: st.DataObject):
    slots, taken = Slots(4, gpus=["0", "1", "2"]), list[Task]()
    for number, (cpus, gpus) in enumerate(wanted):
        one = task(f"t{number}", cpus=cpus, gpus=gpus)
        if slots.fits(one):
            slots.take(one)
            taken.append(one)
        if taken and number % 3 == 0:
            slots.give(taken.pop(data.draw(st.integers(0, len(taken) - 1))))
        assert slots.free > -1e-6
    for one in taken:
        slots.give(one)
    assert slots.free == pytest.approx(4) and sorted(slots.gpus) == ["0", "1", "2"]


def test_gpus_are_counted(tmp_path: Path):
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert gpus_of({}, tmp_path) == ["0", "1"]
    assert gpus_of({"CUDA_VISIBLE_DEVICES": "2, GPU-ab"}, tmp_path) == ["2", "GPU-ab"]
    assert gpus_of({"CUDA_VISIBLE_DEVICES": "-1"}, tmp_path) == []


def test_shared_imports_are_found_through_the_users_modules(tmp_path: Path):
    project = Project(
        tmp_path,
        """
        import json
        import pandas as pd
        from package import inner, thing
        from package.deep import x
        try:
            import lightgbm.sklearn
        except ImportError:
            pass
        def f(product):
            import torch
        """,
    )
    (tmp_path / "package").mkdir()
    project.write("from . import other", "package/__init__.py")
    project.write("from .other import y", "package/inner.py")
    project.write("import numpy.linalg\nfrom package import inner", "package/other.py")
    project.write("def broken(:", "package/deep.py")
    project.write("import sklearn", "alone.py")
    for name in ("a", "b"):
        project.task(name, "f")
    project.task("c", source=Source(dotted="alone.g"))
    project.task("d", source=Source(dotted="missing.module.f"))
    project.task("e", source=Source(dotted="missing.module.f"))
    found = shared_imports(project.pipeline, list(project.tasks.values()))
    assert found == ["lightgbm.sklearn", "missing.module", "numpy.linalg", "pandas"]


def test_ids_sort_by_time_and_old_runs_go_unless_a_record_names_them(tmp_path: Path):
    project = Project(tmp_path)
    ids = [new_id(datetime(2026, 1, 1, 0, 0, second, tzinfo=timezone.utc)) for second in range(6)]
    assert ids == sorted(ids)
    for one in ids:
        run = Run(project.pipeline, id_=one)
        run.begin(1, {})
        run.close()
    removed = prune(project.pipeline, {ids[0]}, keep=2)
    assert [path.name for path in removed] == [ids[3], ids[2], ids[1]]
    assert [path.name for path in newest_first(project.pipeline)] == [ids[5], ids[4], ids[0]]


def test_a_log_is_followed_to_the_tasks_end(tmp_path: Path):
    project = Project(tmp_path)
    project.task("t/1")
    run = Run(project.pipeline)
    with alone(project.home):
        run.begin(1, {})
        with pytest.raises(NotFoundError, match="t/1 has printed nothing"):
            log_of(project.pipeline, "t/1")
        log = run.log("t/1")
        assert log.parent.name == "logs", "a task's name is one file's name"
        log.touch()
        assert log_of(project.pipeline, "t/1", running=True) == log
        out, steps = io.BytesIO(), iter(range(9))

        def sleep(_: float) -> None:
            step = next(steps)
            with log.open("a") as file:
                file.write(f"{step}\n")
            end = {"event": "task-end", "task": "t/1"}
            run.write([{**end, "retry": True}] * (step == 0) + [end] * (step == 2))

        follow(log, "t/1", out, sleep=sleep)
        assert out.getvalue() == b"0\n1\n2\n"
    run.write([{"event": "task-start", "task": "t/1"}])
    assert ended(run.folder, "t/1"), "nobody holds the lock: its driver is gone"
    run.close()


def test_large_products_are_hashed_by_their_task(tmp_path: Path):
    project = Project(
        tmp_path,
        f"""
        def big(product):
            product["file"].write_bytes(b"x" * {hashes.BIG})
            product["folder"].mkdir()
            (product["folder"] / "in").write_text("1")
            product["small"].write_text("1")
        """,
    )
    project.task("big", makes={key: f"out/{key}" for key in ("file", "folder", "small")})
    assert became(project.build()) == {"big": "done"}
    record = json.loads((project.home / "records/big.json").read_text())
    for key in ("file", "folder", "small"):
        assert record["products"][key]["digest"] == hashes.content(project.root / "out" / key)
    assert became(project.build()) == {"big": "kept"}


def test_a_digest_is_not_believed_when_the_file_changed_since(tmp_path: Path):
    one = task()
    (tmp_path / "out").write_text("1")
    stamp = hashes.stamped(tmp_path / "out")
    assert stamp
    assert still_true({SINGLE: ("d", list(stamp))}, one, tmp_path) == {SINGLE: "d"}
    (tmp_path / "out").write_text("22")
    assert still_true({SINGLE: ("d", list(stamp))}, one, tmp_path) == {}


def test_the_lock_is_given_back_by_the_kernel(tmp_path: Path):
    """A process that is killed with the lock does not block anybody."""
    pid = os.fork()
    if pid == 0:
        with alone(tmp_path):
            os._exit(9)
    os.waitpid(pid, 0)
    with alone(tmp_path, wait=False):
        threading.Event()
