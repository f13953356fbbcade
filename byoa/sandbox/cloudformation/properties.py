"""A resource's properties: resolved, in their schema's types, with tags; and its name."""

from __future__ import annotations

import random
import string
from collections.abc import Iterable, Mapping
from typing import Any

from byoa.sandbox.cloudformation import schemas
from byoa.sandbox.cloudformation.functions import Scope
from byoa.sandbox.cloudformation.kinds import Kind, ResourceError, kind_of
from byoa.sandbox.cloudformation.stack import Stack
from byoa.sandbox.cloudformation.template import Template

LETTERS = string.ascii_letters + string.digits


def properties_of(
    logical: str, template: Template, scope: Scope, tags: Iterable[Mapping[str, str]]
) -> dict[str, Any]:
    """A resource's properties, resolved, in their schema's types, with the stack's tags."""
    definition = template["Resources"][logical]
    known = schemas.schema(definition["Type"]) or {}
    resolved = scope.resolve(definition.get("Properties", {}))
    made: dict[str, Any] = schemas.coerced(resolved, known, known)
    own = made.get("Tags", [])
    if isinstance(own, list) and takes_tags(known):
        named = {tag.get("Key") for tag in own}
        added = [dict(tag) for tag in tags if tag["Key"] not in named]
        if own or added:
            made["Tags"] = [*own, *added]
    return made


def with_own_tags(
    kind: Kind, resource_type: str, properties: Mapping[str, Any], stack: Stack, logical: str
) -> dict[str, Any]:
    """The properties with the tags that CloudFormation puts on all it makes: whose it is."""
    made = dict(properties)
    known = schemas.schema(resource_type) or {}
    if kind.tagged and "Tags" in kind.takes and takes_tags(known):
        words = {"stack-name": stack.name, "stack-id": stack.id, "logical-id": logical}
        own = [{"Key": f"aws:cloudformation:{key}", "Value": word} for key, word in words.items()]
        made["Tags"] = [*made.get("Tags", []), *own]
    return made


def takes_tags(known: schemas.Schema) -> bool:
    """Tags are a list of Key and Value: a few types have a map, or none."""
    tags = schemas.followed(known.get("properties", {}).get("Tags", {}), known)
    return tags.get("type") == "array"


def check_properties(kind: str, properties: Mapping[str, Any], logical: str) -> None:
    found = list(schemas.problems(properties, schemas.schema(kind) or {}))
    made = kind_of(kind)
    if made is not None and not found:
        found = [
            f"#: {name} is not carried out in the sandbox"
            for name in sorted(properties.keys() - made.takes)
        ]
    if found:
        raise ResourceError(
            f"Properties validation failed for resource {logical} with message:\n"
            + "\n".join(found)
        )


def name_of(kind: Kind, properties: Mapping[str, Any], stack: Stack, logical: str) -> str:
    """The name that the template gives, or one that is made up as CloudFormation does."""
    if kind.name and properties.get(kind.name):
        return str(properties[kind.name])
    word = "".join(random.choices(LETTERS, k=12))
    room = kind.longest - len(word) - 1
    prefix = f"{stack.name}-{logical}"[:room].rstrip("-")
    name = f"{prefix}-{word}"
    return name.lower() if kind.lower else name
