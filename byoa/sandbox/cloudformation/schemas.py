"""What CloudFormation knows of a resource type: AWS's own schemas, as cfn-lint brings them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from byoa.sandbox.shapes import matcher

Schema = Mapping[str, Any]
#: Every type that is in us-east-1; regions differ little.
REGION = "us-east-1"


@lru_cache
def schema(kind: str) -> Schema | None:
    """The schema of a resource type; None when AWS has no such type."""
    from cfnlint.schema import (  # type: ignore[import-untyped]
        PROVIDER_SCHEMA_MANAGER,
        ResourceNotFoundError,
    )

    try:
        found = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return None
    readable: Schema = in_python(found)
    return readable


def in_python(value: Any) -> Any:
    """The schema with its patterns in Python's words; those that only others read fall away."""
    if isinstance(value, list):
        return [in_python(item) for item in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, item in value.items():
        if key == "pattern" and isinstance(item, str):
            known = matcher(item)
            if known is not None:
                made[key] = known.pattern
        elif key == "patternProperties":
            known_keys = {pattern: matcher(pattern) for pattern in item}
            made[key] = {
                (known.pattern if known else ""): in_python(item[pattern])
                for pattern, known in known_keys.items()
            }
        else:
            made[key] = in_python(item)
    return made


def names(known: Schema, key: str) -> list[str]:
    """The top-level names of readOnlyProperties, createOnlyProperties …"""
    return [path.removeprefix("/properties/").split("/")[0] for path in known.get(key) or []]


def attributes(known: Schema) -> list[str]:
    """What GetAtt may ask for."""
    paths = known.get("readOnlyProperties") or []
    return [path.removeprefix("/properties/").replace("/", ".") for path in paths]


def created_only(known: Schema) -> set[str]:
    """Properties whose change makes another resource."""
    return {
        path.removeprefix("/properties/")
        for path in known.get("createOnlyProperties") or []
        if path.count("/") == 2
    }


def coerced(value: Any, known: Schema, root: Schema) -> Any:
    """CloudFormation takes "3" for a number, true for "true", and one for the other."""
    known = followed(known, root)
    kinds = known.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(value, dict):
        inner = known.get("properties", {})
        return {key: coerced(item, inner.get(key, {}), root) for key, item in value.items()}
    if isinstance(value, list):
        return [coerced(item, known.get("items", {}), root) for item in value]
    if isinstance(value, str) and "string" not in kinds:
        return from_text(value, kinds)
    if not isinstance(value, str) and kinds == ["string"]:
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    return value


def from_text(text: str, kinds: list[str]) -> Any:
    if "boolean" in kinds and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind, convert in (("integer", int), ("number", float)):
        if kind in kinds:
            try:
                return convert(text)
            except ValueError:
                continue
    return text


def followed(known: Any, root: Schema) -> Schema:
    """The definition that a $ref leads to."""
    for _ in range(10):
        if not isinstance(known, dict) or "$ref" not in known:
            break
        found: Any = root
        for part in known["$ref"].removeprefix("#/").split("/"):
            found = found.get(part, {})
        known = found
    return known if isinstance(known, dict) else {}


def problems(properties: Mapping[str, Any], known: Schema) -> Iterator[str]:
    """What is wrong with a resource's properties, in CloudFormation's words."""
    from jsonschema import Draft7Validator  # type: ignore[import-untyped]
    from jsonschema.validators import extend  # type: ignore[import-untyped]

    validator = extend(Draft7Validator, {"pattern": pattern})
    yield from (
        f"#: extraneous key [{name}] is not permitted"
        for name in names(known, "readOnlyProperties")
        if name in properties and name not in writable(known)
    )
    for error in validator(known).iter_errors(dict(properties)):
        place = "/".join(["#", *(str(part) for part in error.absolute_path)])
        if error.validator == "additionalProperties":
            allowed = error.schema.get("properties", {})
            for name in sorted(set(error.instance) - set(allowed)):
                yield f"{place}: extraneous key [{name}] is not permitted"
        elif error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            yield f"{place}: required key [{missing[0]}] not found"
        elif error.validator in {"type", "enum", "pattern", "minLength", "maxLength"}:
            yield f"{place}: {error.message[:300]}"


def pattern(validator: Any, wanted: str, value: Any, schema: Any) -> Iterator[Any]:
    """jsonschema's own check; patterns that only Java can read (`\\p{L}`) hold nothing back."""
    from jsonschema import ValidationError

    try:
        fits = not isinstance(value, str) or re.search(wanted, value)
    except re.error:
        return
    if not fits:
        yield ValidationError(f"{value!r} does not match {wanted!r}")


def writable(known: Schema) -> set[str]:
    """Top-level names that are read-only in part alone, as a bucket's MetadataConfiguration."""
    whole = {
        path.removeprefix("/properties/")
        for path in known.get("readOnlyProperties") or []
        if path.count("/") == 2
    }
    return set(known.get("properties", {})) - whole
