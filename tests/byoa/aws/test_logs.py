"""Log lines of all hosts as one flow: late streams, throttling, the last lines, files."""

from __future__ import annotations

import time
from collections import defaultdict

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from byoa.aws.logs import PATIENCE, Line, follow, host_of, save, streams
from byoa.plan.errors import ServiceError

GROUP = "/aws/sagemaker/TrainingJobs"
JOB = "cells-20260101-000000-abcd"


class Logs:
    """CloudWatch's two calls, with its pages and tokens; `before` runs before each of them."""

    def __init__(self, page=2, before=lambda: None):
        self.events = defaultdict(list)
        self.page, self.before = page, before

    def put(self, stream, *lines):
        self.events[stream] += [{"timestamp": time, "message": text} for time, text in lines]

    def describe_log_streams(self, logGroupName, logStreamNamePrefix, nextToken="0"):
        self.before()
        if not self.events:
            raise ServiceError(
                "ResourceNotFoundException", "The specified log group does not exist."
            )
        names = sorted(name for name in self.events if name.startswith(logStreamNamePrefix))
        at = int(nextToken)
        page = {"logStreams": [{"logStreamName": name} for name in names[at : at + 1]]}
        return page if at + 1 >= len(names) else {**page, "nextToken": str(at + 1)}

    def get_log_events(self, logGroupName, logStreamName, startFromHead, nextToken="f/0"):
        self.before()
        assert startFromHead
        at = int(nextToken[2:])
        found = self.events[logStreamName][at : at + self.page]
        return {"events": found, "nextForwardToken": f"f/{at + len(found)}"}


def test_lines_of_all_hosts_by_time():
    logs = Logs()
    logs.put(f"{JOB}/algo-1-1767225600", (1, "a"), (4, "d"), (5, "e\n"))
    logs.put(f"{JOB}/algo-2-1767225600", (2, "b"), (3, "c"))
    assert list(follow(logs, GROUP, f"{JOB}/")) == [
        Line("algo-1", 1, "a"), Line("algo-2", 2, "b"), Line("algo-2", 3, "c"),
        Line("algo-1", 4, "d"), Line("algo-1", 5, "e"),
    ]  # fmt: skip


def test_another_job_s_lines_are_not_ours():
    logs = Logs()
    logs.put(f"{JOB}/algo-1-1767225600", (1, "a"))
    logs.put(f"{JOB}-2/algo-1-1767225600", (1, "b"))
    assert [line.text for line in follow(logs, GROUP, f"{JOB}/")] == ["a"]


def test_a_group_and_a_stream_that_come_late_and_lines_after_the_end():
    logs = Logs()
    host = f"{JOB}/algo-%d-1767225600"
    steps = iter([
        lambda: None,
        lambda: logs.put(host % 1, (1, "a")),
        lambda: (logs.put(host % 2, (2, "b")), logs.put(host % 1, (3, "c"))),
        lambda: None,
        lambda: logs.put(host % 2, (4, "last words")),  # the job is over, CloudWatch is late
        lambda: None,
        lambda: None,
    ])  # fmt: skip
    rounds = []

    def sleep(_):
        next(steps)()

    def ended():
        rounds.append(1)
        return len(rounds) >= 4

    told = [line.text for line in follow(logs, GROUP, f"{JOB}/", ended, sleep=sleep)]
    assert told == ["a", "b", "c", "last words"]


def test_what_is_written_between_the_last_look_and_the_end_is_told():
    logs = Logs()
    logs.put(f"{JOB}/algo-1-1767225600", (1, "a"))
    answers = iter([False, True])

    def ended():
        over = next(answers)
        if over:
            logs.put(f"{JOB}/algo-1-1767225600", (2, "died of it"))
        return over

    told = [line.text for line in follow(logs, GROUP, f"{JOB}/", ended, sleep=lambda _: None)]
    assert told == ["a", "died of it"]


def test_what_is_over_is_not_waited_for():
    def sleep(_):
        raise AssertionError("there is nothing to wait for")

    logs = Logs()
    logs.put(f"{JOB}/algo-1-1767225600", (1, "a"))
    assert len(list(follow(logs, GROUP, f"{JOB}/", sleep=sleep))) == 1


def throttled():
    return ClientError(
        {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "GetLogEvents"
    )


def test_throttled_and_cut_calls_lose_no_line_and_repeat_none():
    calls = []

    def before():
        calls.append(1)
        if len(calls) % 7 == 0:
            raise throttled()

    logs = Logs(page=1, before=before)
    for host in (1, 2):
        logs.put(f"{JOB}/algo-{host}-1767225600", *((n, f"{host}.{n}") for n in range(8)))
    told = [line.text for line in follow(logs, GROUP, f"{JOB}/", sleep=lambda _: None)]
    assert sorted(told) == sorted(f"{host}.{n}" for host in (1, 2) for n in range(8))


def test_throttled_for_ever_is_told_in_the_end():
    tries = []

    def before():
        tries.append(1)
        raise throttled()

    with pytest.raises(ClientError):
        list(follow(Logs(before=before), GROUP, f"{JOB}/", sleep=lambda _: None))
    assert len(tries) == PATIENCE


def test_a_refusal_is_told_at_once():
    def before():
        raise ServiceError("AccessDeniedException", "no", "DescribeLogStreams")

    with pytest.raises(ServiceError):
        list(follow(Logs(before=before), GROUP, f"{JOB}/"))


def test_without_a_group_there_are_no_streams_and_no_lines():
    assert streams(Logs(), GROUP, f"{JOB}/") == []
    assert list(follow(Logs(), GROUP, f"{JOB}/")) == []


def test_files_are_one_a_host_in_the_order_of_their_numbers(tmp_path):
    logs = Logs()
    for number in (1, 2, 10):
        logs.put(f"{JOB}/algo-{number}-1767225600", (1, f"host {number}"))
    logs.put(f"{JOB}/algo-2-1767229999", (9, "again"))  # a spot instance came back
    paths = save(logs, GROUP, f"{JOB}/", tmp_path / "out/logs")
    assert [path.name for path in paths] == ["logs0", "logs1", "logs2"]
    assert [path.read_text() for path in paths] == ["host 1\n", "host 2\nagain\n", "host 10\n"]
    assert len(list((tmp_path / "out/logs").iterdir())) == 3


@pytest.mark.parametrize(("stream", "host"), [
    (f"{JOB}/algo-1-1767225600", "algo-1"), ("AllTraffic/i-0abc123", "i-0abc123"),
    ("7dda2b52-aa75-4fa5-8d4e-1ee0a3a36a9b", "7dda2b52-aa75-4fa5-8d4e-1ee0a3a36a9b"), ("", ""),
])  # fmt: skip
def test_the_host_of_a_stream(stream, host):
    assert host_of(stream) == host


def test_the_same_against_moto(session):
    logs = session.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    now = int(time.time()) * 1000
    for host, start in (("algo-1", 0), ("algo-2", 1)):
        words = {"logGroupName": GROUP, "logStreamName": f"{JOB}/{host}-1767225600"}
        logs.create_log_stream(**words)
        events = [
            {"timestamp": now + 2 * n + start, "message": f"{2 * n + start}"} for n in range(9)
        ]
        logs.put_log_events(**words, logEvents=events)
    told = [int(line.text) for line in follow(logs, GROUP, f"{JOB}/")]
    assert told == list(range(18))
    assert len(list(follow(logs, GROUP, ""))) == 18, "all of a group, such as an endpoint's"


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 99)), max_size=30), st.integers(1, 5))
def test_every_line_once_and_in_time_s_order(lines, page):
    logs = Logs(page=page)
    for number, (host, when) in enumerate(sorted(lines, key=lambda one: one[1])):
        logs.put(f"{JOB}/algo-{host}-1767225600", (when, str(number)))
    told = list(follow(logs, GROUP, f"{JOB}/"))
    assert sorted(int(line.text) for line in told) == list(range(len(lines)))
    assert [line.time for line in told] == sorted(line.time for line in told)
