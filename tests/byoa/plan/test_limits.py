from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan import limits, templates
from byoa.plan.errors import UsageError
from byoa.plan.training import Channel, TrainingJob, training_request
from tests.byoa.plan import service_model, shapes_from_botocore

ROLE = "arn:aws:iam::123456789012:role/byoa-demo"
JOB = TrainingJob(
    name="task-20261122-080500-1a2b3c",
    image="demo:latest",
    role=ROLE,
    output="s3://bucket/demo/task",
    channels=[Channel(name="training", uri="s3://bucket/data/")],
)


def test_the_table_is_that_of_the_locked_botocore():
    """After a new boto3: python tests/byoa/plan/shapes_from_botocore.py, and read the diff."""
    assert shapes_from_botocore.TARGET.read_text() == shapes_from_botocore.as_text()


def changed(path: str, value: Any) -> dict[str, Any]:
    """A good request with one field made bad."""
    request = copy.deepcopy(training_request(JOB))
    place: Any = request
    *above, last = path.split("/")
    for step in above:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    place[last] = value
    return request


WRONG = [
    ("TrainingJobName", "a_b", "letters, digits and hyphens"),
    ("TrainingJobName", "-a", "letters, digits and hyphens"),
    ("TrainingJobName", "a" * 64, "64 characters long, but AWS takes at most 63"),
    ("TrainingJobName", "", "at least 1"),
    ("TrainingJobName", "a\n", "letters, digits and hyphens"),
    ("TrainingJobName", 7, "AWS takes text there"),
    ("RoleArn", "byoa-demo-role-of-mine", "arn:aws:iam::123456789012:role/NAME"),
    ("OutputDataConfig/S3OutputPath", "bucket/demo", "s3://bucket/folder/"),
    ("ResourceConfig/InstanceType", "ml.m5.larg", "ml.m5.large, ml.m5.xlarge"),
    ("ResourceConfig/InstanceType", "m5.large", "ml.m5.large"),
    ("ResourceConfig/KeepAlivePeriodInSeconds", 21_601, "at most 21,600"),
    ("StoppingCondition/MaxRuntimeInSeconds", 0, "at least 1"),
    ("StoppingCondition/MaxPendingTimeInSeconds", 60, "at least 1,800"),
    ("RetryStrategy", {"MaximumRetryAttempts": 31}, "at most 30"),
    ("EnableManagedSpotTraining", "yes", "AWS takes true or false"),
    ("StoppingCondition/MaxRuntimeInSeconds", 1.5, "AWS takes a whole number"),
    (
        "InputDataConfig/0/DataSource/S3DataSource/S3DataDistributionType",
        "Sharded",
        "try ShardedByS3Key",
    ),
    ("InputDataConfig/0/ChannelName", "a b", "letters, digits, dots, hyphens"),
    ("HyperParameters", {"a": "x" * 2501}, "at most 2,500"),
    ("HyperParameters", {"a": "two\nlines"}, "one line"),
    ("HyperParameters", {f"n{i}": "1" for i in range(101)}, "at most 100"),
    ("Environment", {"1a": "x"}, "no digit first"),
    ("Environment", {"A": "x" * 513}, "at most 512"),
    ("Tags", [{"Key": f"k{i}", "Value": ""} for i in range(51)], "at most 50"),
    ("Tags", [{"Key": "a,b", "Value": ""}], "_.:/=+-@"),
    ("Tags", [{"Key": "a"}], "Tags[0].Value is missing"),
    ("InputDataConfig", [], "at least 1"),
    ("HyperParamters", {}, "did you mean HyperParameters?"),
]


@pytest.mark.parametrize(("path", "value", "said"), WRONG)
def test_what_is_wrong_is_said_and_is_wrong_to_aws(path: str, value: Any, said: str):
    request = changed(path, value)
    (problem, *_) = limits.problems_of("sagemaker.CreateTrainingJob", request)
    assert said in problem
    assert service_model.problems("sagemaker", "CreateTrainingJob", request)


def test_true_is_no_number_although_python_says_so():
    request = changed("StoppingCondition/MaxRuntimeInSeconds", True)
    assert limits.problems_of("sagemaker.CreateTrainingJob", request)


def test_required_fields_are_named():
    request = training_request(JOB)
    del request["RoleArn"]
    assert limits.problems_of("sagemaker.CreateTrainingJob", request) == [
        "RoleArn is missing, and AWS takes no request without it - give one"
    ]


def test_a_family_newer_than_the_table_passes():
    request = changed("ResourceConfig/InstanceType", "ml.z99.large")
    assert limits.problems_of("sagemaker.CreateTrainingJob", request) == []


def test_a_field_newer_than_the_table_passes_to_boto3():
    request = changed("QuantumConfig", {"Qubits": 3})
    assert limits.problems_of("sagemaker.CreateTrainingJob", request) == []


def test_addresses_and_images_of_this_machine_pass():
    request = changed("OutputDataConfig/S3OutputPath", "file:///" + "x" * 1500)
    request["AlgorithmSpecification"]["TrainingImage"] = "process:///" + "y" * 400
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = "file:///short/"
    assert limits.problems_of("sagemaker.CreateTrainingJob", request) == []
    container = {"Image": "process:///a folder/algorithm"}
    model = {"ModelName": "m", "PrimaryContainer": container, "ExecutionRoleArn": ROLE}
    assert limits.problems_of("sagemaker.CreateModel", model) == []


def test_every_problem_is_told_at_once():
    with pytest.raises(UsageError) as caught:
        training_request(replace(JOB, extra={"RoleArn": "x", "Tags": 3}))
    assert "RoleArn" in str(caught.value)
    assert "Tags is 3" in str(caught.value)


def test_an_object_over_a_list_goes_into_the_items_of_its_names():
    base = {"Channels": [{"ChannelName": "a", "x": {"y": 1}}, {"ChannelName": "b"}]}
    assert templates.merged(base, {"Channels": {"a": {"x": {"z": 2}}}}) == {
        "Channels": [{"ChannelName": "a", "x": {"y": 1, "z": 2}}, {"ChannelName": "b"}]
    }
    with pytest.raises(
        UsageError, match="Channels has no 'c' to lay an object over - there is a, b"
    ):
        templates.merged(base, {"Channels": {"c": {}}})


def test_extra_merges_deeply_replaces_lists_and_takes_away():
    base = {"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5}
    assert templates.merged(
        base, {"a": {"c": 3, "x": {"y": None, "z": 0}}, "d": [9], "e": None}
    ) == {
        "a": {"b": 1, "c": 3, "x": {"z": 0}},
        "d": [9],
    }
    assert base == {"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 5}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON), st.dictionaries(st.text(max_size=3), JSON))
def test_merging_the_same_twice_changes_nothing(base: dict[str, Any], extra: dict[str, Any]):
    try:
        once = templates.merged(base, extra)
    except UsageError:
        return  # an object over a list that has no such items
    assert templates.merged(once, extra) == once


@given(st.dictionaries(st.sampled_from(sorted(training_request(JOB))), JSON, max_size=4))
def test_whatever_strangers_put_into_extra_is_refused_or_right(extra: dict[str, Any]):
    try:
        request = training_request(replace(JOB, extra=extra))
    except UsageError:
        return
    found = service_model.problems("sagemaker", "CreateTrainingJob", request)
    assert [line for line in found if not line.startswith("Unknown parameter")] == []
