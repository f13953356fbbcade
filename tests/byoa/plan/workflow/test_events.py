"""Triggers: their patterns match what they shall and nothing else; loops are seen."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.workflow import events, schedule
from byoa.plan.workflow.events import Trigger
from byoa.plan.workflow.loops import Neighbour, detours, loops, unknown
from byoa.plan.workflow.outputs import Output, outputs
from byoa.plan.workflow.requests import Names
from tests.byoa.plan.policy_evaluator import allows
from tests.byoa.plan.service_model import accepted

NAMES = Names("demo", "faces")
ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:faces"
ROLE = "arn:aws:iam::123456789012:role/byoa-demo+events-faces"


def matches(pattern: Any, event: Any) -> bool:
    """EventBridge's matching, as far as our patterns go."""
    if isinstance(pattern, dict):
        return isinstance(event, dict) and all(
            key in event and matches(item, event[key]) for key, item in pattern.items()
        )
    return any(fits(one, event) for one in pattern)


def fits(one: Any, value: Any) -> bool:
    if not isinstance(one, dict):
        return bool(one == value)
    [(operator, wanted)] = one.items()
    if operator == "prefix":
        return str(value).startswith(wanted)
    if operator == "suffix":
        return str(value).endswith(wanted)
    if operator == "anything-but":
        return not any(str(value).startswith(prefix) for prefix in wanted["prefix"])
    if operator == "numeric":
        assert wanted == [">", 0]
        return bool(value > 0)
    assert operator == "wildcard"
    parts = re.findall(r"\\(.)|(\*)|([^\\*]+)", wanted)
    return bool(
        re.fullmatch(
            "".join(".*" if b else re.escape(a or c) for a, b, c in parts), str(value), re.S
        )
    )


def created(bucket: str, key: str, size: int = 5) -> dict[str, Any]:
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key, "size": size}},
    }


@pytest.mark.parametrize(
    ("words", "right", "wrong"),
    [
        (
            {"uri": "s3://b/new/"},
            ["new/a.csv", "new/x/y"],
            ["new2/a", "new", "old/new/a", "a"],
        ),
        ({"uri": "s3://b/new"}, ["new/a"], ["new2/a", "newer"]),
        ({"uri": "s3://b/new*"}, ["new/a", "new2/a", "newer"], ["old/new"]),
        ({"uri": "s3://b"}, ["a", "x/y"], []),
        ({"uri": "s3://b/"}, ["a", "x/y"], []),
        (
            {"uri": "s3://b/new/", "suffix": ".csv"},
            ["new/a.csv", "new/x/y.csv"],
            ["new/a.txt", "old/a.csv", "new/a.csv.part"],
        ),
        ({"uri": "s3://b/", "suffix": ".csv"}, ["a.csv", "x/y.csv"], ["a.csvx"]),
        (
            {"uri": "s3://b/new/", "marker": "_DONE"},
            ["new/_DONE", "new/x/_DONE"],
            ["new/x_DONE", "new/a", "_DONE", "new/_DONE/a"],
        ),
        ({"uri": r"s3://b/a\b/", "suffix": "*.csv"}, [r"a\b/x*.csv"], [r"a\b/x.csv", "ab/x*.csv"]),
    ],
)
def test_objects_of_the_folder_start_it_and_no_others(
    words: dict[str, Any], right: list[str], wrong: list[str]
):
    trigger = events.s3_trigger(**words)
    accepted("events", "PutRule", events.rule_request(trigger, NAMES, NAMES.tags))
    for key in right:
        assert matches(trigger.pattern, created("b", key)), key
        assert not matches(trigger.pattern, created("other", key))
    for key in wrong:
        assert not matches(trigger.pattern, created("b", key)), key


def test_a_folder_made_in_the_console_is_no_upload_but_a_marker_may_be_empty():
    assert not matches(events.s3_trigger("s3://b/new/").pattern, created("b", "new/", 0))
    marked = events.s3_trigger("s3://b/new/", marker="_DONE")
    assert matches(marked.pattern, created("b", "new/_DONE", 0))


def test_of_a_whole_bucket_what_the_workflow_writes_is_left_out():
    written = [Output("Train", "s3://b/models/"), Output("X", "s3://other/x/")]
    trigger = events.s3_trigger("s3://b/", written=written)
    assert matches(trigger.pattern, created("b", "new/a"))
    assert not matches(trigger.pattern, created("b", "models/j/output/model.tar.gz"))
    assert matches(trigger.pattern, created("b", "x/a"))


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("bucket/new", {}),
        ("s3://", {}),
        ("s3://b/a*b/", {}),
        ("s3://b/a", {"suffix": ".csv", "marker": "x"}),
    ],
)
def test_what_is_no_trigger_is_told(uri: str, words: dict[str, Any]):
    with pytest.raises(UsageError):
        events.s3_trigger(uri, **words)


def test_images_and_pushes():
    image = events.image_trigger("faces")
    pushed: dict[str, Any] = {
        "source": "aws.ecr",
        "detail-type": "ECR Image Action",
        "detail": {
            "action-type": "PUSH",
            "result": "SUCCESS",
            "repository-name": "faces",
            "image-tag": "latest",
        },
    }
    assert matches(image.pattern, pushed)
    assert matches(events.image_trigger("faces:latest").pattern, pushed)
    assert not matches(events.image_trigger("faces:2").pattern, pushed)
    assert not matches(
        image.pattern, {**pushed, "detail": {**pushed["detail"], "result": "FAILURE"}}
    )
    host = ".".join(["123456789012", "dkr", "ecr", "eu-west-1", "amazonaws", "com"])
    assert events.image_trigger(f"{host}/faces:latest").what == "faces:latest"
    push = events.push_trigger("code:dev")
    event = {
        "source": "aws.codecommit",
        "detail-type": "CodeCommit Repository State Change",
        "detail": {
            "event": "referenceUpdated",
            "repositoryName": "code",
            "referenceType": "branch",
            "referenceName": "dev",
        },
    }
    assert matches(push.pattern, event)
    assert not matches(events.push_trigger("code").pattern, event)
    assert events.push_trigger("code").what == "code:main"
    for trigger in (image, push):
        accepted("events", "PutRule", events.rule_request(trigger, NAMES, NAMES.tags))
    with pytest.raises(UsageError, match="--push"):
        events.push_trigger("https://x/y")
    with pytest.raises(UsageError, match="--push"):
        events.push_trigger(":main")


RIGHT = [
    *("rate(1 minute)", "rate(5 minutes)", "rate(1 hour)", "rate(12 hours)", "rate(1 day)"),
    *("cron(0 10 * * ? *)", "cron(15 12 * * ? *)", "cron(0 18 ? * MON-FRI *)"),
    *("cron(0/15 * * * ? *)", "cron(0/5 8-17 ? * MON-FRI *)", "cron(0 8 1 * ? *)"),
    *("cron(0 10 ? * 6L 2022-2025)", "cron(0 9 ? * 2#1 *)", "cron(0 0 L * ? *)"),
    *("cron(0 0 15W * ? *)", "cron(0,30 9 ? JAN,jun SUN *)", "cron(0 0 L-3 * ? 2199)"),
]
WRONG = {
    "rate(1 days)": "AWS writes 1 day",
    "rate(5 minute)": "AWS writes 5 minutes",
    "rate(0 days)": "never",
    "rate(1.5 hours)": "neither",
    "rate(1 week)": "neither",
    "1 day": "neither",
    "": "neither",
    "cron(0 10 * * *)": "6 fields, not 5",
    "cron(0 10 * * * *)": "the other is not",
    "cron(0 10 ? * ? *)": "the other is not",
    "cron(60 10 * * ? *)": "'60' is no minutes",
    "cron(0 24 * * ? *)": "'24' is no hours",
    "cron(0 0 0 * ? *)": "'0' is no day of the month",
    "cron(0 0 ? * FUN *)": "'FUN' is no day of the week",
    "cron(0 0 * 13 ? *)": "'13' is no month",
    "cron(0 0 * * ? 1969)": "'1969' is no year",
    "cron(*/0 * * * ? *)": "'*/0' is no minutes",
    "cron(1-2-3 * * * ? *)": "is no minutes",
    "at(2026-01-01T00:00:00)": "neither",
}


@pytest.mark.parametrize("text", RIGHT)
def test_a_schedule_of_aws_is_one(text: str):
    trigger = events.schedule_trigger(text)
    request = events.rule_request(trigger, NAMES, NAMES.tags)
    assert accepted("events", "PutRule", request)["ScheduleExpression"] == text
    assert "EventPattern" not in request


@pytest.mark.parametrize(("text", "said"), WRONG.items())
def test_a_schedule_that_aws_refuses_is_told(text: str, said: str):
    with pytest.raises(UsageError, match=re.escape(said)):
        events.schedule_trigger(text)


@given(st.text(max_size=40) | st.from_regex(r"(rate|cron)\([ -~]{0,30}\)", fullmatch=True))
def test_any_text_is_a_schedule_or_a_sentence(text: str):
    try:
        assert schedule.checked(text) == text
    except UsageError as error:
        assert "rate(1 day)" in str(error)


def target(trigger: Trigger, given: Any) -> dict[str, Any]:
    request = events.target_request(trigger, NAMES, ARN, ROLE, given)
    [made] = accepted("events", "PutTargets", request)["Targets"]
    assert (made["Arn"], made["RoleArn"]) == (ARN, ROLE)
    return dict(made)


def test_the_input_is_the_event_a_constant_or_made_of_the_event():
    trigger = events.s3_trigger("s3://b/new/")
    assert not {"Input", "InputTransformer"} & target(trigger, None).keys()
    assert json.loads(target(trigger, {"a": {"b": 1}})["Input"]) == {"a": {"b": 1}}
    made = target(trigger, {"data": "s3://{bucket}/{key}", "epochs": 5})["InputTransformer"]
    assert made == {
        "InputPathsMap": {"bucket": "$.detail.bucket.name", "key": "$.detail.object.key"},
        "InputTemplate": '{"data": "s3://<bucket>/<key>", "epochs": 5}',
    }
    alone = target(trigger, {"a": "{key}", "b": ["{key}", "{time}"], "{key}": "x{key}"})
    template = '{"a": <key>, "b": [<key>, "<time>"], "<key>": "x<key>"}'
    assert alone["InputTransformer"]["InputTemplate"] == template
    events.check_holes("s3", {"a": "{key}", "b": ["{time}"], "c": {}, "d": {"e": "{"}})
    with pytest.raises(UsageError, match=r"no \{tag\}"):
        events.check_holes("s3", {"a": "{tag}"})


def test_the_same_trigger_is_the_same_rule():
    one, two = events.s3_trigger("s3://b/new/"), events.s3_trigger("s3://b/new")
    assert one.rule_name(NAMES) == two.rule_name(NAMES)
    others = [
        events.s3_trigger("s3://b/new*"),
        events.s3_trigger("s3://b/new/", suffix=".csv"),
        events.s3_trigger("s3://b/new/", marker=".csv"),
        events.schedule_trigger("rate(1 day)"),
    ]
    assert len({one.rule_name(NAMES), *(other.rule_name(NAMES) for other in others)}) == 5
    long = Names("p" * 90, "w" * 80)
    assert len(one.rule_name(long)) <= 64


def test_eventbridge_may_start_this_machine_and_nothing_else():
    policy = events.events_policy(ARN)
    assert allows(policy, "states:StartExecution", ARN)
    assert not allows(policy, "states:StartExecution", ARN + "2")
    assert not allows(policy, "states:StopExecution", ARN)


def test_a_bucket_goes_on_telling_the_others():
    others = {"QueueConfigurations": [{"QueueArn": "q", "Events": ["s3:ObjectCreated:*"]}]}
    request = events.notification_request("b", "123456789012", others)
    assert request
    accepted("s3", "PutBucketNotificationConfiguration", request)
    assert request["NotificationConfiguration"] == {**others, "EventBridgeConfiguration": {}}
    assert request["ExpectedBucketOwner"] == "123456789012"
    assert events.notification_request("b", "1", {"EventBridgeConfiguration": {}}) is None


def state(parameters: dict[str, Any], resource: str = "", **more: Any) -> dict[str, Any]:
    resource = resource or "arn:aws:states:::sagemaker:createTrainingJob.sync"
    task = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}
    return {"StartAt": "S", "States": {"S": task}}


TRAIN = {
    "InputDataConfig": [{"DataSource": {"S3DataSource": {"S3Uri": "s3://b/new/"}}}],
    "OutputDataConfig": {"S3OutputPath": "s3://b/models"},
    "CheckpointConfig": {"S3Uri": "s3://b/state/"},
}
PROCESS = {
    "ProcessingInputs": [{"S3Input": {"S3Uri": "s3://b/raw/"}}],
    "ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": "s3://b/clean/"}}]},
}
WRITES = [
    (state(TRAIN), ["s3://b/models", "s3://b/state/"]),
    (state(PROCESS), ["s3://b/clean/"]),
    (
        state({"OutputDataConfig": {"S3OutputPath.$": "States.Format('s3://b/out/{}', $.x)"}}),
        ["s3://b/out/"],
    ),
    (
        state(
            {"FunctionName": "f", "Payload": {"Outputs": {"train": "s3://b/o/"}, "Source": "s3://b/i"}},
            "arn:aws:states:::lambda:invoke",
        ),
        ["s3://b/o/"],
    ),
    (
        state(
            {"FunctionName": "f", "Payload": {"Target": "s3://b/t.csv", "Source": "s3://b/s.csv"}},
            "arn:aws:states:::lambda:invoke",
        ),
        ["s3://b/t.csv"],
    ),
    (
        state({"Bucket": "b", "Key": "done/x"}, "arn:aws:states:::aws-sdk:s3:putObject"),
        ["s3://b/done/x"],
    ),
    (state({"Bucket": "b", "Key": "x"}, "arn:aws:states:::aws-sdk:s3:getObject"), []),
    (
        {
            "QueryLanguage": "JSONata",
            "StartAt": "S",
            "States": {
                "S": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sagemaker:createTransformJob.sync",
                    "Arguments": {
                        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://b/i/"}}},
                        "TransformOutput": {"S3OutputPath": "{% 's3://b/t/' & $states.input.x %}"},
                    },
                    "End": True,
                }
            },
        },
        ["s3://b/t/"],
    ),
    (
        {
            "StartAt": "M",
            "States": {
                "M": {
                    "Type": "Map",
                    "ItemProcessor": state(PROCESS),
                    "ResultWriter": {"Parameters": {"Bucket": "b", "Prefix": "results"}},
                    "End": True,
                }
            },
        },
        ["s3://b/results", "s3://b/clean/"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "uris"), WRITES)
def test_what_a_workflow_writes_is_seen(definition: dict[str, Any], uris: list[str]):
    assert [one.uri for one in outputs(definition)] == uris


@pytest.mark.parametrize(
    ("uri", "definition", "is_loop"),
    [
        ("s3://b/models/", state(TRAIN), True),
        ("s3://b/", {**state(TRAIN)}, False),  # left out by the pattern
        ("s3://b/mod*", state(TRAIN), True),
        ("s3://b/state/", state(TRAIN), True),
        ("s3://b/new/", state(TRAIN), False),
        ("s3://b/models/new/", state(TRAIN), False),  # a job's folder has the job's name
        ("s3://b/state/x/", state(TRAIN), True),
        ("s3://c/models/", state(TRAIN), False),
        ("s3://b/clean/x/", state(PROCESS), True),
        ("s3://b/clean/", state(PROCESS), True),
        ("s3://b/clean2/", state(PROCESS), False),
        ("s3://b/raw/", state(PROCESS), False),
    ],
)
def test_a_trigger_on_what_the_workflow_writes_is_a_loop(
    uri: str, definition: dict[str, Any], is_loop: bool
):
    trigger = events.s3_trigger(uri, written=outputs(definition))
    found = list(loops(trigger, definition))
    assert bool(found) is is_loop
    for sentence in found:
        assert "The state S writes to s3://b/" in sentence
        assert trigger.what in sentence


def asks(function: str, **payload: str) -> dict[str, Any]:
    return state({"FunctionName": f"byoa-cells_{function}", "Payload": payload})


@pytest.mark.parametrize(
    ("folder", "definition", "is_loop"),
    [
        ("builds/", asks("build-image", Context="x"), True),
        ("incoming/", asks("build-image", Context="x"), False),
        ("data/", asks("ingest-data", Source="x"), True),
        ("data/", asks("ingest-data", **{"Source": "x", "Target.$": "$.to"}), False),
        ("models/", asks("train-model"), True),
        ("", asks("train-model"), False),  # left out by the pattern
        ("models/", asks("others"), False),
    ],
)
def test_what_setups_functions_write_by_themselves_is_seen(
    folder: str, definition: dict[str, Any], is_loop: bool
):
    bucket = "byoa-cells-123456789012-us-east-1"
    trigger = events.s3_trigger(f"s3://{bucket}/{folder}", written=outputs(definition))
    assert bool(list(loops(trigger, definition))) is is_loop
    named = definition["States"]["S"]["Parameters"]
    named["FunctionName"] = (
        f"arn:aws:lambda:us-east-1:123456789012:function:{named['FunctionName']}"
    )
    assert bool(list(loops(trigger, definition))) is is_loop
    elsewhere = events.s3_trigger(f"s3://other/{folder}", written=outputs(definition))
    assert not list(loops(elsewhere, definition))


@pytest.mark.parametrize(
    ("image", "given", "is_loop"),
    [
        ("byoa-cells", {"Data": "x"}, True),
        ("byoa-cells", None, True),
        (f"byoa-cells:{'a' * 32}", None, True),
        ("byoa-cells:release", None, False),
        ("byoa-cells", {"Image": "x"}, False),
        ("byoa-cell", None, False),
    ],
)
def test_an_image_that_setups_function_builds_is_a_loop(image: str, given: Any, is_loop: bool):
    definition = asks("build-image", Context="x")
    assert bool(list(loops(events.image_trigger(image), definition, given))) is is_loop


@pytest.mark.parametrize(
    ("path", "given", "is_loop", "is_unknown"),
    [
        ("$$.Execution.Input['out']", {"out": "s3://b/new/x/"}, True, False),
        ("$$.Execution.Input['out']", {"out": "s3://b/out/"}, False, False),
        ("$.a.out", {"a": {"out": "s3://b/new/"}}, True, False),
        ("$$.Execution.Input['out']", {"out": "s3://{bucket}/x"}, False, False),
        ("$$.Execution.Input['out']", {"out": "s3://{bucket}/new/x"}, True, False),
        ("$$.Execution.Input['out']", {"out": "s3://{bucket}/{key}.out"}, True, False),
        ("$$.Execution.Input['out']", {"out": "s3://{bucket}/out/{key}"}, False, False),
        ("$$.Execution.Input['out']", {"out": "s3://b/{time}"}, False, True),
        ("$$.Execution.Input['out']", None, False, True),
        ("States.Format('s3://{}/x', $.b)", {}, False, True),
        ("States.Format('s3://b/{}/x', $.b)", {}, False, True),
        ("States.Format('s3://b/new/{}', $.b)", {}, True, False),
        ("States.Format('s3://c/{}/x', $.b)", {}, False, False),
    ],
)
def test_addresses_of_the_input_are_followed_and_others_are_told(
    path: str, given: Any, is_loop: bool, is_unknown: bool
):
    definition = state({"TransformOutput": {"S3OutputPath.$": path}})
    trigger = events.s3_trigger("s3://b/new/")
    assert bool(list(loops(trigger, definition, given))) is is_loop
    assert bool(unknown(trigger, definition, given)) is is_unknown


def test_an_image_that_the_workflow_builds_is_a_loop_and_one_that_it_trains_is_none():
    build = state(
        {"EnvironmentVariablesOverride": [{"Name": "REPOSITORY", "Value": "host/faces"}]},
        "arn:aws:states:::codebuild:startBuild.sync",
    )
    function = state(
        {"FunctionName": "f", "Payload": {"Repository": "faces"}}, "arn:aws:states:::lambda:invoke"
    )
    train = state({"AlgorithmSpecification": {"TrainingImage": "host/faces:latest"}})
    for definition, is_loop in ((build, True), (function, True), (train, False)):
        assert bool(list(loops(events.image_trigger("faces"), definition))) is is_loop
        assert not list(loops(events.image_trigger("face"), definition))
        assert not list(loops(events.schedule_trigger("rate(1 day)"), definition))


def writes(uri: str) -> dict[str, Any]:
    return state({"TransformOutput": {"S3OutputPath": uri}})


@pytest.mark.parametrize(
    ("second", "third", "said"),
    [
        (
            "s3://b/new/",
            "s3://c/",
            ["a writes to s3://b/one/", "starts b", "b writes to s3://b/new/"],
        ),
        ("s3://b/two/", "s3://b/new/x/", ["starts b", "starts c", "c writes to s3://b/new/x/"]),
        ("s3://b/two/", "s3://b/one/", []),
        ("s3://b/other/", "s3://b/new/", []),
    ],
)
def test_a_way_round_over_other_workflows_is_a_loop(second: str, third: str, said: list[str]):
    def on(uri: str) -> list[Trigger]:
        return events.of_pattern(events.s3_trigger(uri).pattern)

    others = [
        Neighbour("b", writes(second), on("s3://b/one/")),
        Neighbour("c", writes(third), on("s3://b/two/")),
    ]
    trigger = events.s3_trigger("s3://b/new/")
    found = list(detours(trigger, "a", writes("s3://b/one/"), others))
    assert bool(found) is bool(said)
    assert all(word in found[0] for word in said)


def test_a_rule_is_read_whoever_wrote_it():
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"marker": "_DONE"}, ["new/_DONE", "new/"]),
        ({"suffix": ".csv"}, ["new/"]),
        ({}, ["new/"]),
    ]
    for words, prefixes in cases:
        trigger = events.s3_trigger("s3://b/new/", **words)
        assert [one.prefix for one in events.of_pattern(trigger.pattern)] == prefixes
    assert [one.prefix for one in events.of_pattern(events.s3_trigger("s3://b/").pattern)] == [""]
    assert events.of_pattern({"source": ["aws.ec2"]}) == []
    theirs = {"detail": {"bucket": {"name": ["b"]}, "object": {"key": [{"anything-but": "x"}]}}}
    [read] = events.of_pattern(theirs)
    assert list(detours(read, "a", writes("s3://b/x"), [])) == []


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.just("s3://b/x"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S3Uri", "S3OutputPath", "Outputs", "Payload", "a.$"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_parameters_are_walked(parameters: Any):
    for one in outputs(state(parameters)):
        assert one.uri.startswith("s3://") or one.path
