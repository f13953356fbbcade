"""The stack's names and requests, and what is said of its changes and failures."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byoa.plan.errors import UsageError
from byoa.plan.iam import setup_policy
from byoa.plan.infrastructure import (
    FUNCTIONS,
    ROLES,
    ChangeSet,
    Infrastructure,
    advised,
    change_row,
    change_set_request,
    failure,
    short,
    strangers,
)
from byoa.plan.names import PLAIN
from tests.byoa.plan.policy_evaluator import allows, allows_in
from tests.byoa.plan.service_model import accepted

HERE: dict[str, Any] = {"account": "123456789012", "region": "ap-southeast-1"}
PROJECTS = st.from_regex(PLAIN, fullmatch=True)


@given(PROJECTS)
def test_every_project_has_names_that_aws_takes(project: str):
    names = Infrastructure(project=project, **HERE)
    assert re.fullmatch(r"byoa-[a-z0-9]+(-[a-z0-9]+)*", names.name)
    assert len(names.name) <= 33
    assert len(names.bucket) <= 63
    for kind in ROLES:
        assert len(names.role(kind)) <= 64
    for kind in FUNCTIONS:
        assert len(names.function(kind)) <= 64
    assert len(names.machine) <= 80


@given(PROJECTS, PROJECTS)
def test_no_two_projects_share_a_name(one: str, other: str):
    assert (short(one) == short(other)) is (one == other)
    if one != other:
        assert not short(one).startswith(f"{short(other)}_")


@pytest.mark.parametrize(
    ("project", "made"),
    [("cells", "cells"), ("a-b-1", "a-b-1"), ("Cells", "cells-6e0aea"), ("a.b", "a-b-2e7336")],
)
def test_a_name_that_fits_stays(project: str, made: str):
    assert short(project) == made


def test_a_name_that_is_none_is_refused():
    with pytest.raises(UsageError, match="the project name is"):
        short("a/b")


@pytest.mark.parametrize("new", [True, False])
def test_a_change_set_is_what_cloudformation_takes(new: bool):
    wanted = ChangeSet(
        stack="byoa-cells", name="byoa-1", template="Resources: {}", project="cells",
        parameters={"Schedule": "", "Name": "byoa-cells"}, kept=["LogDays"], new=new,
        revert_drift=not new, take_up=new,
    )  # fmt: skip
    request = accepted("cloudformation", "CreateChangeSet", change_set_request(wanted))
    assert request["ChangeSetType"] == ("CREATE" if new else "UPDATE")
    assert request.get("DeploymentMode") == (None if new else "REVERT_DRIFT")
    assert request["Parameters"] == [
        {"ParameterKey": "Name", "ParameterValue": "byoa-cells"},
        {"ParameterKey": "Schedule", "ParameterValue": ""},
        {"ParameterKey": "LogDays", "UsePreviousValue": True},
    ]
    assert request["Capabilities"] == ["CAPABILITY_NAMED_IAM"]
    assert request.get("ImportExistingResources") is (True if new else None)
    assert request["Tags"] == [{"Key": "byoa:project", "Value": "cells"}]


def change(action: str, **more: Any) -> dict[str, Any]:
    found = {"LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket", "Action": action}
    return {"ResourceChange": {**found, **more}}


@pytest.mark.parametrize(
    ("found", "action", "how"),
    [
        (change("Add"), "add", ""),
        (change("Remove", PhysicalResourceId="b"), "REMOVE", ""),
        (change("Modify", Replacement="True"), "modify", "REPLACED"),
        (change("Modify", Replacement="Conditional"), "modify", "PERHAPS REPLACED"),
        (
            change("Modify", Replacement="False", Details=[
                {"Target": {"Attribute": "Properties", "Name": "Code"}},
                {"Target": {"Attribute": "Tags"}},
            ]),
            "modify", "Code, Tags",
        ),
    ],
)  # fmt: skip
def test_what_is_lost_stands_out(found: dict[str, Any], action: str, how: str):
    row = change_row(found)
    assert (row["action"], row["what"], row["kind"], row["how"]) == (
        action, "Bucket", "S3::Bucket", how
    )  # fmt: skip


def test_only_what_a_stack_left_is_taken_up():
    ours, theirs = change("Import"), change("Import", LogicalResourceId="JobRole")
    theirs["ResourceChange"] |= {"ResourceType": "AWS::IAM::Role", "PhysicalResourceId": "r"}
    assert strangers([ours, change("Add")]) == []
    assert strangers([ours, theirs]) == ["IAM::Role r"]


def event(second: int, status: str, reason: str = "", name: str = "Role") -> dict[str, Any]:
    return {
        "Timestamp": datetime(2026, 11, 22, 1, 1, second), "ResourceStatus": status,
        "ResourceStatusReason": reason, "LogicalResourceId": name, "ResourceType": "AWS::IAM::Role",
    }  # fmt: skip


def test_the_first_failure_is_the_reason():
    events = [
        event(4, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed"),
        event(3, "CREATE_FAILED", "Resource creation cancelled", "Bucket"),
        event(2, "CREATE_FAILED", "Role byoa-x already exists"),
        event(1, "CREATE_IN_PROGRESS"),
    ]
    assert failure(events) == "Role (AWS::IAM::Role): Role byoa-x already exists"
    assert failure(events[3:]) == ""


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Role x already exists.", "x already exists. Something of that name was not made by"),
        ("User is not authorized to perform: iam:CreateRole", "`byoa setup --policy` prints"),
        ("The bucket you tried to delete is not empty", "--delete-data"),
        ("Account limit exceeded", "Service Quotas"),
        ("Odd", "Odd. Mend that, then run byoa setup again."),
    ],
)
def test_a_reason_says_what_to_do(reason: str, said: str):
    assert said in advised(reason)


NAMES = Infrastructure(project="cells", account="123456789012", region="us-east-1")
POLICY = setup_policy(NAMES, "byoa-123456789012-us-east-1")
CODE = "arn:aws:s3:::byoa-123456789012-us-east-1/"
CFN = "arn:aws:cloudformation:us-east-1:123456789012:stack/"


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("cloudformation:CreateChangeSet", CFN + "byoa-cells/1", {}),
        ("cloudformation:DeleteStack", CFN + "byoa-cells/1", {}),
        ("iam:CreateRole", NAMES.role_arn("jobs"), {}),
        ("iam:PassRole", NAMES.role_arn("machine"),
         {"iam:PassedToService": "states.amazonaws.com"}),
        ("lambda:UpdateFunctionCode", NAMES.function_arn("ingest-data"), {}),
        ("states:UpdateStateMachine", NAMES.machine_arn, {}),
        ("s3:PutBucketNotification", f"arn:aws:s3:::{NAMES.bucket}", {}),
        ("s3:PutObject", f"arn:aws:s3:::{NAMES.bucket}/incoming/x", {}),
        # CloudFormation reads all of a bucket that it takes up again
        ("s3:GetBucketWebsite", f"arn:aws:s3:::{NAMES.bucket}", {}),
        ("s3:GetReplicationConfiguration", f"arn:aws:s3:::{NAMES.bucket}", {}),
        # teardown --delete-data
        ("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{NAMES.bucket}", {}),
        ("s3:AbortMultipartUpload", f"arn:aws:s3:::{NAMES.bucket}/data/x", {}),
        ("s3:PutObject", CODE + "cells/.infrastructure/a.zip", {}),
        ("events:PutRule", "arn:aws:events:us-east-1:123456789012:rule/byoa-cells_upload", {}),
        ("ecr:DeleteRepository", "arn:aws:ecr:us-east-1:123456789012:repository/byoa-cells", {}),
        ("codebuild:UpdateProject",
         "arn:aws:codebuild:us-east-1:123456789012:project/byoa-cells_image", {}),
        ("logs:PutRetentionPolicy",
         "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/byoa-cells_train-model", {}),
    ],
)  # fmt: skip
def test_who_sets_up_may_what_the_stack_needs(action: str, resource: str, context: dict[str, str]):
    assert allows_in(POLICY, action, resource, context)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:DeleteStack", CFN + "byoa-cells2/1"),
        ("cloudformation:DeleteStack", CFN + "other/1"),
        ("iam:CreateRole", "arn:aws:iam::123456789012:role/admin"),
        ("iam:CreateRole", "arn:aws:iam::123456789012:role/byoa-cells-2_jobs-us-east-1"),
        ("iam:AttachRolePolicy", NAMES.role_arn("jobs")),
        ("iam:PassRole", NAMES.role_arn("jobs")),
        (
            "lambda:UpdateFunctionCode",
            NAMES.function_arn("x").replace("byoa-cells_", "byoa-cells2_"),
        ),
        ("s3:PutObject", CODE + "cells/task/x"),
        ("s3:DeleteBucket", "arn:aws:s3:::other"),
        ("ecr:DeleteRepository", "arn:aws:ecr:us-east-1:123456789012:repository/byoa-cells-2"),
    ],
)
def test_who_sets_up_may_nothing_of_another_project(action: str, resource: str):
    assert not allows(POLICY, action, resource)


def test_the_setup_policy_fits_a_managed_one():
    import json

    longest = Infrastructure(project="x" * 28, **HERE)
    policy = setup_policy(longest, "byoa-123456789012-ap-southeast-1")
    assert len(json.dumps(policy, separators=(",", ":"))) <= 6_144
