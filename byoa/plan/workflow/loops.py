"""Workflows that would start themselves: a trigger waits for what the workflow makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from byoa.plan.workflow.events import Trigger
from byoa.plan.workflow.outputs import Output, builds, outputs, stack_builds

Given = Mapping[str, Any] | None


def loops(trigger: Trigger, definition: Mapping[str, Any], given: Given = None) -> Iterator[str]:
    """A sentence for everything that the workflow does and that would start it again."""
    if trigger.kind == "s3":
        for output in outputs(definition, of_event(trigger, given)):
            if meets(trigger, output):
                yield (
                    f"The state {output.state} writes to {output.uri}, and {trigger.what} would"
                    " start the workflow again for what it writes: a loop. Let it write elsewhere,"
                    " or upload elsewhere."
                )
    elif trigger.kind == "image":
        yield from own_image(trigger, definition, given)
        repository = re.escape(trigger.what.partition(":")[0])
        for state, text in builds(definition):
            if re.fullmatch(rf"(.*/)?{repository}(:[\w.-]+)?(@.+)?", text):
                yield (
                    f"The state {state} is given {text}, which is this trigger's image: if it"
                    " builds it, the workflow starts itself, a loop. Take --push or --s3 for that."
                )


def own_image(trigger: Trigger, definition: Mapping[str, Any], given: Given) -> Iterator[str]:
    """The stack's function pushes tags of 32 hex digits, unless it is given its Image."""
    name, _, tag = trigger.what.partition(":")
    if "Image" in (given or {}) or (tag and not re.fullmatch("[0-9a-f]{32}", tag)):
        return
    for state, repository in stack_builds(definition):
        if repository == name:
            yield (
                f"The state {state} builds images of {name}, and each would start the workflow"
                f" again: a loop. Name a tag of yours, --image {name}:release, or give the image:"
                " -i Image=…"
            )


@dataclass(frozen=True)
class Neighbour:
    """Another workflow of the project, and what starts it."""

    name: str
    definition: Mapping[str, Any]
    triggers: Sequence[Trigger]


def detours(
    trigger: Trigger, name: str, definition: Mapping[str, Any], others: Sequence[Neighbour]
) -> Iterator[str]:
    """A sentence for each way round: what it writes starts another, whose outputs start it."""
    paths: list[tuple[str, Mapping[str, Any], list[str]]] = [(name, definition, [])]
    seen = {name}
    while paths:
        writer, body, told = paths.pop(0)
        for output in outputs(body):
            said = [*told, f"{writer} writes to {output.uri}"]
            if told and meets(trigger, output):
                yield (
                    f"{', '.join(said)}, and {trigger.what} would start {name} again: a loop. Let"
                    " one of them write elsewhere."
                )
            for other in others:
                if other.name not in seen and any(meets(one, output) for one in other.triggers):
                    seen.add(other.name)
                    paths.append(
                        (other.name, other.definition, [*said, f"which starts {other.name}"])
                    )


def unknown(trigger: Trigger, definition: Mapping[str, Any], given: Given = None) -> list[Output]:
    """Outputs whose address only an execution knows: whether they loop cannot be told."""
    if trigger.kind != "s3":
        return []
    return [
        one
        for one in outputs(definition, of_event(trigger, given))
        if one.path
        and one.bucket in ("", trigger.bucket)
        and trigger.prefix.startswith(one.key)
        and not meets(trigger, one)
    ]


def of_event(trigger: Trigger, given: Given) -> Given:
    """The input with what is known of every event of the trigger: its bucket, how keys begin."""
    known = {"{bucket}": trigger.bucket, "{key}": f"{trigger.prefix}{{key}}"}
    text = json.dumps(given)
    for hole, value in known.items():
        text = text.replace(hole, json.dumps(value)[1:-1])
    made: Given = json.loads(text)
    return made


def meets(trigger: Trigger, output: Output) -> bool:
    """Whether what is written is, or may be, below the trigger's prefix.

    A training job writes into a folder of its own name: a trigger may be below its output path.
    """
    if not output.is_in(trigger.bucket) or excluded(trigger, output.key):
        return False
    key, prefix = output.key, trigger.prefix
    inside = key.startswith(prefix) or f"{key}/" == prefix
    return inside or (prefix.startswith(key) and not output.own_folder and not output.path)


def excluded(trigger: Trigger, key: str) -> bool:
    for one in trigger.pattern.get("detail", {}).get("object", {}).get("key", ()):
        but = one.get("anything-but") if isinstance(one, Mapping) else None
        if isinstance(but, Mapping) and "prefix" in but:
            prefixes = but["prefix"] if isinstance(but["prefix"], list) else [but["prefix"]]
            return any(key.startswith(str(prefix)) for prefix in prefixes)
    return False
