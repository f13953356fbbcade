"""What AWS must have before a job can be: a bucket, and a role that may just what the job needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from byoa.place import Place
from byoa.plan.layout import bucket_and_key
from byoa.plan.names import role_name
from byoa.progress import say
from byoa.task import Task


def ensure_bucket(place: Place, task: Task) -> None:
    """Makes the place's bucket if it is not there. Nothing to do for a folder."""
    if place.session is None:
        return
    from byoa.aws.bucket import ensure_bucket

    bucket, _ = bucket_and_key(place.storage.base + "/")
    ensure_bucket(place.session, bucket, {"byoa:project": task.project})


def role(
    place: Place, task: Task, write: Sequence[str], read: Sequence[str], image: str, dry: bool
) -> str:
    """The role's ARN: the one that is named, else the project's own, made or widened."""
    session = place.session
    if session is None:
        return place.role
    from byoa.aws.role import ensure_role, role_arn
    from byoa.plan.iam import Access, role_policy

    if place.role.startswith("arn:"):
        return place.role
    if place.role and not dry:
        return role_arn(session, place.role)
    name = place.role or role_name(task.project)
    if dry:
        return f"arn:{session.partition}:iam::{session.account}:role/{name}"
    access = Access(
        account=session.account, region=session.region, partition=session.partition,
        write=write, read=read, images=[image],
        subnets=task.job.get("subnets", ()), security_groups=task.job.get("security_groups", ()),
        kms_keys=[task.job["kms_key"]] if task.job.get("kms_key") else (),
    )  # fmt: skip
    return ensure_role(session, name, role_policy(access), {"byoa:project": task.project})


def when_assumable(place: Place, call: Callable[[], Any]) -> Any:
    """Makes the call again while IAM still tells the services of a new role."""
    if place.session is None:
        return call()
    from byoa.aws.role import retry_until_assumable

    return retry_until_assumable(call, say)
