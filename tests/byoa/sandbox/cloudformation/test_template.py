"""Templates read: CloudFormation's YAML, its functions, and anything that a stranger may send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.errors import ServiceError
from byoa.sandbox.cloudformation import order, parameters, schemas, template
from byoa.sandbox.cloudformation.functions import NO_VALUE, Scope
from byoa.sandbox.cloudformation.references import needs

YAML = """\
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Name: {Type: String, Default: cells}
Conditions:
  Named: !Not [!Equals [!Ref Name, '']]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
      RoleName: !If [Named, !Sub '${Name}-${AWS::Region}', !Ref AWS::NoValue]
Outputs:
  Arn: {Value: !GetAtt Role.Arn}
"""
TEMPLATE: dict[str, Any] = {
    "Resources": {"A": {"Type": "AWS::S3::Bucket"}, "B": {"Type": "AWS::S3::Bucket"}},
    "Mappings": {"Sizes": {"small": {"memory": 128}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Word"}, "w"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "One": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Self": {"Condition": "Self"},
    },
}


def scope(body: Mapping[str, Any] = TEMPLATE) -> Scope:
    return Scope(
        parameters={"Word": "w", "List": ["a", "b"]},
        pseudo={"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012"},
        template=body,
        imports=lambda name: f"imported {name}",
        reference=lambda name: f"id of {name}",
        attribute=lambda name, attribute: f"{attribute} of {name}",
    )


def test_short_forms_are_written_out() -> None:
    found = template.parse(YAML)
    properties = found["Resources"]["Role"]["Properties"]
    assert properties == {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},  # no date
        "RoleName": {
            "Fn::If": [
                "Named",
                {"Fn::Sub": "${Name}-${AWS::Region}"},
                {"Ref": "AWS::NoValue"},
            ]
        },
    }
    assert found["Outputs"]["Arn"]["Value"] == {"Fn::GetAtt": ["Role", "Arn"]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Word"}, "w"),
        ({"Ref": "A"}, "id of A"),
        ({"Ref": "AWS::NoValue"}, NO_VALUE),
        ({"x": {"Ref": "AWS::NoValue"}, "y": 1}, {"y": 1}),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        ({"Fn::GetAtt": ["A", "Arn"]}, "Arn of A"),
        ({"Fn::GetAtt": "A.Endpoint.Address"}, "Endpoint.Address of A"),
        ({"Fn::Sub": "${Word}/${A.Arn}/${!Word}/${AWS::Region}"}, "w/Arn of A/${Word}/us-east-1"),
        ({"Fn::Sub": ["${X}-${Word}", {"X": {"Ref": "B"}}]}, "id of B-w"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Word"}, 1, True]]}, "a-w-1-true"),
        ({"Fn::Join": [",", {"Ref": "List"}]}, "a,b"),
        ({"Fn::Split": ["/", "a/b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", {"Ref": "List"}]}, "b"),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, NO_VALUE),
        ({"Fn::FindInMap": ["Sizes", "small", "memory"]}, 128),
        ({"Fn::FindInMap": ["Sizes", "big", "memory", {"DefaultValue": 9}]}, 9),
        ({"Fn::Base64": "a"}, "YQ=="),
        ({"Fn::ImportValue": {"Fn::Sub": "x-${Word}"}}, "imported x-w"),
        ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ({"Fn::Length": [1, 2]}, 2),
        ({"Fn::ToJsonString": {"a": {"Ref": "Word"}}}, '{"a":"w"}'),
        ({"Fn::Equals": ["a", "a"]}, True),
        ({"Condition": {"StringEquals": {"a": "b"}}, "x": 1},) * 2,  # a policy's own word
    ],
)
def test_functions(value: Any, expected: Any) -> None:
    assert scope().resolve(value) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("Yes", True), ("No", False), ("Both", False), ("One", True)]
)
def test_conditions(name: str, expected: bool) -> None:
    assert scope().condition(name) is expected


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Nobody"},
        {"Fn::GetAtt": ["Nobody", "Arn"]},
        {"Fn::GetAtt": "A"},
        {"Fn::Sub": 1},
        {"Fn::Join": ["-"]},
        {"Fn::Select": [9, ["a"]]},
        {"Fn::If": ["Unknown", 1, 2]},
        {"Fn::If": ["Self", 1, 2]},
        {"Fn::FindInMap": ["Sizes", "big", "memory"]},
        {"Fn::Transform": {}},
        {"Fn::And": [True]},
    ],
)
def test_what_cannot_be_resolved_is_a_validation_error(value: Any) -> None:
    with pytest.raises(ServiceError) as error:
        scope().resolve(value)
    assert error.value.response["Error"]["Code"] == "ValidationError"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("Word"),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["Ref", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::If", "Fn::GetAtt", "Fn::Split",
             "Fn::FindInMap", "Fn::Length", "Fn::Base64", "Fn::Equals", "Condition", "x"]
        ),
        inner,
        max_size=2,
    ),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)
@given(JSON)
def test_any_value_is_resolved_or_refused(value: Any) -> None:
    list(needs(value))
    try:
        scope().resolve(value)
    except ServiceError as error:
        assert error.response["Error"]["Code"] == "ValidationError"


def test_aliases_are_refused() -> None:
    """A few lines of them would grow without end."""
    with pytest.raises(ServiceError, match="YAML not well-formed"):
        template.parse("a: &a [x]\nResources: {A: *a}")


@settings(deadline=None)
@given(st.text(max_size=60) | st.builds(lambda text: YAML[:200] + text, st.text(max_size=30)))
def test_any_text_is_a_template_or_refused(text: str) -> None:
    try:
        template.parse(text)
    except ServiceError as error:
        assert error.response["Error"]["Code"] == "ValidationError"


RESOURCE = st.dictionaries(
    st.sampled_from(["Type", "Properties", "DependsOn", "Condition", "DeletionPolicy"]),
    st.sampled_from(["AWS::S3::Bucket", "A", "Retain"]) | JSON,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), RESOURCE, min_size=1))
def test_any_resources_are_ordered_or_refused(resources: dict[str, Any]) -> None:
    body = {"Resources": resources}
    try:
        template.check(body)
        order.check_types(body)
        order.check_references(body)
    except ServiceError as error:
        assert error.response["Error"]["Code"] == "ValidationError"


DECLARATION = st.dictionaries(
    st.sampled_from(
        ["Default", "MinLength", "MaxValue", "AllowedPattern", "AllowedValues", "NoEcho"]
    ),
    JSON | st.sampled_from(["[", "[0-9]+", 5]),
)


@settings(deadline=None)
@given(
    st.text(max_size=12), st.sampled_from(["String", "Number", "CommaDelimitedList"]), DECLARATION
)
def test_any_parameter_is_typed_or_refused(
    text: str, kind: str, declaration: dict[str, Any]
) -> None:
    body = {
        "Resources": {"A": {"Type": "AWS::S3::Bucket"}},
        "Parameters": {"P": {"Type": kind, **declaration}},
    }
    given_ = [{"ParameterKey": "P", "ParameterValue": text}]
    try:
        template.check(body)
        found = parameters.values(body, given_, {}, "CreateStack")
        parameters.typed(body, found, lambda name: name)
    except ServiceError as error:
        assert error.response["Error"]["Code"] == "ValidationError"


def test_types_are_aws_types() -> None:
    known = schemas.schema("AWS::Lambda::Function")
    assert known is not None
    given_ = {"Timeout": "5", "MemorySize": 128, "Environment": {"Variables": {"A": 1}}}
    made = schemas.coerced(given_, known, known)
    assert made["Timeout"] == 5
    project = schemas.schema("AWS::CodeBuild::Project")
    assert project is not None
    made = schemas.coerced({"Environment": {"PrivilegedMode": "true"}}, project, project)
    assert made == {"Environment": {"PrivilegedMode": True}}
    assert list(schemas.problems({"AssumeRolePolicyDocument": {}, "Description": "ü"},
                                 schemas.schema("AWS::IAM::Role") or {})) == []  # fmt: skip
