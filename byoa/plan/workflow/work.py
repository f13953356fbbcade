"""What the states of an execution started: the job, build, function or execution, and its log.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-services.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from byoa.plan.workflow.history import read


class Work(NamedTuple):
    """One piece of work outside of Step Functions."""

    kind: str
    name: str
    log: str  #: how to read what it said; "" when there is no log


#: Where the name stands: in a task's request, and in the answer to it. Then how to read its log.
REQUESTED: dict[str, tuple[str, str]] = {
    "TrainingJobName": ("training job", "byoa logs {name}"),
    "ProcessingJobName": ("processing job", "byoa logs {name}"),
    "TransformJobName": ("transform job", "aws logs tail /aws/sagemaker/TransformJobs"),
    "HyperParameterTuningJobName": ("tuning job", ""),
    "FunctionName": ("function", "aws logs tail /aws/lambda/{name}"),
}
#: A name is in many requests about models and endpoints: only what starts something counts.
STARTS = ("create", "start", "submit", "invoke", "run")


def work(events: Iterable[Mapping[str, Any]]) -> dict[str, Work]:
    """The last work of each state, by the state's name."""
    events = list(events)
    owners = read(events).owners
    found: dict[str, Work] = {}
    for event in events:
        owner = owners.get(int(event.get("id", 0)))
        if owner and (one := of_event(event)):
            found[owner.name] = one
    return found


def of_event(event: Mapping[str, Any]) -> Work | None:
    if details := event.get("taskScheduledEventDetails"):
        starts = str(details.get("resource", "")).startswith(STARTS)
        return requested(opened(details.get("parameters"))) if starts else None
    if details := event.get("lambdaFunctionScheduledEventDetails"):
        return requested({"FunctionName": details.get("resource", "")})
    if details := event.get("taskSubmittedEventDetails"):
        answer = opened(details.get("output"))
        makers: dict[str, Callable[[Mapping[str, Any]], Work | None]] = {
            "codebuild": build, "batch": batch, "states": nested,
        }  # fmt: skip
        make = makers.get(str(details.get("resourceType", "")))
        return make(answer) if make else None
    return None


def requested(request: Mapping[str, Any]) -> Work | None:
    for key, (kind, log) in REQUESTED.items():
        if isinstance(name := request.get(key), str) and name:
            short = name.partition(":function:")[2].partition(":")[0] or name
            return Work(kind, short, log.format(name=short))
    return None


def build(answer: Mapping[str, Any]) -> Work | None:
    found = answer.get("Build")
    name = str(found.get("Id", "")) if isinstance(found, Mapping) else ""
    group = f"/aws/codebuild/{name.partition(':')[0]}"
    return Work("build", name, f"aws logs tail {group}") if name else None


def batch(answer: Mapping[str, Any]) -> Work | None:
    name = answer.get("JobId", "")
    return Work("Batch job", name, "aws logs tail /aws/batch/job") if name else None


def nested(answer: Mapping[str, Any]) -> Work | None:
    arn = str(answer.get("ExecutionArn", ""))
    return Work("execution", arn.rpartition(":")[2], f"byoa workflow watch {arn}") if arn else None


def opened(text: Any) -> Mapping[str, Any]:
    """The object that a text of JSON holds; {} for anything else."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
