"""Templates and requests that CloudFormation does not take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.byoa.sandbox.cloudformation.conftest import TRUST, Stacks
from tests.byoa.sandbox.conftest import refused

GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {}}


def role(**properties: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": TRUST, **properties},
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{not json", "JSON not well-formed"),
        ("a: [", "YAML not well-formed"),
        ("Resources:\n  A: {Type: AWS::Logs::LogGroup}\n  A: {}", "YAML not well-formed"),
        ("just words", "unsupported structure"),
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resource": {}}, "Invalid template property or properties [Resource]"),
        ({"Resources": {"a-b": GROUP}}, "Resource name a-b is non alphanumeric"),
        ({"Resources": {"A": {"Properties": {}}}}, "must contain a Type member"),
        ({"Resources": {"A": {**GROUP, "Propertys": {}}}}, "Invalid template resource property"),
        ({"Resources": {"A": {**GROUP, "DeletionPolicy": "Keep"}}}, "Unrecognized DeletionPolicy"),
        (
            {"Resources": {"A": {"Type": "AWS::No::Such"}}},
            "Unrecognized resource types: [AWS::No::Such]",
        ),
        (
            {"Resources": {"A": {"Type": "AWS::EC2::Instance"}}},
            "The sandbox does not make resources of type AWS::EC2::Instance",
        ),
        (
            {"Resources": {"A": {**GROUP, "Properties": {"LogGroupName": {"Ref": "B"}}}}},
            "Unresolved resource dependencies [B] in the Resources block",
        ),
        (
            {"Resources": {"A": GROUP}, "Outputs": {"X": {"Value": {"Fn::Sub": "${C.Arn}"}}}},
            "Unresolved resource dependencies [C] in the Outputs block",
        ),
        (
            {"Resources": {"A": {**GROUP, "DependsOn": "B"}, "B": {**GROUP, "DependsOn": "A"}}},
            "Circular dependency between resources: [A, B]",
        ),
        (
            {"Resources": {"A": GROUP}, "Transform": "AWS::Serverless-2016-10-31"},
            "Transform is not",
        ),
        ({"Resources": {"A": GROUP}, "Rules": {"R": {}}}, "Rules is not carried out"),
        ({"Resources": {"A": {**GROUP, "UpdatePolicy": {}}}}, "UpdatePolicy of A are not"),
        ({"Resources": {"A": {"Type": "Custom::Thing"}}}, "does not make resources of type Custom"),
        (
            {"Resources": {"A": GROUP}, "Parameters": {"P": {"Type": "String"}}},
            "Parameters: [P] must have values",
        ),
    ],
)
def test_templates(body: Any, text: str, stacks: Stacks) -> None:
    sent = body if isinstance(body, str) else json.dumps(body)
    code, found = refused(stacks.client.create_stack, StackName="refused", TemplateBody=sent)
    assert code == "ValidationError"
    assert text in found


@pytest.mark.parametrize(
    ("properties", "given", "needed"),
    [
        ({}, [], "CAPABILITY_IAM"),
        ({"RoleName": "r"}, [], "CAPABILITY_NAMED_IAM"),
        ({"RoleName": "r"}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
    ],
)
def test_capabilities(
    properties: dict[str, Any], given: list[str], needed: str, stacks: Stacks
) -> None:
    body = json.dumps({"Resources": {"A": role(**properties)}})
    request = {"StackName": "refused", "TemplateBody": body, "Capabilities": given}
    assert refused(stacks.client.create_stack, **request) == (
        "InsufficientCapabilitiesException",
        f"Requires capabilities : [{needed}]",
    )


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({"Bogus": 1}, "#: extraneous key [Bogus] is not permitted"),
        ({"Arn": "x"}, "#: extraneous key [Arn] is not permitted"),
        ({"RetentionInDays": 2}, "#/RetentionInDays: 2 is not one of"),
        ({"LogGroupName": ["a"]}, "#/LogGroupName: ['a'] is not of type 'string'"),
        ({"FieldIndexPolicies": [{}]}, "FieldIndexPolicies is not carried out in the sandbox"),
    ],
)
def test_properties_fail_the_resource(
    properties: dict[str, Any], text: str, stacks: Stacks
) -> None:
    name = stacks.name()
    body = {"Resources": {"A": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}}
    stack = stacks.create(body, StackName=name)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert text in stacks.reasons(name)["A"]


def test_parameters(stacks: Stacks) -> None:
    declared = {
        "Word": {"Type": "String", "AllowedPattern": "[a-z]+", "Default": "a"},
        "Size": {"Type": "Number", "MinValue": 1, "MaxValue": 9, "Default": 5},
        "Kind": {"Type": "String", "AllowedValues": ["one", "two"], "Default": "one"},
    }
    body = json.dumps({"Parameters": declared, "Resources": {"A": GROUP}})
    for given, text in (
        ({"Word": "A1"}, "Parameter 'Word' must match pattern [a-z]+"),
        ({"Size": "10"}, "Parameter 'Size' must have a value from 1 to 9"),
        ({"Size": "many"}, "Parameter 'Size' must be a number"),
        ({"Kind": "three"}, "Parameter 'Kind' must be one of AllowedValues"),
        ({"Other": "x"}, "Parameters: [Other] do not exist in the template"),
    ):
        parameters = [
            {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
        ]
        assert refused(
            stacks.client.create_stack, StackName="x", TemplateBody=body, Parameters=parameters
        ) == ("ValidationError", text)


def test_names_and_what_is_not_there(stacks: Stacks) -> None:
    client = stacks.client
    body = json.dumps({"Resources": {"A": GROUP}})
    code, text = refused(client.create_stack, StackName="1-bad", TemplateBody=body)
    assert code == "ValidationError"
    assert "'stackName' failed to satisfy constraint" in text
    for call in (client.describe_stack_events, client.get_template, client.list_stack_resources):
        assert refused(call, StackName="none") == (
            "ValidationError",
            "Stack with id none does not exist",
        )
    name = stacks.name()
    stacks.create({"Resources": {"A": GROUP}}, StackName=name)
    code, text = refused(client.create_stack, StackName=name, TemplateBody=body)
    assert (code, text) == ("AlreadyExistsException", f"Stack [{name}] already exists")
