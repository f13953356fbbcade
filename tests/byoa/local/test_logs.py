"""Logs on disk, as boto3's client would show CloudWatch's."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.local.lines import as_text, follow
from byoa.local.log_files import LONGEST_LINE, LogWriter
from byoa.local.logs import Logs
from byoa.plan.errors import ServiceError

GROUP, STREAM = "/aws/sagemaker/TrainingJobs", "job/algo-1-1700000000"


def logs(root: Path, lines: list[str], stream: str = STREAM) -> Logs:
    writer = LogWriter(root, clock=iter(range(1, 10_000)).__next__)
    for line in lines:
        writer.append(GROUP, stream, line)
    return Logs(root)


def test_pages_forward_until_the_token_stays_the_same(tmp_path: Path):
    found = logs(tmp_path, [f"line {number}" for number in range(7)])
    call = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True, "limit": 3}
    messages: list[str] = []
    token = ""
    while True:
        page = found.get_log_events(**call, **({"nextToken": token} if token else {}))
        messages += [event["message"] for event in page["events"]]
        if page["nextForwardToken"] == token:
            break
        token = page["nextForwardToken"]
    assert messages == [f"line {number}" for number in range(7)]
    LogWriter(tmp_path).append(GROUP, STREAM, "later")
    (event,) = found.get_log_events(**call, nextToken=token)["events"]
    assert event["message"] == "later"


def test_the_last_page_and_the_way_back(tmp_path: Path):
    found = logs(tmp_path, list("abcdefg"))
    call = {"logGroupName": GROUP, "logStreamName": STREAM, "limit": 3}
    page = found.get_log_events(**call)
    assert [event["message"] for event in page["events"]] == ["e", "f", "g"]
    page = found.get_log_events(**call, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in page["events"]] == ["b", "c", "d"]


def test_times_choose_events(tmp_path: Path):
    found = logs(tmp_path, list("abcd"))
    call = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True}
    page = found.get_log_events(**call, startTime=2, endTime=4)
    assert [event["message"] for event in page["events"]] == ["b", "c"]


def test_streams_of_one_job_alone(tmp_path: Path):
    logs(tmp_path, ["1"], "job/algo-1-1")
    logs(tmp_path, ["2"], "job-2/algo-1-1")
    found = Logs(tmp_path)
    assert [one["logGroupName"] for one in found.describe_log_groups()["logGroups"]] == [GROUP]
    streams = found.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="job/")
    assert [one["logStreamName"] for one in streams["logStreams"]] == ["job/algo-1-1"]


def test_a_filter_takes_several_streams_in_the_order_of_time(tmp_path: Path):
    writer = LogWriter(tmp_path, clock=iter(range(1, 100)).__next__)
    for line in ("a error 1", "b fine", "a error 2", "b error 3"):
        writer.append(GROUP, f"job/{line[0]}", line)
    found = Logs(tmp_path)
    for pattern, expected in (
        ("", ["a error 1", "b fine", "a error 2", "b error 3"]),
        ("error", ["a error 1", "a error 2", "b error 3"]),
        ("error -2", ["a error 1", "b error 3"]),
        ('"error 2"', ["a error 2"]),
        ("?fine ?3", ["b fine", "b error 3"]),
    ):
        page = found.filter_log_events(logGroupName=GROUP, filterPattern=pattern)
        assert [event["message"] for event in page["events"]] == expected, pattern
    first = found.filter_log_events(logGroupName=GROUP, limit=3)
    rest = found.filter_log_events(logGroupName=GROUP, nextToken=first["nextToken"])
    assert [event["message"] for event in rest["events"]] == ["b error 3"]


def test_what_is_not_there(tmp_path: Path):
    with pytest.raises(ServiceError, match="The specified log group does not exist"):
        Logs(tmp_path).describe_log_streams(logGroupName=GROUP)
    found = logs(tmp_path, ["x"])
    with pytest.raises(ServiceError, match="The specified log stream does not exist"):
        found.get_log_events(logGroupName=GROUP, logStreamName="other")
    found.delete_log_stream(logGroupName=GROUP, logStreamName=STREAM)
    assert found.describe_log_streams(logGroupName=GROUP)["logStreams"] == []
    found.delete_log_group(logGroupName=GROUP)
    assert found.describe_log_groups()["logGroups"] == []


def test_a_line_that_is_being_written_is_not_shown_yet(tmp_path: Path):
    found = logs(tmp_path, ["whole"])
    (path,) = (tmp_path / "logs").rglob("*.jsonl")
    with path.open("a") as file:
        file.write('[5, "ha')
    call = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True}
    assert [event["message"] for event in found.get_log_events(**call)["events"]] == ["whole"]


@given(st.text(max_size=200), st.integers(1, 3))
def test_no_character_of_a_long_line_is_lost(tmp_path_factory, text: str, times: int):
    line = text.replace("\ud800", "") + "€" * (LONGEST_LINE // 3) * times
    root = tmp_path_factory.mktemp("logs")
    call = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True}
    events = logs(root, [line]).get_log_events(**call)["events"]
    assert "".join(event["message"] for event in events) == line
    assert all(len(event["message"].encode()) <= LONGEST_LINE for event in events)


@given(st.lists(st.binary(max_size=50)))
def test_every_byte_of_an_output_ends_up_in_a_line(parts: list[bytes]):
    lines: list[str] = []
    data = b"".join(parts)
    follow(io.BytesIO(data), lines.append)
    assert len(lines) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    assert all("\n" not in line for line in lines)


def test_carriage_returns_are_shown_as_cloudwatch_does():
    assert as_text(b"10%\r20%\r\n") == "10%#01520%"


def test_a_line_that_cannot_be_kept_does_not_stop_the_others(capsys):
    kept: list[str] = []

    def take(line: str) -> None:
        if line == "2":
            raise OSError(28, "No space left on device")
        kept.append(line)

    follow(io.BytesIO(b"1\n2\n3\n"), take)
    assert kept == ["1", "3"]
    assert "a line of the log is lost" in capsys.readouterr().out


def test_threads_do_not_tear_each_others_lines(tmp_path: Path):
    writer = LogWriter(tmp_path)

    def write(letter: str) -> None:
        for _ in range(200):
            writer.append(GROUP, STREAM, letter * 100)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True}
    messages = [event["message"] for event in Logs(tmp_path).get_log_events(**call)["events"]]
    assert len(messages) == 800
    assert all(len(set(message)) == 1 and len(message) == 100 for message in messages)


def test_following_a_long_log_reads_each_line_once(tmp_path: Path):
    """The token is a place in the file: what lies before it may even be gone."""
    found = logs(tmp_path, ["x" * 1000] * 50)
    call = {"logGroupName": GROUP, "logStreamName": STREAM, "startFromHead": True}
    token = found.get_log_events(**call)["nextForwardToken"]
    (path,) = (tmp_path / "logs").rglob("*.jsonl")
    size = path.stat().st_size
    path.write_bytes(b"?" * size)
    LogWriter(tmp_path).append(GROUP, STREAM, "later")
    page = found.get_log_events(**call, nextToken=token)
    assert [event["message"] for event in page["events"]] == ["later"]


def test_the_first_and_the_last_time_of_a_long_stream(tmp_path: Path):
    found = logs(tmp_path, ["x" * 200_000] * 40)
    (stream,) = found.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (1, 40)
