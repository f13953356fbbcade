"""Every request that a submission would send, in order; nothing is built, made or sent."""

from __future__ import annotations

from typing import Any

from byoa.aws.batch_home import queue_name, wanted
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.submit import Asked, Submission
from byoa.pipeline.image import Image, laid
from byoa.plan.batch import compute_environment_request, job_queue_request
from byoa.plan.iam import TASKS, Access, batch_policy, role_policy_request, role_request
from byoa.plan.names import BATCH, role_name
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import jobs_of
from byoa.plan.pipeline.batch_requests import requests as submit_requests
from byoa.plan.pipeline.manifest import Round


def requests(home: Home, asked: Asked) -> list[dict[str, Any]]:
    """As {"operation": "batch.SubmitJob", "request": {…}}; ids that AWS gives are <in brackets>."""
    with laid(home.project.root, home.target, home.say, asked.ignore_git) as project:
        submission = Submission(home, asked, project)
        decisions = submission.plan()
        if not submission.names(decisions):
            home.say("all tasks are up to date: nothing would be sent")
            return []
        images = {
            task: Image(submission.builder.address(project, task), environment)
            for task, environment in submission.environments.items()
        }
        run = submission.run(decisions, images)
        found = [*machines(home, any(task.gpus for task in run.tasks.values()))]
        found += role(home, run.store)
        arn = f"<ARN of {role_name(home.project.name, BATCH)}>"
        roles = {"job": home.target.role or arn}
        definitions = submission.definitions(run, roles)
        found += [said("batch.RegisterJobDefinition", one) for one in definitions.values()]
        names = {image: str(one["jobDefinitionName"]) for image, one in definitions.items()}
        run = submission.with_definitions(run, home.target.queue or queue_name(run.project), names)
        jobs = jobs_of(run.works(run.tasks), manifest.prefix(run.run, 1))
        sent = submit_requests(run, Round(number=1, jobs=tuple(jobs)))
        return [*found, *(said("batch.SubmitJob", one) for one in sent)]


def said(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"operation": operation, "request": request}


def machines(home: Home, gpus: bool) -> list[dict[str, Any]]:
    """What makes the queue; nothing where the target names one."""
    if home.target.queue:
        return []
    project, tags = home.project.name, home.tags
    order = wanted(home.target, project, gpus, tags)
    name = queue_name(project)
    return [
        *(
            said("batch.CreateComputeEnvironment", compute_environment_request(one))
            for one in order
        ),
        said("batch.CreateJobQueue", job_queue_request(name, [one.name for one in order], tags)),
    ]


def role(home: Home, store: str) -> list[dict[str, Any]]:
    if home.target.role:
        return []
    session, name = home.session, role_name(home.project.name, BATCH)
    access = Access(
        account=session.account, region=session.region, partition=session.partition,
        write=[store, *home.target.write], read=list(home.target.read),
    )  # fmt: skip
    made = role_request(name, home.tags, TASKS, session.account)
    return [
        said("iam.CreateRole", made),
        said("iam.PutRolePolicy", role_policy_request(name, batch_policy(access))),
    ]
