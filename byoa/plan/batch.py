"""AWS Batch: where jobs run, what a job is, one job.

https://docs.aws.amazon.com/batch/latest/userguide/what-is-batch.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts, templates

#: When a job is tried again: its machine was taken, the image could not be pulled, our own program
#: says that a service did not answer; never because the user's program failed.
#: https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
TEMPORARY = 75
EXITS = (
    {"onStatusReason": "Host EC2*", "action": "RETRY"},
    {"onStatusReason": "Your Spot Task*", "action": "RETRY"},
    {"onReason": "CannotPull*", "action": "RETRY"},
    {"onExitCode": str(TEMPORARY), "action": "RETRY"},
    {"onReason": "*", "action": "EXIT"},
)


@dataclass(frozen=True, kw_only=True)
class ComputeEnvironment(parts.Named):
    """Machines that come when jobs wait and go when none does; Fargate's are nobody's."""

    subnets: Sequence[str]
    security_groups: Sequence[str]
    instance_role: str = ""
    instance_types: Sequence[str] = ("optimal",)
    max_vcpus: int = 16
    spot: bool = True
    gpu: bool = False
    fargate: bool = False


@dataclass(frozen=True, kw_only=True)
class BatchJob(parts.Named):
    """What a job definition says; a job of it may say otherwise."""

    image: str
    command: Sequence[str] = ()
    vcpus: float = 1
    memory_mb: int = 2048
    gpus: int = 0
    job_role: str | None = None
    execution_role: str | None = None  #: Fargate pulls the image and writes the log as this role
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int | None = None
    attempts: int = 1
    fargate: bool = False


def compute_environment_request(wanted: ComputeEnvironment) -> dict[str, Any]:
    """The dict for create_compute_environment."""
    values: dict[str, Any] = {**vars(wanted)}
    if wanted.fargate:
        values |= dict.fromkeys(("strategy", "image_type", "min_vcpus", "instance_role"))
        values |= {"market": "FARGATE_SPOT" if wanted.spot else "FARGATE", "instance_types": None}
        values["machine_tags"] = None
    else:
        values |= {
            "market": "SPOT" if wanted.spot else "EC2",
            # the first is cheap and rarely interrupted, the second Batch's word for on demand
            "strategy": "SPOT_PRICE_CAPACITY_OPTIMIZED" if wanted.spot else "BEST_FIT_PROGRESSIVE",
            "image_type": "ECS_AL2023_NVIDIA" if wanted.gpu else "ECS_AL2023",
            "min_vcpus": 0,
            "machine_tags": wanted.tags,
        }
    return templates.request("batch.CreateComputeEnvironment", values, wanted.extra)


def job_queue_request(
    name: str, environments: Sequence[str], tags: Mapping[str, str]
) -> dict[str, Any]:
    """The dict for create_job_queue: the environments in the order in which they are tried."""
    order = [
        {"order": place, "computeEnvironment": environment}
        for place, environment in enumerate(environments, start=1)
    ]
    values = {"name": name, "order": order, "tags": tags}
    return templates.request("batch.CreateJobQueue", values)


def update_job_queue_request(name: str, environments: Sequence[str]) -> dict[str, Any]:
    """The dict for update_job_queue: from now on these environments."""
    order = job_queue_request(name, environments, {})["computeEnvironmentOrder"]
    return templates.request("batch.UpdateJobQueue", {"name": name, "order": order})


def job_definition_request(job: BatchJob) -> dict[str, Any]:
    """The dict for register_job_definition: again when a machine went away, not when the program
    failed."""
    values = vars(job) | {
        "needs": requirements(job.vcpus, job.memory_mb, job.gpus),
        "variables": [{"name": name, "value": job.environment[name]} for name in job.environment],
        "exits": EXITS if job.attempts > 1 else None,
        "platform": "FARGATE" if job.fargate else "EC2",
        "network": {"assignPublicIp": "ENABLED"} if job.fargate else None,
    }
    return templates.request("batch.RegisterJobDefinition", values, job.extra)


def requirements(vcpus: float, memory_mb: int, gpus: int = 0) -> list[dict[str, str]]:
    """A job's size as AWS says it."""
    needs = {"VCPU": f"{vcpus:g}", "MEMORY": str(memory_mb), "GPU": str(gpus or "")}
    return [{"type": kind, "value": value} for kind, value in needs.items() if value]


def submit_job_request(
    name: str, queue: str, definition: str, *, depends_on: Sequence[Any] = (), **more: Any
) -> dict[str, Any]:
    """The dict for submit_job; size=2 to 10,000 makes it an array, extra={…} reaches the rest.

    depends_on: ids, or AWS's own {"jobId": …, "type": "N_TO_N"}.
    """
    waits = [{"jobId": job} if isinstance(job, str) else dict(job) for job in depends_on]
    named = {"name": name, "queue": queue, "definition": definition}
    values = named | {"waits": waits, "size": more.get("size")}
    return templates.request("batch.SubmitJob", values, more.get("extra"))
