"""Every request that a submission would send, in order; nothing is built, made or sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from byoa.aws.batch_home import DEFAULT, default_group, queue_name, subnets_of, wanted
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.submit import Asked, Submission, access
from byoa.pipeline.image import Image, laid
from byoa.plan.batch import (
    compute_environment_request,
    job_queue_request,
    update_job_queue_request,
)
from byoa.plan.iam import TASKS, batch_policy, role_policy_request, role_request
from byoa.plan.names import BATCH, MACHINES, role_name
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import jobs_of
from byoa.plan.pipeline.batch_requests import requests as submit_requests
from byoa.plan.pipeline.manifest import Round, Run
from byoa.plan.pipeline.soopervisor import Target


def requests(home: Home, asked: Asked) -> list[dict[str, Any]]:
    """As {"operation": "batch.SubmitJob", "request": {…}}; ids that AWS gives are <in brackets>."""
    found, run = planned(home, asked)
    if run is None:
        return found
    jobs = jobs_of(run.works(run.tasks), manifest.prefix(run.run, 1))
    sent = submit_requests(run, Round(number=1, jobs=tuple(jobs)))
    return [*found, *(said("batch.SubmitJob", one) for one in sent)]


def planned(home: Home, asked: Asked) -> tuple[list[dict[str, Any]], Run | None]:
    """What makes the place of the jobs, and the run; None when nothing is outdated."""
    with laid(home.project.root, home.target, home.say, asked.ignore_git) as project:
        submission = Submission(home, asked, project)
        run = planned_run(home, submission)
        if run is None:
            return [], None
        found = [*machines(home, any(task.gpus for task in run.tasks.values()))]
        found += role(home, batch_policy(access(home, run, submission.pipeline)))
        arn = f"<ARN of {role_name(home.project.name, BATCH)}>"
        roles = {"job": home.target.role or arn}
        definitions = submission.definitions(run, roles)
        found += [said("batch.RegisterJobDefinition", one) for one in definitions.values()]
        names = {image: str(one["jobDefinitionName"]) for image, one in definitions.items()}
        queue = home.target.queue or queue_name(run.project)
        return found, submission.with_definitions(run, queue, names)


def planned_run(home: Home, submission: Submission) -> Run | None:
    """The run with the images' addresses, nothing of it built; None when nothing is outdated."""
    decisions = submission.plan()
    if not submission.names(decisions):
        home.say("all tasks are up to date: nothing would be sent")
        return None
    images = {
        task: Image(submission.builder.address(submission.laid, task), environment)
        for task, environment in submission.environments.items()
    }
    return submission.run(decisions, images)


def said(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    return {"operation": operation, "request": request}


def machines(home: Home, gpus: bool) -> list[dict[str, Any]]:
    """What makes the queue; nothing where the target names one."""
    if home.target.queue:
        return []
    project, tags, batch = home.project.name, home.tags, home.session.client("batch")
    order = wanted(filled(home), project, gpus, tags)
    name, names = queue_name(project), [one.name for one in order]
    there = batch.describe_compute_environments(computeEnvironments=names)
    made = {one["computeEnvironmentName"] for one in there["computeEnvironments"]}
    missing = [compute_environment_request(one) for one in order if one.name not in made]
    found = [said("batch.CreateComputeEnvironment", one) for one in missing]
    if not batch.describe_job_queues(jobQueues=[name])["jobQueues"]:
        return [*found, said("batch.CreateJobQueue", job_queue_request(name, names, tags))]
    changed = [said("batch.UpdateJobQueue", update_job_queue_request(name, names))]
    return [*found, *(changed if found else ())]


def filled(home: Home) -> Target:
    """The target with the account's own network, and the profile that would be made."""
    session, target = home.session, home.target
    vpcs = session.client("ec2").describe_vpcs(Filters=DEFAULT)["Vpcs"]
    subnets, groups = target.machines.subnets, target.machines.security_groups
    if vpcs and not subnets:
        subnets = subnets_of(session, vpcs[0]["VpcId"])
    if vpcs and not groups:
        groups = default_group(session, vpcs[0]["VpcId"])
    profile = role_name(home.project.name, MACHINES)
    role = f"arn:{session.partition}:iam::{session.account}:instance-profile/{profile}"
    machines = replace(
        target.machines,
        subnets=subnets or ("<the default network's subnets>",),
        security_groups=groups or ("<its default security group>",),
        role=target.machines.role or ("" if target.machines.fargate else role),
    )
    return replace(target, machines=machines)


def role(home: Home, policy: dict[str, Any]) -> list[dict[str, Any]]:
    if home.target.role:
        return []
    name = role_name(home.project.name, BATCH)
    made = role_request(name, home.tags, TASKS, home.session.account)
    return [
        said("iam.CreateRole", made),
        said("iam.PutRolePolicy", role_policy_request(name, policy)),
    ]
