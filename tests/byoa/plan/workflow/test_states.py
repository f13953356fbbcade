"""Every field of every state, in both languages; AWS takes what they make."""

from __future__ import annotations

import json
from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.chain import Chain, Graph
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.expressions import JSONATA
from byoa.plan.workflow.expressions import jsonata as expression
from byoa.plan.workflow.intrinsics import format_, math_add
from byoa.plan.workflow.items import batches, objects_below, results_below, rows_of
from byoa.plan.workflow.placeholders import (
    ErrorOutput,
    ExecutionInput,
    StepInput,
    StepResult,
    context,
    item_value,
    variable,
)
from byoa.plan.workflow.states import (
    Choice,
    DistributedMap,
    Fail,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
)

X, RESULT, ERROR = StepInput(), StepResult(), ErrorOutput()
INPUT = ExecutionInput()
LAMBDA = "arn:aws:states:::lambda:invoke"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"  #: takes any parameters


def alone(state: State, language: str | None = None) -> dict[str, Any]:
    """The state as the definition has it, in a definition that AWS takes."""
    made = Graph(state, query_language=language).to_dict()
    assert problems(made) == []
    json.dumps(made)
    found: dict[str, Any] = made["States"][state.state_id]
    return found


JSONPATH_STATES = [
    (
        Pass(
            "a",
            comment="why",
            input_path="$.in",
            parameters={"x": X["x"], "y": 1},
            result_path="$.made",
            output_path="$.made",
            assign={"kept": X["x"], "fixed": [1]},
        ),
        {
            "Type": "Pass",
            "Comment": "why",
            "InputPath": "$.in",
            "Parameters": {"x.$": "$['x']", "y": 1},
            "ResultPath": "$.made",
            "OutputPath": "$.made",
            "Assign": {"kept.$": "$['x']", "fixed": [1]},
            "End": True,
        },
    ),
    (
        Pass("a", result={"a": [1, None]}, result_path=None),
        {"Type": "Pass", "Result": {"a": [1, None]}, "ResultPath": None, "End": True},
    ),
    (
        Task(
            "a",
            resource=LAMBDA,
            parameters={"FunctionName": "f", "Payload": X},
            result_selector={"Got": RESULT["Payload"]["x"]},
            result_path="$.a",
            timeout_seconds=60,
            heartbeat_seconds=30,
            credentials={"RoleArn": X["role"]},
            retry=Retry(
                error_equals=["Lambda.TooManyRequestsException"],
                interval_seconds=1,
                max_attempts=3,
                backoff_rate=1.5,
                max_delay_seconds=60,
                jitter_strategy="FULL",
            ),
            catch=[Catch(Fail("b"), error_equals="States.ALL", result_path="$.e")],
        ),
        {
            "Type": "Task",
            "Resource": LAMBDA,
            "Parameters": {"FunctionName": "f", "Payload.$": "$"},
            "ResultSelector": {"Got.$": "$['Payload']['x']"},
            "ResultPath": "$.a",
            "TimeoutSeconds": 60,
            "HeartbeatSeconds": 30,
            "Credentials": {"RoleArn.$": "$['role']"},
            "Retry": [
                {
                    "ErrorEquals": ["Lambda.TooManyRequestsException"],
                    "IntervalSeconds": 1,
                    "MaxAttempts": 3,
                    "BackoffRate": 1.5,
                    "MaxDelaySeconds": 60,
                    "JitterStrategy": "FULL",
                }
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "b"}],
            "End": True,
        },
    ),
    (
        Task("a", resource=FUNCTION, timeout_seconds=X["t"], heartbeat_seconds_path="$.h"),
        {
            "Type": "Task",
            "Resource": FUNCTION,
            "TimeoutSecondsPath": "$['t']",
            "HeartbeatSecondsPath": "$.h",
            "End": True,
        },
    ),
    (Wait("a", seconds=5), {"Type": "Wait", "Seconds": 5, "End": True}),
    (Wait("a", seconds=X["s"]), {"Type": "Wait", "SecondsPath": "$['s']", "End": True}),
    (Wait("a", seconds_path="$.s"), {"Type": "Wait", "SecondsPath": "$.s", "End": True}),
    (
        Wait("a", timestamp="2026-01-31T12:00:00Z", assign={"x": 1}),
        {
            "Type": "Wait",
            "Timestamp": "2026-01-31T12:00:00Z",
            "Assign": {"x": 1},
            "End": True,
        },
    ),
    (Wait("a", timestamp=X["t"]), {"Type": "Wait", "TimestampPath": "$['t']", "End": True}),
    (Wait("a", timestamp_path=X["t"]), {"Type": "Wait", "TimestampPath": "$['t']", "End": True}),
    (
        Succeed("a", comment="c", input_path="$.x", output_path=None),
        {"Type": "Succeed", "Comment": "c", "InputPath": "$.x", "OutputPath": None},
    ),
    (Fail("a"), {"Type": "Fail"}),
    (Fail("a", error="E", cause="C"), {"Type": "Fail", "Error": "E", "Cause": "C"}),
    (
        Fail("a", error_path="$.Error", cause=format_("{} is down", X["name"])),
        {
            "Type": "Fail",
            "ErrorPath": "$.Error",
            "CausePath": "States.Format('{} is down', $['name'])",
        },
    ),
    (
        Fail("a", cause=f"{X['name']} is down"),
        {"Type": "Fail", "CausePath": "States.Format('{} is down', $['name'])"},
    ),
]
JSONATA_STATES = [
    (
        Pass("a", output={"x": X["x"]}, assign={"kept": X["x"]}),
        {
            "Type": "Pass",
            "Output": {"x": "{% $states.input.x %}"},
            "Assign": {"kept": "{% $states.input.x %}"},
            "End": True,
        },
    ),
    (
        Pass("a", parameters={"x": X["x"]}),  # the same step in either language
        {"Type": "Pass", "Output": {"x": "{% $states.input.x %}"}, "End": True},
    ),
    (Pass("a", output=X["x"]), {"Type": "Pass", "Output": "{% $states.input.x %}", "End": True}),
    (
        Task(
            "a",
            resource=LAMBDA,
            arguments={"FunctionName": "f", "Payload": X},
            output=RESULT["Payload"],
            assign={"code": RESULT["StatusCode"], "text": f"run {context['Execution']['Name']}"},
            timeout_seconds=X["t"],
            heartbeat_seconds=5,
            credentials={"RoleArn": X["role"]},
            catch=Catch(
                Fail("b"),
                error_equals=["States.ALL"],
                output={"why": ERROR["Cause"]},
                assign={"error": ERROR["Error"]},
                comment="c",
            ),
        ),
        {
            "Type": "Task",
            "Resource": LAMBDA,
            "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
            "Output": "{% $states.result.Payload %}",
            "Assign": {
                "code": "{% $states.result.StatusCode %}",
                "text": '{% "run " & $states.context.Execution.Name %}',
            },
            "TimeoutSeconds": "{% $states.input.t %}",
            "HeartbeatSeconds": 5,
            "Credentials": {"RoleArn": "{% $states.input.role %}"},
            "Catch": [
                {
                    "ErrorEquals": ["States.ALL"],
                    "Output": {"why": "{% $states.errorOutput.Cause %}"},
                    "Assign": {"error": "{% $states.errorOutput.Error %}"},
                    "Comment": "c",
                    "Next": "b",
                }
            ],
            "End": True,
        },
    ),
    (
        Task("a", resource=LAMBDA, parameters={"FunctionName": "f", "Payload": X["x"]}),
        {
            "Type": "Task",
            "Resource": LAMBDA,
            "Arguments": {"FunctionName": "f", "Payload": "{% $states.input.x %}"},
            "End": True,
        },
    ),
    (
        Wait("a", seconds=expression("$states.input.s * 2"), output={}),
        {"Type": "Wait", "Seconds": "{% $states.input.s * 2 %}", "Output": {}, "End": True},
    ),
    (
        Wait("a", timestamp=X["t"]),
        {"Type": "Wait", "Timestamp": "{% $states.input.t %}", "End": True},
    ),
    (Succeed("a", output="{% 1 %}"), {"Type": "Succeed", "Output": "{% 1 %}"}),
    (
        Fail("a", error="E", cause=f"{X['name']} is down"),
        {"Type": "Fail", "Error": "E", "Cause": '{% $states.input.name & " is down" %}'},
    ),
]


@pytest.mark.parametrize(("state", "made"), JSONPATH_STATES)
def test_states_in_jsonpath(state, made):
    assert alone(state) == made


@pytest.mark.parametrize(("state", "made"), JSONATA_STATES)
def test_states_in_jsonata(state, made):
    assert alone(state, JSONATA) == made


def test_one_state_of_a_workflow_in_jsonpath_may_be_in_jsonata():
    one = Pass("a", query_language=JSONATA, output={"x": X["x"]})
    made = Graph(Chain([one, Pass("b", parameters={"y": X["x"]})])).to_dict()
    assert problems(made) == []
    assert made["States"]["a"]["QueryLanguage"] == JSONATA
    assert made["States"]["b"]["Parameters"] == {"y.$": "$['x']"}
    assert "QueryLanguage" not in made


def test_a_choice_with_all_that_it_can_have():
    choice = Choice("a", input_path="$.in", comment="c", assign={"none": True})
    rule = ChoiceRule.NumericLessThan(variable=X["x"], value=3)
    choice.add_choice(rule, Pass("low"), assign={"low": X["x"]}, comment="small")
    choice.add_choice(ChoiceRule.Not(rule), Chain([Wait("w", seconds=1), Pass("high")]))
    choice.default_choice(Fail("none"))
    made = Graph(choice).to_dict()
    assert problems(made) == []
    assert made["States"]["a"] == {
        "Type": "Choice",
        "InputPath": "$.in",
        "Comment": "c",
        "Assign": {"none": True},
        "Choices": [
            {
                "Variable": "$['x']",
                "NumericLessThan": 3,
                "Assign": {"low.$": "$['x']"},
                "Comment": "small",
                "Next": "low",
            },
            {"Not": {"Variable": "$['x']", "NumericLessThan": 3}, "Next": "w"},
        ],
        "Default": "none",
    }
    assert set(made["States"]) == {"a", "low", "w", "high", "none"}


def test_a_choice_in_jsonata():
    choice = Choice("a", query_language=JSONATA)
    choice.add_choice(f"{X['x']} < 3", Pass("low"), output={"x": X["x"]}, assign={"y": 1})
    choice.add_choice(ChoiceRule.IsPresent(variable=X["x"], value=True), Pass("high"))
    choice.add_choice(expression("$states.input.z"), Pass("z"))
    made = Graph(choice).to_dict()
    assert problems(made) == []
    assert made["States"]["a"]["Choices"] == [
        {
            "Condition": "{% $states.input.x < 3 %}",
            "Output": {"x": "{% $states.input.x %}"},
            "Assign": {"y": 1},
            "Next": "low",
        },
        {"Condition": "{% $exists($states.input.x) %}", "Next": "high"},
        {"Condition": "{% $states.input.z %}", "Next": "z"},
    ]


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


def test_a_state_can_be_changed_afterwards():
    one = Task("a", resource=FUNCTION, parameters={"x": 1}, timeout_seconds=5)
    one.update_parameters({"y": 2})
    one.set(timeout_seconds=None, comment="c")
    assert alone(one) == {
        "Type": "Task",
        "Resource": FUNCTION,
        "Parameters": {"y": 2},
        "Comment": "c",
        "End": True,
    }
    assert one.state_type == one.type == "Task" and repr(one) == "Task('a')"
    assert json.loads(one.to_json()) == json.loads(one.to_json(pretty=True)) == alone(one)


def choice_of(rule: Any) -> Any:
    choice = Choice("a")
    choice.add_choice(rule, Pass("b"))
    return choice.to_dict()


def untyped(anything: Any) -> Any:
    """What mypy would not let through."""
    return anything


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: untyped(Pass)("a", resullt=1),
            r"the Pass state 'a' has no field 'resullt' - did you mean result\?",
        ),
        (lambda: untyped(Fail)("a", output={}), "the Fail state 'a' has no field 'output' - take"),
        (lambda: untyped(Succeed)("a", assign={}), "the Succeed state 'a' has no field 'assign'"),
        (
            lambda: Retry(error_equals=["x"], attempts=1),
            "a Retry has no field 'attempts' - did you",
        ),
        (lambda: Wait("a"), "the Wait state 'a' has no time - give it one of seconds"),
        (
            lambda: Wait("a", seconds=1, timestamp_path="$.x"),
            "has seconds and timestamp_path - give",
        ),
        (
            lambda: Task("a", timeout_seconds=1, timeout_seconds_path="$.t"),
            "the Task state 'a' has timeout_seconds and timeout_seconds_path",
        ),
        (
            lambda: Pass("a").add_retry(Retry(error_equals="x")),
            "takes no Retry - only Task, Parallel",
        ),
        (lambda: Pass("a").add_catch(Catch(Fail("b"), error_equals="x")), "takes no Catch"),
        (lambda: Task("a").add_retry(untyped(["x"])), "'x' of the Task state 'a' is no Retry"),
        (lambda: Fail("a").next(Pass("b")), "'a' ends the workflow, so nothing follows it"),
        (lambda: Choice("a").to_dict(), "the Choice state 'a' has no choice"),
        (lambda: Parallel("a").to_dict(), "the Parallel state 'a' has no branch"),
        (lambda: Map("a").to_dict(), "the Map state 'a' has nothing to run"),
        (
            lambda: Pass("a", output=1).to_dict(),
            "the Pass state 'a': output: JSONPath has none - give the state",
        ),
        (
            lambda: Map("a", iterator=Pass("b"), items=[1]).to_dict(),
            "the Map state 'a': items: JSONPath has none",
        ),
        (
            lambda: Pass("a", input_path="$.x").to_dict(JSONATA),
            "'a': input_path: JSONata has none - say it in arguments, output or assign",
        ),
        (
            lambda: Pass("a", query_language="SQL").to_dict(),
            "is in 'SQL' - take JSONPath or JSONata",
        ),
        (
            lambda: Pass("a", query_language="JSONPath").to_dict(JSONATA),
            "is in JSONPath inside a workflow in JSONata",
        ),
        (
            lambda: Choice("a").add_choice("$x", Pass("b"), sign=1),
            "a choice has no 'sign' - take assign",
        ),
        (
            lambda: Pass("a", comment=f"of {X['x']}").to_dict(),
            "'a': comment: .* must be known before",
        ),
        (
            lambda: Task("a", resource=X["arn"], query_language=JSONATA).to_dict(),
            r"'a': resource: \$states\.input\.arn is known when the workflow runs",
        ),
        (
            lambda: Pass("a", result=X["x"]).to_dict(),
            "'a': result: .* stands where JSONPath reads no",
        ),
        (lambda: Pass("a", parameters={X["x"]: 1}).to_dict(), r"\$\['x'\] is a key, which must be"),
        (
            lambda: Task("a", retry=Retry(error_equals=[X["e"]])).to_dict(),
            "'a': Retry: .* must be known before",
        ),
        (lambda: choice_of(ChoiceRule.IsNull(variable=expression("$x"), value=True)), "choices: "),
        (
            lambda: Wait("a", seconds=math_add(X["x"], 1)).to_dict(),
            r"'a': seconds: States.MathAdd\(.* stands where JSONPath reads a path only",
        ),
        (
            lambda: choice_of(ChoiceRule.IsNull(variable=math_add(X["x"], 1), value=True)),
            "a path only",
        ),
        (
            lambda: alone(
                DistributedMap("a", iterator=Pass("b"), item_batcher=batches(math_add(1, 2)))
            ),
            "'a': item_batcher: .* a path only",
        ),
        (
            lambda: Pass("a").next(untyped("b")),
            "the Pass state 'a' leads to 'b' - give it a state or",
        ),
        (lambda: Catch(untyped("b"), error_equals="x"), "a Catch leads to 'b' - give it a state"),
        (lambda: Choice("a").default_choice(untyped(None)), "'a' leads to None - give it a state"),
        (lambda: Choice("a").add_choice("$x", untyped({})), "'a' leads to {} - give it a state"),
        (lambda: Parallel("a").add_branch(untyped([])), r"'a' leads to \[\] - give it a state"),
        (lambda: Pass(X["x"]), "cannot be a state's name"),
        (lambda: untyped(Graph)("a"), "'a' is no State and no Chain"),
    ],
)
def test_what_cannot_be_is_said_with_the_states_name(make, said):
    with pytest.raises(UsageError, match=said):
        make()
