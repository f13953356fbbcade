"""The requests that make a project's bucket: encrypted, closed to the public, versioned, tagged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from byoa.plan import parts
from byoa.plan.errors import UsageError
from byoa.plan.limits import finished

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
RESERVED = re.compile(r"xn--|sthree-|amzn-s3-demo-|.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$")


def default_bucket(account: str, region: str) -> str:
    """The bucket that an account has in a region when none is named."""
    return f"byoa-{account}-{region}"


def checked_bucket(name: str) -> str:
    """The name as it is; UsageError when S3 would refuse it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    wrong = ".." in name or re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name) or RESERVED.match(name)
    if wrong or not NAME.fullmatch(name):
        raise UsageError(
            f"the bucket name is {name!r} - take 3 to 63 small letters, digits and hyphens, "
            "with a letter or a digit at both ends"
        )
    return name


def bucket_requests(
    name: str, region: str, account: str, tags: Mapping[str, str]
) -> list[tuple[str, dict[str, Any]]]:
    """boto3's method names with their dicts, in order; each one may be sent again."""
    own = {"Bucket": checked_bucket(name), "ExpectedBucketOwner": account}
    # us-east-1 is no LocationConstraint: S3 refuses it there and wants one everywhere else
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    closed = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    encrypted = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    made: dict[str, dict[str, Any]] = {
        "CreateBucket": {"Bucket": name, "CreateBucketConfiguration": where},
        "PutPublicAccessBlock": own
        | {"PublicAccessBlockConfiguration": dict.fromkeys(closed, True)},
        "PutBucketEncryption": own | {"ServerSideEncryptionConfiguration": {"Rules": [encrypted]}},
        "PutBucketVersioning": own | {"VersioningConfiguration": {"Status": "Enabled"}},
        "PutBucketTagging": own | {"Tagging": {"TagSet": parts.tag_list(tags)}},
        "PutBucketLifecycleConfiguration": own
        | {"LifecycleConfiguration": {"Rules": [lifecycle_rule()]}},
    }
    return [
        (re.sub(r"(?<!^)(?=[A-Z])", "_", call).lower(), finished(f"s3.{call}", request))
        for call, request in made.items()
        if call != "PutBucketTagging" or tags
    ]


def region_of(head: Mapping[str, Any]) -> str:
    """Where a bucket is, from what head_bucket answered or refused with."""
    headers = head.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(head.get("BucketRegion") or headers.get("x-amz-bucket-region") or "us-east-1")


def lifecycle_rule() -> dict[str, Any]:
    """Versions that were overwritten go after a month, uploads that were cut after a week."""
    return {
        "ID": "byoa",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
