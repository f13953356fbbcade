"""A record as the text of its file, and back; one that cannot be read is as good as none."""

from __future__ import annotations

import hashlib
import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from byoa.plan.pipeline.model import Fingerprint, Made, Record

VERSION = 1
SUFFIX = ".json"
#: File systems take 255 bytes; what is longer ends in its hash.
LONGEST = 200


class UnreadableError(ValueError):
    """A text that is no record of ours; its words end a sentence."""


def file_name(task: str) -> str:
    """The name of a task's file: safe on every file system, different for different tasks."""
    name = urllib.parse.quote(task, safe="!#$&'()+,;=@[]^{}~ ").replace("~", "%7E")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}~{hashlib.sha256(task.encode()).hexdigest()[:16]}"
    return name


def written(record: Record, *, stats: bool = True) -> str:
    """The record as indented JSON, empty fields left out; without stats it fits any machine."""
    said: dict[str, Any] = {"version": VERSION}
    said |= {field.name: getattr(record, field.name) for field in fields(Record)}
    said["fingerprint"] = filled(record.fingerprint)
    said["products"] = {
        key: {"path": made.path, **filled(made if stats else replace(made, stat=()))}
        for key, made in record.products.items()
    }
    return json.dumps(
        {key: value for key, value in said.items() if key == "products" or value not in ("", {})},
        indent=1,
        ensure_ascii=False,
    )


def filled(part: Any) -> dict[str, Any]:
    found = {field.name: getattr(part, field.name) for field in fields(part)}
    return {key: value for key, value in found.items() if value not in ("", {}, ())}


def read(data: bytes | str, task: str = "") -> Record:
    """The record of that text; `task` is whose it should be."""
    try:
        said = json.loads(data)
        version = said.pop("version")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableError("is damaged") from error
    if version != VERSION:
        raise UnreadableError(f"is of version {version!r}, and this byoa reads {VERSION}")
    try:
        record = made(said)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableError("is damaged") from error
    if task and record.task != task:
        raise UnreadableError(f"is of another task, {record.task!r}")
    return record


def made(said: dict[str, Any]) -> Record:
    products = {key: product(one) for key, one in said.pop("products").items()}
    fingerprint = Fingerprint(**said.pop("fingerprint", {}))
    parts = (fingerprint.source, fingerprint.resources, fingerprint.upstream, fingerprint.products)
    if not all(texts(part) for part in parts) or not isinstance(said["task"], str):
        raise TypeError("not texts")
    if not isinstance(fingerprint.params, Mapping) or not isinstance(fingerprint.options, Mapping):
        raise TypeError("no mappings")
    return Record(**said, fingerprint=fingerprint, products=products)


def texts(part: Any) -> bool:
    return isinstance(part, dict) and all(type(value) is str for value in part.values())


def product(said: Mapping[str, Any]) -> Made:
    found = Made(**{**said, "stat": tuple(map(int, said.get("stat", ())))})
    if not (isinstance(found.path, str) and isinstance(found.digest, str) and found.digest):
        raise TypeError("no product")
    return found
