"""AWS Batch: where jobs run, what a job is, one job.

https://docs.aws.amazon.com/batch/latest/userguide/what-is-batch.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.limits import finished

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
LONGEST_CHAIN = 20


@dataclass(frozen=True, kw_only=True)
class ComputeEnvironment:
    """Machines that come when jobs wait and go when none does."""

    name: str
    instance_role: str
    subnets: Sequence[str]
    security_groups: Sequence[str]
    instance_types: Sequence[str] = ("optimal",)
    max_vcpus: int = 16
    spot: bool = True
    gpu: bool = False
    image_type: str | None = None  #: plan/ami.py knows which
    service_role: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class BatchJob:
    """What a job definition says; a job of it may say otherwise."""

    name: str
    image: str
    command: Sequence[str] = ()
    vcpus: float = 1
    memory_mb: int = 2048
    gpus: int = 0
    job_role: str | None = None
    execution_role: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    shared_memory_mb: int = 64
    timeout: int | None = None
    attempts: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def compute_environment_request(wanted: ComputeEnvironment) -> dict[str, Any]:
    """The dict for create_compute_environment."""
    kind = "ECS_AL2023_NVIDIA" if wanted.gpu else "ECS_AL2023"
    machines = {
        "type": "SPOT" if wanted.spot else "EC2",
        # SPOT_PRICE_CAPACITY_OPTIMIZED: cheap, and rarely interrupted
        "allocationStrategy": "SPOT_PRICE_CAPACITY_OPTIMIZED"
        if wanted.spot
        else "BEST_FIT_PROGRESSIVE",
        "minvCpus": 0,
        "maxvCpus": wanted.max_vcpus,
        "instanceTypes": list(wanted.instance_types),
        "subnets": list(wanted.subnets),
        "securityGroupIds": list(wanted.security_groups),
        "instanceRole": wanted.instance_role,
        "ec2Configuration": [{"imageType": wanted.image_type or kind}],
        "tags": dict(wanted.tags),
    }
    request = {
        "computeEnvironmentName": _checked(wanted.name),
        "type": "MANAGED",
        "state": "ENABLED",
        "computeResources": machines,
        "serviceRole": wanted.service_role,
        "tags": dict(wanted.tags),
    }
    return finished("batch.CreateComputeEnvironment", request, wanted.extra)


def job_queue_request(
    name: str, environments: Sequence[str], tags: Mapping[str, str], priority: int = 1
) -> dict[str, Any]:
    """The dict for create_job_queue: the environments in the order in which they are tried."""
    order = [
        {"order": place, "computeEnvironment": environment}
        for place, environment in enumerate(environments, start=1)
    ]
    request = {
        "jobQueueName": _checked(name),
        "state": "ENABLED",
        "priority": priority,
        "computeEnvironmentOrder": order,
        "tags": dict(tags),
    }
    return finished("batch.CreateJobQueue", request)


def job_definition_request(job: BatchJob) -> dict[str, Any]:
    """The dict for register_job_definition."""
    needs = {"VCPU": f"{job.vcpus:g}", "MEMORY": str(job.memory_mb), "GPU": str(job.gpus or "")}
    container = {
        "image": job.image,
        "command": list(job.command),
        "jobRoleArn": job.job_role,
        "executionRoleArn": job.execution_role,
        "environment": _environment(job.environment),
        "resourceRequirements": [{"type": k, "value": v} for k, v in needs.items() if v],
        "linuxParameters": {"initProcessEnabled": True, "sharedMemorySize": job.shared_memory_mb},
    }
    request = {
        "jobDefinitionName": _checked(job.name),
        "type": "container",
        "platformCapabilities": ["EC2"],
        "containerProperties": container,
        "retryStrategy": retry(job.attempts),
        "timeout": {"attemptDurationSeconds": job.timeout},
        "propagateTags": True,
        "tags": dict(job.tags),
    }
    return finished("batch.RegisterJobDefinition", request, job.extra, (attempt_rule,))


def retry(attempts: int) -> dict[str, Any]:
    """Again when the machine went away, not when the program failed."""
    again = {"onStatusReason": "Host EC2*", "action": "RETRY"}
    strategy: dict[str, Any] = {"attempts": attempts}
    ends = [again, {"onReason": "*", "action": "EXIT"}] if attempts > 1 else []
    return strategy | {"evaluateOnExit": ends}


def submit_job_request(
    name: str,
    queue: str,
    definition: str,
    *,
    depends_on: Sequence[str] = (),
    size: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The dict for submit_job; `size` makes it an array of 2 to 10,000 jobs."""
    request = {
        "jobName": _checked(name),
        "jobQueue": queue,
        "jobDefinition": definition,
        "dependsOn": [{"jobId": job} for job in depends_on],
        "arrayProperties": {"size": size},
    }
    return finished("batch.SubmitJob", request, extra, (chain_rule, attempt_rule))


def chain_rule(request: dict[str, Any]) -> Iterator[str]:
    """What Batch's page says and its service model does not."""
    waits = len(request.get("dependsOn", ()))
    if waits > LONGEST_CHAIN:
        yield f"the job waits for {waits} jobs - Batch takes {LONGEST_CHAIN}: put one in between"
    size = request.get("arrayProperties", {}).get("size", 2)
    if not 2 <= size <= 10_000:
        yield f"the array has {size} jobs - Batch takes 2 to 10,000"


def attempt_rule(request: dict[str, Any]) -> Iterator[str]:
    """Attempts and their time, as Batch's pages limit them."""
    attempts = request.get("retryStrategy", {}).get("attempts", 1)
    if not 1 <= attempts <= 10:
        yield f"attempts is {attempts} - Batch takes 1 to 10"
    seconds = request.get("timeout", {}).get("attemptDurationSeconds", 60)
    if seconds < 60:
        yield f"the time-out is {seconds} s - Batch takes at least 60"


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise UsageError(f"the name is {name!r} - take up to 128 letters, digits, '-' and '_'")
    return name


def _environment(values: Mapping[str, str]) -> list[dict[str, str]]:
    for name in values:
        if name.startswith("AWS_BATCH"):
            raise UsageError(f"the variable {name} begins with AWS_BATCH, Batch's own - rename it")
    return [{"name": name, "value": values[name]} for name in sorted(values)]
