"""Event patterns, inputs of targets, and schedules, without a sandbox."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import ServiceError
from byoa.sandbox.events import inputs, patterns, rules, schedules

EVENT = {
    "source": "aws.s3",
    "time": "2026-01-01T00:00:00Z",
    "resources": ["arn:a", "arn:b"],
    "detail": {"object": {"key": "in/a.CSV", "size": 5}, "list": [{"n": 1}, {"n": 2}],
               "null": None, "ip": "10.0.0.7", "yes": True},
}  # fmt: skip


def key(*wanted: Any) -> dict[str, Any]:
    return {"detail": {"object": {"key": list(wanted)}}}


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ({"source": ["aws.s3", "x"]}, True),
        ({"source": ["aws.ecr"]}, False),
        ({"resources": ["arn:b"]}, True),
        (key({"prefix": "in/"}), True),
        (key({"prefix": {"equals-ignore-case": "IN/"}}), True),
        (key({"suffix": ".csv"}), False),
        (key({"suffix": {"equals-ignore-case": ".csv"}}), True),
        (key({"wildcard": "in/*.C*"}), True),
        (key({"wildcard": "in/\\*"}), False),
        (key({"equals-ignore-case": "IN/A.csv"}), True),
        (key({"anything-but": "in/a.CSV"}), False),
        (key({"anything-but": ["x", "y"]}), True),
        (key({"anything-but": {"prefix": "out/"}}), True),
        (key({"anything-but": {"prefix": ["out/", "in/"]}}), False),
        (key({"anything-but": {"wildcard": "*.CSV"}}), False),
        (key({"prefix": "out/"}, {"suffix": "CSV"}), True),
        ({"detail": {"object": {"size": [{"numeric": [">", 0, "<=", 5]}]}}}, True),
        ({"detail": {"object": {"size": [{"numeric": [">", 5]}]}}}, False),
        ({"detail": {"object": {"size": ["5"]}}}, False),
        ({"detail": {"list": {"n": [2]}}}, True),
        ({"detail": {"null": [None]}}, True),
        ({"detail": {"yes": [1]}}, False),
        ({"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}}, True),
        ({"detail": {"object": {"etag": [{"exists": False}]}}}, True),
        ({"detail": {"nothing": {"at": [{"exists": False}]}}}, True),
        ({"detail": {"object": {"key": [{"exists": False}]}}}, False),
        ({"$or": [{"source": ["x"]}, {"detail": {"yes": [True]}}]}, True),
        ({"detail": {"object": ["x"]}}, False),
    ],
)
def test_what_a_pattern_matches(pattern: dict[str, Any], wanted: bool):
    assert patterns.matches(patterns.read(json.dumps(pattern), ""), EVENT) is wanted


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"a": "b"}', '{"a": []}', '{"a": {}}', '{"a": [{"prefux": "b"}]}',
     '{"a": [{"prefix": "b", "suffix": "c"}]}', '{"a": [{"numeric": ["=>", 1]}]}', '{"a": [[1]]}',
     '{"a": [{"exists": "yes"}]}', '{"a": [{"anything-but": {"exists": true}}]}'],
)  # fmt: skip
def test_what_is_no_pattern(text: str):
    with pytest.raises(ServiceError) as error:
        patterns.read(text, "PutRule")
    assert error.value.response["Error"]["Code"] == "InvalidEventPatternException"


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
WORDS = st.sampled_from(sorted(patterns.OPERATORS))
SAID = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "$or", "detail"]) | WORDS, inner, max_size=2)
    ),
    max_leaves=10,
)


@given(SAID, SAID)
def test_any_pattern_is_carried_out_or_refused(pattern: Any, event: Any):
    try:
        read = patterns.read(json.dumps(pattern), "")
    except ServiceError:
        return
    assert patterns.matches(read, event) in {True, False}


RULE = {"arn": "arn:rule", "name": "rule"}


@pytest.mark.parametrize(
    ("paths", "template", "wanted"),
    [
        ({"k": "$.detail.object.key"}, '{"key": <k>}', '{"key": "in/a.CSV"}'),
        ({"k": "$.detail.object.key"}, '{"uri": "s3://b/<k>"}', '{"uri": "s3://b/in/a.CSV"}'),
        ({"n": "$.detail.object.size"}, '{"n": <n>, "s": "<n>"}', '{"n": 5, "s": "5"}'),
        ({"o": "$.detail.list"}, "<o>", '[{"n": 1}, {"n": 2}]'),
        ({"x": "$.none"}, '{"x": <x>, "y": "<x>"}', '{"x": null, "y": ""}'),
        ({}, '"<aws.events.rule-name> <unknown>"', '"rule <unknown>"'),
        ({"k": "$.detail.object.key"}, "plain <k>", "plain in/a.CSV"),
    ],
)
def test_templates(paths: dict[str, str], template: str, wanted: str):
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    assert inputs.made(target, EVENT, RULE) == wanted


@given(st.text())
def test_a_template_stays_json_whatever_comes_in(value: str):
    event = {**EVENT, "detail": {"v": value}}
    target = {"InputTransformer": {"InputPathsMap": {"v": "$.detail.v"},
                                   "InputTemplate": '{"a": <v>, "b": "x<v>y"}'}}  # fmt: skip
    assert json.loads(inputs.made(target, event, RULE)) == {"a": value, "b": f"x{value}y"}


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize(
    ("expression", "wanted"),  # after Thursday 2026-01-15, 10:30:20
    [
        ("rate(1 minute)", "2026-01-15T10:31:20"),
        ("rate(2 days)", "2026-01-17T10:30:20"),
        ("cron(0/15 * * * ? *)", "2026-01-15T10:45"),
        ("cron(0 9 * * ? *)", "2026-01-16T09:00"),
        ("cron(30 10 * * ? *)", "2026-01-16T10:30"),
        ("cron(0 9 ? * MON-FRI *)", "2026-01-16T09:00"),
        ("cron(0 9 ? * 1 *)", "2026-01-18T09:00"),
        ("cron(0 0 L * ? *)", "2026-01-31T00:00"),
        ("cron(0 0 31W * ? *)", "2026-01-30T00:00"),
        ("cron(0 12 ? * 6#3 *)", "2026-01-16T12:00"),
        ("cron(0 12 ? * SUNL *)", "2026-01-25T12:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00"),
        ("cron(15,45 8-18/5 1 FEB,MAR ? 2026-2027)", "2026-02-01T08:15"),
        ("cron(0 0 ? * FRI-SUN *)", "2026-01-16T00:00"),
    ],
)
def test_when_a_schedule_is_next(expression: str, wanted: str):
    assert schedules.read(expression).next(at("2026-01-15T10:30:20")) == at(wanted)


def test_a_schedule_that_never_is():
    assert schedules.read("cron(0 0 1 1 ? 2020)").next(at("2026-01-15T10:30")) is None
    assert schedules.read("cron(0 0 31 2 ? *)").next(at("2026-01-15T10:30")) is None


@pytest.mark.parametrize(
    "expression",
    ["rate(1 minutes)", "rate(2 minute)", "rate(0 minutes)", "rate(1 second)", "cron(* * * * *)",
     "cron(0 0 1 1 1 *)", "cron(0 0 ? 1 ? *)", "cron(60 * * * ? *)", "cron(a * * * ? *)", "daily"],
)  # fmt: skip
def test_what_is_no_schedule(expression: str):
    with pytest.raises(schedules.ScheduleError):
        schedules.read(expression)


FIELD = st.text(alphabet="0123456789*,-/?LW#MON", min_size=1, max_size=6)


@given(st.lists(FIELD, min_size=6, max_size=6))
def test_any_cron_has_a_next_time_or_is_refused(fields: list[str]):
    now = at("2026-01-15T10:30")
    try:
        found = schedules.read(f"cron({' '.join(fields)})").next(now)
    except schedules.ScheduleError:
        return
    assert found is None or found > now


def test_the_clock_fires_a_rule_when_it_is_due():
    sent: list[tuple[str, str]] = []
    clock = rules.Clock(lambda rule, event: sent.append((rule.arn, event["detail-type"])))
    rule = SimpleNamespace(arn="r", scheduled_expression="rate(5 minutes)", state="ENABLED")
    key = (rule.arn, rule.scheduled_expression)
    for minute in range(12):
        clock.look(
            key, rule, "us-east-1", at("2026-01-15T10:30") + datetime.timedelta(minutes=minute)
        )
    assert sent == [("r", "Scheduled Event")] * 2
