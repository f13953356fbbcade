"""The bucket: found, or made so that nobody else can read it; never one of somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from byoa.plan.bucket import bucket_requests, default_bucket, region_of
from byoa.plan.errors import ByoaError, error_code

if TYPE_CHECKING:
    from byoa.aws.session import Session

#: What byoa made it says so; all projects of an account and region share it.
MADE = {"byoa:made": "bucket"}


def ensure_bucket(session: Session, name: str = "", tags: Mapping[str, str] | None = None) -> str:
    """The bucket's name; made when there is none (by default one an account and region)."""
    own = default_bucket(session.account, session.region)
    name = name or own
    s3 = session.client("s3")
    found = find_bucket(s3, name, session.account)
    if found is None:
        _make(session, name, tags or {})
    elif found != session.region:
        raise ByoaError(
            f"The bucket {name} is in {found}, and this project runs in {session.region}: SageMaker"
            f" reads only from its own region. Say --region {found}, or name another --bucket."
        )
    elif name == own and not tags_of(s3, name, session.account):
        _settle(session, name, tags or {})  # whoever made it was stopped half way
    return name


def find_bucket(s3: Any, name: str, account: str) -> str | None:
    """The region of our own bucket, None when there is none; ByoaError when it is another's.

    The owner is asked for each time: a deleted bucket's name can be taken by anybody, who then
    would get our data (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html).
    """
    try:
        return region_of(s3.head_bucket(Bucket=name, ExpectedBucketOwner=account))
    except s3.exceptions.ClientError as error:
        if error_code(error) in {"404", "NoSuchBucket"}:
            return None
        if error_code(error) == "403" and _visible(s3, name):
            raise ByoaError(
                f"The bucket {name} belongs to another account than {account}, and nothing was"
                " sent to it. Name a bucket of your own with --bucket, or none: byoa makes one."
            ) from error
        raise


def _visible(s3: Any, name: str) -> bool:
    """Whether the bucket answers when nobody asks for its owner: then it was about the owner."""
    try:
        s3.head_bucket(Bucket=name)
    except s3.exceptions.ClientError:
        return False
    return True


def tags_of(s3: Any, name: str, account: str) -> dict[str, str]:
    try:
        found = s3.get_bucket_tagging(Bucket=name, ExpectedBucketOwner=account)["TagSet"]
    except s3.exceptions.ClientError as error:
        if error_code(error) == "NoSuchTagSet":
            return {}
        raise
    return {tag["Key"]: tag["Value"] for tag in found}


def _make(session: Session, name: str, tags: Mapping[str, str]) -> None:
    """Makes it; what could not be closed and tagged is not left behind."""
    s3 = session.client("s3")
    (_, request), *_ = bucket_requests(name, session.region, session.account, tags)
    made = True
    try:
        s3.create_bucket(**request)
    except s3.exceptions.ClientError as error:
        if error_code(error) != "BucketAlreadyOwnedByYou":
            raise
        made = False  # a second driver was faster: its bucket is ours too
    try:
        _settle(session, name, tags)
    except BaseException:
        if made:
            s3.delete_bucket(Bucket=name, ExpectedBucketOwner=session.account)
        raise


def _settle(session: Session, name: str, tags: Mapping[str, str]) -> None:
    """Closed to the public, encrypted, versioned, tagged; each call may be repeated."""
    s3 = session.client("s3")
    tags = {key: value for key, value in tags.items() if key != "byoa:project"} | MADE
    for operation, request in bucket_requests(name, session.region, session.account, tags)[1:]:
        getattr(s3, operation)(**request)
