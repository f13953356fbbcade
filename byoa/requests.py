"""A task as the request of its job: pure, once everything that it needs is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.code import ARCHIVE
from byoa.pack import Code
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
from byoa.record import LAUNCHER
from byoa.task import Attempt, Task

ROOT = "/opt/ml/processing"
#: --distribution in the SDK's words, as the hyperparameters that sagemaker-training reads.
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
    """A task with all that its request and its fingerprint need."""

    task: Task
    image: ImageFacts
    role: str
    channels: Sequence[Channel]
    place: TaskPlace
    code: Code = field(default_factory=Code)
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    has_state: bool = False


def request(ready: Prepared, job: str, attempt: Attempt) -> dict[str, Any]:
    """The dict for create_training_job or create_processing_job."""
    task, place, (types, spot) = ready.task, ready.place, attempt
    same: dict[str, Any] = {
        **task.job,
        "name": job,
        "image": ready.image.uri,
        "role": ready.role,
        "tags": tags(task),
        "instance_type": types[0],
    }
    if not task.is_training:
        return processing_request(processing(ready, same))
    code = [Channel(name="code", uri=place.source(job))] if task.program.is_sent else []
    wanted = TrainingJob(
        output=place.output,
        channels=[*ready.channels, *code],
        hyperparameters=hyperparameters(task, ready.image.uri),
        instance_candidates=types[1:],
        spot=spot,
        checkpoints=place.state,
        tensorboard=place.output,
        environment=task.environment,
        metrics=task.metrics,
        **same,
    )
    return training_request(wanted)


def processing(ready: Prepared, same: Mapping[str, Any]) -> ProcessingJob:
    """Inputs below input/data, the code as files, the last run's state read-only beside the new."""
    task, place, job = ready.task, ready.place, str(same["name"])
    folders = {one.name: f"{ROOT}/input/data/{one.name}" for one in ready.channels}
    inputs = [
        ProcessingInput(
            name=one.name, uri=one.uri, path=folders[one.name], distribution=one.distribution
        )
        for one in ready.channels
    ]
    more = {"code": (place.source(job), "input/code")} if task.program.is_sent else {}
    if ready.has_state:  # SageMaker refuses an input that is empty
        more["state_prev"] = (place.state, "state_prev")
    inputs += [ProcessingInput(name=n, uri=u, path=f"{ROOT}/{p}") for n, (u, p) in more.items()]
    variables = {f"SM_CHANNEL_{name.upper()}": path for name, path in folders.items()}
    return ProcessingJob(
        inputs=inputs,
        outputs=[
            ProcessingOutput(name="output", uri=place.output_of(job), path=f"{ROOT}/output"),
            ProcessingOutput(name="state", uri=place.state, path=f"{ROOT}/state", continuous=True),
        ],
        entrypoint=entry_point(task),
        arguments=() if task.program.is_sent else task.program.arguments,
        environment={
            **{"SSM_STATE": f"{ROOT}/state", "SSM_OUTPUT": f"{ROOT}/output"},
            **variables,
            **task.environment,
        },
        **same,
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
    ours = {"byoa:project": task.project, "byoa:task": task.name}
    interrupt = {"byoa:interrupt-after": task.interrupt_after} if task.interrupt_after else {}
    return {**task.tags, **ours, **interrupt}
