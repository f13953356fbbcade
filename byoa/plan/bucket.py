"""The requests that make a project's bucket: encrypted, closed to the public, versioned, tagged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.plan import templates

STEPS = (
    *("create_bucket", "put_public_access_block", "put_bucket_encryption"),
    *("put_bucket_versioning", "put_bucket_tagging", "put_bucket_lifecycle_configuration"),
)


def default_bucket(account: str, region: str) -> str:
    """The bucket that an account has in a region when none is named."""
    return f"byoa-{account}-{region}"


def bucket_requests(
    name: str, region: str, account: str, tags: Mapping[str, str]
) -> list[tuple[str, dict[str, Any]]]:
    """boto3's method names with their dicts, in order; each one may be sent again."""
    # us-east-1 is no LocationConstraint: S3 refuses it there and wants one everywhere else
    location = None if region == "us-east-1" else region
    values = {"bucket": name, "location": location, "account": account, "tags": tags}
    return [
        (step, templates.request("s3." + step.title().replace("_", ""), values))
        for step in STEPS
        if tags or step != "put_bucket_tagging"
    ]


def region_of(head: Mapping[str, Any]) -> str:
    """Where a bucket is, from what head_bucket answered or refused with."""
    headers = head.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(head.get("BucketRegion") or headers.get("x-amz-bucket-region") or "us-east-1")
