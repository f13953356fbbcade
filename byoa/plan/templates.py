"""Requests and policies as AWS's pages print them (requests.json, policies.json), filled in.

"{name}" alone stands for a value of any kind, inside a text for its words; a list within a list is
spread out. An object whose "?" is nothing falls away, and so does all that is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.limits import Rule, problems_of
from byoa.plan.tables import table

HOLE = re.compile(r"\{(\w+)\}")


def request(
    operation: str,
    values: Mapping[str, Any],
    extra: Mapping[str, Any] | None = None,
    rules: Iterable[Rule] = (),
) -> dict[str, Any]:
    """The filled request with `extra` on top; UsageError says all that AWS would refuse."""
    made = merged(part(operation, values), extra or {})
    problems = [*problems_of(operation, made)]
    problems += [] if problems else [sentence for rule in rules for sentence in rule(made)]
    if problems:
        raise UsageError("\n".join(problems))
    return made


def part(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """One filled entry of requests.json; tags that are a mapping become AWS's list of them."""
    tags = values.get("tags")
    if isinstance(tags, Mapping) and not name.startswith("batch."):
        small = name.startswith(("codebuild.", "stepfunctions."))
        key, value = ("key", "value") if small else ("Key", "Value")
        values = {**values, "tags": [{key: word, value: tags[word]} for word in sorted(tags)]}
    made: dict[str, Any] = filled(table("requests.json")[name], values)
    return made


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its holes filled; None where nothing is left of it."""
    if isinstance(template, Mapping):
        if "?" in template and not filled(template["?"], values):
            return None
        made = {key: filled(item, values) for key, item in template.items() if key != "?"}
        return {key: item for key, item in made.items() if item not in (None, {}, [])}
    if isinstance(template, list):
        items = [filled(item, values) for item in template]
        flat = [x for item in items for x in (item if isinstance(item, list) else [item])]
        return [item for item in flat if item is not None]
    if isinstance(template, str) and (whole := HOLE.fullmatch(template)):
        value = values[whole[1]]
        return list(value) if isinstance(value, tuple) else value
    if isinstance(template, str):
        return HOLE.sub(lambda hole: str(values[hole[1]]), template)
    return template


def merged(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """`extra` laid over a request: objects are merged, lists replaced, null takes a field away.

    An object over a list goes into the items of its names: {"InputDataConfig": {"train": {…}}}.
    """
    made = dict(base)
    for key, value in extra.items():
        below = made.get(key)
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(below, list):
            made[key] = _merged_items(key, below, value)
        elif isinstance(value, Mapping):
            made[key] = merged(below if isinstance(below, Mapping) else {}, value)
        else:
            made[key] = value
    return made


def over(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Two extras as one: what `extra` says wins, objects are merged; null stays, for `merged`."""
    both = [key for key in extra if isinstance(base.get(key), Mapping)]
    deep = {key: over(base[key], extra[key]) for key in both if isinstance(extra[key], Mapping)}
    return {**base, **extra, **deep}


def _merged_items(key: str, items: list[Any], extra: Mapping[str, Any]) -> list[Any]:
    """The items with an object laid over each one that is named."""
    made, places = list(items), {}
    for place, item in enumerate(items):
        if isinstance(item, Mapping):
            named = (str(item[k]) for k in item if k.endswith(("Name", "name")))
            places[next(named, None)] = place
    for name, value in extra.items():
        if name not in places or not isinstance(value, Mapping):
            known = ", ".join(str(one) for one in places)
            raise UsageError(f"{key} has no {name!r} to lay an object over - there is {known}")
        made[places[name]] = merged(made[places[name]], value)
    return made
