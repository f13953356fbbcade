"""States that run others: Parallel and Map, inline and distributed."""

from __future__ import annotations

from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.chain import Chain, Graph
from byoa.plan.workflow.expressions import JSONATA
from byoa.plan.workflow.items import batches, objects_below, results_below, rows_of
from byoa.plan.workflow.placeholders import (
    context,
    item_value,
    variable,
)
from byoa.plan.workflow.states import (
    DistributedMap,
    Fail,
    Map,
    Parallel,
    Pass,
    Succeed,
)
from tests.byoa.plan.workflow.every_state import RESULT, X, alone


def test_a_parallel_of_states_chains_graphs_and_dicts():
    parallel = Parallel(
        "a",
        parameters={"x": X["x"]},
        result_selector={"first": RESULT[0]},
        result_path="$.both",
        retry=Retry(error_equals="States.ALL", max_attempts=0),
        catch=Catch(Fail("failed"), error_equals="States.ALL"),
    )
    parallel.add_branch(Pass("b"))
    parallel.add_branch(Chain([Pass("c"), Succeed("d")]))
    parallel.add_branch({"StartAt": "e", "States": {"e": {"Type": "Succeed"}}})
    parallel.add_branch(Graph(Pass("f"), comment="inner"))
    assert alone(parallel) == {
        "Type": "Parallel",
        "Parameters": {"x.$": "$['x']"},
        "ResultSelector": {"first.$": "$[0]"},
        "ResultPath": "$.both",
        "Branches": [
            {"StartAt": "b", "States": {"b": {"Type": "Pass", "End": True}}},
            {
                "StartAt": "c",
                "States": {"c": {"Type": "Pass", "Next": "d"}, "d": {"Type": "Succeed"}},
            },
            {"StartAt": "e", "States": {"e": {"Type": "Succeed"}}},
            {"Comment": "inner", "StartAt": "f", "States": {"f": {"Type": "Pass", "End": True}}},
        ],
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 0}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "failed"}],
        "End": True,
    }


def test_an_inline_map():
    each = Pass("each", parameters={"row": X["row"]})
    one = Map(
        "a",
        iterator=each,
        items=X["rows"],
        item_selector={"row": item_value, "at": context["Map"]["Item"]["Index"]},
        max_concurrency=X["wide"],
        result_path="$.rows",
    )
    assert alone(one) == {
        "Type": "Map",
        "ItemsPath": "$['rows']",
        "ItemSelector": {"row.$": "$$.Map.Item.Value", "at.$": "$$.Map.Item.Index"},
        "MaxConcurrencyPath": "$['wide']",
        "ResultPath": "$.rows",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "each",
            "States": {"each": {"Type": "Pass", "Parameters": {"row.$": "$['row']"}, "End": True}},
        },
        "End": True,
    }
    assert alone(Map("a", item_processor=Pass("b")))["ItemProcessor"]["StartAt"] == "b"
    sdk = Map("a", iterator=Pass("b"), items_path="$.x", parameters={"row": item_value})
    sdk.update_parameters({"row.$": "$$.Map.Item.Value"})
    assert alone(sdk)["ItemSelector"] == {"row.$": "$$.Map.Item.Value"}
    there = Map("a", items=[1, 2], item_selector={"row": item_value}, max_concurrency=2)
    there.attach_iterator(Pass("each"))
    made = alone(there, JSONATA)
    assert made["Items"] == [1, 2] and made["MaxConcurrency"] == 2
    assert made["ItemSelector"] == {"row": "{% $states.context.Map.Item.Value %}"}
    assert alone(Map("a", iterator=Pass("b"), items_path="$.rows"))["ItemsPath"] == "$.rows"


def test_a_distributed_map_of_rows():
    one = DistributedMap(
        "a",
        iterator=Pass("each"),
        item_reader=rows_of(X["bucket"], "rows.csv", MaxItems=X["most"]),
        item_batcher=batches(max_items=X["size"], max_bytes=1000, batch_input={"run": X["run"]}),
        item_selector={"row": item_value},
        result_writer=results_below("out", X["to"], OutputType="JSONL", Transformation="FLATTEN"),
        tolerated_failure_percentage=X["percent"],
        tolerated_failure_count=3,
        max_concurrency=100,
        label="rows",
    )
    assert alone(one) == {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {
                "InputType": "CSV",
                "CSVHeaderLocation": "FIRST_ROW",
                "MaxItemsPath": "$['most']",
            },
            "Parameters": {"Bucket.$": "$['bucket']", "Key": "rows.csv"},
        },
        "ItemBatcher": {
            "MaxItemsPerBatchPath": "$['size']",
            "MaxInputBytesPerBatch": 1000,
            "BatchInput": {"run.$": "$['run']"},
        },
        "ItemSelector": {"row.$": "$$.Map.Item.Value"},
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "out", "Prefix.$": "$['to']"},
            "WriterConfig": {"OutputType": "JSONL", "Transformation": "FLATTEN"},
        },
        "ToleratedFailurePercentagePath": "$['percent']",
        "ToleratedFailureCount": 3,
        "MaxConcurrency": 100,
        "Label": "rows",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "each",
            "States": {"each": {"Type": "Pass", "End": True}},
        },
        "End": True,
    }


def test_a_distributed_map_of_objects_in_jsonata():
    one = Map(
        "a",
        iterator=Pass("each"),
        mode="DISTRIBUTED",
        execution_type="EXPRESS",
        item_reader=objects_below(X["bucket"], "data/", MaxItems=X["most"]),
        item_batcher=batches(max_items=X["size"]),
        result_writer=results_below(variable("out")),
        tolerated_failure_percentage=X["percent"],
    )
    made = alone(one, JSONATA)
    assert made["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Arguments": {"Bucket": "{% $states.input.bucket %}", "Prefix": "data/"},
        "ReaderConfig": {"MaxItems": "{% $states.input.most %}"},
    }
    assert made["ItemBatcher"] == {"MaxItemsPerBatch": "{% $states.input.size %}"}
    assert made["ResultWriter"]["Arguments"] == {"Bucket": "{% $out %}"}
    assert made["ToleratedFailurePercentage"] == "{% $states.input.percent %}"
    assert made["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "EXPRESS"
    given = rows_of("b", "k", CSVHeaders=["x"])
    assert given["ReaderConfig"]["CSVHeaderLocation"] == "GIVEN"
