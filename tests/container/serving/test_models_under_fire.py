"""Models come and go while others are asked: memory, deaths, waits, and who is not disturbed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from container.serving.protocol import BROKER_GONE
from tests.container.serving.many_models import Many
from tests.container.serving.serving_process import Reply

MIB = 1 << 20


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    """A container with room for about three models of 40 MiB."""
    environ = {"BYOA_MODELS_MEMORY_MB": "160", "BYOA_DRAIN_SECONDS": "2"}
    with Many(tmp_path_factory.mktemp("fire"), environ) as made:
        yield made


@pytest.fixture(autouse=True)
def empty(many: Many) -> Iterator[None]:
    """No test leaves a model."""
    yield
    for one in many.listed():
        assert many.unload(one["modelName"]).status in (200, 404)


def processes(many: Many) -> dict[int, int]:
    """pid -> resident bytes of all below `serve`."""
    found, ahead = {}, [many.serving.process.pid]
    while ahead:
        pid = ahead.pop()
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
        except OSError:
            continue
        found[pid] = (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")
        ahead += map(int, children)
    return found


def in_background(call: Callable[[], Reply]) -> Callable[[], Reply]:
    """Starts a request; what is given waits for its reply."""
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(call()))
    thread.start()

    def reply() -> Reply:
        thread.join(60)
        return replies[0]

    return reply


def until(what: Callable[[], bool], many: Many) -> None:
    end = time.monotonic() + 30
    while not what():
        assert time.monotonic() < end, many.serving.output()
        time.sleep(0.01)


def test_507_comes_before_the_memory_is_gone_and_unloading_frees_it(many: Many) -> None:
    before = sum(processes(many).values())
    url = many.put("big", 2, mib=40)
    loaded = []
    for number in range(5):
        reply = many.load(f"big-{number}", url)
        if reply.status == 507:
            assert reply.code == "no_memory" and "160 MiB" in reply.json["error"]["message"]
            break
        loaded.append(f"big-{number}")
    assert len(loaded) == 3
    assert sum(processes(many).values()) - before > 110 * MIB
    assert many.unload(loaded[0]).status == 200
    left = sum(processes(many).values()) - before
    assert 70 * MIB < left < 110 * MIB
    assert many.load("again", url).status == 200
    assert many.invoke(loaded[1]).json["answer"] == 42


def test_a_model_that_needs_more_than_there_is_gets_507_and_nobody_dies(many: Many) -> None:
    assert many.load("small", many.put("small", 2)).status == 200
    reply = many.load("huge", many.put("huge", 2, mib=400))
    assert (reply.status, reply.code) == (507, "no_memory")
    assert many.get("huge").status == 404
    assert many.invoke("small").json["answer"] == 42


def test_a_model_is_asked_while_it_is_loaded_and_loaded_twice_at_once(many: Many) -> None:
    url = many.put("slow", 2, pause_at_load=0.5)
    with ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(many.load, "slow", url) for _ in range(2)]
        until(lambda: many.get("slow").status == 200, many)
        assert many.invoke("slow").json["answer"] == 42
        assert sorted(load.result().status for load in loads) == [200, 409]


def test_loading_does_not_delay_the_requests_of_others(many: Many) -> None:
    """However busy the machine is: who waited for the load would answer two or three meanwhile."""
    assert many.load("quick", many.put("quick", 2)).status == 200
    url = many.put("slow", 2, pause_at_load=2)
    with ThreadPoolExecutor(1) as pool:
        load = pool.submit(many.load, "slow", url)
        replies = [many.invoke("quick")]
        while not load.done():
            replies.append(many.invoke("quick"))
    assert load.result().status == 200
    assert {reply.status for reply in replies} == {200} and len(replies) > 10


def test_unloading_waits_for_what_runs_and_tells_what_is_left(many: Many) -> None:
    assert many.load("busy", many.put("busy", 2, pause=0.7)).status == 200
    running = in_background(lambda: many.invoke("busy"))
    until(lambda: many.serving.request("GET", "/metrics").body.find(b"in_progress 1.0") > 0, many)
    assert many.unload("busy").status == 200
    assert running().json["answer"] == 42
    assert many.load("endless", many.put("endless", 2, pause=30)).status == 200
    running = in_background(lambda: many.invoke("endless"))
    until(lambda: many.serving.request("GET", "/metrics").body.find(b"in_progress 1.0") > 0, many)
    assert many.unload("endless").status == 200
    assert (running().status, running().code) == (503, "unloaded")


def test_a_model_that_is_unloaded_while_it_is_loaded(many: Many) -> None:
    url = many.put("slow", 2, pause_at_load=20)
    load = in_background(lambda: many.load("slow", url))
    until(lambda: many.get("slow").status == 200, many)
    assert many.unload("slow").status == 200
    assert (load().status, load().code) == (409, "unloaded")
    assert many.get("slow").status == 404


def test_a_model_whose_process_dies_is_loaded_again_and_others_go_on(many: Many) -> None:
    for name in ("one", "two"):
        assert many.load(name, many.put(name, 2)).status == 200
    reply = many.invoke("one", b"die")
    assert (reply.status, reply.code) == (500, "model_process_died")
    assert many.invoke("one").json["answer"] == many.invoke("two").json["answer"] == 42


def test_a_model_that_died_and_cannot_be_loaded_again_is_dropped(many: Many) -> None:
    assert many.load("gone", many.put("gone", 2)).status == 200
    (many.folder / "models/gone/model/model.json").unlink()
    many.invoke("gone", b"die")
    until(lambda: many.get("gone").status == 404, many)
    assert "dropped" in many.serving.output()
    assert many.load("gone", many.put("gone", 3)).status == 200
    assert many.invoke("gone").json["answer"] == 63


def test_the_zygotes_death_costs_no_model(many: Many) -> None:
    for name in ("one", "two"):
        assert many.load(name, many.put(name, 2)).status == 200
    zygote = zygote_of(many)
    os.kill(zygote, signal.SIGKILL)
    assert many.invoke("one").json["answer"] == many.invoke("two").json["answer"] == 42
    assert many.load("three", many.put("three", 2)).status == 200
    assert zygote_of(many) != zygote


def zygote_of(many: Many) -> int:
    (found,) = (
        pid
        for pid in processes(many)
        if b"container.serving.zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()
        and parent(pid) == many.serving.process.pid
    )
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_many_load_and_unload_and_ask_at_once(many: Many) -> None:
    """Twelve threads for a while: every answer is one that the contract knows, and right."""
    urls = {f"m{number}": many.put(f"m{number}", number) for number in range(6)}
    end = time.monotonic() + 2

    def work(seed: int) -> set[int]:
        seen = set()
        for count in range(seed, 100_000):
            if time.monotonic() > end:
                break
            name = f"m{(seed + count // 3) % 6}"
            if count % 7 == 0:
                seen.add(many.unload(name).status)
            elif count % 3 == 0:
                seen.add(many.load(name, urls[name]).status)
            else:
                reply = many.invoke(name)
                assert reply.status != 200 or reply.json["answer"] == 21 * int(name[1:])
                seen.add(reply.status)
        return seen

    with ThreadPoolExecutor(12) as pool:
        seen = set().union(*pool.map(work, range(12)))
    assert {200, 404, 409} <= seen <= {200, 404, 409, 503}, many.serving.output()
    for name, url in urls.items():
        assert many.load(name, url).status in (200, 409)
        assert many.invoke(name).json["answer"] == 21 * int(name[1:])


def test_lru_unloads_the_one_that_nobody_asked_longest(tmp_path: Path) -> None:
    environ = {"BYOA_MODELS_MEMORY_MB": "100", "BYOA_MODELS_EVICT": "lru"}
    with Many(tmp_path / "lru", environ) as many:
        url = many.put("big", 2, mib=40)
        for name in ("one", "two"):
            assert many.load(name, url).status == 200
        assert many.invoke("one").status == 200  # so two is the oldest
        assert many.load("three", url).status == 200
        assert sorted(one["modelName"] for one in many.listed()) == ["one", "three"]
        assert many.invoke("two").code == "not_loaded"


def test_without_what_knew_the_models_the_container_ends(tmp_path: Path):
    """gunicorn starts another worker, for which model 1 would be whichever is loaded next."""
    with Many(tmp_path / "ml", {"BYOA_DRAIN_SECONDS": "2"}) as many:
        assert many.load("berlin", many.put("berlin", 2)).status == 200
        worker = many.serving.pids("container.serving.gateway")[-1]
        below = processes(many)
        os.kill(worker, signal.SIGKILL)
        assert many.serving.wait_end(20) == BROKER_GONE
        assert "the HTTP worker died" in many.serving.output()
        end = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in below) and time.monotonic() < end:
            time.sleep(0.01)
        assert not [pid for pid in below if Path(f"/proc/{pid}").exists()]


def test_a_stop_is_told_as_nothing_else(tmp_path: Path):
    with Many(tmp_path / "many") as many:
        many.serving.process.terminate()
        assert many.serving.wait_end() == 0
        assert "died" not in many.serving.output()
