"""A Batch job as a container of byoa.local: pure, but for the roles' keys."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.local.container import PROCESS, Container, Mount
from byoa.local.sweep import labels
from byoa.sandbox import environment
from byoa.sandbox.batch import permits
from byoa.sandbox.batch.job import Job
from byoa.sandbox.batch.region import plain
from byoa.sandbox.supervise import LINUX

if TYPE_CHECKING:
    from byoa.sandbox.batch.attempt import Attempt

PARAMETER = re.compile(r"Ref::([A-Za-z0-9_-]+)")
#: What would let a job past the sandbox.
LEFT_OUT = frozenset({"AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"})
KEYS = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})


def container(attempt: Attempt, image: str, folder: Path, secrets: Mapping[str, str]) -> Container:
    """`secrets` are variables, too, which no description shows."""
    given = attempt.job.container
    linux = given.get("linuxParameters", {})
    command = words(given.get("command", []), attempt.job.parameters)
    as_process = image.startswith(PROCESS)
    if as_process and not command:
        raise ValueError("No command specified: an image process://… has none of its own")
    return Container(
        image=image,
        base=folder,
        workdir=Path(image[len(PROCESS) :]) if as_process else None,
        arguments=tuple(command),
        environment={**secrets, **variables(attempt)},
        mounts=mounts(given),
        network="host" if LINUX else "",  # the sandbox listens on loopback alone
        user=given.get("user", ""),
        read_only=given.get("readonlyRootFilesystem", False),
        tmpfs={
            one["containerPath"]: ",".join([f"size={one['size']}m", *one.get("mountOptions", [])])
            for one in linux.get("tmpfs", [])
        },
        memory_mb=int(attempt.job.need("MEMORY")),
        cpus=min(attempt.job.need("VCPU"), float(os.cpu_count() or 1)),
        gpus=attempt.job.need("GPU") > 0,
        shm_mb=linux.get("sharedMemorySize", 64),
        labels=labels(folder, Path(attempt.state.folder)),
    )


def words(command: list[str], parameters: Mapping[str, str]) -> list[str]:
    """Ref::name is the parameter; one that nobody gave stays as it is, as on AWS."""
    return [PARAMETER.sub(lambda found: parameters.get(found[1], found[0]), one) for one in command]


def variables(attempt: Attempt) -> dict[str, str]:
    """The job's own, Batch's, and what leads its clients here with the keys of its role."""
    job, state = attempt.job, attempt.state
    around = environment.variables(state)
    keys = permits.keys(job, attempt.environment, attempt.region.name)
    if keys is not None:
        around = {name: text for name, text in around.items() if name not in KEYS} | keys
    if not LINUX:
        around["AWS_ENDPOINT_URL"] = f"http://host.docker.internal:{state.port}"
    own = {one["name"]: one.get("value", "") for one in job.container.get("environment", [])}
    return {
        **{name: text for name, text in own.items() if name not in LEFT_OUT},
        **around,
        "AWS_REGION": attempt.region.name,
        "AWS_DEFAULT_REGION": attempt.region.name,
        **batchs(job, attempt.number, attempt.environment),
    }


def batchs(job: Job, number: int, place: Mapping[str, Any]) -> dict[str, str]:
    """https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html"""
    array = {}
    if job.parent is not None:
        array = {
            "AWS_BATCH_JOB_ARRAY_INDEX": str(job.index),
            "AWS_BATCH_JOB_ARRAY_SIZE": str(len(job.parent.children)),
        }
    return {
        "AWS_BATCH_CE_NAME": place["computeEnvironmentName"],
        "AWS_BATCH_JOB_ATTEMPT": str(number),
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JQ_NAME": plain(job.queue),
        **array,
    }


def mounts(given: Mapping[str, Any]) -> tuple[Mount, ...]:
    """Folders of this machine, which stands for the instance."""
    sources = {
        one["name"]: one.get("host", {}).get("sourcePath") for one in given.get("volumes", [])
    }
    found = []
    for one in given.get("mountPoints", []):
        source = sources.get(one.get("sourceVolume"))
        if not source:
            raise ValueError(f"volume {one.get('sourceVolume')}: only host volumes are carried out")
        read_only = one.get("readOnly", False)
        found.append(Mount(source=Path(source), target=one["containerPath"], read_only=read_only))
    return tuple(found)
