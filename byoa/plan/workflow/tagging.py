"""The workflow's tags on all that its states make: what the bill, `list` and `clean` find it by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Resources whose request takes Tags.
LISTS = re.compile(
    r"arn:[\w-]+:states:[\w-]*:\d*:(aws-sdk:)?sagemaker:create(TrainingJob|ProcessingJob"
    r"|TransformJob|HyperParameterTuningJob|Model|Endpoint|EndpointConfig)(\.sync)?"
)
MAPPINGS = re.compile(r"arn:[\w-]+:states:[\w-]*:\d*:batch:submitJob(\.sync)?")
#: AWS's limit of a thing's tags.
MOST = 50


def tagged(body: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """The definition, or an inner one, whose tasks tag what they make; tags of their own stay."""
    states = body.get("States")
    if not isinstance(states, Mapping) or not tags:
        return dict(body)
    return {**body, "States": {name: _state(state, tags) for name, state in states.items()}}


def _state(state: Any, tags: Mapping[str, str]) -> Any:
    """Tasks are tagged; Parallel's branches and Map's processor are gone into."""
    if not isinstance(state, Mapping):
        return state
    made = dict(state)
    if isinstance(branches := state.get("Branches"), list):
        made["Branches"] = [
            tagged(one, tags) if isinstance(one, Mapping) else one for one in branches
        ]
    for key in ("ItemProcessor", "Iterator"):
        if isinstance(inner := state.get(key), Mapping):
            made[key] = tagged(inner, tags)
    return _task(made, tags) if state.get("Type") == "Task" else made


def _task(task: dict[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """What is an expression, or comes at run time, is left as it is."""
    key = "Arguments" if "Arguments" in task else "Parameters"
    given, resource = task.get(key), str(task.get("Resource", ""))
    if not isinstance(given, Mapping) or "Tags.$" in given:
        return task
    if MAPPINGS.fullmatch(resource) and isinstance(own := given.get("Tags", {}), Mapping):
        return {**task, key: {**given, "Tags": {**tags, **own}}}
    if LISTS.fullmatch(resource) and isinstance(own := given.get("Tags", []), list):
        names = {one.get("Key") for one in own if isinstance(one, Mapping)}
        new = [{"Key": name, "Value": tags[name]} for name in sorted(tags) if name not in names]
        return {**task, key: {**given, "Tags": [*own, *new][:MOST]}}
    return task
