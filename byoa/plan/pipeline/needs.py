"""What each task gets on AWS: by task_resources, its own limits, the target's defaults."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.model import Task
from byoa.plan.pipeline.soopervisor import Needs, Target

#: What surrounds a task in its container has its own memory; the task's limit is held within.
AROUND_MB = 256
DEFAULT = Needs(vcpus=1, memory_mb=2048, gpus=0)
#: Fargate's sizes: vCPUs, the least and the most memory in MiB, and its steps.
#: https://docs.aws.amazon.com/batch/latest/userguide/fargate.html
FARGATE = (
    (0.25, 512, 2048, 512),
    (0.5, 1024, 4096, 1024),
    (1, 2048, 8192, 1024),
    (2, 4096, 16_384, 1024),
    (4, 8192, 30_720, 1024),
    (8, 16_384, 61_440, 4096),
    (16, 32_768, 122_880, 8192),
)


@dataclass(frozen=True)
class Size:
    """What a job asks for."""

    vcpus: float
    memory_mb: int
    gpus: int = 0


def sizes(tasks: Mapping[str, Task], target: Target) -> dict[str, Size]:
    """Each task's size; UsageError for patterns without a task, sizes that Fargate has not got."""
    unknown = [
        pattern for pattern in target.task_needs if not any(fits(pattern, name) for name in tasks)
    ]
    problems = [
        f"task_resources has {pattern!r}, which is no task's name or pattern - mend or drop it"
        for pattern in unknown
    ]
    found = {name: size(task, target) for name, task in tasks.items()}
    if target.machines.fargate:
        fitting = {name: fargate(one) for name, one in found.items()}
        problems += [
            f"{name}: Fargate has no {said(found[name])} - take machines.market spot or ec2"
            for name, one in fitting.items()
            if one is None
        ]
        found = {name: one or found[name] for name, one in fitting.items()}
    if problems:
        raise UsageError("\n".join(problems))
    return found


def size(task: Task, target: Target) -> Size:
    """The first that says something: task_resources, the task's limits, container_properties."""
    memory = task.limits.memory_mb
    own = Needs(
        vcpus=None if task.limits.cpus in (0, 1) else task.limits.cpus,
        memory_mb=None if memory is None else memory + AROUND_MB,
        gpus=task.limits.gpus or None,
    )
    row = first(task.name, target.task_needs)
    sources = (row, own, target.needs, DEFAULT)
    vcpus = next(one.vcpus for one in sources if one.vcpus is not None)
    return Size(
        vcpus if target.machines.fargate else max(1, math.ceil(vcpus)),  # machines give whole ones
        next(one.memory_mb for one in sources if one.memory_mb is not None),
        next(one.gpus for one in sources if one.gpus is not None),
    )


def first(name: str, patterns: Mapping[str, Needs]) -> Needs:
    """The row of the name itself, else of the first pattern that fits."""
    return patterns[name] if name in patterns else patterns.get(matching(name, patterns), Needs())


def matching(name: str, patterns: Iterable[str]) -> str:
    """The first pattern that fits; "" when none does."""
    return next((pattern for pattern in patterns if fits(pattern, name)), "")


def fits(pattern: str, name: str) -> bool:
    """`fit-*` as a shell means it: not `fitness`, and the whole name."""
    return fnmatchcase(name, pattern)


def fargate(wanted: Size) -> Size | None:
    """The smallest of Fargate's sizes that holds it; None when none does."""
    for vcpus, least, most, step in FARGATE:
        if wanted.gpus or vcpus < wanted.vcpus or most < wanted.memory_mb:
            continue
        above = max(wanted.memory_mb, least) - least
        return Size(vcpus, least + -(-above // step) * step)
    return None


def said(size: Size) -> str:
    gpus = f" and {size.gpus} GPU" if size.gpus else ""
    return f"{size.vcpus:g} vCPU with {size.memory_mb:,} MiB{gpus}"
