"""Logging to CloudWatch, as a machine's loggingConfiguration asks, and events for EventBridge.

https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from byoa.local.log_files import LogWriter
from byoa.plan.errors import ServiceError
from byoa.sandbox.events import rules
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.stepfunctions.history import details_name, now, text

if TYPE_CHECKING:
    from byoa.sandbox.stepfunctions.executions import Execution

GROUP = re.compile(r"arn:[\w-]+:logs:(?P<region>[\w-]+):\d{12}:log-group:(?P<name>[^:]+):\*")
#: The end of an event's type, for each level.
LEVELS = {
    "ALL": re.compile(".*"),
    "ERROR": re.compile(".*(Failed|TimedOut|Aborted)"),
    "FATAL": re.compile("Execution(Failed|TimedOut|Aborted)"),
}
DATA = {"input", "output", "parameters", "inputDetails", "outputDetails", "assignedVariables"}


def group_of(logging: Mapping[str, Any]) -> re.Match[str] | None:
    """The log group of a configuration that is on."""
    if logging.get("level", "OFF") == "OFF":
        return None
    places = logging.get("destinations") or [{}]
    arn = places[0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
    return GROUP.fullmatch(arn)


def check(logging: Mapping[str, Any], operation: str) -> None:
    """Refuses a destination that is not there."""
    from moto.backends import get_backend

    if logging.get("level", "OFF") == "OFF":
        return
    if len(logging.get("destinations") or ()) != 1:
        text = "Invalid Logging Configuration: Must specify exactly one Log Destination."
        raise ServiceError("InvalidLoggingConfiguration", text, operation)
    group = group_of(logging)
    if group is None:
        text = "Invalid Logging Configuration: Log Destination must be a log group's ARN, with :*"
        raise ServiceError("InvalidLoggingConfiguration", text, operation)
    if group["name"] not in get_backend("logs")[ACCOUNT][group["region"]].groups:
        text = "The state machine IAM Role is not authorized to access the Log Destination"
        raise ServiceError("InvalidLoggingConfiguration", text, operation)


def follow(execution: Execution, root: Path) -> None:
    """Writes the execution's events where its machine's configuration says."""
    logging = execution.machine.logging
    group = group_of(logging)
    if group is None:
        return
    writer, level = LogWriter(root), LEVELS[logging["level"]]
    day = f"{now():%Y-%m-%d-%H-%M}"
    stream = f"states/{execution.machine.name}/{day}/{secrets.token_hex(4)}"

    def line(event: dict[str, Any]) -> None:
        if level.fullmatch(event["type"]):
            told = record(execution, event, bool(logging.get("includeExecutionData")))
            writer.append(group["name"], stream, text(told))

    execution.history.listener = line


def record(execution: Execution, event: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    details = event.get(details_name(event["type"]), {})
    if not whole:
        details = {name: value for name, value in details.items() if name not in DATA}
    return {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "redrive_count": str(execution.redrives),
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(milliseconds(event["timestamp"])),
        "execution_arn": execution.arn,
    }


def milliseconds(moment: Any) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def tell(execution: Execution) -> None:
    """EventBridge's "Step Functions Execution Status Change"."""
    if execution.machine.kind == "EXPRESS":
        return
    ended = execution.status == "SUCCEEDED"
    detail = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": milliseconds(execution.started),
        "stopDate": milliseconds(execution.stopped),
        "input": text(execution.input),
        "output": text(execution.output) if ended else None,
        "inputDetails": {"included": True},
        "outputDetails": {"included": True} if ended else None,
        "error": execution.error or None,
        "cause": execution.cause or None,
        "redriveCount": execution.redrives,
    }
    event = rules.make(
        "aws.states",
        "Step Functions Execution Status Change",
        execution.region,
        detail,
        [execution.arn],
    )
    rules.send(event, execution.region)
