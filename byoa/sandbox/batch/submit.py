"""SubmitJob: the request and its definition become a job, an array a job with children."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from byoa.sandbox.batch import definitions, queues
from byoa.sandbox.batch.environments import FARGATE, market
from byoa.sandbox.batch.job import Job
from byoa.sandbox.batch.region import Region, check_name, not_carried_out, now, plain, refused

MOST_DEPENDENCIES = 20
ARRAY = (2, 10_000)
#: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
MOST_BYTES = 30 * 1024
UNSUPPORTED = (
    "nodeOverrides", "eksPropertiesOverride", "ecsPropertiesOverride",
    "consumableResourcePropertiesOverride",
)  # fmt: skip
#: What makes no difference between jobs that share nothing, but is told back.
SHOWN = {
    "shareIdentifier": "shareIdentifier",
    "schedulingPriorityOverride": "schedulingPriority",
}


def make(region: Region, request: dict[str, Any]) -> Job:
    """The job, known to its region; it waits for what it depends on and for nothing else."""
    for key in UNSUPPORTED:
        if request.get(key):
            raise not_carried_out(key)
    check_name(request["jobName"], "Job name")
    if len(json.dumps(request)) > MOST_BYTES:
        raise refused(f"The job's payload is more than {MOST_BYTES} bytes")
    queue = queues.find(region, request["jobQueue"])
    if queue["state"] != "ENABLED":
        raise refused(f"JobQueue {request['jobQueue']} is not in a valid state to accept jobs.")
    definition = definitions.find(region, request["jobDefinition"])
    check_platform(region, queue, definition)
    container = overridden(definition["containerProperties"], request.get("containerOverrides"))
    definitions.check_container(container, definition["platformCapabilities"])
    for check, key in (
        (definitions.check_strategy, "retryStrategy"),
        (definitions.check_timeout, "timeout"),
    ):
        check(request.get(key))
    depends_on = checked(region, request)
    job = new(region, request, queue, definition, container)
    make_children(job, request)
    region.jobs[job.id] = job
    region.jobs.update((child.id, child) for child in job.children)
    region.tags[job.arn] = job.tags
    for one in depends_on:
        bind(region, job, one)
    return job


def check_platform(region: Region, queue: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    """Fargate's queues take Fargate's definitions, and only those."""
    wanted = set(definition["platformCapabilities"])
    names = [plain(one["computeEnvironment"]) for one in queue["computeEnvironmentOrder"]]
    markets = [market(region.environments[name]) for name in names if name in region.environments]
    if markets and all(("FARGATE" if one in FARGATE else "EC2") not in wanted for one in markets):
        raise refused(
            f"The job definition's platform capabilities {sorted(wanted)} are none of the compute"
            f" environments of the job queue {queue['jobQueueName']}."
        )


def checked(region: Region, request: dict[str, Any]) -> list[dict[str, str]]:
    """The dependencies, each on a job that there is."""
    found: list[dict[str, str]] = request.get("dependsOn") or []
    size = (request.get("arrayProperties") or {}).get("size")
    if size is not None and not ARRAY[0] <= size <= ARRAY[1]:
        raise refused(f"Array job size must be between {ARRAY[0]} and {ARRAY[1]}, not {size}.")
    if len(found) > MOST_DEPENDENCIES:
        raise refused(
            f"Job dependencies must be {MOST_DEPENDENCIES} or less, but {len(found)} were given."
        )
    for one in found:
        kind, name = one.get("type"), one.get("jobId")
        if kind and size is None:
            raise refused(f"Dependency type {kind} is for array jobs only.")
        if kind == "SEQUENTIAL" and name:
            raise refused("A SEQUENTIAL dependency has no jobId.")
        if kind == "SEQUENTIAL":
            continue
        known = region.jobs.get(name or "")
        if known is None:
            raise refused(f"Dependent job {name} not found.")
        if kind == "N_TO_N" and len(known.children) != size:
            raise refused(
                f"An N_TO_N dependency needs arrays of one size: {name} has "
                f"{len(known.children)}, this job {size}."
            )
    return found


def overridden(container: Mapping[str, Any], overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    """The definition's container as this job wants it."""
    given = dict(overrides or {})
    definitions.check_environment(given)
    made: dict[str, Any] = {**container}
    made.update({key: given[key] for key in ("command", "instanceType") if key in given})
    for key, name in (("environment", "name"), ("resourceRequirements", "type")):
        if key == "resourceRequirements":
            mine = definitions.needs(given)
        else:
            mine = given.get(key, [])
        merged = {one[name]: one for one in [*container.get(key, []), *mine]}
        made[key] = list(merged.values())
    return made


def new(
    region: Region,
    request: dict[str, Any],
    queue: dict[str, Any],
    definition: dict[str, Any],
    container: dict[str, Any],
) -> Job:
    name = str(uuid.uuid4())
    arn = definition["jobDefinitionArn"]
    propagates = request.get("propagateTags", definition.get("propagateTags", False))
    timeout = request.get("timeout") or definition.get("timeout") or {}
    return Job(
        id=name,
        arn=region.arn("job", name),
        name=request["jobName"],
        queue=queue["jobQueueArn"],
        definition=arn,
        created=now(),
        container=container,
        parameters={**definition["parameters"], **request.get("parameters", {})},
        strategy={
            "evaluateOnExit": [],
            "attempts": 1,
            **(request.get("retryStrategy") or definition.get("retryStrategy") or {}),
        },
        timeout=timeout.get("attemptDurationSeconds"),
        platform=tuple(definition["platformCapabilities"]),
        propagates=propagates,
        depends_on=tuple(request.get("dependsOn") or ()),
        tags=dict(request.get("tags", {})),
        more={SHOWN[key]: request[key] for key in SHOWN if key in request},
    )


def make_children(parent: Job, request: dict[str, Any]) -> None:
    size = (request.get("arrayProperties") or {}).get("size") or 0
    for index in range(size):
        parent.children.append(
            Job(
                id=f"{parent.id}:{index}",
                arn=f"{parent.arn}:{index}",
                name=parent.name,
                queue=parent.queue,
                definition=parent.definition,
                created=parent.created,
                container=parent.container,
                parameters=parent.parameters,
                strategy=parent.strategy,
                timeout=parent.timeout,
                platform=parent.platform,
                propagates=parent.propagates,
                tags=parent.tags,
                more=parent.more,
                parent=parent,
                index=index,
            )
        )


def bind(region: Region, job: Job, dependency: dict[str, str]) -> None:
    """Who waits for whom. What an array waits for is what its children wait for."""
    kind = dependency.get("type")
    if kind == "SEQUENTIAL":
        for before, after in zip(job.children, job.children[1:], strict=False):
            follow(after, before)
        return
    awaited = region.jobs[dependency["jobId"]]
    if kind == "N_TO_N":
        for before, after in zip(awaited.children, job.children, strict=True):
            follow(after, before)
        return
    for one in job.children or [job]:
        follow(one, awaited)


def follow(job: Job, awaited: Job) -> None:
    if awaited.status != "SUCCEEDED":  # a failed one is waited for, too: scheduler.enter sees it
        job.waits.add(awaited.id)
        awaited.followers.append(job)
