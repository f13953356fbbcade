"""What AWS's errors mean and what to do about each: the table advice.json, and who reads it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from byoa.plan.errors import ByoaError, UsageError

#: All spellings of "you may not".
DENIED = {"AccessDeniedException", "AccessDenied", "UnauthorizedAccess", "Forbidden", "403"}
NAMES = {
    "sagemaker": "SageMaker", "s3": "S3", "iam": "IAM", "ecr": "ECR", "codebuild": "CodeBuild",
    "logs": "CloudWatch Logs", "sts": "STS", "sagemaker-runtime": "The endpoint", "batch": "Batch",
}  # fmt: skip
#: Where the permission is not called as the operation is.
ACTIONS = {
    "s3:HeadBucket": "s3:ListBucket", "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject", "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject", "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject", "s3:CopyObject": "s3:PutObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}  # fmt: skip
PREFIXES = {"sagemaker-runtime": "sagemaker", "service-quotas": "servicequotas"}


@cache
def table() -> dict[str, list[dict[str, Any]]]:
    """The rows of advice.json: `errors` of calls, `reasons` of jobs that failed."""
    rows: dict[str, list[dict[str, Any]]] = json.loads(
        Path(__file__).with_name("advice.json").read_text()
    )
    return rows


def explain(error: BaseException) -> ByoaError | None:
    """The sentence for an error of AWS, boto3 or byoa.local; None when it is of somebody else."""
    if isinstance(error, ByoaError):
        return error
    words = _words(error)
    if words is None:
        return None
    row = _row(error, words)
    if row is None:
        wrong = (
            "{name} refuses {operation} ({code}): {message}" if words["operation"] else "{message}"
        )
        return ByoaError(_sentence(wrong.format(**words)))
    text = " ".join(_sentence(row[part].format(**words)) for part in ("wrong", "fix"))
    return (UsageError if row.get("exit_code") == 2 else ByoaError)(text)


def situation(error: BaseException) -> str:
    """The name of the table's row that an error belongs to; '' when it has none."""
    words = _words(error)
    row = _row(error, words) if words else None
    return str(row["name"]) if row else ""


def passes_by(error: BaseException) -> bool:
    """Whether the same call may do well a little later: throttled, cut, broken on AWS's side."""
    words = _words(error)
    row = _row(error, words) if words else None
    return bool(row and row.get("retried"))


def for_reason(reason: str) -> str:
    """What to do after a job or an endpoint failed for this reason."""
    for row in table()["reasons"]:
        if re.search(row["message"], reason):
            return str(row["fix"])
    return ""


def _row(error: BaseException, words: dict[str, str]) -> dict[str, Any] | None:
    """The first row that fits; its pattern's named groups join the words."""
    for code in _codes(error, words["code"]):
        for row in table()["errors"]:
            found = re.search(row.get("message", ""), words["message"])
            if (
                code in row["codes"]
                and found
                and re.fullmatch(row.get("service", ".*"), words["service"])
                and re.fullmatch(row.get("operation", ".*"), words["operation"])
            ):
                words.update((key, value or "") for key, value in found.groupdict().items())
                return dict(row)
    return None


def _codes(error: BaseException, code: str) -> list[str]:
    """The service's code, else the names of the exception's classes, nearest first."""
    if not code:
        return [kind.__name__ for kind in type(error).__mro__]
    return [code, "AccessDenied"] if code in DENIED else [code]


def _words(error: BaseException) -> dict[str, str] | None:
    """What is known of an error, for the table's sentences."""
    response = getattr(error, "response", None)
    said = response.get("Error") if isinstance(response, dict) else None
    if said is None and type(error).__module__.split(".")[0] not in {
        "botocore",
        "boto3",
        "s3transfer",
    }:
        return None
    said = said or {}
    message = " ".join(str(said.get("Message") or ("" if said else error)).split())[:700]
    service, operation = str(said.get("Service", "")), str(getattr(error, "operation_name", ""))
    resource = str(said.get("Resource") or said.get("BucketName") or "")
    action, arn = _permission(service, operation, resource, message)
    return {
        "code": str(said.get("Code", "")), "message": message, "service": service or "sagemaker",
        "name": NAMES.get(service, service or "The service"), "operation": operation,
        "resource": resource or (arn if arn != "*" else "it"), "action": action, "arn": arn,
    }  # fmt: skip


def _permission(service: str, operation: str, resource: str, message: str) -> tuple[str, str]:
    """The IAM action and the ARN that a refusal is about: AWS's own words, else derived."""
    said = re.search(r"perform: ([\w-]+:\w+)(?: on resource: \"?([^\s\"]+))?", message)
    action = f"{PREFIXES.get(service, service)}:{operation}"
    action = said[1] if said else ACTIONS.get(action, action)
    if said and said[2]:
        return action, said[2].rstrip(".,")
    return action, f"arn:aws:s3:::{resource}" if service == "s3" and resource else "*"


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!")) else f"{text}."
