"""Training, processing and transform jobs alike: boto3's calls by the kind of the job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from byoa.place import Place
from byoa.plan.errors import NotFoundError, error_code

#: What a job's API calls it.
NOUNS = {"training": "TrainingJob", "processing": "ProcessingJob", "transform": "TransformJob"}
GONE = re.compile(r"not found|could not find|does not exist", re.IGNORECASE)
OVER = ("Completed", "Failed", "Stopped")


def group(kind: str) -> str:
    """The log group in CloudWatch."""
    return f"/aws/sagemaker/{NOUNS[kind]}s"


def call(place: Place, verb: str, kind: str, **request: Any) -> Any:
    return getattr(place.sagemaker, f"{verb}_{kind}_job")(**request)


def describe(place: Place, kind: str, job: str) -> dict[str, Any] | None:
    """The job's description; None when there is no such job."""
    try:
        found: dict[str, Any] = call(place, "describe", kind, **{f"{NOUNS[kind]}Name": job})
    except Exception as error:
        if error_code(error) in {"ValidationException", "ResourceNotFound"} and GONE.search(
            str(error)
        ):
            return None
        raise
    return found


def status_of(described: Mapping[str, Any] | None) -> str:
    """InProgress, Completed, Failed, Stopping, Stopped; '' when there is no such job."""
    found = described or {}
    return next(
        (str(found[f"{noun}Status"]) for noun in NOUNS.values() if f"{noun}Status" in found), ""
    )


def status(place: Place, kind: str, job: str) -> str:
    return status_of(describe(place, kind, job))


def stop(place: Place, kind: str, job: str) -> None:
    call(place, "stop", kind, **{f"{NOUNS[kind]}Name": job})


def find(place: Place, job: str) -> tuple[str, dict[str, Any]]:
    """The kind and the description of a job by its name."""
    for kind in NOUNS:
        described = describe(place, kind, job)
        if described is not None:
            return kind, described
    raise NotFoundError(f"There is no job {job!r} on {place.name}. See: byoa list")


def tags(place: Place, arn: str) -> dict[str, str]:
    found = place.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in found}
