"""AWS Batch: where jobs run, what a job is, one job.

https://docs.aws.amazon.com/batch/latest/userguide/what-is-batch.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import parts, templates


@dataclass(frozen=True, kw_only=True)
class ComputeEnvironment(parts.Named):
    """Machines that come when jobs wait and go when none does."""

    instance_role: str
    subnets: Sequence[str]
    security_groups: Sequence[str]
    instance_types: Sequence[str] = ("optimal",)
    max_vcpus: int = 16
    spot: bool = True
    gpu: bool = False


@dataclass(frozen=True, kw_only=True)
class BatchJob(parts.Named):
    """What a job definition says; a job of it may say otherwise."""

    image: str
    command: Sequence[str] = ()
    vcpus: float = 1
    memory_mb: int = 2048
    gpus: int = 0
    job_role: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int | None = None
    attempts: int = 1


def compute_environment_request(wanted: ComputeEnvironment) -> dict[str, Any]:
    """The dict for create_compute_environment."""
    values = vars(wanted) | {
        "market": "SPOT" if wanted.spot else "EC2",
        # the first is cheap and rarely interrupted, the second Batch's word for on demand
        "strategy": "SPOT_PRICE_CAPACITY_OPTIMIZED" if wanted.spot else "BEST_FIT_PROGRESSIVE",
        "image_type": "ECS_AL2023_NVIDIA" if wanted.gpu else "ECS_AL2023",
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


def job_definition_request(job: BatchJob) -> dict[str, Any]:
    """The dict for register_job_definition: again when a machine went away, not when the program
    failed."""
    needs = {"VCPU": f"{job.vcpus:g}", "MEMORY": str(job.memory_mb), "GPU": str(job.gpus or "")}
    exits = [
        {"onStatusReason": "Host EC2*", "action": "RETRY"},
        {"onReason": "*", "action": "EXIT"},
    ]
    values = vars(job) | {
        "needs": [{"type": kind, "value": value} for kind, value in needs.items() if value],
        "variables": [{"name": name, "value": job.environment[name]} for name in job.environment],
        "exits": exits if job.attempts > 1 else None,
    }
    return templates.request("batch.RegisterJobDefinition", values, job.extra)


def submit_job_request(
    name: str, queue: str, definition: str, *, depends_on: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """The dict for submit_job; size=2 to 10,000 makes it an array, extra={…} reaches the rest."""
    waits = [{"jobId": job} for job in depends_on]
    named = {"name": name, "queue": queue, "definition": definition}
    values = named | {"waits": waits, "size": more.get("size")}
    return templates.request("batch.SubmitJob", values, more.get("extra"))
