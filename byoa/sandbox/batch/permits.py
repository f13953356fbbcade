"""Whose keys a job has, and whether the roles around it let it begin at all.

https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from byoa.sandbox.batch.environments import FARGATE, market
from byoa.sandbox.batch.job import Job
from byoa.sandbox.iam import may_assume
from byoa.sandbox.lambdas import permits
from byoa.sandbox.policies import may
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.supervise import ECR

TASKS = "ecs-tasks"  #: takes on the roles of a job
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
LOG = ("logs:CreateLogStream", "logs:PutLogEvents")


def keys(job: Job, environment: Mapping[str, Any], region: str) -> dict[str, str] | None:
    """The keys of the job's role, else of its instance's; none on Fargate without a role.

    None: the environment is unmanaged, its machines are nobody's, and so is their role.
    """
    role = job.container.get("jobRoleArn") or instance_role(environment)
    if not role:
        return {} if market(dict(environment)) in FARGATE else None
    from moto.backends import get_backend

    taken = get_backend("sts")[ACCOUNT]["aws"].assume_role(
        region_name=region,
        role_session_name=job.id.replace(":", "-"),
        role_arn=role,
        policy="",
        duration=43200,
        external_id="",
    )
    permits.KEYS[taken.access_key_id] = (role, job.id)
    return {
        "AWS_ACCESS_KEY_ID": taken.access_key_id,
        "AWS_SECRET_ACCESS_KEY": taken.secret_access_key,
        "AWS_SESSION_TOKEN": taken.session_token,
    }


def instance_role(environment: Mapping[str, Any]) -> str:
    """The role in the environment's instance profile."""
    from moto.backends import get_backend

    wanted = environment.get("computeResources", {}).get("instanceRole", "")
    for profile in get_backend("iam")[ACCOUNT]["aws"].get_instance_profiles() if wanted else []:
        if wanted in (profile.arn, profile.name):
            return next((str(role.arn) for role in profile.roles), "")
    return ""


def problem(job: Job, environment: Mapping[str, Any], region: str) -> tuple[str, str]:
    """Why it cannot begin: statusReason, and the container's own reason."""
    given = job.container
    for role in (given.get("executionRoleArn"), given.get("jobRoleArn")):
        if role and not may_assume(role, TASKS):
            return (
                f"ECS was unable to assume the role '{role}' that was provided for this task. "
                "Please verify that the role being passed has the proper trust relationship and "
                "permissions and that your IAM user has permissions to pass this role.",
                "",
            )
    agent = given.get("executionRoleArn") or instance_role(environment)
    for action, on, text in wanted(given, region) if agent else ():
        if not may(agent, action, on, {}):
            said = f"{agent} is not authorized to perform: {action} on resource: {on}"
            return "Task failed to start", f"{text}: AccessDeniedException: {said}"
    return "", ""


def wanted(given: Mapping[str, Any], region: str) -> Iterator[tuple[str, str, str]]:
    """What the agent does for a job before the job does anything: it pulls, it opens a log."""
    image = ECR.fullmatch(given["image"])
    if image is not None:
        name = image[1].partition("@")[0].partition(":")[0]
        arn = f"arn:aws:ecr:{region}:{ACCOUNT}:repository/{name}"
        unable = "CannotPullContainerError: Error response from daemon"
        yield "ecr:GetAuthorizationToken", "*", unable
        yield from ((action, arn, unable) for action in PULL)
    group, _ = log_place(given)
    if group:
        arn = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}:log-stream:*"
        unable = "CannotStartContainerError: failed to initialize logging driver"
        yield from ((action, arn, unable) for action in LOG)


def log_place(given: Mapping[str, Any]) -> tuple[str, str]:
    """The log group of a container and the first word of its streams; no group: no log."""
    config = given.get("logConfiguration") or {"logDriver": "awslogs"}
    options = config.get("options", {})
    if config["logDriver"] != "awslogs":
        return "", ""
    return (
        options.get("awslogs-group", "/aws/batch/job"),
        options.get("awslogs-stream-prefix", ""),
    )
