"""Distributed maps: items from S3, batches, tolerated failures, results, redrive."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.stepfunctions.conftest import (
    Machine,
    Run,
    definition,
    output,
    types,
    until,
)


def processor(**states: dict[str, Any]) -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {"ProcessorConfig": config, **definition(**states)}


def mapped(child: dict[str, Any], **more: Any) -> dict[str, Any]:
    return definition({"Type": "Map", "Label": "each", "ItemProcessor": child, **more})


def reader(bucket: str, key: str, kind: str, **config: Any) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": kind, **config},
        "Parameters": {"Bucket": bucket, "Key": key},
    }


def test_children_are_executions(client: Clients, run: Run):
    states = client("stepfunctions")
    told = mapped(processor(Each={"Type": "Pass", "Parameters": {"n.$": "$"}}))
    ended = run(told, [1, 2, 3])
    assert output(ended) == [{"n": 1}, {"n": 2}, {"n": 3}]
    [listed] = states.list_map_runs(executionArn=ended["executionArn"])["mapRuns"]
    described = states.describe_map_run(mapRunArn=listed["mapRunArn"])
    assert described["status"] == "SUCCEEDED" and described["itemCounts"]["succeeded"] == 3
    children = states.list_executions(mapRunArn=listed["mapRunArn"])["executions"]
    child = states.describe_execution(executionArn=children[0]["executionArn"])
    assert child["mapRunArn"] == listed["mapRunArn"] and child["status"] == "SUCCEEDED"
    everyone = states.list_executions(stateMachineArn=ended["stateMachineArn"])["executions"]
    assert [one["executionArn"] for one in everyone] == [ended["executionArn"]]
    assert "MapRunStarted" in types(client, ended["executionArn"])


@pytest.mark.parametrize(
    ("kind", "text", "wanted"),
    [
        ("JSON", '[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ("JSONL", '{"a": 1}\n\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("CSV", 'a,b\n1,"x,y"\r\n2\n', [{"a": "1", "b": "x,y"}, {"a": "2", "b": ""}]),
    ],
)
def test_items_of_a_file(run: Run, client: Clients, bucket: str, kind: str, text: str, wanted: Any):
    key = f"items/{uuid.uuid4().hex}"
    client("s3").put_object(Bucket=bucket, Key=key, Body=text.encode())
    config = {"CSVHeaderLocation": "FIRST_ROW"} if kind == "CSV" else {}
    told = mapped(processor(Each={"Type": "Pass"}), ItemReader=reader(bucket, key, kind, **config))
    assert output(run(told)) == wanted


def test_items_of_a_prefix_in_batches(run: Run, client: Clients, bucket: str):
    prefix = f"many-{uuid.uuid4().hex}/"
    for at in range(5):
        client("s3").put_object(Bucket=bucket, Key=f"{prefix}{at}.txt", Body=b"x" * at)
    told = mapped(
        processor(Each={"Type": "Pass", "Parameters": {"keys.$": "$.Items[*].key",
                                                       "who.$": "$.BatchInput.who"}}),
        ItemReader={"Resource": "arn:aws:states:::s3:listObjectsV2",
                    "Parameters": {"Bucket": bucket, "Prefix": prefix}},
        ItemSelector={"key.$": "$$.Map.Item.Value.Key"},
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"who.$": "$.who"}},
    )  # fmt: skip
    found = output(run(told, {"who": "me"}))
    assert [len(one["keys"]) for one in found] == [2, 2, 1] and found[0]["who"] == "me"
    assert found[0]["keys"] == [f"{prefix}0.txt", f"{prefix}1.txt"]


THREE = {"Variable": "$", "NumericEquals": 3, "Next": "Bad"}
CHECK: dict[str, Any] = {"Type": "Choice", "Choices": [THREE], "Default": "Good"}
PICKY: dict[str, dict[str, Any]] = {
    "Check": CHECK,
    "Bad": {"Type": "Fail", "Error": "Three"},
    "Good": {"Type": "Succeed"},
}


@pytest.mark.parametrize(
    ("tolerance", "good"),
    [
        ({}, False),
        ({"ToleratedFailureCount": 1}, True),
        ({"ToleratedFailurePercentage": 20}, False),
        ({"ToleratedFailurePercentage": 25}, True),
    ],
)
def test_failures_that_are_tolerated(run: Run, tolerance: dict[str, Any], good: bool):
    ended = run(mapped(processor(**PICKY), **tolerance), [1, 2, 3, 4])
    if good:
        assert output(ended) == [1, 2, 4]
    else:
        assert ended["error"] == "States.ExceedToleratedFailureThreshold"
        assert ended["cause"] == "The specified tolerated failure threshold was exceeded"


def test_results_in_s3(run: Run, client: Clients, bucket: str):
    told = mapped(
        processor(**PICKY),
        ToleratedFailureCount=1,
        ResultWriter={"Resource": "arn:aws:states:::s3:putObject",
                      "Parameters": {"Bucket": bucket, "Prefix": "results"}},
    )  # fmt: skip
    where = output(run(told, [1, 3]))["ResultWriterDetails"]

    def read(key: str) -> Any:
        return json.loads(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    files = read(where["Key"])["ResultFiles"]
    assert [one["Output"] for one in read(files["SUCCEEDED"][0]["Key"])] == ["1"]
    assert [one["Error"] for one in read(files["FAILED"][0]["Key"])] == ["Three"]


def test_a_redrive_runs_only_the_children_that_failed(
    client: Clients, machine: Machine, bucket: str
):
    keys = [f"child/{uuid.uuid4().hex}" for _ in range(3)]
    s3, states = client("s3"), client("stepfunctions")
    for key in keys[:2]:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    get = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
           "Parameters": {"Bucket": bucket, "Key.$": "$"}, "OutputPath": "$.Body"}  # fmt: skip
    arn = machine(mapped(processor(Each=get)))
    execution = states.start_execution(stateMachineArn=arn, input=json.dumps(keys))["executionArn"]
    assert until(client, execution)["status"] == "FAILED"
    [listed] = states.list_map_runs(executionArn=execution)["mapRuns"]
    s3.put_object(Bucket=bucket, Key=keys[2], Body=keys[2].encode())
    states.redrive_execution(executionArn=execution)
    assert output(until(client, execution)) == keys
    assert "MapRunRedriven" in types(client, execution)
    found = states.list_executions(mapRunArn=listed["mapRunArn"])["executions"]
    redriven = {one["executionArn"] for one in found if one["redriveCount"]}
    assert len(found) == 3 and len(redriven) >= 1
