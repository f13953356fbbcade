"""Waits, branches, maps, timeouts and variables: what one field demands of another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking import jsonata, templates
from byoa.plan.workflow.checking.choices import TIME
from byoa.plan.workflow.checking.fields import shown, unknown
from byoa.plan.workflow.walk import JSONATA, Place, listed

WAITS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
PROCESSOR = ("Mode", "ExecutionType")
VARIABLE = re.compile(r"[^\W\d]\w{0,79}")
TOKEN = re.compile(r"\$\$\.Task\b|\$states\.context\.Task\b")
MAP_ITEM = re.compile(r"\$\$\.Map\b|\$states\.context\.Map\b")
#: Only a distributed Map has these.
DISTRIBUTED = {"ItemReader", "ItemBatcher", "ResultWriter", "Label"} | {
    f"ToleratedFailure{what}" for what in ("Count", "CountPath", "Percentage", "PercentagePath")
}


def state_problems(place: Place) -> Iterator[str]:
    test = {"Wait": wait, "Parallel": parallel, "Map": each, "Task": timeouts, "Pass": passes}
    if place.kind in test:
        yield from test[place.kind](place)
    yield from variables(place)
    yield from context(place)


def wait(place: Place) -> Iterator[str]:
    found = [key for key in WAITS if key in place.state]
    if len(found) != 1:
        yield f"a Wait needs one of {', '.join(WAITS)}, but has {' and '.join(found) or 'none'}"
    stamp = place.state.get("Timestamp")
    if isinstance(stamp, str) and not jsonata.is_expression(stamp) and not TIME.fullmatch(stamp):
        yield f"Timestamp is {shown(stamp)}, but it must be such as 2026-01-31T12:00:00Z"


def passes(place: Place) -> Iterator[str]:
    if "Result" in place.state and "Parameters" in place.state:
        yield "it has Result and Parameters, of which Result wins - drop one"


def parallel(place: Place) -> Iterator[str]:
    branches = place.state.get("Branches")
    if "Branches" in place.state and (not isinstance(branches, list) or not branches):
        yield f"Branches is {shown(branches)}, but it must be a list of one branch or more"
    for number, one in enumerate(listed(branches), 1):
        if not isinstance(one, Mapping):
            yield f"branch {number} is {shown(one)}, but it must be an object with StartAt, States"


def each(place: Place) -> Iterator[str]:
    processor = place.state.get("ItemProcessor", place.state.get("Iterator"))
    if not isinstance(processor, Mapping):
        yield "a Map needs ItemProcessor, an object with StartAt and States - give it"
        return
    config = processor.get("ProcessorConfig", {})
    if not isinstance(config, Mapping):
        yield f"ProcessorConfig is {shown(config)}, but it must be an object with Mode"
        return
    yield from unknown(config, PROCESSOR, "ProcessorConfig")
    mode = config.get("Mode", "INLINE")
    if mode not in ("INLINE", "DISTRIBUTED"):
        yield f"ProcessorConfig.Mode is {shown(mode)} - write INLINE or DISTRIBUTED"
    if mode == "DISTRIBUTED" and config.get("ExecutionType") not in ("STANDARD", "EXPRESS"):
        yield "a distributed Map needs ProcessorConfig.ExecutionType: STANDARD or EXPRESS"
    for key in sorted(DISTRIBUTED & place.state.keys()):
        if mode != "DISTRIBUTED":
            yield f"{key} is for a distributed Map - give ProcessorConfig the Mode DISTRIBUTED"


def timeouts(place: Place) -> Iterator[str]:
    beat, limit = place.state.get("HeartbeatSeconds"), place.state.get("TimeoutSeconds")
    if isinstance(beat, int) and isinstance(limit, int) and beat >= limit:
        yield (
            f"HeartbeatSeconds is {beat}, but it must be less than TimeoutSeconds, which is {limit}"
        )


def variables(place: Place) -> Iterator[str]:
    """Assign's names: letters, digits and underscores."""
    found = place.state.get("Assign")
    for key in found if isinstance(found, Mapping) else ():
        name = str(key)
        if name.endswith(".$") and place.language != JSONATA:
            name = name[:-2]
        if not VARIABLE.fullmatch(name) or name == "states":
            yield f"Assign's {shown(key)} is no name of a variable - take letters, digits and _"


def context(place: Place) -> Iterator[str]:
    """What the context object holds at some places only."""
    said = " ".join(_said(place))
    if TOKEN.search(said) and place.kind != "Task":
        yield "only a task whose Resource ends in .waitForTaskToken has a $$.Task.Token - drop it"
    if place.kind != "Map" and not place.machine.parents and MAP_ITEM.search(said):
        yield "only a Map and the states within have $$.Map - drop it"


def _said(place: Place) -> Iterator[str]:
    body: dict[str, Any] = {
        key: item
        for key, item in place.state.items()
        if key not in ("Branches", "ItemProcessor", "Iterator")
    }
    read = jsonata.expressions if place.language == JSONATA else templates.expressions
    yield from read(body)
