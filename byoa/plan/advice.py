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
CLIENTS = {"botocore", "boto3", "s3transfer"}
UNKNOWN = {"wrong": "{name} refuses {operation} ({code}): {message}", "fix": ""}


@cache
def table() -> dict[str, Any]:
    """advice.json: `errors` of calls, `reasons` of jobs that failed, names of services, and the
    permissions that are not called as their operations are."""
    return dict(json.loads(Path(__file__).with_name("advice.json").read_text()))


def explain(error: BaseException) -> ByoaError | None:
    """The sentence for an error of AWS, boto3 or byoa.local; None when it is of somebody else."""
    if isinstance(error, ByoaError):
        return error
    words = _words(error)
    if words is None:
        return None
    bare = words["message"] and not words["operation"]  # boto3's own, not AWS's
    row = _row(error, words) or ({**UNKNOWN, "wrong": "{message}"} if bare else UNKNOWN)
    parts = (" ".join(row[part].format(**words).split()) for part in ("wrong", "fix"))
    text = " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts if part)
    return (UsageError if row.get("exit_code") == 2 else ByoaError)(text)


def noted(client: Any) -> Any:
    """A boto3 client whose errors say what they are about; the same client."""
    client.meta.events.register("before-parameter-build", _remember)
    client.meta.events.register("after-call", _note)
    return client


def _remember(params: Any, context: dict[str, Any], **_: Any) -> None:
    """Keeps what a request is about: S3, for one, never says which bucket is missing."""
    names = [key for key in params if key == "Bucket" or key.lower().endswith("name")]
    context["byoa"] = "/".join(str(params[key]) for key in [*names[:1], "Key"] if key in params)


def _note(parsed: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
    """Writes service and resource beside an error's code, for byoa.plan.advice."""
    if isinstance(parsed, dict) and "Error" in parsed:
        parsed["Error"]["Service"] = model.service_model.service_name
        parsed["Error"].setdefault("Resource", context.get("byoa", ""))


def situation(error: BaseException) -> str:
    """The name of the table's row that an error belongs to; '' when it has none."""
    words = _words(error)
    return str((_row(error, words) or {}).get("name", "")) if words else ""


def passes_by(error: BaseException) -> bool:
    """Whether the same call may do well a little later: throttled, cut, broken on AWS's side."""
    name = situation(error)
    return any(row["name"] == name and row.get("retried") for row in table()["errors"])


def for_reason(reason: str) -> str:
    """What to do after a job or an endpoint failed for this reason."""
    rows = (row for row in table()["reasons"] if re.search(row["message"], reason))
    return str(next(rows, {"fix": ""})["fix"])


def _row(error: BaseException, words: dict[str, str]) -> dict[str, Any] | None:
    """The first row that fits; its pattern's named groups join the words."""
    code = words["code"]
    # without a code the names of the exception's classes, nearest first
    codes = [code, *(["AccessDenied"] if code in DENIED else [])] if code else [
        kind.__name__ for kind in type(error).__mro__
    ]  # fmt: skip
    for one in codes:
        for row in table()["errors"]:
            found = re.search(row.get("message", ""), words["message"])
            fits = (
                re.fullmatch(row.get(key, ".*"), words[key]) for key in ("service", "operation")
            )
            if one in row["codes"] and found and all(fits):
                words.update((key, value or "") for key, value in found.groupdict().items())
                return dict(row)
    return None


def _words(error: BaseException) -> dict[str, str] | None:
    """What is known of an error, for the table's sentences."""
    response = getattr(error, "response", None)
    said = response.get("Error") if isinstance(response, dict) else None
    if said is None and type(error).__module__.partition(".")[0] not in CLIENTS:
        return None
    said = said or {}
    message = " ".join(str(said.get("Message") or ("" if said else error)).split())[:700]
    service, operation = str(said.get("Service", "")), str(getattr(error, "operation_name", ""))
    resource = str(said.get("Resource") or said.get("BucketName") or "")
    # the permission and its ARN: AWS's own words, else derived
    own = re.search(r"perform: ([\w-]+:\w+)(?: on resource: \"?([^\s\"]+))?", message)
    action = f"{table()['prefixes'].get(service, service)}:{operation}"
    action = own[1] if own else table()["actions"].get(action, action)
    arn = f"arn:aws:s3:::{resource}" if service == "s3" and resource else "*"
    arn = own[2].rstrip(".,") if own and own[2] else arn
    return {
        "code": str(said.get("Code", "")), "message": message, "service": service or "sagemaker",
        "name": table()["names"].get(service, service or "The service"), "operation": operation,
        "resource": resource or (arn if arn != "*" else "it"), "action": action, "arn": arn,
    }  # fmt: skip
