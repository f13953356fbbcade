"""Job definitions and their revisions; what a container may ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from byoa.sandbox.batch.region import (
    Region,
    check_name,
    not_carried_out,
    page,
    plain,
    refused,
    tagged,
)

#: What is carried out, or changes nothing here that it would not change on AWS.
CARRIED = frozenset({
    "image", "vcpus", "memory", "command", "jobRoleArn", "executionRoleArn", "environment",
    "user", "readonlyRootFilesystem", "resourceRequirements", "linuxParameters",
    "logConfiguration", "networkConfiguration", "fargatePlatformConfiguration",
    "ephemeralStorage", "runtimePlatform", "volumes", "mountPoints", "secrets",
    "enableExecuteCommand",
})  # fmt: skip
LINUX = frozenset({"initProcessEnabled", "sharedMemorySize", "tmpfs", "swappiness", "maxSwap"})
LEAST_SECONDS = 60
#: vCPUs of a Fargate job → the memory (MiB) that it can have with them.
FARGATE: dict[float, frozenset[int]] = {
    0.25: frozenset({512, 1024, 2048}),
    0.5: frozenset(range(1024, 4097, 1024)),
    1: frozenset(range(2048, 8193, 1024)),
    2: frozenset(range(4096, 16385, 1024)),
    4: frozenset(range(8192, 30721, 1024)),
    8: frozenset(range(16384, 61441, 4096)),
    16: frozenset(range(32768, 122881, 8192)),
    32: frozenset({61440, 122880, 249856}),
}


def register(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    name = request["jobDefinitionName"]
    check_name(name, "Job definition name")
    platform = request.get("platformCapabilities") or ["EC2"]
    if request["type"] != "container":
        raise not_carried_out(f"A job definition of type {request['type']}")
    container = request.get("containerProperties")
    if container is None:
        raise refused("Container properties must be specified for a job definition of this type.")
    check_container(container, platform)
    check_strategy(request.get("retryStrategy"))
    check_timeout(request.get("timeout"))
    revisions = region.definitions.setdefault(name, [])
    made: dict[str, Any] = {
        "jobDefinitionName": name,
        "jobDefinitionArn": region.arn("job-definition", f"{name}:{len(revisions) + 1}"),
        "revision": len(revisions) + 1,
        "status": "ACTIVE",
        "type": "container",
        "parameters": request.get("parameters", {}),
        "containerProperties": {**container, "resourceRequirements": needs(container)},
        "platformCapabilities": list(platform),
        "propagateTags": request.get("propagateTags", False),
        **{key: request[key] for key in ("retryStrategy", "timeout") if key in request},
        "containerOrchestrationType": "ECS",
    }
    revisions.append(made)
    region.tags[made["jobDefinitionArn"]] = dict(request.get("tags", {}))
    return {key: made[key] for key in ("jobDefinitionName", "jobDefinitionArn", "revision")}


def check_container(container: Mapping[str, Any], platform: list[str]) -> None:
    for key in container:
        if key not in CARRIED and container[key] not in (False, [], {}):
            raise not_carried_out(f"containerProperties.{key}")
    for key in container.get("linuxParameters", {}):
        if key not in LINUX:
            raise not_carried_out(f"containerProperties.linuxParameters.{key}")
    if not container.get("image"):
        raise refused("Container image should not be null or empty.")
    check_environment(container)
    asked = {one["type"]: one["value"] for one in needs(container)}
    for kind in ("VCPU", "MEMORY"):
        if kind not in asked:
            raise refused(f"Container properties must specify resource requirement {kind}.")
    if "FARGATE" in platform:
        check_fargate(container, asked)
    else:
        check_ec2(asked)


def check_environment(container: Mapping[str, Any]) -> None:
    for one in container.get("environment", []):
        if one.get("name", "").startswith("AWS_BATCH"):
            name = one["name"]
            raise refused(f"Environment variables must not start with AWS_BATCH: {name}")


def check_ec2(asked: Mapping[str, str]) -> None:
    if int(float(asked["MEMORY"])) < 4:
        raise refused("At least 4 MiB of memory must be specified.")
    if float(asked["VCPU"]) < 1 or float(asked["VCPU"]) % 1:
        raise refused(f"Resource requirement VCPU must be a whole number, not {asked['VCPU']}.")


def check_fargate(container: Mapping[str, Any], asked: Mapping[str, str]) -> None:
    if not container.get("executionRoleArn"):
        raise refused("EXECUTION ROLE is required for Fargate jobs.")
    if "GPU" in asked:
        raise refused("GPU is not supported for Fargate jobs.")
    memory = FARGATE.get(float(asked["VCPU"]), frozenset())
    if int(asked["MEMORY"]) not in memory:
        raise refused(
            f"Fargate resource requirements ({float(asked['VCPU']):.2f} vCPU, "
            f"{asked['MEMORY']} MiB) not valid."
        )


def check_strategy(given: Mapping[str, Any] | None) -> None:
    if given is None:
        return
    rules = given.get("evaluateOnExit") or []
    if rules and given.get("attempts") is None:
        raise refused("attempts must be specified with evaluateOnExit")
    if not 1 <= given.get("attempts", 1) <= 10:
        raise refused("attempts must be between 1 and 10")
    if len(rules) > 5:
        raise refused("evaluateOnExit must have 5 entries or less")
    for rule in rules:
        if str(rule["action"]).upper() not in {"RETRY", "EXIT"}:
            raise refused(f"evaluateOnExit action must be RETRY or EXIT, not {rule['action']}")
        for key in ("onStatusReason", "onReason", "onExitCode"):
            if "*" in str(rule.get(key, ""))[:-1]:
                raise refused(f"{key} may have a * at its end only: {rule[key]}")


def check_timeout(given: Mapping[str, Any] | None) -> None:
    seconds = (given or {}).get("attemptDurationSeconds")
    if seconds is not None and seconds < LEAST_SECONDS:
        raise refused(f"attemptDurationSeconds must be at least {LEAST_SECONDS}")


def needs(container: Mapping[str, Any]) -> list[dict[str, str]]:
    """resourceRequirements, those of the older fields vcpus and memory with them."""
    found = {one["type"]: one["value"] for one in container.get("resourceRequirements", [])}
    for kind, key in (("VCPU", "vcpus"), ("MEMORY", "memory")):
        if container.get(key) is not None:
            found.setdefault(kind, str(container[key]))
    return [{"type": kind, "value": value} for kind, value in found.items()]


def every(region: Region) -> Iterator[dict[str, Any]]:
    for revisions in region.definitions.values():
        yield from reversed(revisions)


def find(region: Region, name: str) -> dict[str, Any]:
    """NAME (its newest active revision), NAME:REVISION or an ARN."""
    wanted, _, revision = plain(name).partition(":")
    for one in reversed(region.definitions.get(wanted, [])):
        if one["status"] == "ACTIVE" and revision in ("", str(one["revision"])):
            return dict(one)
    raise refused(f"JobDefinition {name} not found or not ACTIVE.")


def describe(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    wanted = {plain(name) for name in request.get("jobDefinitions") or ()}
    name, status = request.get("jobDefinitionName"), request.get("status")
    if name and wanted:
        raise refused("jobDefinitions and jobDefinitionName cannot both be specified")
    found = [
        tagged(region, one["jobDefinitionArn"], one)
        for one in every(region)
        if (not wanted or wanted & {one["jobDefinitionName"], plain(one["jobDefinitionArn"])})
        and (not name or one["jobDefinitionName"] == plain(name))
        and (not status or one["status"] == status)
    ]
    return page(found, request, "jobDefinitions")


def deregister(region: Region, request: dict[str, Any]) -> dict[str, Any]:
    wanted = plain(request["jobDefinition"])
    for one in every(region):
        if plain(one["jobDefinitionArn"]) == wanted:
            one["status"] = "INACTIVE"
    return {}
