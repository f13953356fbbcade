"""What /metrics says, read by prometheus_client's own parser."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from container.serving.broker import Broker
from container.serving.invocations import Invocations
from container.serving.lanes import Limits
from container.serving.metrics import SECONDS, Histogram, Metrics
from container.serving.metrics_page import page
from container.serving.settings import Settings
from tests.container.serving.conftest import HAS_NGINX, Serve
from tests.container.serving.many_models import Many
from tests.container.serving.serving_process import Reply, Serving

LIMITS = Limits(
    queue_size=4, queue_bytes=1000, max_batch=1, batch_delay=0.0, processes=1, stuck=30.0
)
#: prometheus_client's own choice of a form raises for the first of them.
ODD = ("application/openmetrics-text;version=x", "application/openmetrics-text;q=,*/*", ",;=")
OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


class Scrape:
    """The samples of one answer, by name and labels."""

    def __init__(self, reply: Reply) -> None:
        assert reply.status == 200, reply
        self.families = list(text_string_to_metric_families(reply.body.decode()))
        self.samples = {
            (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
            for family in self.families
            for sample in family.samples
        }
        assert len(self.samples) == sum(len(family.samples) for family in self.families)

    def __getitem__(self, key: str | tuple[str, ...]) -> float:
        return self.samples[key if isinstance(key, tuple) else (key,)]


def scrape(serving: Serving) -> Scrape:
    return Scrape(serving.request("GET", "/metrics"))


def sleep(serving: Serving, seconds: float) -> Reply:
    return serving.post(json.dumps({"do": "sleep", "seconds": seconds}).encode())


def test_what_was_asked_is_counted(serve: Serve, front: str):
    serving = serve("told", front=front).wait_ready()
    before = scrape(serving)
    assert before["byoa_ready"] == 1
    assert before["byoa_requests_total", "200"] == 0
    replies = [sleep(serving, 0.06) for _ in range(3)]
    replies.append(serving.post(b"no json"))
    replies.append(serving.post(headers={"X-Amzn-SageMaker-Session-Id": "NEW_SESSION"}))
    assert [reply.status for reply in replies] == [200, 200, 200, 400, 400]
    after = scrape(serving)
    assert after["byoa_requests_total", "200"] == 3
    assert after["byoa_requests_total", "400"] == 2
    assert after["byoa_request_seconds_count"] == 5
    assert after["byoa_model_seconds_count"] == 3
    assert after["byoa_model_seconds_bucket", "0.05"] == 0
    assert after["byoa_model_seconds_bucket", "60.0"] == 3
    assert 0.18 <= after["byoa_model_seconds_sum"] < 3
    assert after["byoa_decode_seconds_count"] == after["byoa_queue_wait_seconds_count"] == 4
    assert after["byoa_encode_seconds_count"] == 3
    assert after["byoa_batch_size_bucket", "1.0"] == after["byoa_batch_size_count"] == 4
    bodies = [line["bytes_in"] for line in serving.access_log()]
    assert after["byoa_request_bytes_total"] == sum(bodies) > 0
    assert after["byoa_response_bytes_total"] == sum(len(reply.body) for reply in replies)
    assert serving.access_log() and all(line["path"] != "/metrics" for line in serving.access_log())


def test_the_queue_while_every_model_process_computes(serve: Serve):
    serving = serve("told", BYOA_QUEUE_SIZE="2").wait_ready()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(sleep, serving, 1.0) for _ in range(4)]
        full = wait_for(serving, lambda found: found["byoa_requests_total", "503"] == 1)
        assert full["byoa_queue_length"] == full["byoa_queue_limit"] == 2
        assert full["byoa_requests_in_progress"] == 3
        assert full["byoa_model_processes_busy"] == 1
        assert full["byoa_queue_bytes"] > 0
        quickest = min(serving.request("GET", "/metrics").seconds for _ in range(5))
        assert quickest < 0.1, "nobody waits for a model to know how long the queue is"
        assert sorted(each.result().status for each in asked) == [200, 200, 200, 503]
    after = scrape(serving)
    assert after["byoa_queue_length"] == after["byoa_requests_in_progress"] == 0
    assert after["byoa_queue_wait_seconds_bucket", "0.25"] == 1
    assert after["byoa_queue_wait_seconds_count"] == 3


def wait_for(serving: Serving, wanted: Callable[[Scrape], bool]) -> Scrape:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found = scrape(serving)
        try:
            if wanted(found):
                return found
        except KeyError:
            pass
    raise AssertionError(serving.request("GET", "/metrics").body.decode())


def test_batches_and_their_sizes(serve: Serve):
    serving = serve("batches", BYOA_MAX_BATCH="4", BYOA_BATCH_DELAY_MS="500").wait_ready()
    with ThreadPoolExecutor(4) as pool:
        assert {each.status for each in pool.map(lambda _: serving.post(), range(4))} == {200}
    found = scrape(serving)
    assert (found["byoa_batch_size_bucket", "2.0"], found["byoa_batch_size_count"]) == (0, 1)
    assert found["byoa_batch_size_sum"] == 4


def test_a_process_that_dies_is_counted(serve: Serve):
    serving = serve("told").wait_ready()
    os.kill(serving.model_pids()[0], signal.SIGKILL)
    wait_for(
        serving,
        lambda found: (found["byoa_model_restarts_total", "died"], found["byoa_ready"]) == (1, 1),
    )


@pytest.mark.skipif(not HAS_NGINX, reason="nginx is not on PATH")
def test_memory_and_time_of_each_part(serve: Serve):
    serving = serve("told", front="nginx", SAGEMAKER_MODEL_SERVER_WORKERS="2").wait_ready()
    found = scrape(serving)
    memory = "process_resident_memory_bytes"
    parts = [("", "supervisor"), ("", "nginx"), ("", "http"), ("0", "model"), ("1", "model")]
    assert {key[1:] for key in found.samples if key[0] == memory} == set(parts)
    assert sum(found[(memory, *part)] for part in parts) == pytest.approx(serving.memory(), rel=0.1)
    assert found["process_cpu_seconds_total", "0", "model"] > 0
    assert found["byoa_memory_limit_bytes"] > found[memory, "", "http"]


def test_openmetrics_for_who_asks_for_it(serve: Serve):
    serving = serve("told").wait_ready()
    reply = serving.request("GET", "/metrics", headers=OPEN_METRICS)
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in open_metrics(reply.body.decode())}
    assert {"byoa_requests", "byoa_queue_length", "byoa_model_seconds"} <= names
    assert names == {
        family.name.removesuffix("_total")
        for family in Scrape(serving.request("GET", "/metrics")).families
    }


@given(st.text(st.characters(codec="latin-1")) | st.sampled_from(ODD))
@settings(deadline=None, max_examples=25)
def test_any_accept_header_gets_an_answer(accept: str):
    core = Invocations(Settings.from_environment({}), Broker(LIMITS), Metrics())
    answer = page(core, accept)
    assert answer.status == 200
    parse = open_metrics if "openmetrics" in answer.content_type else text_string_to_metric_families
    assert len(list(parse(answer.body.decode()))) > 20


@pytest.mark.parametrize(
    ("environ", "on"),
    [
        ({}, True),
        ({"BYOA_METRICS": "off"}, False),
        ({"SAGEMAKER_SAFE_PORT_RANGE": "1-2"}, False),
        ({"SAGEMAKER_SAFE_PORT_RANGE": "1-2", "BYOA_METRICS": "on"}, True),
        ({"BYOA_SERVING_MODE": "async"}, False),
        ({"SAGEMAKER_BATCH": "true", "BYOA_METRICS": "on"}, True),
    ],
)
def test_on_here_and_where_it_is_wanted(environ: dict[str, str], on: bool):
    assert Settings.from_environment(environ).metrics is on


def test_off_is_not_found(serve: Serve):
    serving = serve("told", BYOA_METRICS="off").wait_ready()
    assert serving.request("GET", "/metrics").code == "not_found"
    assert sleep(serving, 0).status == 200


def test_buckets():
    counted = Histogram()
    for value in (0.0, 0.001, 0.0011, 60.0, 3600.1):
        counted.add(value)
    sums = dict(counted.cumulative())
    assert (sums["0.001"], sums["0.0025"], sums["30.0"], sums["60.0"]) == (2, 3, 3, 4)
    assert (sums["3600.0"], sums["+Inf"]) == (4, 5)
    assert list(SECONDS) == sorted(SECONDS)
    metrics = Metrics()
    metrics.count(200, {"model": 2.0, "a step of tomorrow": 1.0}, 0.003, (1, 2))
    assert metrics.steps["model"].total == 0.002


def test_many_models_are_counted_together(tmp_path: Path):
    with Many(tmp_path) as many:
        for name, factor in (("a", 2), ("b", 3)):
            assert many.load(name, many.put(name, factor)).status == 200
            assert many.invoke(name).status == 200
        both = scrape(many.serving)
        assert both["byoa_model_processes", "ready"] == both["byoa_model_processes_wanted"] == 2
        assert many.unload("a").status == 200
        left = scrape(many.serving)
        assert left["byoa_model_processes", "ready"] == left["byoa_ready"] == 1
        assert left["byoa_requests_total", "200"] == left["byoa_batch_size_count"] == 2
