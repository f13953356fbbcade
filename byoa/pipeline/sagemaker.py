"""`--on sagemaker`: a run as Processing jobs, each started here when its upstream is done.

SageMaker has no dependsOn, so somebody has to stay awake: `submit`, or after it `resume`, which
joins what is under way. A job is named after its run and task: two who drive start it once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from byoa.aws.role import ensure_role, role_arn
from byoa.pipeline.batch import submit
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import ACTIVE, Seen
from byoa.pipeline.processing_drive import Drive
from byoa.pipeline.processing_seen import cancel, cost_rows, look, needs_of, things
from byoa.plan.iam import SAGEMAKER, Access, role_policy, role_policy_request, role_request
from byoa.plan.names import role_name
from byoa.plan.pipeline import manifest, processing_jobs
from byoa.plan.pipeline.batch_jobs import Job, Wait
from byoa.plan.pipeline.batch_requests import client_address
from byoa.plan.pipeline.manifest import Round, Run

if TYPE_CHECKING:
    from byoa.pipeline.batch.submit import Asked, Submission
    from byoa.plan.pipeline.model import Pipeline

__all__ = ["cancel", "cost_rows", "dry_run", "look", "resume", "stay", "submitted", "things"]


def dry_run(home: Home, asked: Asked) -> list[dict[str, Any]]:
    from byoa.pipeline.batch.dry import planned_run
    from byoa.pipeline.image import laid

    with laid(home.project.root, home.target, home.say, asked.ignore_git) as project:
        submission = submit.Submission(home, asked, project)
        run = planned_run(home, submission)
    if run is None:
        return []
    requests, run = with_role(home, replace(run, service="sagemaker"), submission.pipeline)
    return requests + [
        {
            "operation": "sagemaker.CreateProcessingJob",
            "request": processing_jobs.request(run, task, 1),
        }
        for task in run.tasks
    ]


def with_role(home: Home, run: Run, pipeline: Pipeline) -> tuple[list[dict[str, Any]], Run]:
    """What makes the role, and the run with it; nothing is sent."""
    processing_jobs.machines(run.tasks)
    if home.target.role:
        return [], replace(run, role=home.target.role, queue="")
    name, account = role_name(home.project.name), home.session.account
    policy = role_policy_request(name, role_policy(access(home, run, pipeline)))
    trust = role_request(name, home.tags, SAGEMAKER, account)
    requests = [
        {"operation": "iam.CreateRole", "request": trust},
        {"operation": "iam.PutRolePolicy", "request": policy},
    ]
    return requests, replace(run, role=role_address(home), queue="")


def role_address(home: Home) -> str:
    session = home.session
    name = role_name(home.project.name)
    return f"arn:{session.partition}:iam::{session.account}:role/{name}"


def submitted(home: Home, asked: Asked, wait: bool, as_json: bool) -> int:
    """Starts the run and stays with it: nobody else would start what comes next."""
    run = submit.submit(home, asked, place=placed, begin=begun, service="sagemaker")
    if run is None:
        return 0
    home.say(
        f"run {run.run}: {len(run.tasks)} tasks. SageMaker starts none by itself: this stays"
        f" to the end; after Ctrl-C `byoa pipeline resume{home.said}` goes on, from anywhere"
    )
    return Drive(home, run).go(as_json)


def placed(home: Home, submission: Submission, run: Run) -> Run:
    """The run with its role; UsageError when some task fits on no machine."""
    processing_jobs.machines(run.tasks)
    session, run = home.session, replace(run, queue="")
    if home.target.role:
        return replace(run, role=role_arn(session, home.target.role))
    name, policy = role_name(home.project.name), role_policy(access(home, run, submission.pipeline))
    return replace(run, role=ensure_role(session, name, policy, home.tags))


def access(home: Home, run: Run, pipeline: Pipeline) -> Access:
    """What the project's role must reach for these jobs: on Batch's machines it is the same."""
    session = home.session
    images = {task.image for task in run.tasks.values() if "://" not in task.image}
    return Access(
        account=session.account, region=session.region, partition=session.partition,
        write=[run.store, *client_address(pipeline), *home.target.write],
        read=list(home.target.read), images=sorted(images),
    )  # fmt: skip


def begun(home: Home, run: Run) -> Run:
    """Writes the manifest and all jobs' names; none is started yet."""
    submit.write(home, run)
    names = {task: processing_jobs.job_name(run.run, task) for task in run.tasks}
    jobs = tuple(
        Job(names[task], (task,), tuple(Wait(names[one]) for one in needs_of(run, task)))
        for task in run.tasks
    )
    where = f"{run.place}rounds/0001.json"
    home.store.write(where, manifest.written(Round(number=1, jobs=jobs)))
    return run


def resume(home: Home, run: Run) -> list[str]:
    """Goes on with the run to its end, and joins what is under way; the tasks that it was about."""
    seen = look(home, run)
    stay(home, run, seen=seen)
    return [one.task for one in seen.undone]


def stay(home: Home, run: Run, as_json: bool = False, seen: Seen | None = None) -> int:
    """The same; the exit code."""
    undone = (seen or look(home, run)).undone
    again = {one.task for one in undone if one.status not in ACTIVE}
    return Drive(home, run, again).go(as_json)
