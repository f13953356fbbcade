"""What a project left on AWS Batch, found by name and tag, removed in its order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from byoa.aws.batch_home import LIMIT, queue_name
from byoa.aws.belongings import TAG, Thing, delete_role
from byoa.aws.role import find_role
from byoa.plan.errors import ByoaError
from byoa.plan.names import BATCH, MACHINES, fitted, role_name

if TYPE_CHECKING:
    from byoa.aws.session import Session

STATES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
Sleep = Callable[[float], None]


def batch(session: Session, project: str, sleep: Sleep = time.sleep) -> Iterator[Thing]:
    """Jobs that go on, the queue, its machines, definitions, roles: in that order."""
    client = session.client("batch")
    queue = queue_name(project)
    for found in client.describe_job_queues(jobQueues=[queue])["jobQueues"]:
        if found.get("tags", {}).get(TAG) != project:
            continue
        for status in STATES:
            for page in pages(client.list_jobs, jobQueue=queue, jobStatus=status):
                for job in page["jobSummaryList"]:
                    words = {"jobId": job["jobId"], "reason": "Removed with byoa clean."}
                    yield Thing("batch job", job["jobName"], partial(client.terminate_job, **words))
        yield Thing("job queue", queue, partial(remove_queue, client, queue, sleep))
    for page in pages(client.describe_compute_environments):
        for found in page["computeEnvironments"]:
            if found.get("tags", {}).get(TAG) == project:
                name = found["computeEnvironmentName"]
                remove = partial(remove_environment, client, name, sleep)
                yield Thing("compute environment", name, remove)
    start = f"{fitted(f'byoa-{project}', 100)}-"
    for page in pages(client.describe_job_definitions, status="ACTIVE"):
        for found in page["jobDefinitions"]:
            if found["jobDefinitionName"].startswith(start) and tagged(found, project):
                arn = found["jobDefinitionArn"]
                remove = partial(client.deregister_job_definition, jobDefinition=arn)
                yield Thing("job definition", arn.rpartition("/")[2], remove)
    yield from roles(session, project)


def pages(call: Callable[..., Any], **words: Any) -> Iterator[Any]:
    while True:
        page = call(**words)
        yield page
        if not page.get("nextToken"):
            return
        words["nextToken"] = page["nextToken"]


def tagged(found: Any, project: str) -> bool:
    return bool(found.get("tags", {}).get(TAG) == project)


def roles(session: Session, project: str) -> Iterator[Thing]:
    """The jobs' and the machines' role, and the profile that the machines have theirs from."""
    iam = session.client("iam")
    name = role_name(project, MACHINES)
    try:
        profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        yield Thing("instance profile", name, partial(remove_profile, iam, profile))
    except iam.exceptions.NoSuchEntityException:
        pass
    for name in (role_name(project, BATCH), role_name(project, MACHINES)):
        role = find_role(iam, name)
        if role and {"Key": TAG, "Value": project} in role.get("Tags", ()):
            yield Thing("role", name, partial(delete_role, iam, name))


def remove_profile(iam: Any, profile: Any) -> None:
    name = profile["InstanceProfileName"]
    for role in profile.get("Roles", ()):
        words = {"InstanceProfileName": name, "RoleName": role["RoleName"]}
        iam.remove_role_from_instance_profile(**words)
    iam.delete_instance_profile(InstanceProfileName=name)


def remove_queue(client: Any, name: str, sleep: Sleep) -> None:
    """Disabled, then deleted, then waited for: its machines cannot go before."""

    def look() -> dict[str, Any]:
        return next(iter(client.describe_job_queues(jobQueues=[name])["jobQueues"]), {})

    client.update_job_queue(jobQueue=name, state="DISABLED")
    until(lambda: look().get("status") != "UPDATING", f"the job queue {name}", sleep)
    client.delete_job_queue(jobQueue=name)
    until(lambda: look().get("status", "DELETED") == "DELETED", f"the job queue {name}", sleep)


def remove_environment(client: Any, name: str, sleep: Sleep) -> None:
    def look() -> dict[str, Any]:
        found = client.describe_compute_environments(computeEnvironments=[name])
        return next(iter(found["computeEnvironments"]), {})

    what = f"the compute environment {name}"
    client.update_compute_environment(computeEnvironment=name, state="DISABLED")
    until(lambda: look().get("status") != "UPDATING", what, sleep)
    client.delete_compute_environment(computeEnvironment=name)
    until(lambda: look().get("status", "DELETED") == "DELETED", what, sleep)


def until(done: Callable[[], bool], what: str, sleep: Sleep) -> None:
    end = time.monotonic() + LIMIT
    while not done():
        if time.monotonic() > end:
            raise ByoaError(f"{what[0].upper()}{what[1:]} does not come to rest. Try again later.")
        sleep(1)
