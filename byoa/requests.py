"""A task as the request of its job: pure, once everything that it needs is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.code import ARCHIVE, LAUNCHER
from byoa.plan.errors import UsageError
from byoa.plan.image import ImageFacts
from byoa.plan.layout import TaskPlace
from byoa.plan.processing import (
    ProcessingInput,
    ProcessingJob,
    ProcessingOutput,
    processing_request,
)
from byoa.plan.training import Channel, TrainingJob, training_request
from byoa.task import Task

ROOT = "/opt/ml/processing"
INTERRUPT_TAG = "byoa:interrupt-after"
#: --distribution, in the SDK's words, as the hyperparameters that sagemaker-training reads.
LAUNCHERS = {
    "parameter_server": "sagemaker_parameter_server_enabled",
    "multi_worker_mirrored_strategy": "sagemaker_multi_worker_mirrored_strategy_enabled",
    "mpi": "sagemaker_mpi_enabled",
    "pytorchddp": "sagemaker_pytorch_ddp_enabled",
    "torch_distributed": "sagemaker_torch_distributed_enabled",
}
MPI = {
    "processes_per_host": "sagemaker_mpi_num_of_processes_per_host",
    "custom_mpi_options": "sagemaker_mpi_custom_mpi_options",
}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What had to be looked up or made before the request could be written."""

    image: ImageFacts
    role: str
    channels: Sequence[Channel]
    place: TaskPlace
    has_state: bool = False


def request(task: Task, ready: Prepared, job: str, types: Sequence[str], spot: bool) -> Any:
    """The dict for create_training_job or create_processing_job."""
    if task.is_training:
        return training_request(training(task, ready, job, types, spot))
    return processing_request(processing(task, ready, job, types[0]))


def training(
    task: Task, ready: Prepared, job: str, types: Sequence[str], spot: bool
) -> TrainingJob:
    machines, place = task.machines, ready.place
    channels = list(ready.channels)
    if task.program.is_sent:
        channels.append(Channel(name="code", uri=place.source(job)))
    return TrainingJob(
        name=job,
        image=ready.image.uri,
        role=ready.role,
        output=place.output,
        channels=channels,
        hyperparameters=hyperparameters(task, ready.image.uri),
        instance_type=types[0],
        instance_candidates=types[1:],
        instance_count=machines.count,
        volume_gb=machines.volume_gb,
        max_run=machines.max_run,
        max_wait=machines.max_wait or None,
        spot=spot,
        checkpoints=place.state,
        environment=task.environment,
        tags=tags(task),
        metrics=task.metrics,
        isolation=machines.isolation,
        subnets=machines.subnets,
        security_groups=machines.security_groups,
        keep_alive=machines.keep_alive,
        tensorboard=place.output,
        extra=task.extra,
    )


def processing(task: Task, ready: Prepared, job: str, instance_type: str) -> ProcessingJob:
    machines, place = task.machines, ready.place
    inputs = [
        ProcessingInput(
            name=one.name,
            uri=one.uri,
            path=f"{ROOT}/input/data/{one.name}",
            distribution=one.distribution,
        )
        for one in ready.channels
    ]
    if task.program.is_sent:
        inputs.append(
            ProcessingInput(name="code", uri=place.source(job), path=f"{ROOT}/input/code")
        )
    if ready.has_state:  # SageMaker refuses an input that is empty
        inputs.append(
            ProcessingInput(name="state_prev", uri=place.state, path=f"{ROOT}/state_prev")
        )
    return ProcessingJob(
        name=job,
        image=ready.image.uri,
        role=ready.role,
        inputs=inputs,
        outputs=[
            ProcessingOutput(name="output", uri=place.output_of(job), path=f"{ROOT}/output"),
            ProcessingOutput(name="state", uri=place.state, path=f"{ROOT}/state", continuous=True),
        ],
        entrypoint=entry_point(task),
        arguments=() if task.program.is_sent else task.program.arguments,
        instance_type=instance_type,
        instance_count=machines.count,
        volume_gb=machines.volume_gb,
        max_run=machines.max_run,
        environment={**processing_variables(ready.channels), **task.environment},
        tags=tags(task),
        isolation=machines.isolation,
        subnets=machines.subnets,
        security_groups=machines.security_groups,
        extra=task.extra,
    )


def entry_point(task: Task) -> list[str]:
    """What a Processing container runs. Python starts the launcher; others their own file."""
    program = task.program
    if not program.script:
        return list(program.command)
    command = list(program.command) or ["python3"]
    if "python" in command[0].rpartition("/")[2]:
        return [*command, f"{ROOT}/input/code/{LAUNCHER}"]
    return [*command, f"{ROOT}/input/code/{program.script.name}", *program.arguments]


def processing_variables(channels: Sequence[Channel]) -> dict[str, str]:
    folders = {
        f"SM_CHANNEL_{one.name.upper()}": f"{ROOT}/input/data/{one.name}" for one in channels
    }
    return {"SSM_STATE": f"{ROOT}/state", "SSM_OUTPUT": f"{ROOT}/output", **folders}


def hyperparameters(task: Task, image: str) -> dict[str, str]:
    """The user's and, where code is sent, which program to start.

    Script mode decodes JSON, so that text has to be JSON to arrive as it was typed: 1e5, true, 007.
    An image's own algorithm gets the plain text.
    """
    if not task.program.is_sent:
        return dict(task.hyperparameters)
    found = {name: json.dumps(value) for name, value in task.hyperparameters.items()}
    found["sagemaker_program"] = LAUNCHER
    if not image.startswith("process://"):  # there the channel lies elsewhere than in /opt/ml
        found["sagemaker_submit_directory"] = f"/opt/ml/input/data/code/{ARCHIVE}"
    return {**found, **launchers(task.distribution)}


def launchers(distribution: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, options in distribution.items():
        if name not in LAUNCHERS or not isinstance(options, Mapping):
            raise UsageError(
                f"The distribution {name!r} is not known. Take one of {', '.join(LAUNCHERS)},"
                ' such as {"torch_distributed": {"enabled": true}}.'
            )
        found[LAUNCHERS[name]] = json.dumps(bool(options.get("enabled")))
        found |= {MPI[key]: json.dumps(options[key]) for key in MPI if key in options}
    return found


def tags(task: Task) -> dict[str, str]:
    """The user's, and ours, by which `byoa list` and `byoa clean` find the job."""
    interrupt = {INTERRUPT_TAG: task.interrupt_after} if task.interrupt_after else {}
    return {**task.tags, "byoa:project": task.project, "byoa:task": task.name, **interrupt}
