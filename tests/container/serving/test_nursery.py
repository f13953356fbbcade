"""Model processes of a predictor with preload_fn are forked from one that has called it."""

from __future__ import annotations

import os
import re
import select
import signal
import time

import pytest

from tests.container.serving.conftest import Serve
from tests.container.serving.serving_process import Serving

TWO = {"SAGEMAKER_MODEL_SERVER_WORKERS": "2", "BYOA_MODEL_THREADS": "1"}


def loads(serving: Serving) -> list[tuple[int, int]]:
    """Where each model process was imported, and which it is."""
    found = re.findall(r"imported in (\d+), loaded in (\d+)", serving.output())
    return [(int(imported), int(loaded)) for imported, loaded in found]


def test_they_are_imported_once_and_then_the_supervisors_own(serve: Serve):
    serving = serve("shares", MODE="", **TWO).wait_ready()
    (first, one), (second, other) = loads(serving)
    assert first == second and first not in (one, other)
    assert sorted(serving.model_pids()) == sorted([one, other]), "the one that forked is gone"
    assert int(serving.post().body) == first

    os.kill(one, signal.SIGKILL)
    serving.wait_output("died (killed")
    end = time.monotonic() + 30
    while len(loads(serving)) < 3:
        assert time.monotonic() < end, serving.output()
        time.sleep(0.02)
    imported, alone = loads(serving)[2]
    assert imported == alone, "a successor needs nobody to share with"

    watched = [os.pidfd_open(pid) for pid in (other, alone)]
    serving.process.kill()
    for descriptor in watched:
        assert select.select([descriptor], [], [], 20)[0], "it outlives its supervisor"
        os.close(descriptor)


@pytest.mark.parametrize("mode", ["raises", "exits", "dies", "threads"])
def test_each_loads_for_itself_where_nothing_can_be_shared(serve: Serve, mode: str):
    serving = serve("shares", MODE=mode, **TWO).wait_ready()
    assert [imported for imported, _ in loads(serving)] == [pid for _, pid in loads(serving)]
    assert ("starts threads" in serving.output()) == (mode == "threads"), serving.output()
    assert len(serving.model_pids()) == 2


def test_a_model_that_cannot_be_loaded_ends_it_as_ever(serve: Serve):
    serving = serve("shares", MODE="", BAD_MODEL="1", **TWO)
    assert serving.wait_end() == 1
    assert "failed: ValueError: a bad model" in serving.output()
    assert re.search(r"process [01] could not load the model \(exit status 1\)", serving.output())


def test_sigterm_while_it_is_imported_ends_it(serve: Serve):
    serving = serve("shares", MODE="hangs", **TWO)
    serving.wait_ping(503)
    serving.terminate()
    assert serving.wait_end() == 0
