"""An endpoint over boto3's methods: looked at, waited for, removed with all that is its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from byoa.plan.errors import error_code
from byoa.plan.names import fitted

GROUP = "/aws/sagemaker/Endpoints/"
#: Models and configurations carry it: what was made for which endpoint.
TAG = "byoa:endpoint"
#: Of an endpoint's name in the names of what is made for it; a hash follows.
LONGEST = 52
BUSY = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
#: What a delete method calls its thing.
KEYS = {
    "delete_endpoint": "EndpointName",
    "delete_endpoint_config": "EndpointConfigName",
    "delete_model": "ModelName",
}


def is_gone(error: Exception) -> bool:
    """Whether the service says that there is no such thing."""
    return error_code(error) == "ValidationException" and "Could not find" in str(error)


def describe(sagemaker: Any, endpoint: str) -> dict[str, Any] | None:
    """None when there is no such endpoint."""
    try:
        return dict(sagemaker.describe_endpoint(EndpointName=endpoint))
    except Exception as error:
        if is_gone(error):
            return None
        raise


def settled(
    sagemaker: Any,
    endpoint: str,
    pause: float,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any] | None:
    """What describe says when nothing is being done to it any more; None when it is gone."""
    said = ""
    while (found := describe(sagemaker, endpoint)) and found["EndpointStatus"] in BUSY:
        if found["EndpointStatus"] != said:
            said = found["EndpointStatus"]
            tell(f"endpoint {endpoint}: {said}")
        sleep(pause)
    if said:
        tell(f"endpoint {endpoint}: {found['EndpointStatus'] if found else 'deleted'}")
    return found


def last_lines(logs: Any, endpoint: str, limit: int = 10, since: float = 0) -> list[str]:
    """The end of the log stream that was written last; none when there is no log to be read.

    A log outlives its endpoint: `since`, in seconds, leaves an earlier one's lines out.
    """
    group = GROUP + endpoint
    try:
        streams = logs.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True
        )["logStreams"]
        found = [
            logs.get_log_events(logGroupName=group, logStreamName=one["logStreamName"], limit=limit)
            for one in streams[:1]
        ]
    except Exception as error:
        if error_code(error) in {"ResourceNotFoundException", "AccessDeniedException"}:
            return []
        raise
    events = [event for page in found for event in page["events"]]
    return [one["message"].rstrip() for one in events if one["timestamp"] >= since * 1000]


def own(sagemaker: Any, endpoint: str, keep: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """(delete method, name) of the configurations and models that were made for an endpoint."""
    current = () if keep else serving(sagemaker, endpoint)  # what serves is among what stays
    found = dict.fromkeys([*current, *named_after(sagemaker, endpoint)])
    for method, name, arn in found:
        tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
        if {"Key": TAG, "Value": endpoint} in tags and name not in keep:
            yield method, name


def named_after(sagemaker: Any, endpoint: str) -> Iterator[tuple[str, str, str]]:
    """What `byoa deploy` makes has the endpoint's name in front."""
    for method, key in list(KEYS.items())[1:]:
        kind = key.removesuffix("Name")
        listing = getattr(sagemaker, f"{method.replace('delete', 'list')}s")
        more: dict[str, Any] = {"MaxResults": 100, "NameContains": fitted(endpoint, LONGEST)}
        while more:
            page = listing(**more)
            for item in page[f"{kind}s"]:
                yield method, item[key], item[f"{kind}Arn"]
            more = {**more, "NextToken": page["NextToken"]} if page.get("NextToken") else {}


def serving(sagemaker: Any, endpoint: str) -> Iterator[tuple[str, str, str]]:
    """What the endpoint serves with: a workflow names it after the training job."""
    try:
        name = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
        yield "delete_endpoint_config", name, config["EndpointConfigArn"]
        for variant in config["ProductionVariants"]:
            model = sagemaker.describe_model(ModelName=variant["ModelName"])
            yield "delete_model", model["ModelName"], model["ModelArn"]
    except Exception as error:
        if not is_gone(error):
            raise


def delete(sagemaker: Any, method: str, name: str) -> None:
    """Deletes one thing; that it is gone already is as good."""
    try:
        getattr(sagemaker, method)(**{KEYS[method]: name})
    except Exception as error:
        if not is_gone(error):
            raise
