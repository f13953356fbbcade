"""Watching where the network is not always there; no sandbox."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from byoa.plan.errors import JobFailedError, ServiceError
from byoa.workflow.home import Home
from byoa.workflow.watch import PATIENCE, end_of, watch

ARN = "arn:aws:states:eu-west-1:1:execution:faces:x"
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
EVENT = {"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": NOW}


class States:
    """Step Functions, which answers what it is told to, one after the other."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {
            "status": answer, "name": "x", "startDate": NOW, "stopDate": NOW,
            "stateMachineArn": "arn:aws:states:eu-west-1:1:stateMachine:faces",
        }  # fmt: skip

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        return {"events": [EVENT]}


def home(*answers: Any) -> Home:
    session: Any = None
    return Home("sagemaker", session, "p", client=States(*answers))


def throttled() -> ServiceError:
    return ServiceError("ThrottlingException", "Rate exceeded", "DescribeExecution")


def test_what_passes_by_does_not_end_a_watch():
    waited: list[float] = []
    some = [throttled() for _ in range(PATIENCE - 1)]
    watched = watch(
        home(*some, "RUNNING", *some, "SUCCEEDED"), ARN, quiet=True, sleep=waited.append
    )
    assert watched.described["status"] == "SUCCEEDED"
    assert waited == [5.0] * (2 * len(some) + 1)
    assert end_of(watched)["name"] == "x"


def test_what_does_not_pass_by_ends_it():
    with pytest.raises(ServiceError, match="Rate exceeded"):
        watch(home(throttled()), ARN, quiet=True, sleep=lambda _: None)
    denied = ServiceError("AccessDeniedException", "no", "DescribeExecution")
    with pytest.raises(ServiceError, match="no"):
        watch(home(denied, "SUCCEEDED"), ARN, quiet=True, sleep=lambda _: None)


def test_on_aws_the_hints_name_no_place_and_a_stop_is_no_defect():
    watched = watch(home("TIMED_OUT"), ARN, quiet=True, sleep=lambda _: None)
    with pytest.raises(JobFailedError) as error:
        end_of(watched)
    assert str(error.value).startswith("The workflow faces ran out of time.")
    assert "--on" not in str(error.value)
