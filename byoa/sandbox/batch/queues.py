"""Job queues: which environments their jobs may run in, in which order."""

from __future__ import annotations

from typing import Any

from byoa.sandbox.batch import environments
from byoa.sandbox.batch.region import (
    Region,
    check_name,
    described,
    not_carried_out,
    plain,
    refused,
)

HEALTHY = "JobQueue Healthy"
UNSUPPORTED = ("schedulingPolicyArn", "serviceEnvironmentOrder", "jobStateTimeLimitActions")


def create(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    name = request["jobQueueName"]
    check_name(name, "Job queue name")
    if name in region.queues:
        raise refused("Object already exists")
    for key in UNSUPPORTED:
        if request.get(key):
            raise not_carried_out(key)
    arn = region.arn("job-queue", name)
    region.queues[name] = {
        "jobQueueName": name,
        "jobQueueArn": arn,
        "state": request.get("state", "ENABLED"),
        "status": "VALID",
        "statusReason": HEALTHY,
        "priority": request["priority"],
        "computeEnvironmentOrder": order(region, request.get("computeEnvironmentOrder")),
        "jobQueueType": "ECS",
    }
    region.tags[arn] = dict(request.get("tags", {}))
    return {"jobQueueName": name, "jobQueueArn": arn}


def order(region: Region, given: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """By ARN, sorted; Fargate and EC2 do not share a queue."""
    if not given or len(given) > 3:
        raise refused("computeEnvironmentOrder must have 1 to 3 compute environments")
    found = [(one["order"], environments.find(region, one["computeEnvironment"])) for one in given]
    kinds = {environments.market(one) in environments.FARGATE for _, one in found}
    if len(kinds) > 1:
        raise refused("Fargate and EC2 compute environments cannot be mixed in a job queue")
    for _, one in found:
        if one["status"] != "VALID":
            name = one["computeEnvironmentName"]
            raise refused(f"{name} is not in a VALID state: {one['statusReason']}")
    ordered = sorted(found, key=lambda pair: int(pair[0]))
    return [
        {"order": place, "computeEnvironment": one["computeEnvironmentArn"]}
        for place, one in ordered
    ]


def find(region: Region, name: str) -> dict[str, Any]:
    found = region.queues.get(plain(name))
    if found is None:
        raise refused(f"JobQueue {name} not found.")
    return found


def describe(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    return described(region.queues, region, request, "jobQueues")


def update(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    found = find(region, request["jobQueue"])
    for key in UNSUPPORTED:
        if request.get(key):
            raise not_carried_out(key)
    if request.get("computeEnvironmentOrder") is not None:
        found["computeEnvironmentOrder"] = order(region, request["computeEnvironmentOrder"])
    for name in ("state", "priority"):
        found[name] = request.get(name, found[name])
    return {name: found[name] for name in ("jobQueueName", "jobQueueArn")}


def delete(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    """Only when it is disabled. Its jobs are the caller's to end (api.py)."""
    found = region.queues.get(plain(request["jobQueue"]))
    if found is None:
        return {}
    if found["state"] != "DISABLED":
        raise refused("Cannot delete, job queue must be in DISABLED state")
    del region.queues[found["jobQueueName"]]
    region.tags.pop(found["jobQueueArn"], None)
    return {}


def of(region: Region, arn: str) -> list[dict[str, Any]]:
    """The environments of a queue that can run something now, in order."""
    queue = region.queues.get(plain(arn))
    names = [plain(one["computeEnvironment"]) for one in queue["computeEnvironmentOrder"]] if (
        queue
    ) else []  # fmt: skip
    found = [region.environments[name] for name in names if name in region.environments]
    return [one for one in found if one["state"] == "ENABLED" and one["status"] == "VALID"]
