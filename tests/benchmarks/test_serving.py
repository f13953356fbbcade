"""The serving benchmarks' tools: load by wrk and by gevent, a predictor of known work, quotas."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import _groups
import _load
import _servers
import _spin
import serving_overhead

BENCHMARKS = Path(_load.__file__).parent


def test_a_picture_has_about_the_size_that_was_asked_for():
    data = _load.picture(100_000)
    assert data[:3] == b"\xff\xd8\xff" and 95_000 < len(data) < 115_000


@pytest.mark.parametrize("wrk", [True, False])
def test_load_on_the_real_server(wrk: bool, monkeypatch: pytest.MonkeyPatch):
    if wrk and not shutil.which("wrk"):
        pytest.skip("wrk is not on PATH")
    if not wrk:
        monkeypatch.setattr("shutil.which", lambda name: None)
    with _servers.ours(SAGEMAKER_MODEL_SERVER_WORKERS="1", BYOA_NGINX="false") as server:
        load = _load.post(server.port, server.path, b"x" * 1000, 2, 1)
        wrong = _load.post(server.port, "/nowhere", b"x", 1, 1)
        _servers.until_idle(server)
    assert load.errors == 0 and load.rate > 20 and 0 < load.p50 <= load.p99
    assert wrong.errors > 0


def test_the_predictor_takes_about_its_time():
    names: dict[str, object] = {}
    exec(_spin.predictor(20), names)  # noqa: S102 - our own text
    work = names["transform_fn"]
    assert callable(work)
    took = []
    for _ in range(5):
        began = time.process_time()
        work(None, b"", "", "")
        took.append(time.process_time() - began)
    assert 0.01 < min(took) < 0.06
    with _spin.alone(_spin.predictor(1) + _spin.CALL, 2) as loop:
        assert loop.rate(0.2) > 20


@pytest.mark.skipif(os.geteuid() != 0, reason="control groups are root's")
def test_a_quota_is_one(monkeypatch: pytest.MonkeyPatch):
    with _groups.cores(0.5) as prefix:
        if not prefix:
            pytest.skip("control groups are read-only here")
        code = "from container.serving.resources import measure; print(measure({}).cores)"
        command = [*prefix, sys.executable, "-c", code]
        said = subprocess.run(command, cwd=BENCHMARKS.parent, capture_output=True, text=True)
        assert said.stdout == "0.5\n", said.stderr


def test_ratios_are_medians_of_pairs():
    def loads(*rates: float) -> list[_load.Load]:
        return [_load.Load(1.0, 2.0, rate, 1) for rate in rates]

    found = {"serve": {8: loads(30, 8, 90)}, "LitServe": {8: loads(10, 4, 15)}}
    facts = serving_overhead.summarise(found)["serve"]["8"]
    assert facts == {"p50": 1.0, "p99": 2.0, "rate": 30.0, "errors": 3, "times LitServe": 3.0}
