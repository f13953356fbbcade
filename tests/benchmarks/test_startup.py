"""The start-up benchmark starts a real `serve`, and tells the container's part apart."""

import os
import time
from pathlib import Path

import pytest

import startup
from _servers import free_port


def test_a_start_is_timed_to_the_first_200(tmp_path: Path):
    roots = startup.make_models(tmp_path, ())
    start = startup.started(roots[startup.NOTHING], "without torch")
    assert 0 < start.ready < 60 and start.container == 0


def test_rows_have_medians():
    starts = [startup.Start(3.0, 0.5), startup.Start(1.0, 0.4), startup.Start(2.0, 0.3)]
    (row,) = startup.summarise({("torch", "small"): starts}, {"small": 86.1})
    assert (row["seconds"], row["container_seconds"], row["model_mb"]) == (2.0, 0.4, 86)


def test_when_a_process_was_born():
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert 0 < startup.born(1) <= startup.born(os.getpid()) <= now


def test_who_never_gets_ready_is_told():
    with pytest.raises(SystemExit, match="did not say 200"):
        startup.wait(free_port(), 0.05)
