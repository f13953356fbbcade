"""Where a distributed Map's items come from, how they are bundled, and where its results go.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.plan.workflow.expressions import JSONATA, at_run_time
from byoa.plan.workflow.resolve import path_of

#: Fields that have a twin `…Path` in JSONPath.
TWINS = {"MaxItems", "MaxItemsPerBatch", "MaxInputBytesPerBatch"}
S3 = "arn:aws:states:::s3:"


def objects_below(bucket: str, prefix: str | None = None, **config: Any) -> dict[str, Any]:
    """An item_reader of the objects below a prefix; `config`: MaxItems, Transformation, …"""
    return _source("listObjectsV2", {"Bucket": bucket, "Prefix": prefix}, config)


def rows_of(bucket: str, key: str, kind: str = "CSV", **config: Any) -> dict[str, Any]:
    """An item_reader of a file's rows: CSV, JSON, JSONL, PARQUET or MANIFEST.

    `config`: CSVHeaderLocation (FIRST_ROW by default), CSVHeaders, CSVDelimiter, ItemsPointer, …
    """
    config = {"InputType": kind, **config}
    if kind == "CSV" and "CSVHeaders" not in config:
        config.setdefault("CSVHeaderLocation", "FIRST_ROW")
    elif kind == "CSV":
        config.setdefault("CSVHeaderLocation", "GIVEN")
    return _source("getObject", {"Bucket": bucket, "Key": key}, config)


def results_below(bucket: str, prefix: str | None = None, **config: Any) -> dict[str, Any]:
    """A result_writer to files below a prefix; `config`: Transformation, OutputType."""
    made = {"Resource": f"{S3}putObject", "Parameters": _some(Bucket=bucket, Prefix=prefix)}
    return made | ({"WriterConfig": config} if config else {})


def batches(
    max_items: int | str | None = None, max_bytes: int | str | None = None, batch_input: Any = None
) -> dict[str, Any]:
    """An item_batcher: several items for each run, with an input that all of them get."""
    return _some(
        MaxItemsPerBatch=max_items, MaxInputBytesPerBatch=max_bytes, BatchInput=batch_input
    )


def _source(action: str, where: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    made = {"Resource": S3 + action, "Parameters": _some(**where)}
    return made | ({"ReaderConfig": dict(config)} if config else {})


def _some(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def s3_fields(value: Any, language: str) -> Any:
    """One of the three with its fields named as the language has them."""
    if not isinstance(value, Mapping):
        return value
    made = {}
    for key, item in value.items():
        if language == JSONATA:
            made["Arguments" if key == "Parameters" else key] = item
        elif key in TWINS and at_run_time(item):
            made[f"{key}Path"] = path_of(item)
        else:
            made[key] = s3_fields(item, language) if key == "ReaderConfig" else item
    return made
