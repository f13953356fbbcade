from __future__ import annotations

import io
import sys
from collections import deque
from datetime import datetime, timezone
from typing import Any

import pytest

from byoa import follow
from byoa.follow import Watch, ask_to_stop, last_lines
from byoa.place import Place
from byoa.plan.errors import ByoaError, ServiceError
from byoa.record import Run

WHEN = datetime(2026, 11, 22, tzinfo=timezone.utc)
RUN = Run(job="first-1", fingerprint={"parameters": {"entry point": "train.py"}})


class Logs:
    def __init__(self, lines: dict[str, list[str]]) -> None:
        self.lines = lines

    def describe_log_streams(self, **_: Any) -> dict[str, Any]:
        return {
            "logStreams": [{"logStreamName": f"first-1/{host}-1700000000"} for host in self.lines]
        }

    def get_log_events(self, logStreamName: str, **request: Any) -> dict[str, Any]:
        host = logStreamName.split("/")[1].removesuffix("-1700000000")
        lines = [] if "nextToken" in request else self.lines[host]
        events = [{"timestamp": 1_700_000_000_000 + n, "message": t} for n, t in enumerate(lines)]
        return {"events": events, "nextForwardToken": "end"}


class SageMaker:
    """A job that is described by one answer after the other."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        if not self.answers:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def answer(status: str, *steps: str, **more: Any) -> dict[str, Any]:
    transitions = [{"Status": step, "StartTime": WHEN, "StatusMessage": ""} for step in steps]
    return {"TrainingJobStatus": status, "SecondaryStatusTransitions": transitions, **more}


def watch(sagemaker: Any, lines: dict[str, list[str]]) -> tuple[Watch, list[str]]:
    place = Place("process", None, sagemaker, None, Logs(lines))  # type: ignore[arg-type]
    told: list[str] = []
    watched = Watch(place, RUN, told.append)
    for line in watched.lines(0):
        told.append(line.text)
    return watched, told


def test_steps_are_told_once_and_the_end_after_the_last_line():
    sagemaker = SageMaker(
        answer("InProgress", "Starting"),
        answer("InProgress", "Starting", "Training"),
        answer("Completed", "Starting", "Training", "Completed"),
    )
    watched, told = watch(sagemaker, {"algo-1": ["byoa_launch.py begins", "last"]})
    words = [text.split(" ", 1)[1] if text[2] == ":" else text for text in told]
    assert words == ["Starting", "train.py begins", "last", "Training", "Completed"]
    assert watched.described["TrainingJobStatus"] == "Completed"


def test_metrics_are_told_when_they_change():
    def with_loss(value: float, status: str = "InProgress") -> dict[str, Any]:
        return answer(status, FinalMetricDataList=[{"MetricName": "loss", "Value": value}])

    sagemaker = SageMaker(
        with_loss(0.5), with_loss(0.5), with_loss(0.25), with_loss(0.25, "Completed")
    )
    _, told = watch(sagemaker, {})
    assert told == ["metrics: loss 0.5", "metrics: loss 0.25"]


def test_a_job_that_is_deleted_meanwhile_is_told():
    with pytest.raises(ByoaError, match="somebody deleted it"):
        watch(SageMaker(), {})


@pytest.mark.parametrize(
    ("reason", "host"),
    [
        ("AlgorithmError: algo-2 died", "algo-2"),
        ("AlgorithmError: exit code 1", "algo-3"),
        ("", "algo-3"),
    ],
)
def test_the_host_that_failed_is_named_or_the_one_that_speaks_of_an_error(reason: str, host: str):
    watched = Watch(Place("process", None, None, None, None), RUN)  # type: ignore[arg-type]
    watched.described = {"FailureReason": reason}
    watched.tails = {
        "algo-1": deque(["fine"]),
        "algo-2": deque(["fine, too"]),
        "algo-3": deque(["ValueError: no"]),
    }
    assert last_lines(watched)[0] == host


@pytest.mark.parametrize(("typed", "stops"), [("s\n", True), ("\n", False), ("d\n", False)])
def test_ctrl_c_on_a_terminal_asks_and_detaching_is_the_default(
    typed: str, stops: bool, monkeypatch: pytest.MonkeyPatch
):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert ask_to_stop("first-1") is stops


def test_a_second_ctrl_c_detaches(monkeypatch: pytest.MonkeyPatch):
    class Impatient(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: Any) -> Any:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Impatient())
    monkeypatch.setattr(sys, "stderr", Impatient())
    assert ask_to_stop("first-1") is False


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("s\n"))
    assert follow.ask_to_stop("first-1") is False
