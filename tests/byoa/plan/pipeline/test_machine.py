"""A run's state machine: what its states ask for, what belongs to the run, what is too large."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.pipeline import machine_jobs
from byoa.plan.pipeline.composition import composed
from byoa.plan.pipeline.machine import Job, definition
from byoa.plan.pipeline.manifest import Run, RunTask
from byoa.plan.workflow import check, permissions, requests
from tests.byoa.plan.pipeline.runs import ROLE, run_of

WHERE: dict[str, Any] = {"account": "123456789012", "region": "eu-west-1", "partition": "aws"}


def states(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every state, however deep."""
    every: dict[str, dict[str, Any]] = {}
    for name, state in found["States"].items():
        assert name not in every
        every[name] = state
        for branch in state.get("Branches", ()):
            inner = states(branch)
            assert not inner.keys() & every.keys()
            every |= inner
    return every


def machine(run: Run) -> dict[str, Any]:
    return machine_jobs.machine_of(run, machine_jobs.round_of(run, 1, run.tasks))


def test_a_run_is_a_machine_that_step_functions_takes():
    run = run_of({"get": (), "fit-1": ("get",), "fit-2": ("get",), "end": ("fit-1", "fit-2")})
    found = machine(run)
    assert list(check.problems(found)) == []
    state = states(found)["fit-1"]
    assert state["Resource"] == "arn:aws:states:::batch:submitJob.sync"
    asked = state["Arguments"]
    assert asked["JobName"] == '{% $states.context.Execution.Input.prefix & "fit-1" %}'
    assert asked["ContainerOverrides"]["Command"][-4:] == [
        "--run", "{% $states.context.Execution.Input.uri %}", "--task", "fit-1",
    ]  # fmt: skip
    assert asked["Tags"]["byoa:run"] == "{% $states.context.Execution.Input.run %}"
    assert asked["Tags"]["byoa:task"] == "fit-1"
    assert asked["JobDefinition"] == run.tasks["fit-1"].definition
    assert "DependsOn" not in asked


def test_its_jobs_may_be_sagemakers():
    run = run_of({"get": (), "fit-1": ("get",)}, role=ROLE)
    found = machine_jobs.machine_of(run, machine_jobs.round_of(run, 2, run.tasks))
    assert list(check.problems(found)) == []
    state = states(found)["fit-1"]
    assert state["Resource"] == "arn:aws:states:::sagemaker:createProcessingJob.sync"
    asked = state["Arguments"]
    assert asked["ProcessingJobName"] == ('{% $states.context.Execution.Input.run & "-fit-1--2" %}')
    assert (
        "{% $states.context.Execution.Input.uri %}"
        in (asked["AppSpecification"]["ContainerEntrypoint"])
    )
    assert {"Key": "byoa:run", "Value": "{% $states.context.Execution.Input.run %}"} in asked[
        "Tags"
    ]
    policy = permissions.execution_policy(found, **WHERE, name="x")
    passed = [one for one in policy["Statement"] if "iam:PassRole" in one["Action"]]
    assert [one["Resource"] for one in passed] == [[ROLE]]


def test_every_run_of_the_same_tasks_has_the_same_definition():
    needs = {"get": (), "fit": ("get",)}
    first, second = run_of(needs), run_of(needs, run="20270101-000000-ffff")
    assert machine(first) == machine(second)
    assert machine_jobs.given_of(first, 1) != machine_jobs.given_of(second, 1)
    assert machine_jobs.execution_name(first.run, 2) == f"{first.run}-2"


def test_its_role_may_submit_these_jobs_and_no_others():
    run = run_of({"get": ()})
    policy = permissions.execution_policy(machine(run), **WHERE, name="x")
    (submit,) = [one for one in policy["Statement"] if "batch:SubmitJob" in one["Action"]]
    start = "arn:aws:batch:eu-west-1:123456789012"
    wanted = [f"{start}:job-definition/d:1", f"{start}:job-queue/q", f"{start}:job/*"]
    assert sorted(submit["Resource"]) == sorted(wanted)


def test_names_are_states_once_whatever_they_are():
    odd = ["x" * 200, "x" * 201, "a/b", "a*b", "Begin", "Done", "a b"]
    found = machine(run_of({name: odd[:at] for at, name in enumerate(odd)}))
    assert list(check.problems(found)) == []
    assert max(map(len, states(found))) <= 80


def test_a_run_that_is_too_large_is_refused_with_what_to_do():
    needs = {f"t{number}": () for number in range(3000)}
    jobs = {name: Job("r", {}) for name in needs}
    with pytest.raises(UsageError, match=r"[\d,]+ bytes.*--on batch"):
        definition(composed(needs), needs, jobs, "")


def test_how_large_a_grid_fits():
    """With one after it that needs all of it."""
    needs = {"get": (), **{f"fit-{number}": ("get",) for number in range(600)}}
    found = machine(run_of({**needs, "end": tuple(needs)}))
    assert len(requests.text_of(found)) < requests.MOST_BYTES
    assert len(states(found)) > 3 * 600


def test_a_task_without_a_size_of_its_own_has_no_extras():
    run = run_of({"get": ()}, task=RunTask(definition="d", attempts=1))
    asked = states(machine(run))["get"]["Arguments"]
    assert "RetryStrategy" not in asked and "Timeout" not in asked
