"""`--on stepfunctions`: a run as one execution of the pipeline's state machine.

Its jobs are Batch's, or SageMaker's where that is asked.

The machine waits, so nothing has to stay awake here; an execution is named after its run, so every
machine finds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from byoa.aws import statemachines
from byoa.aws.belongings import Thing
from byoa.pipeline import processing_seen, sagemaker
from byoa.pipeline.batch import runs, submit
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import CANCELLED, WELL, Seen, TaskSeen
from byoa.pipeline.image import laid
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline import machine_jobs, manifest
from byoa.plan.pipeline.manifest import Round, Run
from byoa.workflow import deployment, machine, removal
from byoa.workflow import home as workflow_home
from byoa.workflow import runs as executions

if TYPE_CHECKING:
    from byoa.pipeline.batch.submit import Asked

#: What becomes of a task whose state the execution has not reached.
AHEAD = {"RUNNING": "waiting", "ABORTED": "cancelled"}


def dry_run(home: Home, asked: Asked) -> list[dict[str, Any]]:
    """What Batch needs, then the role, the machine and its execution; no job by itself."""
    found, run = planned(home, asked)
    if run is None:
        return found
    run = replace(run, service="stepfunctions")
    submission = machine_jobs.round_of(run, 1, run.tasks)
    there, wanted = states_of(home), wanted_of(home, run, submission)
    requests = deployment.dry_run(there, wanted)
    arn = there.arn(wanted.name)
    given = json.dumps(machine_jobs.given_of(run, 1))
    start = {"stateMachineArn": arn, "name": run.run, "input": given}
    names = {
        "create_role": "iam.CreateRole", "put_role_policy": "iam.PutRolePolicy",
        "create_state_machine": "stepfunctions.CreateStateMachine",
        "update_state_machine": "stepfunctions.UpdateStateMachine",
    }  # fmt: skip
    sent = [(names[key], one) for key, one in requests.items() if key in names]
    return [
        *found,
        *({"operation": name, "request": one} for name, one in sent),
        {"operation": "stepfunctions.StartExecution", "request": start},
    ]


def planned(home: Home, asked: Asked) -> tuple[list[dict[str, Any]], Run | None]:
    """What makes the place of the jobs, and the run."""
    from byoa.pipeline.batch import dry

    if asked.jobs == "batch":
        return dry.planned(home, asked)
    with laid(home.project.root, home.target, home.say, asked.ignore_git) as project:
        submission = submit.Submission(home, asked, project)
        run = dry.planned_run(home, submission)
    return ([], None) if run is None else sagemaker.with_role(home, run, submission.pipeline)


def submitted(home: Home, asked: Asked, wait: bool, as_json: bool) -> int:
    from byoa.pipeline.batch.service import told

    place = sagemaker.placed if asked.jobs == "sagemaker" else None
    run = submit.submit(home, asked, place=place, begin=begun, service="stepfunctions")
    return told(home, run, wait, as_json)


def begun(home: Home, run: Run) -> Run:
    """Writes the manifest, makes or changes the machine, starts the execution."""
    submit.write(home, run)
    send(home, run, machine_jobs.round_of(run, 1, run.tasks))
    return run


def send(home: Home, run: Run, submission: Round) -> None:
    """The machine as this submission wants it, then its execution: again is the same one."""
    home.store.write(f"{run.place}rounds/{submission.number:04}.json", manifest.written(submission))
    there, wanted = states_of(home), wanted_of(home, run, submission)
    if delayed := machine_jobs.form_of(run, submission).delayed:
        home.say(
            f"{len(delayed)} tasks wait for more than they need: a state machine only knows one"
            " after another and side by side. --on batch has no such waits."
        )
    if there.find(wanted.name) is None:
        home.say(f"making the state machine {wanted.name}")
        deployment.create(there, wanted, home.say)
    else:
        deployment.update(there, wanted, home.say)
    given = machine_jobs.given_of(run, submission.number)
    executions.start(
        there, wanted.name, given, machine_jobs.execution_name(run.run, submission.number)
    )


def states_of(home: Home) -> workflow_home.Home:
    on = "sandbox" if home.place.name == "sandbox" else "sagemaker"
    return workflow_home.Home(on, home.session, home.project.name, home.tags)


def wanted_of(home: Home, run: Run, submission: Round) -> machine.Wanted:
    tags = {key: text for key, text in run.tags.items() if key != "byoa:run"}
    name = machine_jobs.machine_name(run.project, run.pipeline)
    return machine.Wanted(name=name, definition=machine_jobs.machine_of(run, submission), tags=tags)


def execution_of(home: Home, run: Run, number: int) -> dict[str, Any]:
    """describe_execution of a submission; {} when it never began."""
    there = states_of(home)
    name = machine_jobs.machine_name(run.project, run.pipeline)
    try:
        return executions.find(there, name, machine_jobs.execution_name(run.run, number))
    except NotFoundError:
        return {}


def look(home: Home, run: Run, *, whole: bool = False) -> Seen:
    """What Batch says of the jobs; those that are not there yet wait while the machine runs."""
    if run.on_sagemaker:
        seen = processing_seen.look(home, run)
    else:
        seen = runs.on_batch(home, run, whole=whole)
    number = last_round(home, run)
    execution = execution_of(home, run, number) if number else {}
    status = execution.get("status")
    lost: set[str] = set()
    for name, one in seen.tasks.items():
        needs_lost = bool(lost.intersection(run.tasks[name].needs))
        seen.tasks[name] = replace(one, status=settled(one, str(status), needs_lost))
        if seen.tasks[name].status in ("failed", "cancelled", "skipped"):
            lost.add(name)
    return seen


def last_round(home: Home, run: Run) -> int:
    names = home.store.names(f"{run.place}rounds/")
    return max((int(name.partition(".")[0]) for name in names), default=0)


def settled(one: TaskSeen, execution: str, needs_lost: bool) -> str:
    """A task's status, as far as the execution knows more of it than Batch does."""
    if execution == "ABORTED" and one.described.get("isTerminated"):
        return "cancelled"
    if needs_lost and one.status not in WELL:
        return "skipped"
    return AHEAD.get(execution, one.status) if one.status == "not submitted" else one.status


def things(home: Home) -> Iterator[Thing]:
    """The pipeline's state machine, if it has one, its executions and its role."""
    there = states_of(home)
    found = there.find(machine_jobs.machine_name(home.project.name, home.project.pipeline))
    if found is not None and there.is_ours(
        statemachines.tags(there.states, found["stateMachineArn"])
    ):
        yield from removal.things(there, found)


def cancel(home: Home, run: Run) -> int:
    """Stops the execution, which ends its jobs; how many were going on."""
    seen = look(home, run)
    there = states_of(home)
    for number in range(1, last_round(home, run) + 1):
        execution = execution_of(home, run, number)
        if execution.get("status") == "RUNNING":
            executions.stop(there, execution, "Cancelled", CANCELLED)
    ids = [one.job for one in seen.active if one.job]
    if run.on_sagemaker:  # those that it has just begun, and cannot have heard
        processing_seen.cancel(home, run)
    else:
        home.batch.end(ids, CANCELLED)
    return len(seen.active)


def resume(home: Home, run: Run) -> list[str]:
    """A new execution with what is not done; nothing while one runs: it goes on by itself."""
    seen = look(home, run)
    number = last_round(home, run)
    execution = execution_of(home, run, number) if number else {}
    if execution.get("status") == "RUNNING":
        return []
    todo = [one.task for one in seen.undone]
    if todo:  # a round without an execution was cut off before it: its tasks are all there
        again = number if number and not execution else number + 1
        send(home, run, machine_jobs.round_of(run, again, todo))
    return todo
