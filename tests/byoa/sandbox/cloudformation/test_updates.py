"""Updates, rollbacks and deletions, and the events that tell of them."""

from __future__ import annotations

import json
from typing import Any

from tests.byoa.sandbox.cloudformation.conftest import TRUST, Stacks
from tests.byoa.sandbox.conftest import Clients, refused


def bucket(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}, **more}


def group(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties}


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


BROKEN = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::123456789012:role/nobody",
        "Code": {"ZipFile": "x = 1"},
    },
}


def names(client: Clients) -> set[str]:
    return {each["Name"] for each in client("s3").list_buckets()["Buckets"]}


def test_a_creation_that_fails_leaves_nothing(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    stack = stacks.create(
        template(Bucket=bucket(f"{name}-bucket"), Broken={**BROKEN, "DependsOn": "Bucket"}),
        StackName=name,
    )
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "cannot be assumed by Lambda" in stacks.reasons(name)["Broken"]
    events = stacks.client.describe_stack_events(StackName=name)["StackEvents"]
    told = [(each["LogicalResourceId"], each["ResourceStatus"]) for each in events[::-1]]
    assert told == [
        (name, "CREATE_IN_PROGRESS"),
        ("Bucket", "CREATE_IN_PROGRESS"),
        ("Bucket", "CREATE_IN_PROGRESS"),
        ("Bucket", "CREATE_COMPLETE"),
        ("Broken", "CREATE_IN_PROGRESS"),
        ("Broken", "CREATE_FAILED"),
        (name, "ROLLBACK_IN_PROGRESS"),
        ("Broken", "DELETE_COMPLETE"),
        ("Bucket", "DELETE_IN_PROGRESS"),
        ("Bucket", "DELETE_COMPLETE"),
        (name, "ROLLBACK_COMPLETE"),
    ]
    assert f"{name}-bucket" not in names(client)
    assert stacks.client.describe_stack_resources(StackName=name)["StackResources"] == []
    # such a stack can only be deleted
    code, text = refused(
        stacks.client.update_stack,
        StackName=name,
        TemplateBody=json.dumps(template(Bucket=bucket(f"{name}-bucket"))),
    )
    assert code == "ValidationError"
    assert "is in ROLLBACK_COMPLETE state and can not be updated" in text
    assert stacks.delete(name)["StackStatus"] == "DELETE_COMPLETE"


def test_what_was_made_in_part_goes_as_well(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    queues = {"QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": "arn:x"}]}
    made = bucket(f"{name}-bucket")
    made["Properties"]["NotificationConfiguration"] = queues
    stack = stacks.create(template(Bucket=made), StackName=name)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "QueueConfigurations of a bucket is not carried out" in stacks.reasons(name)["Bucket"]
    assert f"{name}-bucket" not in names(client)
    other = stacks.name()
    properties = {
        "RoleName": other,
        "AssumeRolePolicyDocument": TRUST,
        "ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"],
    }
    role = {"Type": "AWS::IAM::Role", "Properties": properties}
    assert stacks.create(template(Role=role), StackName=other)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert refused(client("iam").get_role, RoleName=other)[0] == "NoSuchEntity"


def test_what_somebody_else_has_made_is_left_alone(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    client("events").put_rule(Name=name, EventPattern='{"source": ["mine"]}')
    properties = {"Name": name, "EventPattern": {"source": ["theirs"]}}
    rule = {"Type": "AWS::Events::Rule", "Properties": properties}
    assert stacks.create(template(Rule=rule), StackName=name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stacks.reasons(name)["Rule"] == (
        f"Resource of type 'AWS::Events::Rule' with identifier '{name}' already exists."
    )
    assert "mine" in client("events").describe_rule(Name=name)["EventPattern"]


def test_do_nothing_on_failure_keeps_what_was_made(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    body = template(Bucket=bucket(f"{name}-bucket"), Broken={**BROKEN, "DependsOn": "Bucket"})
    stack = stacks.create(body, StackName=name, OnFailure="DO_NOTHING")
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert f"{name}-bucket" in names(client)
    assert stacks.delete(name)["StackStatus"] == "DELETE_COMPLETE"
    assert f"{name}-bucket" not in names(client)


def test_an_update_in_place_one_by_replacement_and_a_removal(
    stacks: Stacks, client: Clients
) -> None:
    name = stacks.name()
    first = template(
        Kept=group(LogGroupName=f"{name}-kept", RetentionInDays=1),
        Replaced=group(LogGroupName=f"{name}-old"),
        Gone=group(LogGroupName=f"{name}-gone"),
    )
    stacks.create(first, StackName=name)
    stack = stacks.update(
        name,
        template(
            Kept=group(LogGroupName=f"{name}-kept", RetentionInDays=7),
            Replaced=group(LogGroupName=f"{name}-new"),
            New=group(LogGroupName=f"{name}-added"),
        ),
    )
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stacks.reasons(name)
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert {group["logGroupName"]: group.get("retentionInDays") for group in groups} == {
        f"{name}-kept": 7,
        f"{name}-new": None,
        f"{name}-added": None,
    }
    resources = stacks.client.describe_stack_resources(StackName=name)["StackResources"]
    assert {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources} == {
        "Kept": f"{name}-kept",
        "Replaced": f"{name}-new",
        "New": f"{name}-added",
    }


def test_an_update_that_fails_is_taken_back(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    first = template(Kept=group(LogGroupName=f"{name}-kept", RetentionInDays=1))
    stacks.create(first, StackName=name)
    second = template(
        Kept=group(LogGroupName=f"{name}-kept", RetentionInDays=7),
        New={**group(LogGroupName=f"{name}-new"), "DependsOn": "Kept"},
        Broken={**BROKEN, "DependsOn": "New"},
    )
    stack = stacks.update(name, second)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert [(each["logGroupName"], each["retentionInDays"]) for each in groups] == [
        (f"{name}-kept", 1)
    ]
    body = stacks.client.get_template(StackName=name)["TemplateBody"]
    assert json.loads(json.dumps(body)) == first
    assert refused(stacks.client.update_stack, StackName=name, UsePreviousTemplate=True) == (
        "ValidationError",
        "No updates are to be performed.",
    )


def test_a_custom_name_cannot_be_replaced_by_itself(stacks: Stacks) -> None:
    name = stacks.name()

    def role(path: str) -> dict[str, Any]:
        properties = {"RoleName": name, "AssumeRolePolicyDocument": TRUST, "Path": path}
        return template(Role={"Type": "AWS::IAM::Role", "Properties": properties})

    stacks.create(role("/"), StackName=name)
    stack = stacks.update(name, role("/other/"))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert f"Rename {name} and update the stack again" in stacks.reasons(name)["Role"]


def test_no_updates(stacks: Stacks) -> None:
    name = stacks.name()
    body = template(Group=group(LogGroupName=name))
    stacks.create(body, StackName=name)
    assert refused(stacks.client.update_stack, StackName=name, TemplateBody=json.dumps(body)) == (
        "ValidationError",
        "No updates are to be performed.",
    )


def test_a_bucket_and_a_repository_that_hold_something_stay(
    stacks: Stacks, client: Clients
) -> None:
    name = stacks.name()
    body = template(
        Bucket=bucket(f"{name}-bucket"),
        Group=group(LogGroupName=name),
    )
    stacks.create(body, StackName=name)
    client("s3").put_object(Bucket=f"{name}-bucket", Key="a", Body=b"")
    stack = stacks.delete(name)
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert "failed to delete: [Bucket]" in stack["StackStatusReason"]
    assert "bucket you tried to delete is not empty" in stacks.reasons(name)["Bucket"]
    assert stacks.delete(name, RetainResources=["Bucket"])["StackStatus"] == "DELETE_COMPLETE"
    assert f"{name}-bucket" in names(client)
    client("s3").delete_object(Bucket=f"{name}-bucket", Key="a")
    client("s3").delete_bucket(Bucket=f"{name}-bucket")


def test_retained_is_what_the_template_says(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    body = template(
        Kept=bucket(f"{name}-kept", DeletionPolicy="Retain"),
        Gone=bucket(f"{name}-gone"),
    )
    stacks.create(body, StackName=name)
    stack = stacks.delete(name)
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    events = stacks.client.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    skipped = [each for each in events if each["ResourceStatus"] == "DELETE_SKIPPED"]
    assert [each["PhysicalResourceId"] for each in skipped] == [f"{name}-kept"]
    assert f"{name}-kept" in names(client)
    assert f"{name}-gone" not in names(client)
    client("s3").delete_bucket(Bucket=f"{name}-kept")
    assert refused(stacks.client.describe_stacks, StackName=name) == (
        "ValidationError",
        f"Stack with id {name} does not exist",
    )


def test_a_protected_stack_is_not_deleted(stacks: Stacks) -> None:
    name = stacks.name()
    stacks.create(
        template(Group=group(LogGroupName=name)), StackName=name, EnableTerminationProtection=True
    )
    _, text = refused(stacks.client.delete_stack, StackName=name)
    assert "cannot be deleted while TerminationProtection is enabled" in text
    stacks.client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    assert stacks.delete(name)["StackStatus"] == "DELETE_COMPLETE"
    stacks.client.delete_stack(StackName=name)  # what is not there is deleted


def test_exports_bind_stacks_together(stacks: Stacks) -> None:
    first, second = stacks.name(), stacks.name()
    body = template(Group=group(LogGroupName=first))
    body["Outputs"] = {"Name": {"Value": {"Ref": "Group"}, "Export": {"Name": f"{first}-name"}}}
    stacks.create(body, StackName=first)
    imported = {"Fn::Sub": ["${Name}-2", {"Name": {"Fn::ImportValue": f"{first}-name"}}]}
    stacks.create(template(Group=group(LogGroupName=imported)), StackName=second)
    found = stacks.client.list_exports()["Exports"]
    assert {each["Name"]: each["Value"] for each in found}[f"{first}-name"] == first
    assert stacks.client.list_imports(ExportName=f"{first}-name")["Imports"] == [second]
    _, text = refused(stacks.client.delete_stack, StackName=first)
    assert text == f"Export {first}-name cannot be deleted as it is in use by {second}"
    assert stacks.delete(second)["StackStatus"] == "DELETE_COMPLETE"
    assert stacks.delete(first)["StackStatus"] == "DELETE_COMPLETE"
