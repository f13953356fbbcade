"""What a target gets of an event: all of it, a part, a constant, or a template filled in.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from byoa.sandbox.stepfunctions import paths

PLACE = re.compile(r"<([A-Za-z0-9_.-]+)>")


def made(target: Mapping[str, Any], event: dict[str, Any], rule: Mapping[str, str]) -> str:
    """The JSON text (or, from a template, any text) for a target."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(selected(target["InputPath"], event))
    transformer = target.get("InputTransformer")
    if transformer:
        return transformed(transformer, event, rule)
    return json.dumps(event)


def selected(path: str, event: Any) -> Any:
    try:
        return paths.select(paths.parse(path)[1], event)
    except paths.NoPathError:
        return None


def transformed(
    transformer: Mapping[str, Any], event: dict[str, Any], rule: Mapping[str, str]
) -> str:
    """The template with <name> replaced: inside quotes by the bare text, outside by JSON."""
    named: dict[str, Any] = {
        name: selected(path, event) for name, path in transformer.get("InputPathsMap", {}).items()
    }
    named |= {
        "aws.events.rule-arn": rule["arn"],
        "aws.events.rule-name": rule["name"],
        "aws.events.event.ingestion-time": event["time"],
        "aws.events.event": event,
        "aws.events.event.json": event,
    }
    template = transformer["InputTemplate"]
    is_json = template.lstrip()[:1] in '{["'
    made, at = [], 0
    for match in PLACE.finditer(template):
        if match[1] not in named:
            continue
        inside = is_json and in_text(template, match.start())
        made += [template[at : match.start()], shown(named[match[1]], is_json, inside)]
        at = match.end()
    return "".join([*made, template[at:]])


def in_text(template: str, at: int) -> bool:
    """Whether a place is inside a JSON text: after an odd number of quotes."""
    before = re.sub(r"\\.", "", template[:at])
    return before.count('"') % 2 == 1


def shown(value: Any, is_json: bool, inside: bool) -> str:
    if value is None:
        return "" if inside or not is_json else "null"
    text = value if isinstance(value, str) else json.dumps(value)
    if inside:
        return json.dumps(text)[1:-1]
    if is_json and isinstance(value, str):
        return json.dumps(value)
    return text
