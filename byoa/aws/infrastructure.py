"""What `byoa setup` made of a project, to be removed: the stack; its data only when told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from byoa.aws.belongings import TAG, Thing, delete_versions
from byoa.aws.bucket import find_bucket, tags_of
from byoa.aws.stack import Stack
from byoa.plan.infrastructure import Infrastructure

if TYPE_CHECKING:
    from byoa.aws.session import Session

Kept = Callable[[str], None]


def names(session: Session, project: str) -> Infrastructure:
    return Infrastructure(
        project=project, account=session.account, region=session.region,
        partition=session.partition,
    )  # fmt: skip


def stack(session: Session, project: str, say: Callable[[str], None]) -> Iterator[Thing]:
    """The stack, if it is this project's: functions, builds, workflow, rules, roles, logs."""
    found = Stack(session.client("cloudformation"), names(session, project).stack, say)
    known = found.find()
    if known and {"Key": TAG, "Value": project} in known.get("Tags", ()):
        yield Thing("stack", found.name, found.delete)


def data(session: Session, project: str, delete: bool, kept: Kept) -> Iterator[Thing]:
    """The stack's bucket and repository, which outlive it: when empty, or when told to."""
    yield from bucket(session, project, delete, kept)
    yield from repository(session, project, delete, kept)


def bucket(session: Session, project: str, delete: bool, kept: Kept) -> Iterator[Thing]:
    s3, name = session.client("s3"), names(session, project).bucket
    if find_bucket(s3, name, session.account) is None:
        return
    if tags_of(s3, name, session.account).get(TAG) != project:
        return
    where = {"Bucket": name, "ExpectedBucketOwner": session.account}
    first = s3.list_object_versions(**where, MaxKeys=1)
    empty = not first.get("Versions") and not first.get("DeleteMarkers")
    if empty or delete:
        yield Thing("bucket" if empty else "bucket and its data", name, partial(erase, s3, where))
    else:
        kept(f"kept the bucket {name}, which holds data: --delete-data removes it for good")


def erase(s3: Any, where: dict[str, str]) -> None:
    """A bucket with all versions of all that is in it, and all that never became an object."""
    for page in s3.get_paginator("list_multipart_uploads").paginate(**where):
        for one in page.get("Uploads", ()):
            s3.abort_multipart_upload(**where, Key=one["Key"], UploadId=one["UploadId"])
    delete_versions(s3, where, "")
    s3.delete_bucket(**where)


def repository(session: Session, project: str, delete: bool, kept: Kept) -> Iterator[Thing]:
    ecr, name = session.client("ecr"), names(session, project).repository
    try:
        found = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]
    except ecr.exceptions.RepositoryNotFoundException:
        return
    tags = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    if {"Key": TAG, "Value": project} not in tags:
        return
    images = ecr.list_images(repositoryName=name, maxResults=1)["imageIds"]
    if images and not delete:
        kept(f"kept the repository {name}, which holds images: --delete-data removes it for good")
        return
    remove = partial(ecr.delete_repository, repositoryName=name, force=bool(images))
    yield Thing("repository and its images" if images else "repository", name, remove)
