"""Deaths and ends: of a model process, of the HTTP tier, of the supervisor; drain on SIGTERM."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.container.serving.conftest import Serve
from tests.container.serving.serving_process import Serving, command_line, descendants, make_root


def sleep(serving: Serving, seconds: float):
    return serving.post(json.dumps({"do": "sleep", "seconds": seconds}).encode())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Load:
    """Clients that post one after the other, each a new connection, until told to stop."""

    def __init__(self, serving: Serving, clients: int, seconds: float) -> None:
        self.serving, self.seconds = serving, seconds
        self.outcomes: Counter[object] = Counter()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self) -> None:
        while not self.stop.is_set():
            try:
                self.outcomes[sleep(self.serving, self.seconds).status] += 1
            except ConnectionRefusedError:
                self.outcomes["refused"] += 1
                time.sleep(0.01)
            except OSError as error:
                self.outcomes[repr(error)] += 1

    def finish(self) -> Counter[object]:
        self.stop.set()
        for thread in self.threads:
            thread.join()
        return self.outcomes


def test_kill_9_of_a_model_process_under_load_loses_nothing(serve: Serve, front: str):
    serving = serve("told", front=front, SAGEMAKER_MODEL_SERVER_WORKERS="2").wait_ready()
    load = Load(serving, clients=6, seconds=0.03)
    for _ in range(3):
        time.sleep(0.5)
        victim = serving.model_pids()[0]
        os.kill(victim, signal.SIGKILL)
        assert serving.ping().status == 200, "one process is left, so the model is there"
    time.sleep(0.5)
    outcomes = load.finish()
    assert set(outcomes) == {200}, outcomes
    assert outcomes[200] > 60
    end = time.monotonic() + 10
    while len(serving.model_pids()) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert len(serving.model_pids()) == 2, "healed"
    assert victim not in serving.model_pids()


def test_kill_9_of_the_only_model_process(serve: Serve):
    serving = serve("told").wait_ready()
    load = Load(serving, clients=3, seconds=0.02)
    time.sleep(0.3)
    os.kill(serving.model_pids()[0], signal.SIGKILL)
    assert serving.wait_ping(503, 2).code == "restarting"
    serving.wait_ping(200, 10)
    assert set(load.finish()) == {200}, "waiting requests are answered by the successor"


def test_sigterm_under_load_answers_everything_accepted(serve: Serve, front: str):
    serving = serve("told", front=front).wait_ready()
    with ThreadPoolExecutor(20) as pool:
        accepted = [pool.submit(sleep, serving, 0.1) for _ in range(20)]
        time.sleep(0.4)  # all are in the queue now; 2 s of work
        start = time.monotonic()
        serving.terminate()
        assert serving.wait_end() == 0
        assert time.monotonic() - start < 25
        assert [future.result().status for future in accepted] == [200] * 20
    assert len(serving.access_log()) == 20


def test_sigterm_while_clients_keep_coming(serve: Serve, front: str):
    serving = serve("told", front=front).wait_ready()
    load = Load(serving, clients=4, seconds=0.02)
    time.sleep(0.5)
    serving.terminate()
    assert serving.wait_end() == 0
    outcomes = load.finish()
    assert outcomes.pop("refused")
    assert outcomes.pop(200)
    lost = sum(outcomes.values())
    assert lost <= 4, f"more than the kernel's own race of one a client: {outcomes}"


def test_ping_says_no_while_draining(serve: Serve):
    serving = serve("told").wait_ready()
    with serving.connect() as kept, ThreadPoolExecutor(1) as pool:
        kept.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept.recv(12) == b"HTTP/1.1 200"
        kept.recv(4096)
        long = pool.submit(sleep, serving, 1)
        time.sleep(0.2)
        serving.terminate()
        serving.wait_output("stopping")
        time.sleep(0.1)
        kept.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = kept.recv(4096)
        assert answer.startswith(b"HTTP/1.1 503") and b"draining" in answer
        assert long.result().status == 200
    assert serving.wait_end() == 0


def test_the_drain_ends_in_time_whatever_is_computed(serve: Serve, front: str):
    serving = serve("told", front=front, BYOA_DRAIN_SECONDS="1").wait_ready()
    pids = descendants(serving.process.pid)
    folder = serving.private_folder()
    assert folder.is_dir()
    with ThreadPoolExecutor(2) as pool:
        endless = pool.submit(sleep, serving, 1000)
        time.sleep(0.5)  # else the short one may come first, and be answered
        waiting = pool.submit(sleep, serving, 0)
        time.sleep(0.3)
        start = time.monotonic()
        serving.terminate()
        assert serving.wait_end() == 0
        assert time.monotonic() - start < 5
        for future in (endless, waiting):
            assert (future.result().status, future.result().code) == (503, "draining")
    assert not any(alive(pid) for pid in pids)
    assert not folder.exists()


def test_a_second_signal_hurries(serve: Serve):
    serving = serve("told").wait_ready()
    with ThreadPoolExecutor(1) as pool:
        endless = pool.submit(sleep, serving, 1000)
        time.sleep(0.3)
        serving.terminate()
        serving.wait_output("stopping")
        start = time.monotonic()
        serving.process.send_signal(signal.SIGINT)
        assert serving.wait_end() == 0
        assert time.monotonic() - start < 5
        assert endless.exception() or endless.result().status == 503


def test_nobody_reads_the_log(serve: Serve, tmp_path: Path):
    reader, writer = os.pipe()
    with Serving(make_root(tmp_path / "ml", "told"), {}, stdout=writer) as serving:
        os.close(writer)
        os.close(reader)
        serving.wait_ready()
        assert [sleep(serving, 0).status for _ in range(3)] == [200] * 3


def test_sigterm_while_loading(serve: Serve, front: str):
    serving = serve("slow_load", front=front, LOAD_SECONDS="1000")
    serving.wait_ping(503)
    start = time.monotonic()
    serving.terminate()
    assert serving.wait_end() == 0
    assert time.monotonic() - start < 5


def test_sigterm_at_any_moment_of_the_start(serve: Serve, front: str):
    statuses = set()
    for delay in (0.02, 0.06, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
        if delay > 0.4 and 0 in statuses:
            break  # only a busy machine has not started Python by then
        serving = serve("told", front=front)
        time.sleep(delay)
        serving.terminate()
        statuses.add(serving.wait_end(10))
    assert statuses <= {0, -signal.SIGTERM}, "-15: before Python had started"
    assert 0 in statuses


@pytest.mark.parametrize("part", ["nginx: master", "container.serving.gateway"])
def test_the_container_ends_when_the_http_tier_does(serve: Serve, part: str):
    serving = serve("told", front="nginx").wait_ready()
    pids = descendants(serving.process.pid)
    os.kill(serving.pids(part)[0], signal.SIGKILL)
    assert serving.wait_end(10) == 137
    assert "ended (137): ending the container" in serving.output()
    assert not any(alive(pid) for pid in pids)


def test_a_gunicorn_worker_that_dies_is_replaced(serve: Serve, front: str):
    serving = serve("told", front=front, SAGEMAKER_MODEL_SERVER_WORKERS="2").wait_ready()
    master, worker = serving.pids("container.serving.gateway")
    assert worker in descendants(master)
    models = serving.model_pids()
    os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + 10
    while worker in serving.pids("container.serving.gateway") and time.monotonic() < end:
        time.sleep(0.01)
    serving.wait_ping(200)
    assert sleep(serving, 0).status == 200
    assert serving.model_pids() == models, "the models stay loaded and check in again"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_nothing_survives_the_supervisor(serve: Serve, front: str, number: signal.Signals):
    serving = serve("told", front=front, SAGEMAKER_MODEL_SERVER_WORKERS="2").wait_ready()
    pids = descendants(serving.process.pid)
    assert len(pids) >= 4
    folder = serving.private_folder()
    serving.process.send_signal(number)
    serving.wait_end()
    end = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert [command_line(pid) for pid in pids if alive(pid)] == []
    shutil.rmtree(folder)  # the one thing that nobody was left to do


def test_a_temporary_folder_that_is_too_deep_for_a_socket(serve: Serve, front: str, tmp_path: Path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    serving = serve("told", front=front, TMPDIR=str(deep)).wait_ready()
    assert sleep(serving, 0).status == 200


def test_what_a_predictor_started_ends_with_it(serve: Serve):
    serving = serve("breeds").wait_ready()
    child, daemon = serving.post().json
    assert alive(child) and alive(daemon)
    serving.terminate()
    assert serving.wait_end() == 0
    assert not alive(child) and not alive(daemon)


@pytest.mark.slow
def test_many_kills_are_no_reason_to_end(serve: Serve, front: str):
    """Whenever they come, while it loads, too: only a model that cannot be loaded ends it."""
    serving = serve("told", front=front, SAGEMAKER_MODEL_SERVER_WORKERS="3").wait_ready()
    load = Load(serving, clients=6, seconds=0.03)
    randomly = random.Random(0)
    for _ in range(25):
        time.sleep(randomly.random() * 0.6)
        pids = serving.model_pids()
        if pids:
            os.kill(randomly.choice(pids), signal.SIGKILL)
    serving.wait_ping(200, 40)
    outcomes = load.finish()
    # 500: killed twice with the same request. Nothing hangs, nothing is refused.
    assert set(outcomes) <= {200, 500}, outcomes
    assert outcomes[200] > 20 * outcomes[500]


@pytest.mark.slow
def test_a_model_that_fails_to_load_again_and_again_ends_the_container(
    serve: Serve, tmp_path: Path
):
    mark = tmp_path / "mark"
    serving = serve("loads_once", MARK=str(mark)).wait_ready()
    os.kill(serving.model_pids()[0], signal.SIGKILL)
    assert serving.wait_end(40) == 9
    assert serving.output().count("model_fn in") == 5
    assert "could not load the model (exit status 9): ending" in serving.output()
