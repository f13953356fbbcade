"""A run's tasks as SageMaker's Processing jobs: names, machines, requests.

SageMaker knows no order between jobs: who drives the run starts each when its upstream is done.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.names import LONGEST_JOB
from byoa.plan.pipeline.batch_requests import COMMAND
from byoa.plan.pipeline.manifest import Run, RunTask
from byoa.plan.pipeline.soopervisor import PROCESS
from byoa.plan.processing import ProcessingJob, processing_request

#: Type, vCPUs, GiB, GPUs: https://docs.aws.amazon.com/sagemaker/latest/dg/notebooks-available-instance-types.html
MACHINES = (
    ("ml.t3.medium", 2, 4, 0), ("ml.t3.large", 2, 8, 0), ("ml.t3.xlarge", 4, 16, 0),
    ("ml.c5.xlarge", 4, 8, 0), ("ml.c5.2xlarge", 8, 16, 0), ("ml.c5.4xlarge", 16, 32, 0),
    ("ml.c5.9xlarge", 36, 72, 0), ("ml.c5.18xlarge", 72, 144, 0),
    ("ml.m5.large", 2, 8, 0), ("ml.m5.xlarge", 4, 16, 0), ("ml.m5.2xlarge", 8, 32, 0),
    ("ml.m5.4xlarge", 16, 64, 0), ("ml.m5.12xlarge", 48, 192, 0), ("ml.m5.24xlarge", 96, 384, 0),
    ("ml.r5.large", 2, 16, 0), ("ml.r5.xlarge", 4, 32, 0), ("ml.r5.2xlarge", 8, 64, 0),
    ("ml.r5.4xlarge", 16, 128, 0), ("ml.r5.8xlarge", 32, 256, 0), ("ml.r5.12xlarge", 48, 384, 0),
    ("ml.r5.16xlarge", 64, 512, 0), ("ml.r5.24xlarge", 96, 768, 0),
    ("ml.g4dn.xlarge", 4, 16, 1), ("ml.g4dn.2xlarge", 8, 32, 1), ("ml.g4dn.4xlarge", 16, 64, 1),
    ("ml.g4dn.8xlarge", 32, 128, 1), ("ml.g4dn.12xlarge", 48, 192, 4),
    ("ml.g4dn.16xlarge", 64, 256, 1), ("ml.p3.16xlarge", 64, 488, 8),
)  # fmt: skip
#: A day, where the task has no limit of its own.
LONGEST_RUN = 86_400
#: SageMaker ended it, not the program: it begins again.
AGAIN = re.compile(r"InternalServerError|CapacityError|Insufficient capacity|[Ee]xit code:? 75\b")


def machine(task: RunTask) -> str:
    """The smallest instance type on which a task fits; its vCPUs and memory are all the task's."""
    fits = [
        row
        for row in MACHINES
        if row[1] >= task.vcpus and row[2] * 1024 >= task.memory_mb and row[3] >= task.gpus
    ]
    if not fits:
        raise UsageError(
            f"No instance type of SageMaker that byoa knows has {task.vcpus:g} vCPUs,"
            f" {task.memory_mb} MB and {task.gpus} GPUs. Ask for less in task_resources, or submit"
            " --on batch."
        )
    return min(fits, key=lambda row: (row[3], row[1] + row[2] / 4, row[0]))[0]


def machines(tasks: Mapping[str, RunTask]) -> dict[str, str]:
    """Each task's instance type; UsageError names all the tasks that fit on none."""
    found, problems = {}, []
    for name, task in tasks.items():
        try:
            found[name] = machine(task)
        except UsageError as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise UsageError("\n".join(problems))
    return found


def job_name(run: str, task: str, attempt: int = 1) -> str:
    """The same task of the same run has the same job, whoever starts it: twice is once.

    No other part of the name has two hyphens in a row; what is not said as it is has its hash.
    """
    end = f"--{attempt}" if attempt > 1 else ""
    own = re.sub(r"[^A-Za-z0-9]+", "-", task).strip("-")
    room = LONGEST_JOB - len(run) - 5
    if own != task or len(own) > room:
        mark = hashlib.sha256(task.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        own = "-".join(filter(None, (own[: room - 9].strip("-"), mark)))
    return f"{run}-{own}{end}"


def latest(run: str, tasks: Iterable[str], names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Task → its last job and that job's attempt, among the jobs that there are."""
    firsts = {job_name(run, task): task for task in tasks}
    found: dict[str, tuple[str, int]] = {}
    for name in names:
        first, _, number = name.partition("--")
        attempt = int(number) if number.isdigit() else 1
        task = firsts.get(first)
        if task is not None and attempt > found.get(task, ("", 0))[1]:
            found[task] = (name, attempt)
    return found


def request(run: Run, task: str, attempt: int) -> dict[str, Any]:
    """The dict for create_processing_job: the container that AWS Batch would run."""
    wanted = run.tasks[task]
    words = [*COMMAND, "--run", f"{run.store}{run.place}", "--task", task]
    if wanted.image.startswith(PROCESS):  # the program begins in SageMaker's folder, not in its own
        folder = wanted.image[len(PROCESS) :]
        words = ["sh", "-c", 'cd "$0" && exec "$@"', folder, *words, "--own-copy"]
    job = ProcessingJob(
        name=job_name(run.run, task, attempt),
        image=wanted.image,
        role=run.role,
        entrypoint=words,
        instance_type=machine(wanted),
        max_run=min(wanted.seconds or LONGEST_RUN, 5 * LONGEST_RUN),
        environment={"AWS_DEFAULT_REGION": run.region},
        tags={**run.tags, "byoa:run": run.run, "byoa:task": tag_of(task)},
    )
    return processing_request(job)


def tag_of(task: str) -> str:
    return re.sub(r"[^\w .:/=+@-]", "_", task)[:256]
