"""Change sets tell what an update will do, and do it when they are executed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.byoa.sandbox.cloudformation.conftest import TRUST, Stacks
from tests.byoa.sandbox.conftest import Clients, refused


def template(name: str, days: int = 1, **groups: str) -> dict[str, Any]:
    made = {
        logical: {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"{name}-{word}"}}
        for logical, word in groups.items()
    }
    made["Kept"] = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": f"{name}-kept", "RetentionInDays": days},
    }
    return {"Resources": made}


class ChangeSets:
    def __init__(self, stacks: Stacks) -> None:
        self.stacks, self.client, self.count = stacks, stacks.client, 0

    def make(self, name: str, body: dict[str, Any], **request: Any) -> dict[str, Any]:
        self.count += 1
        made = self.client.create_change_set(
            StackName=name,
            ChangeSetName=f"change-{self.count}",
            TemplateBody=json.dumps(body),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **request,
        )
        found: dict[str, Any] = self.client.describe_change_set(ChangeSetName=made["Id"])
        return found

    def execute(self, made: dict[str, Any]) -> dict[str, Any]:
        self.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
        return self.stacks.settled(made["StackId"])


@pytest.fixture
def change_sets(stacks: Stacks) -> ChangeSets:
    return ChangeSets(stacks)


def told(made: dict[str, Any]) -> list[tuple[str, str, str]]:
    changes = [change["ResourceChange"] for change in made["Changes"]]
    return [
        (each["Action"], each["LogicalResourceId"], each.get("Replacement", "")) for each in changes
    ]


def test_a_stack_from_review_to_deletion(change_sets: ChangeSets, stacks: Stacks) -> None:
    name = stacks.name()
    first = change_sets.make(name, template(name, A="a", B="b"), ChangeSetType="CREATE")
    assert stacks.client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == (
        "REVIEW_IN_PROGRESS"
    )
    assert (first["Status"], first["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert told(first) == [("Add", "A", ""), ("Add", "B", ""), ("Add", "Kept", "")]
    assert change_sets.execute(first)["StackStatus"] == "CREATE_COMPLETE"

    second = change_sets.make(name, template(name, days=7, A="other", C="c"))
    assert told(second) == [
        ("Modify", "A", "True"),
        ("Add", "C", ""),
        ("Modify", "Kept", "False"),
        ("Remove", "B", ""),
    ]
    kept = second["Changes"][2]["ResourceChange"]
    assert kept["Details"] == [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": "RetentionInDays",
                "RequiresRecreation": "Never",
            },
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
    ]
    assert change_sets.execute(second)["StackStatus"] == "UPDATE_COMPLETE"
    assert stacks.client.list_change_sets(StackName=name)["Summaries"] == []

    third = change_sets.make(name, template(name, days=7, A="other", C="c"))
    assert (third["Status"], third["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in third["StatusReason"]
    execute = stacks.client.execute_change_set
    code, _ = refused(execute, ChangeSetName=third["ChangeSetId"])
    assert code == "InvalidChangeSetStatus"
    stacks.client.delete_change_set(ChangeSetName=third["ChangeSetId"])
    code, _ = refused(stacks.client.describe_change_set, ChangeSetName=third["ChangeSetId"])
    assert code == "ChangeSetNotFound"
    assert stacks.delete(name)["StackStatus"] == "DELETE_COMPLETE"


def test_a_reviewed_stack_that_is_never_made(change_sets: ChangeSets, stacks: Stacks) -> None:
    name = stacks.name()
    change_sets.make(name, template(name), ChangeSetType="CREATE")
    assert stacks.delete(name)["StackStatus"] == "DELETE_COMPLETE"


def test_what_follows_from_a_replacement_is_told(change_sets: ChangeSets, stacks: Stacks) -> None:
    name = stacks.name()

    def body(word: str) -> dict[str, Any]:
        made = template(name, A=word)
        made["Resources"]["Policy"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": name, "Type": "String", "Value": {"Fn::GetAtt": ["A", "Arn"]}},
        }
        return made

    change_sets.execute(change_sets.make(name, body("old"), ChangeSetType="CREATE"))
    made = change_sets.make(name, body("new"))
    assert told(made) == [("Modify", "A", "True"), ("Modify", "Policy", "False")]
    assert made["Changes"][1]["ResourceChange"]["Details"][0]["Evaluation"] == "Dynamic"
    shown = stacks.client.describe_change_set(
        ChangeSetName=made["ChangeSetId"], IncludePropertyValues=True
    )
    after = json.loads(shown["Changes"][1]["ResourceChange"]["AfterContext"])
    assert after["Properties"]["Value"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    change_sets.execute(made)


def test_values_of_parameters_are_kept_when_asked(
    change_sets: ChangeSets, stacks: Stacks, client: Clients
) -> None:
    name = stacks.name()
    body = template(name)
    body["Parameters"] = {"Days": {"Type": "Number", "Default": 1}, "Secret": {
        "Type": "String", "NoEcho": True, "Default": "hush"}}  # fmt: skip
    body["Resources"]["Kept"]["Properties"]["RetentionInDays"] = {"Ref": "Days"}
    days = {"ParameterKey": "Days", "ParameterValue": "3"}
    stacks.create(body, StackName=name, Parameters=[days])
    kept = [{"ParameterKey": "Days", "UsePreviousValue": True}]
    same = change_sets.make(name, body, Parameters=kept)
    assert same["Status"] == "FAILED"
    assert {each["ParameterKey"]: each["ParameterValue"] for each in same["Parameters"]} == {
        "Days": "3",
        "Secret": "****",
    }
    changed = change_sets.make(name, body)  # without it the default counts again
    assert told(changed) == [("Modify", "Kept", "False")]


def test_what_was_kept_is_taken_up_again(
    change_sets: ChangeSets, stacks: Stacks, client: Clients
) -> None:
    name = stacks.name()
    body = template(name)
    body["Resources"]["Kept"]["DeletionPolicy"] = "RetainExceptOnCreate"
    stacks.create(body, StackName=name)
    stacks.delete(name)
    assert stacks.create(body, StackName=name)["StackStatus"] == "ROLLBACK_COMPLETE"
    stacks.delete(name)
    made = change_sets.make(name, body, ChangeSetType="CREATE", ImportExistingResources=True)
    assert told(made) == [("Import", "Kept", "")]
    stack = change_sets.execute(made)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    resources = stacks.client.describe_stack_resources(StackName=name)["StackResources"]
    assert [(each["PhysicalResourceId"], each["ResourceStatus"]) for each in resources] == [
        (f"{name}-kept", "IMPORT_COMPLETE")
    ]


def test_drift_is_found_and_put_back(
    change_sets: ChangeSets, stacks: Stacks, client: Clients
) -> None:
    name = stacks.name()
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
    body = template(name)
    body["Resources"] |= {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": name,
                "AssumeRolePolicyDocument": TRUST,
                "Policies": [{"PolicyName": "own", "PolicyDocument": document}],
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {"Name": name, "EventPattern": {"source": ["aws.s3"]}},
        },
    }
    stacks.create(body, StackName=name)

    def drifts() -> dict[str, str]:
        word = stacks.client.detect_stack_drift(StackName=name)["StackDriftDetectionId"]
        detection = stacks.client.describe_stack_drift_detection_status(StackDriftDetectionId=word)
        assert detection["DetectionStatus"] == "DETECTION_COMPLETE"
        found = stacks.client.describe_stack_resource_drifts(StackName=name)
        by_name = {
            each["LogicalResourceId"]: each["StackResourceDriftStatus"]
            for each in found["StackResourceDrifts"]
        }
        drifted = set(by_name.values()) - {"IN_SYNC"}
        assert (detection["StackDriftStatus"] == "DRIFTED") == bool(drifted)
        return by_name

    assert set(drifts().values()) == {"IN_SYNC"}
    client("iam").put_role_policy(
        RoleName=name, PolicyName="more", PolicyDocument=json.dumps(document)
    )
    client("logs").put_retention_policy(logGroupName=f"{name}-kept", retentionInDays=5)
    client("events").delete_rule(Name=name)
    assert drifts() == {"Role": "MODIFIED", "Rule": "DELETED", "Kept": "MODIFIED"}
    one = stacks.client.detect_stack_resource_drift(StackName=name, LogicalResourceId="Kept")
    assert one["StackResourceDrift"]["PropertyDifferences"] == [
        {
            "PropertyPath": "/RetentionInDays",
            "ExpectedValue": "1",
            "ActualValue": "5",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    made = change_sets.make(name, body, DeploymentMode="REVERT_DRIFT")
    assert sorted(told(made)) == [
        ("Add", "Rule", ""),
        ("Modify", "Kept", "False"),
        ("Modify", "Role", "False"),
    ]
    assert change_sets.execute(made)["StackStatus"] == "UPDATE_COMPLETE"
    assert set(drifts().values()) == {"IN_SYNC"}
    assert client("iam").list_role_policies(RoleName=name)["PolicyNames"] == ["own"]
