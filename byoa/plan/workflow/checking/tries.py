"""Retry and Catch: what they name, in which order, and how often.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking import jsonata, templates
from byoa.plan.workflow.checking.fields import path, shown, unknown
from byoa.plan.workflow.walk import JSONATA, Place

RETRY = ("ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds",
         "JitterStrategy", "Comment")  # fmt: skip
CATCH = ("ErrorEquals", "Next", "ResultPath", "Assign", "Output", "Comment")
#: The only names that may begin with "States.".
OWN_ERRORS = {
    f"States.{name}"
    for name in (
        "ALL", "BranchFailed", "DataLimitExceeded", "ExceedToleratedFailureThreshold",
        "HeartbeatTimeout", "Http.Socket", "IntrinsicFailure", "ItemReaderFailed",
        "NoChoiceMatched", "ParameterPathFailure", "Permissions", "QueryEvaluationError",
        "ResultPathMatchFailure", "ResultWriterFailed", "Runtime", "TaskFailed", "Timeout",
    )
}  # fmt: skip
LIMITS: dict[str, tuple[float, float | None, Any]] = {
    "IntervalSeconds": (1, 99_999_999, int),
    "MaxAttempts": (0, 99_999_999, int),
    "BackoffRate": (1, None, (int, float)),
    "MaxDelaySeconds": (1, 31_622_399, int),
}


def state_problems(place: Place) -> Iterator[str]:
    for field, known in (("Retry", RETRY), ("Catch", CATCH)):
        found = place.state.get(field)
        if found is None:
            continue
        if not isinstance(found, list):
            yield f"{field} is {shown(found)}, but it must be a list - write [{{…}}]"
            continue
        for number, one in enumerate(found):
            here = f"{field}[{number}]"
            if not isinstance(one, Mapping):
                yield f"{here} is {shown(one)}, but it must be an object with ErrorEquals"
                continue
            yield from unknown(one, known, here)
            yield from errors(here, one, last=number == len(found) - 1)
            yield from retrier(here, one) if field == "Retry" else catcher(here, one, place)


def errors(here: str, one: Mapping[str, Any], last: bool) -> Iterator[str]:
    named = one.get("ErrorEquals")
    if not isinstance(named, list) or not named or not all(isinstance(x, str) for x in named):
        yield f"{here}.ErrorEquals is {shown(named)}, but it must be a list of names"
        return
    if "States.ALL" in named:
        if len(named) > 1:
            yield f"{here}: States.ALL stands alone in ErrorEquals - drop the others"
        if not last:
            yield f"{here}: States.ALL must be the last one - move it to the end"
    for name in named:
        near = difflib.get_close_matches(name, OWN_ERRORS, n=1, cutoff=0.85)
        if name.startswith("States.") and near and not name.startswith(near[0]):
            yield f"{here}: there is no error {name} - did you mean {near[0]}?"


def retrier(here: str, one: Mapping[str, Any]) -> Iterator[str]:
    for key, (low, high, types) in LIMITS.items():
        value: Any = one.get(key, low)
        if not isinstance(value, types) or isinstance(value, bool):
            yield f"{here}.{key} is {shown(value)}, but it must be a number - write one"
        elif value < low or (high is not None and value > high):
            most = f" to {high:,}" if high else " or more"
            yield f"{here}.{key} is {value}, but AWS takes {low}{most} - change it"
    delay, interval = one.get("MaxDelaySeconds"), one.get("IntervalSeconds", 1)
    if isinstance(delay, int) and isinstance(interval, int) and delay <= interval:
        yield (
            f"{here}.MaxDelaySeconds is {delay}, but it must be more than IntervalSeconds,"
            f" which is {interval}"
        )
    if one.get("JitterStrategy", "NONE") not in ("FULL", "NONE"):
        yield f"{here}.JitterStrategy is {shown(one['JitterStrategy'])} - write FULL or NONE"


def catcher(here: str, one: Mapping[str, Any], place: Place) -> Iterator[str]:
    if not isinstance(one.get("Next"), str):
        yield f"{here} has no Next - name the state that goes on from there"
    if place.language == JSONATA:
        if "ResultPath" in one:
            yield f"{here}.ResultPath is JSONPath's - write Output with {{% $states.errorOutput %}}"
        for key in ("Output", "Assign"):
            yield from jsonata.strings(f"{here}.{key}", one.get(key))
        return
    if "Output" in one:
        yield f"{here}.Output is JSONata's - write ResultPath"
    for sentence in path("ResultPath", one.get("ResultPath"), place.language):
        yield f"{here}.{sentence}"
    yield from templates.problems(f"{here}.Assign", one.get("Assign"))
