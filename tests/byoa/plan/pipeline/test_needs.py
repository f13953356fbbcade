"""How much each task gets, and what Fargate has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.model import Limits, Product, Source, Task
from byoa.plan.pipeline.needs import FARGATE, Size, fargate, sizes
from byoa.plan.pipeline.soopervisor import Machines, Needs, Target

NONE = Limits()


def tasks(*names: str, limits: Limits = NONE) -> dict[str, Task]:
    made = {"": Product("x")}
    return {
        name: Task(name=name, kind="shell", source=Source(), products=made, limits=limits)
        for name in names
    }


def test_the_first_pattern_that_fits_wins_and_the_name_itself_before_all():
    target = Target(
        name="x",
        needs=Needs(vcpus=8, memory_mb=16384),
        task_needs={
            "fit-*": Needs(vcpus=4, gpus=1),
            "fit-big-*": Needs(vcpus=64),
            "fit-big-1": Needs(memory_mb=99_000),
        },
    )
    found = sizes(tasks("get", "fit-1", "fit-big-1", "fit-big-2", "fitness"), target)
    assert found == {
        "get": Size(8, 16384),
        "fit-1": Size(4, 16384, 1),
        "fit-big-1": Size(8, 99_000),
        "fit-big-2": Size(4, 16384, 1),
        "fitness": Size(8, 16384),  # Soopervisor takes fit-* for a regular expression
    }


def test_the_tasks_own_limits_stand_before_the_targets_defaults():
    own = Limits(cpus=2, memory_mb=512, gpus=1)
    target = Target(name="x", needs=Needs(vcpus=8, memory_mb=16384))
    assert sizes(tasks("a", limits=own), target) == {"a": Size(2, 768, 1)}
    half = Limits(cpus=0.5)
    assert sizes(tasks("a", limits=half), Target(name="x"))["a"].vcpus == 1
    fargate = Target(name="x", machines=Machines(market="fargate"))
    assert sizes(tasks("a", limits=half), fargate) == {"a": Size(0.5, 2048)}
    assert sizes(tasks("a"), Target(name="x")) == {"a": Size(1, 2048)}


def test_a_pattern_without_a_task_is_told():
    target = Target(name="x", task_needs={"fti-*": Needs(), "no": Needs(), "fit-1": Needs()})
    with pytest.raises(UsageError) as caught:
        sizes(tasks("fit-1"), target)
    assert [line.split("'")[1] for line in str(caught.value).splitlines()] == ["fti-*", "no"]


def test_fargate_takes_its_own_sizes_only():
    target = Target(
        name="x", needs=Needs(vcpus=3, memory_mb=3000), machines=Machines(market="fargate")
    )
    assert sizes(tasks("a"), target) == {"a": Size(4, 8192)}
    big = Target(name="x", task_needs={"a": Needs(gpus=1)}, machines=Machines(market="fargate"))
    with pytest.raises(UsageError, match="a: Fargate has no 1 vCPU with 2,048 MiB and 1 GPU"):
        sizes(tasks("a"), big)


@given(st.floats(0.1, 20), st.integers(4, 130_000))
def test_fargates_size_is_the_smallest_that_holds_what_is_wanted(vcpus: float, memory: int):
    found = fargate(Size(vcpus, memory))
    every = [
        Size(cpu, most)
        for cpu, least, end, step in FARGATE
        for most in range(least, end + 1, step)
        if cpu >= vcpus and most >= memory
    ]
    assert found == (min(every, key=lambda one: (one.vcpus, one.memory_mb)) if every else None)
