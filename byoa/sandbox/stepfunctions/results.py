"""What a distributed Map gives: its children's outputs, or files of them in S3.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from byoa.sandbox.stepfunctions import calls, items
from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.history import iso, text
from byoa.sandbox.stepfunctions.resources import Resource
from byoa.sandbox.stepfunctions.scope import Scope

if TYPE_CHECKING:
    from byoa.sandbox.stepfunctions.executions import Execution
    from byoa.sandbox.stepfunctions.maps import MapRun

#: The files, and the ends of the children that they tell of.
FILES = {"SUCCEEDED": {"SUCCEEDED"}, "FAILED": {"FAILED", "TIMED_OUT"}, "PENDING": {"ABORTED"}}


def written(run: MapRun, scope: Scope, region: str) -> Any:
    writer = scope.state.get("ResultWriter")
    if not writer or "Resource" not in writer:
        return [child.output for child in run.children if child.status == "SUCCEEDED"]
    given = items.filled(
        writer.get("Parameters", writer.get("Arguments", {})), scope, "ResultWriter"
    )
    folder = "/".join(
        filter(None, [given.get("Prefix", "").strip("/"), run.arn.rpartition(":")[2]])
    )
    files: dict[str, list[Any]] = {}
    for name, ends in FILES.items():
        told = [record(child) for child in run.children if child.status in ends]
        key = f"{folder}/{name}_0.json"
        files[name] = [{"Key": key, "Size": put(given, key, told, region)}] if told else []
    manifest = {"DestinationBucket": given["Bucket"], "MapRunArn": run.arn, "ResultFiles": files}
    put(given, f"{folder}/manifest.json", manifest, region)
    where = {"Bucket": given["Bucket"], "Key": f"{folder}/manifest.json"}
    return {"MapRunArn": run.arn, "ResultWriterDetails": where}


def record(child: Execution) -> dict[str, Any]:
    """A child's line: its description, as DescribeExecution's with a capital first letter."""
    told: dict[str, Any] = {
        "ExecutionArn": child.arn,
        "Input": text(child.input),
        "InputDetails": {"Included": True},
        "Name": child.name,
        "RedriveCount": child.redrives,
        "StartDate": iso(child.started),
        "StateMachineArn": child.machine.arn,
        "Status": child.status,
        "StopDate": iso(child.stopped or child.started),
    }
    if child.status == "SUCCEEDED":
        return {**told, "Output": text(child.output), "OutputDetails": {"Included": True}}
    return {**told, "Error": child.error, "Cause": child.cause}


def put(given: dict[str, Any], key: str, told: Any, region: str) -> int:
    body = text(told)
    try:
        parameters = {"Bucket": given["Bucket"], "Key": key, "Body": body}
        calls.call(Resource(True, "s3", "putObject", ""), parameters, region)
    except StateError as error:
        raise StateError("States.ResultWriterFailed", error.cause) from None
    return len(body.encode())
