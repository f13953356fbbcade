"""A distributed Map's items: read from S3 or from the input, shaped, put into batches.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from byoa.sandbox.stepfunctions import calls, groups
from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.history import text
from byoa.sandbox.stepfunctions.resources import Resource
from byoa.sandbox.stepfunctions.scope import Scope

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
#: Of one child's input.
MOST_BYTES = 256 * 1024


def inputs(scope: Scope, region: str) -> list[Any]:
    """The input of each child execution."""
    reader = scope.state.get("ItemReader")
    items = groups.items_of(scope) if reader is None else read(reader, scope, region)
    chosen = [groups.selected(scope, at, item) for at, item in enumerate(items)]
    batcher = scope.state.get("ItemBatcher")
    return chosen if batcher is None else list(batches(batcher, chosen, scope))


def failed(cause: str) -> StateError:
    return StateError("States.ItemReaderFailed", cause)


def filled(template: Any, scope: Scope, at: str) -> Any:
    """Parameters (JSONPath) or Arguments (JSONata) of a reader or writer."""
    if scope.jsonata:
        return scope.fill(template, at)
    return scope.template(template, scope.effective_input())


def field(given: dict[str, Any], name: str, scope: Scope, default: Any = None) -> Any:
    """A literal, a path in NAMEPath, or JSONata."""
    inner = Scope(given, scope.input, scope.context, scope.variables, scope.jsonata)
    return inner.number(name, default)


def read(reader: dict[str, Any], scope: Scope, region: str) -> list[Any]:
    config = reader.get("ReaderConfig", {})
    given = filled(reader.get("Parameters", reader.get("Arguments", {})), scope, "ItemReader")
    name = reader["Resource"].rpartition(":")[2]
    if name == "listObjectsV2":
        found = list(listed(given, region))
    else:
        found = parsed(content(given, region), config, given, region)
    most = field(config, "MaxItems", scope)
    return found if not most else found[: int(most)]


def content(given: dict[str, Any], region: str) -> str:
    try:
        return str(calls.call(Resource(True, "s3", "getObject", ""), given, region)["Body"])
    except StateError as error:
        raise failed(f"Attempting to read {text(given)}: {error.cause}") from None


def listed(given: dict[str, Any], region: str) -> Iterator[Any]:
    """One item an object, with the fields that Step Functions gives."""
    pages = calls.client_for("s3", region).get_paginator("list_objects_v2")
    for page in pages.paginate(**given):
        for one in page.get("Contents", []):
            yield {
                "Etag": one["ETag"],
                "Key": one["Key"],
                "LastModified": int(one["LastModified"].timestamp()),
                "Size": one["Size"],
                "StorageClass": one.get("StorageClass", "STANDARD"),
            }


def parsed(said: str, config: dict[str, Any], given: dict[str, Any], region: str) -> list[Any]:
    kind = config.get("InputType", "JSON")
    try:
        if kind == "CSV":
            return list(rows(said, config))
        if kind == "JSONL":
            return [json.loads(line) for line in said.splitlines() if line.strip()]
        if kind == "MANIFEST":
            return list(manifest(json.loads(said), given, region))
        found = json.loads(said)
        for step in filter(None, config.get("ItemsPointer", "").split("/")):
            found = found[int(step) if isinstance(found, list) else step]
    except (ValueError, KeyError, IndexError, csv.Error) as error:
        raise failed(f"The content of {text(given)} is no {kind}: {error}") from None
    if not isinstance(found, list):
        raise failed("Attempting to map over non-iterable node.")
    return found


def rows(said: str, config: dict[str, Any]) -> Iterator[dict[str, str]]:
    delimiter = DELIMITERS.get(config.get("CSVDelimiter", "COMMA"), ",")
    lines = csv.reader(io.StringIO(said, newline=""), delimiter=delimiter)
    given = config.get("CSVHeaderLocation") == "GIVEN"
    headers = config.get("CSVHeaders", []) if given else next(lines, [])
    for line in lines:
        if line:
            yield {name: line[at] if at < len(line) else "" for at, name in enumerate(headers)}


def manifest(told: dict[str, Any], given: dict[str, Any], region: str) -> Iterator[Any]:
    """An S3 inventory's: the rows of its CSV files."""
    names = [name.strip() for name in told["fileSchema"].split(",")]
    for file in told["files"]:
        body = content({"Bucket": given["Bucket"], "Key": file["key"]}, region)
        yield from rows(body, {"CSVHeaderLocation": "GIVEN", "CSVHeaders": names})


def batches(batcher: dict[str, Any], chosen: list[Any], scope: Scope) -> Iterator[Any]:
    """No more items and no more bytes a child than were said."""
    most = int(field(batcher, "MaxItemsPerBatch", scope, 0) or len(chosen) or 1)
    size = int(field(batcher, "MaxInputBytesPerBatch", scope, 0) or MOST_BYTES)
    more = batcher.get("BatchInput")
    fixed = {} if more is None else {"BatchInput": filled(more, scope, "BatchInput")}
    batch: list[Any] = []
    for item in chosen:
        grown = {**fixed, "Items": [*batch, item]}
        if batch and (len(batch) >= most or len(text(grown).encode()) > size):
            yield {**fixed, "Items": batch}
            batch = []
        batch.append(item)
    if batch:
        yield {**fixed, "Items": batch}
