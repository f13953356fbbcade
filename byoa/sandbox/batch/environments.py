"""Compute environments: kept as records, checked as Batch checks them. No machine is made."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from byoa.sandbox.batch.region import Region, check_name, described, plain, refused
from byoa.sandbox.state import ACCOUNT

FARGATE = ("FARGATE", "FARGATE_SPOT")
#: What Fargate has no use for, and Batch refuses to be told.
NOT_FARGATE = (
    "minvCpus", "desiredvCpus", "instanceTypes", "instanceRole", "imageId", "ec2KeyPair",
    "allocationStrategy", "bidPercentage", "placementGroup", "ec2Configuration", "launchTemplate",
    "spotIamFleetRole", "tags",
)  # fmt: skip
NEEDED = ("subnets", "securityGroupIds")


def create(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    name = request["computeEnvironmentName"]
    check_name(name, "Compute environment name")
    if name in region.environments:
        raise refused("Object already exists")
    given = request.get("computeResources")
    if request["type"] == "MANAGED" and given is None:
        raise refused("ComputeResources is required")
    if given is not None:
        check_resources(region, given)
    role = request.get("serviceRole") or (
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"
    )
    arn = region.arn("compute-environment", name)
    problem = next(problems(request), "")
    region.environments[name] = {
        "computeEnvironmentName": name,
        "computeEnvironmentArn": arn,
        "ecsClusterArn": f"arn:aws:ecs:{region.name}:{ACCOUNT}:cluster/AWSBatch-{name[:60]}",
        "type": request["type"],
        "state": request.get("state", "ENABLED"),
        "status": "INVALID" if problem else "VALID",
        "statusReason": problem or "ComputeEnvironment Healthy",
        **({"computeResources": dict(given)} if given is not None else {}),
        "serviceRole": role,
        "updatePolicy": {"terminateJobsOnUpdate": False, "jobExecutionTimeoutMinutes": 30},
        "containerOrchestrationType": "ECS",
        "uuid": str(uuid.uuid4()),
    }
    region.tags[arn] = dict(request.get("tags", {}))
    return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}


def check_resources(region: Region, given: dict[str, Any]) -> None:
    """What Batch refuses at once."""
    for name in NEEDED:
        if not given.get(name):
            raise refused(f"{name} must be specified")
    if given["type"] in FARGATE:
        for name in NOT_FARGATE:
            if given.get(name) is not None:
                raise refused(f"{name} is not applicable for Fargate")
    else:
        for name in ("instanceRole", "instanceTypes"):
            if not given.get(name):
                raise refused(f"{name} is required")
        if given.get("minvCpus", 0) > given["maxvCpus"]:
            raise refused("minvCpus must be less than or equal to maxvCpus")
    check_network(region.name, given)


def check_network(region: str, given: dict[str, Any]) -> None:
    """Subnets and security groups are those of the sandbox's EC2."""
    from moto.backends import get_backend

    ec2 = get_backend("ec2")[ACCOUNT][region]
    subnets = {subnet.id for subnet in ec2.describe_subnets()}
    for name in given["subnets"]:
        if name not in subnets:
            raise refused(f"The subnet ID '{name}' does not exist")
    for name in given["securityGroupIds"]:
        if ec2.get_security_group_from_id(name) is None:
            raise refused(f"The security group '{name}' does not exist")


def problems(request: dict[str, Any]) -> Iterator[str]:
    """What Batch finds out after it has said yes: the environment is INVALID, and says why."""
    from moto.backends import get_backend

    from byoa.sandbox.iam import may_assume

    role = request.get("serviceRole")
    if role and "/aws-service-role/" not in role and not may_assume(role, "batch"):
        yield (
            f"CLIENT_ERROR - User: {role} cannot be assumed by batch.amazonaws.com (Service: "
            "AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied)"
        )
    profile = (request.get("computeResources") or {}).get("instanceRole")
    known = get_backend("iam")[ACCOUNT]["aws"].get_instance_profiles() if profile else []
    if profile and not any(profile in (one.arn, one.name) for one in known):
        yield f"CLIENT_ERROR - The instance profile {profile} does not exist"


def find(region: Region, name: str) -> dict[str, Any]:
    found = region.environments.get(plain(name))
    if found is None:
        raise refused(f"{name} does not exist")
    return found


def describe(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    return described(region.environments, region, request, "computeEnvironments")


def update(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    found = find(region, request["computeEnvironment"])
    resources = {**found.get("computeResources", {}), **request.get("computeResources", {})}
    if request.get("computeResources"):
        check_resources(region, resources)
        found["computeResources"] = resources
    for name in ("state", "serviceRole"):
        found[name] = request.get(name, found[name])
    problem = next(problems(found), "")
    found["status"] = "INVALID" if problem else "VALID"
    found["statusReason"] = problem or "ComputeEnvironment Healthy"
    return {name: found[name] for name in ("computeEnvironmentName", "computeEnvironmentArn")}


def delete(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    """Only when it is disabled and no queue uses it; one that is not there is no error."""
    found = region.environments.get(plain(request["computeEnvironment"]))
    if found is None:
        return {}
    arn = found["computeEnvironmentArn"]
    if found["state"] != "DISABLED":
        raise refused("Cannot delete, compute environment must be in DISABLED state")
    for queue in region.queues.values():
        if any(one["computeEnvironment"] == arn for one in queue["computeEnvironmentOrder"]):
            raise refused("Cannot delete, found existing JobQueue relationship")
    del region.environments[found["computeEnvironmentName"]]
    region.tags.pop(arn, None)
    return {}


def most_vcpus(environment: dict[str, Any]) -> float:
    """How many vCPUs its jobs may have at once; an unmanaged one has what this machine lets it."""
    resources = environment.get("computeResources")
    return float(resources["maxvCpus"]) if resources else float("inf")


def market(environment: dict[str, Any]) -> str:
    return str(environment.get("computeResources", {}).get("type", "EC2"))
