"""An execution as DescribeExecution and ListExecutions tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from byoa.sandbox.stepfunctions.history import text

if TYPE_CHECKING:
    from byoa.sandbox.stepfunctions.executions import Execution


def whole(execution: Execution) -> dict[str, Any]:
    """DescribeExecution's answer."""
    with execution.lock:
        reason = execution.not_redrivable()
        found: dict[str, Any] = {
            **line(execution),
            "input": text(execution.input),
            "inputDetails": {"included": True},
            "redriveStatus": "NOT_REDRIVABLE" if reason else "REDRIVABLE",
            "redriveStatusReason": reason or None,
            **problem(execution),
        }
        if execution.parent:
            found["mapRunArn"] = execution.parent
            if not reason:
                found["redriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
        if execution.status == "SUCCEEDED":
            found |= {"output": text(execution.output), "outputDetails": {"included": True}}
        return found


def problem(execution: Execution) -> dict[str, str]:
    found = {"error": execution.error, "cause": execution.cause}
    return {name: said for name, said in found.items() if said}


def line(execution: Execution) -> dict[str, Any]:
    """Its line in ListExecutions."""
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started,
        "stopDate": execution.stopped,
        "stateMachineVersionArn": execution.machine.version or None,
        "stateMachineAliasArn": execution.machine.alias or None,
        "redriveCount": execution.redrives,
        "redriveDate": execution.redriven,
    }
