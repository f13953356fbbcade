"""Distributed Maps: where items come from, how they are batched, where results go.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking import jsonata, templates
from byoa.plan.workflow.checking.fields import shown, unknown
from byoa.plan.workflow.resource import PATTERNS
from byoa.plan.workflow.walk import JSONATA, Place, inner, places

READS = ("getObject", "listObjectsV2")
READER = ("Resource", "ReaderConfig", "Parameters", "Arguments")
READER_CONFIG = ("InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems",
                 "MaxItemsPath", "ManifestType", "Transformation", "ItemsPointer")  # fmt: skip
INPUTS = ("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET")
WRITER = ("Resource", "Parameters", "Arguments", "WriterConfig")
WRITER_CONFIG = {"OutputType": ("JSON", "JSONL"), "Transformation": ("NONE", "COMPACT", "FLATTEN")}
BATCHER = ("MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch",
           "MaxInputBytesPerBatchPath", "BatchInput")  # fmt: skip
MOST_BYTES = 262_144
LABEL = re.compile(r"[^\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f]{1,40}")


def state_problems(place: Place) -> Iterator[str]:
    if place.kind != "Map":
        return
    for key, test in (("ItemReader", reader), ("ItemBatcher", batcher), ("ResultWriter", writer)):
        body = place.state.get(key)
        if isinstance(body, Mapping):
            yield from test(body, place)
    label = place.state.get("Label")
    if isinstance(label, str) and not LABEL.fullmatch(label):
        yield f"Label is {shown(label)}, but it has 1 to 40 plain characters - write it so"
    yield from express(place)


def reader(body: Mapping[str, Any], place: Place) -> Iterator[str]:
    yield from unknown(body, READER, "ItemReader")
    yield from called("ItemReader", body, READS)
    config = body.get("ReaderConfig", {})
    if isinstance(config, Mapping):
        yield from unknown(config, READER_CONFIG, "ItemReader.ReaderConfig")
        if config.get("InputType", "CSV") not in INPUTS:
            yield f"InputType is {shown(config['InputType'])} - write one of {', '.join(INPUTS)}"
        if config.get("CSVHeaderLocation", "GIVEN") not in ("FIRST_ROW", "GIVEN"):
            yield "CSVHeaderLocation is FIRST_ROW, or GIVEN with CSVHeaders - write one of them"
        if config.get("CSVHeaderLocation") == "GIVEN" and not config.get("CSVHeaders"):
            yield "CSVHeaderLocation is GIVEN, but there are no CSVHeaders - give their list"
    yield from payload("ItemReader", body, place)


def writer(body: Mapping[str, Any], place: Place) -> Iterator[str]:
    yield from unknown(body, WRITER, "ResultWriter")
    if "Resource" in body:
        yield from called("ResultWriter", body, ("putObject",))
    config = body.get("WriterConfig", {})
    for key, value in config.items() if isinstance(config, Mapping) else ():
        if value not in WRITER_CONFIG.get(str(key), (value,)):
            yield f"WriterConfig.{key} is {shown(value)} - write {' or '.join(WRITER_CONFIG[key])}"
    yield from payload("ResultWriter", body, place)


def batcher(body: Mapping[str, Any], place: Place) -> Iterator[str]:
    yield from unknown(body, BATCHER, "ItemBatcher")
    if not set(BATCHER[:4]) & body.keys():
        yield "ItemBatcher has neither MaxItemsPerBatch nor MaxInputBytesPerBatch - give one"
    size = body.get("MaxInputBytesPerBatch", 1)
    if isinstance(size, int) and not 1 <= size <= MOST_BYTES:
        yield f"MaxInputBytesPerBatch is {size}, but AWS takes 1 to {MOST_BYTES:,} - change it"
    read = jsonata.strings if place.language == JSONATA else templates.problems
    yield from read("ItemBatcher.BatchInput", body.get("BatchInput"))


def called(key: str, body: Mapping[str, Any], actions: tuple[str, ...]) -> Iterator[str]:
    resource = body.get("Resource")
    known = [f":s3:{action}" for action in actions]
    if not isinstance(resource, str) or not resource.endswith(tuple(known)):
        wanted = " or ".join(f"arn:aws:states::{one}" for one in known)
        yield f"{key}.Resource is {shown(resource)} - write {wanted}"


def payload(key: str, body: Mapping[str, Any], place: Place) -> Iterator[str]:
    name, other = ("Arguments", "Parameters")[:: 1 if place.language == JSONATA else -1]
    if other in body:
        yield f"{key}.{other} is of another query language than {place.language} - write {name}"
    read = jsonata.strings if place.language == JSONATA else templates.problems
    yield from read(f"{key}.{name}", body.get(name))


def express(place: Place) -> Iterator[str]:
    """Executions that last five minutes at most wait for no job and no callback."""
    processor = place.state.get("ItemProcessor")
    config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
    if not isinstance(config, Mapping) or config.get("ExecutionType") != "EXPRESS":
        return
    for one in (task for machine in inner(place) for task in places(machine)):
        ends = str(one.state.get("Resource", "")).rpartition(".")[2]
        if ends in PATTERNS:
            yield (
                f'its executions are EXPRESS, which have no .{ends} as "{one.name}" asks for'
                " - write STANDARD"
            )
