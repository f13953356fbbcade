"""Which fields each state has, by its Type and its language; their types for the checker of types.

https://states-language.net/spec.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from byoa.plan.workflow.blocks import Catch, Retry
    from byoa.plan.workflow.chain import Chain
    from byoa.plan.workflow.state import State

COMMON = "Comment QueryLanguage"
PASSING = f"{COMMON} InputPath OutputPath Output"
FLOWING = f"{PASSING} Assign"
WORKING = f"{FLOWING} Parameters Arguments ResultSelector ResultPath"

#: The fields of each Type that a user gives; Next, End, Retry, Catch, Choices, … are made.
FIELDS = {
    "Pass": f"{FLOWING} Parameters ResultPath Result",
    "Task": f"{WORKING} Resource TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds "
    "HeartbeatSecondsPath Credentials",
    "Choice": FLOWING,
    "Wait": f"{FLOWING} Seconds SecondsPath Timestamp TimestampPath",
    "Succeed": PASSING,
    "Fail": f"{COMMON} Error ErrorPath Cause CausePath",
    "Parallel": WORKING,
    "Map": f"{WORKING} ItemsPath Items ItemSelector ItemReader ItemBatcher ResultWriter Label "
    "MaxConcurrency MaxConcurrencyPath ToleratedFailurePercentage ToleratedFailurePercentagePath "
    "ToleratedFailureCount ToleratedFailureCountPath",
}
#: The Types whose errors can be retried and caught.
FALLIBLE = {"Task", "Parallel", "Map"}
#: What Parameters are called in JSONata.
PARAMETERS = {"Task": "Arguments", "Parallel": "Arguments", "Pass": "Output"}


def only_in_jsonpath(name: str) -> bool:
    return name.endswith("Path") or name in {"Parameters", "ResultSelector", "Result"}


def only_in_jsonata(name: str) -> bool:
    return name in {"Arguments", "Output", "Items"}


class CommonFields(TypedDict, total=False):
    comment: str | None
    query_language: str | None


class PassingFields(CommonFields, total=False):
    input_path: str | None
    output_path: str | None
    output: Any
    output_schema: Mapping[Any, Any] | None


class FlowingFields(PassingFields, total=False):
    assign: Mapping[str, Any] | None


class PassFields(FlowingFields, total=False):
    parameters: Mapping[str, Any] | None
    result_path: str | None
    result: Any


class WaitFields(FlowingFields, total=False):
    seconds: int | str | None
    seconds_path: str | None
    timestamp: str | None
    timestamp_path: str | None


class FailFields(CommonFields, total=False):
    error: str | None
    error_path: str | None
    cause: str | None
    cause_path: str | None


class WorkFields(FlowingFields, total=False):
    parameters: Mapping[str, Any] | None
    arguments: Any
    result_selector: Mapping[str, Any] | None
    result_path: str | None
    retry: Retry | Sequence[Retry] | None
    catch: Catch | Sequence[Catch] | None


class CallFields(WorkFields, total=False):
    timeout_seconds: int | str | None
    timeout_seconds_path: str | None
    heartbeat_seconds: int | str | None
    heartbeat_seconds_path: str | None
    credentials: Mapping[str, Any] | None


class TaskFields(CallFields, total=False):
    resource: str | None


class MapFields(WorkFields, total=False):
    iterator: State | Chain | None
    item_processor: State | Chain | None
    mode: str | None
    execution_type: str | None
    items_path: str | None
    items: Any
    item_selector: Mapping[str, Any] | None
    item_reader: Mapping[str, Any] | None
    item_batcher: Mapping[str, Any] | None
    result_writer: Mapping[str, Any] | None
    label: str | None
    max_concurrency: int | str | None
    max_concurrency_path: str | None
    tolerated_failure_percentage: float | str | None
    tolerated_failure_percentage_path: str | None
    tolerated_failure_count: int | str | None
    tolerated_failure_count_path: str | None
