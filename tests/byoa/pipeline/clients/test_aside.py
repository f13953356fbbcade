"""The user's clients in a process of their own."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from byoa.pipeline.clients.aside import Aside
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline.model import Dotted, Pipeline
from tests.byoa.s3_server import write_files

CLIENTS = """
import os, time
from pathlib import Path
from ploomber.clients import SQLAlchemyClient, LocalStorageClient

def database():
    return SQLAlchemyClient("sqlite:///data.db")

def store(folder="store"):
    print("made")
    return LocalStorageClient(folder)

class Odd:
    def upload(self, local):
        Path("began").touch()
        os._exit(3) if local == "die" else time.sleep(float(local))

def odd():
    return Odd()
"""


@pytest.fixture
def aside(tmp_path):
    write_files(tmp_path / "root", {"clients.py": CLIENTS.encode(), "a": b"1"})
    pipeline = Pipeline(name="p", root=str(tmp_path / "root"), tasks={})
    made = Aside(pipeline)
    yield made
    made.close()


def test_paths_are_the_roots_and_the_driver_stays_clean(aside, tmp_path):
    """A relative URL means what it means in a task, wherever the driver was started."""
    before, where = set(sys.modules), Path.cwd()
    assert aside.ask(Dotted("clients.database"), "there", "", "made").result(30) is False
    assert (tmp_path / "root/data.db").exists()
    aside.ask(Dotted("clients.store"), "upload", "a").result(30)
    assert (tmp_path / "root/store/a").read_bytes() == b"1"
    assert Path.cwd() == where
    assert "clients" not in set(sys.modules) - before


def test_answers_and_failures(aside, tmp_path):
    store = Dotted("clients.store", {"folder": "other"})
    with pytest.raises(NotFoundError, match="has no a"):
        aside.ask(store, "download", "a", "b").result(30)
    with pytest.raises(ByoaError, match="is not below"):
        aside.ask(store, "upload", "/etc/hostname").result(30)
    with pytest.raises(ByoaError, match="has no 'absent'"):
        aside.ask(Dotted("clients.absent"), "upload", "a").result(30)
    assert aside.ask(store, "tells").result(30) is True
    assert aside.ask(Dotted("clients.odd"), "tells").result(30) is False


def test_several_at_once(aside):
    begun = time.monotonic()
    sent = [aside.ask(Dotted("clients.odd"), "upload", "0.5") for _ in range(4)]
    assert [one.result(30) for one in sent] == [None] * 4
    assert time.monotonic() - begun < 30


def test_a_process_that_dies_is_told_and_the_next_question_starts_another(aside):
    open_ = [aside.ask(Dotted("clients.odd"), "upload", word) for word in ("60", "die")]
    for one in open_:
        with pytest.raises(ByoaError, match="process of the pipeline's clients ended"):
            one.result(30)
    aside.close()
    assert aside.ask(Dotted("clients.store"), "tells").result(30) is True


def test_closing_waits_for_nobody(aside, tmp_path):
    one = aside.ask(Dotted("clients.odd"), "upload", "600")
    end = time.monotonic() + 30
    while not (tmp_path / "root/began").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    process = aside._process
    aside.close()
    assert process.returncode == 0
    with pytest.raises(ByoaError, match="ended"):
        one.result(30)


def test_a_client_from_python_is_asked_in_this_process(aside, tmp_path):
    asked: list[int] = []

    class Own:
        def upload(self, local):
            asked.append(os.getpid())

    aside.ask(Dotted("", object=Own), "upload", "a").result(30)
    assert asked == [os.getpid()]
    assert aside._end is None, "no process was made"
