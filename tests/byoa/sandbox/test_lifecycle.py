"""up, twice up, down; after a kill; with the port taken; and the verb that shows it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from byoa.plan.errors import UsageError
from byoa.sandbox import lifecycle, sweep
from byoa.sandbox import state as states
from tests.byoa.conftest import Byoa


def wait_until(true: object, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_life(tmp_path: Path):
    folder = tmp_path / "sandbox"
    first, new = lifecycle.up(folder)
    try:
        assert new
        assert lifecycle.up(folder) == (first, False)
        assert states.running(folder) == first
        with pytest.raises(UsageError, match=f"already runs on port {first.port}"):
            lifecycle.up(folder, port=1)
        mode = stat.S_IMODE((folder / "state.json").stat().st_mode)
        assert mode == 0o600, "the key lets one run programs: for its owner alone"
        for damaged in ("", '{"pid": 12', None):  # a full disk, a crash, a tidy user
            (folder / "state.json").write_text(damaged or "")
            if damaged is None:
                (folder / "state.json").unlink()
            assert states.running(folder) == first
    finally:
        stopped = lifecycle.down(folder)
    assert stopped == [f"stopped server on port {first.port}"]
    assert states.running(folder) is None
    assert sweep.processes(f"{sweep.MARK}={first.token}") == {}
    with pytest.raises(OSError):
        urllib.request.urlopen(first.url, timeout=1)
    assert lifecycle.down(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["alive", "log"]


@pytest.mark.slow
def test_after_kill_9_the_next_up_sweeps_what_was_left(tmp_path: Path):
    folder = tmp_path / "sandbox"
    first, _ = lifecycle.up(folder)
    os.kill(first.pid, signal.SIGKILL)
    wait_until(lambda: not states.alive(folder))
    left = subprocess.Popen(
        ["sleep", "600"], env={sweep.MARK: first.token, "PATH": os.environ["PATH"]}
    )
    try:
        assert states.running(folder) is None
        second, new = lifecycle.up(folder)
        assert new and second.token != first.token
        assert left.wait(timeout=5) == -signal.SIGTERM
    finally:
        left.kill()
        left.wait()
        lifecycle.down(folder)


@pytest.mark.slow
def test_two_ups_at_once_start_one(tmp_path: Path):
    folder = tmp_path / "sandbox"
    found: list[tuple[states.State, bool]] = []
    threads = [
        threading.Thread(target=lambda: found.append(lifecycle.up(folder))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    try:
        assert len(found) == 3
        assert {state.pid for state, _ in found} == {states.running(folder).pid}  # type: ignore[union-attr]
        assert [new for _, new in found].count(True) == 1
    finally:
        lifecycle.down(folder)


def test_a_taken_port_is_a_sentence(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} cannot be used"):
            lifecycle.up(tmp_path / "sandbox", port=port)
    with pytest.raises(UsageError, match="Port 99999999 cannot be used"):
        lifecycle.up(tmp_path / "sandbox", port=99999999)


def test_a_stranger_on_the_port_is_not_taken_for_ours(tmp_path: Path):
    state = states.State(1, 9, "us-east-1", "k", "s", "t", str(tmp_path))
    assert not lifecycle.answers(state)


def test_state_that_nobody_can_read_is_no_state(tmp_path: Path):
    assert states.read(tmp_path) is None
    for text in ("", "{", "[]", '{"pid": 1}', "null"):
        (tmp_path / "state.json").write_text(text)
        assert states.read(tmp_path) is None
        assert states.running(tmp_path) is None


@pytest.mark.slow
def test_the_verb(byoa: Byoa, home: Path):
    assert byoa("sandbox", "status").code == 1
    assert "byoa sandbox up" in byoa("sandbox", "env").err
    up = byoa("sandbox", "up", "--json", "--region", "eu-west-1")
    try:
        assert up.code == 0, up.err
        assert up.json["url"].startswith("http://127.0.0.1:")
        assert "up already" in byoa("sandbox", "up").err
        shell = byoa("sandbox", "env").out
        assert f"export AWS_ENDPOINT_URL={up.json['url']}" in shell
        assert "export AWS_REGION=eu-west-1" in shell
        assert "unset AWS_PROFILE" in shell
        assert byoa("sandbox", "env", "--json").json["AWS_ENDPOINT_URL"] == up.json["url"]
        assert "set -gx AWS_REGION eu-west-1;" in byoa("sandbox", "env", "--shell", "fish").out
        assert byoa("sandbox", "status", "--json").json == up.json
    finally:
        down = byoa("sandbox", "down")
    assert down.code == 0 and "stopped server" in down.err
    assert "No sandbox was up" in byoa("sandbox", "down").err
    assert byoa("sandbox", "fly").code == 2


def test_the_home_is_where_byoa_home_says(tmp_path: Path):
    assert states.home({"BYOA_HOME": str(tmp_path)}) == tmp_path / "sandbox"
    assert states.home({}) == Path.home() / ".byoa" / "sandbox"
