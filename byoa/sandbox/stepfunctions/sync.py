"""`.sync`: what a started job is asked until it ends, when it ended well, and how it is stopped.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.stepfunctions import calls
from byoa.sandbox.stepfunctions.clock import Clock
from byoa.sandbox.stepfunctions.errors import ExpiredError, StateError, StoppedError
from byoa.sandbox.stepfunctions.history import text
from byoa.sandbox.stepfunctions.resources import Resource

#: Seconds between two looks at a job: short at first, for jobs here are short.
FIRST, LONGEST, GROWTH = 0.2, 1.0, 1.2
Names = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """How a kind of job is followed."""

    describe: str
    ask: Callable[[Names, Names], dict[str, Any]]  #: (parameters, answer of the start)
    status: Callable[[Names], str]  #: of the description
    good: str
    bad: frozenset[str]
    stop: str
    told: Callable[[Names], Any] = field(default=lambda described: described)  #: what is output
    halt: dict[str, str] = field(default_factory=dict)  #: more for the stop


def by_name(kind: str) -> Job:
    """SageMaker's jobs: CreateXJob, DescribeXJob, StopXJob, XJobName, XJobStatus."""
    return Job(
        f"describe{kind}",
        lambda parameters, _: {f"{kind}Name": parameters[f"{kind}Name"]},
        lambda described: str(described[f"{kind}Status"]),
        "Completed",
        frozenset({"Failed", "Stopped"}),
        f"stop{kind}",
    )


def execution(described: Names) -> Any:
    return dict(described)


def execution_parsed(described: Names) -> Any:
    """`.sync:2`: input and output as JSON, not as the text of it."""
    texts = {
        name: calls.parsed(described[name]) for name in ("Input", "Output") if name in described
    }
    return {**described, **texts}


def machine(told: Callable[[Names], Any]) -> Job:
    return Job(
        "describeExecution",
        lambda _, answer: {"ExecutionArn": answer["ExecutionArn"]},
        lambda described: str(described["Status"]),
        "SUCCEEDED",
        frozenset({"FAILED", "TIMED_OUT", "ABORTED"}),
        "stopExecution",
        told,
    )


JOBS: dict[tuple[str, str], Job] = {
    ("sagemaker", f"create{kind}"): by_name(kind)
    for kind in ("TrainingJob", "ProcessingJob", "TransformJob", "HyperParameterTuningJob")
} | {
    ("codebuild", "startBuild"): Job(
        "batchGetBuilds",
        lambda _, answer: {"Ids": [answer["Build"]["Id"]]},
        lambda described: str(described["Builds"][0]["BuildStatus"]),
        "SUCCEEDED",
        frozenset({"FAILED", "FAULT", "TIMED_OUT", "STOPPED"}),
        "stopBuild",
        lambda described: {"Build": described["Builds"][0]},
    ),
    ("batch", "submitJob"): Job(
        "describeJobs",
        lambda _, answer: {"Jobs": [answer["JobId"]]},
        lambda described: str(described["Jobs"][0]["Status"]),
        "SUCCEEDED",
        frozenset({"FAILED"}),
        "terminateJob",
        lambda described: described["Jobs"][0],
        {"Reason": "The execution was stopped or timed out."},
    ),
    ("states", "startExecution"): machine(execution),
}
#: The same job, its output read: the only one with a second form.
SECOND = {("states", "startExecution"): machine(execution_parsed)}
#: What the stop wants to know, where it is not what the description is asked with.
STOPS: dict[str, Callable[[Names], dict[str, Any]]] = {
    "stopBuild": lambda asked: {"Id": asked["Ids"][0]},
    "terminateJob": lambda asked: {"JobId": asked["Jobs"][0]},
}


def job_of(resource: Resource) -> Job | None:
    key = (resource.service, resource.action)
    return (SECOND if resource.manner == "sync:2" else JOBS).get(key)


def follow(resource: Resource, job: Job, asked: dict[str, Any], region: str, clock: Clock) -> Any:
    """The job's description once it is done; States.TaskFailed with it when it did not do well.

    A stop of the execution, or its time's end, stops the job: nobody waits for it any more.
    """
    describe = Resource(False, resource.service, job.describe, "")
    pause = FIRST
    try:
        while True:
            described = calls.call(describe, asked, region)
            status = job.status(described)
            if status == job.good:
                return job.told(described)
            if status in job.bad:
                raise StateError("States.TaskFailed", text(job.told(described)))
            clock.wait(pause)
            pause = min(pause * GROWTH, LONGEST)
    except (StoppedError, ExpiredError):
        stop(resource, job, asked, region)
        raise


def stop(resource: Resource, job: Job, asked: dict[str, Any], region: str) -> None:
    """As far as it goes: the job may have ended by itself meanwhile."""
    wanted = STOPS.get(job.stop, dict)(asked)
    try:
        halting = Resource(False, resource.service, job.stop, "")
        calls.call(halting, {**wanted, **job.halt}, region)
    except StateError:
        pass
