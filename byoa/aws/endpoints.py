"""An endpoint over boto3's methods: looked at, waited for, removed with all that is its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from byoa.plan.errors import error_code

GROUP = "/aws/sagemaker/Endpoints/"
#: Models and configurations carry it: what was made for which endpoint.
TAG = "byoa:endpoint"
BUSY = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
LAST_LINES = 10


def is_gone(error: Exception) -> bool:
    """Whether the service says that there is no such thing."""
    missing = "Could not find" in str(error) or "does not exist" in str(error)
    return missing and error_code(error) in {"ValidationException", "ResourceNotFound"}


def is_there_already(error: Exception) -> bool:
    return "already exist" in str(error) and error_code(error) in {
        "ValidationException",
        "ResourceInUse",
    }


def describe(sagemaker: Any, endpoint: str) -> dict[str, Any] | None:
    """None when there is no such endpoint."""
    try:
        return dict(sagemaker.describe_endpoint(EndpointName=endpoint))
    except Exception as error:
        if is_gone(error):
            return None
        raise


def wait(
    sagemaker: Any,
    endpoint: str,
    tell: Callable[[str], None],
    pause: float,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any] | None:
    """What describe says when nothing is being done to it any more; None when it is gone."""
    said = ""
    while found := describe(sagemaker, endpoint):
        status = str(found["EndpointStatus"])
        if status != said:
            tell(f"endpoint {endpoint}: {status}")
        said = status
        if status not in BUSY:
            break
        sleep(pause)
    return found


def last_lines(logs: Any, endpoint: str) -> list[str]:
    """The end of the log stream that was written last; none when there is no log."""
    group = GROUP + endpoint
    try:
        streams = logs.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True
        )["logStreams"]
        if not streams:
            return []
        name = streams[0]["logStreamName"]
        events = logs.get_log_events(logGroupName=group, logStreamName=name, limit=LAST_LINES)
    except Exception as error:
        if error_code(error) in {"ResourceNotFoundException", "AccessDeniedException"}:
            return []
        raise
    return [event["message"].rstrip() for event in events["events"]]


def own(sagemaker: Any, endpoint: str, keep: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """(delete method, name) of the configurations and models that were made for an endpoint."""
    for kind, plural in (("EndpointConfig", "EndpointConfigs"), ("Model", "Models")):
        verb = {"EndpointConfig": "endpoint_config", "Model": "model"}[kind]
        for item in listed(getattr(sagemaker, f"list_{verb}s"), plural):
            if item[f"{kind}Name"] in keep:
                continue
            tags = sagemaker.list_tags(ResourceArn=item[f"{kind}Arn"])["Tags"]
            if {"Key": TAG, "Value": endpoint} in tags:
                yield f"delete_{verb}", item[f"{kind}Name"]


def listed(method: Callable[..., Any], key: str) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    while True:
        answer = method(MaxResults=100, **more)
        yield from answer[key]
        if not answer.get("NextToken"):
            return
        more = {"NextToken": answer["NextToken"]}


def delete(sagemaker: Any, method: str, name: str) -> None:
    """Deletes one thing; that it is gone already is as good."""
    key = {"delete_endpoint_config": "EndpointConfigName", "delete_model": "ModelName"}.get(
        method, "EndpointName"
    )
    try:
        getattr(sagemaker, method)(**{key: name})
    except Exception as error:
        if not is_gone(error):
            raise
