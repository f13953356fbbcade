"""A function may do what its role may, as on AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.lambdas.conftest import zipped

Invoke = Callable[..., tuple[Any, str]]
SOURCE = """
    import boto3
    from botocore.exceptions import ClientError
    def handler(event, context):
        client = boto3.client(event["service"])
        try:
            getattr(client, event["operation"])(**event["request"])
        except ClientError as error:
            return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
        return ["", ""]
"""
POLICY = [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
     "Resource": "arn:aws:s3:::tests-bucket/mine/*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::listed-bucket"},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::listed-bucket/*"},
    {"Effect": "Allow", "Action": "codebuild:StartBuild",
     "Resource": "arn:aws:codebuild:us-east-1:123456789012:project/mine"},
    {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"},
    {"Effect": "Deny", "Action": "ecr:DeleteRepository", "Resource": "*"},
]  # fmt: skip


@pytest.fixture(scope="module")
def narrow_role(client: Clients, bucket: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam = client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = iam.create_role(RoleName="narrow", AssumeRolePolicyDocument=trust)
    policy = json.dumps({"Version": "2012-10-17", "Statement": POLICY})
    iam.put_role_policy(RoleName="narrow", PolicyName="own", PolicyDocument=policy)
    client("s3").put_object(Bucket=bucket, Key="mine/a", Body=b"1")
    client("s3").put_object(Bucket=bucket, Key="theirs/a", Body=b"1")
    client("s3").create_bucket(Bucket="listed-bucket")
    return str(made["Role"]["Arn"])


MINE, THEIRS = {"Bucket": "tests-bucket", "Key": "mine/a"}, {
    "Bucket": "tests-bucket", "Key": "theirs/a"}  # fmt: skip
CALLS = [
    ("s3", "get_object", MINE, "", ""),
    ("s3", "put_object", {**MINE, "Body": "x"}, "", ""),
    ("s3", "get_object", THEIRS, "AccessDenied", "s3:GetObject"),
    ("s3", "head_object", THEIRS, "403", ""),
    ("s3", "delete_object", MINE, "AccessDenied", "s3:DeleteObject"),
    ("s3", "list_objects_v2", {"Bucket": "tests-bucket"}, "AccessDenied", "s3:ListBucket"),
    # what is not there is told only to who may list the bucket
    ("s3", "get_object", {**MINE, "Key": "mine/none"}, "AccessDenied", "s3:ListBucket"),
    ("s3", "get_object", {"Bucket": "listed-bucket", "Key": "none"}, "NoSuchKey", ""),
    ("s3", "copy_object", {**MINE, "CopySource": THEIRS}, "AccessDenied", "s3:GetObject"),
    ("codebuild", "start_build", {"projectName": "mine"}, "ResourceNotFoundException", ""),
    ("codebuild", "start_build", {"projectName": "other"}, "AccessDeniedException",
     "codebuild:StartBuild"),
    ("ecr", "create_repository", {"repositoryName": "of-a-function"}, "", ""),
    ("ecr", "delete_repository", {"repositoryName": "of-a-function"}, "AccessDeniedException",
     "ecr:DeleteRepository"),
    ("iam", "get_role", {"RoleName": "narrow"}, "AccessDenied", "iam:GetRole"),
    ("stepfunctions", "list_state_machines", {}, "AccessDeniedException",
     "states:ListStateMachines"),
    ("sts", "get_caller_identity", {}, "", ""),
    ("lambda", "invoke", {"FunctionName": "another"}, "AccessDeniedException",
     "lambda:InvokeFunction"),
]  # fmt: skip


@pytest.fixture(scope="module")
def caller(client: Clients, narrow_role: str) -> str:
    client("lambda").create_function(
        FunctionName="narrow",
        Runtime="python3.13",
        Role=narrow_role,
        Handler="handler.handler",
        Code={"ZipFile": zipped(handler=SOURCE)},
        MemorySize=512,
        Timeout=60,
    )
    return "narrow"


@pytest.mark.parametrize("case", CALLS, ids=lambda case: f"{case[0]}-{case[1]}-{case[3]}")
def test_calls(case: tuple[Any, ...], caller: str, invoke: Invoke) -> None:
    service, operation, request, code, action = case
    event = {"service": service, "operation": operation, "request": request}
    answer, error = invoke(caller, event)
    assert error == ""
    assert answer[0] == code, answer
    if action:
        who = "User: arn:aws:sts::123456789012:assumed-role/narrow/narrow is not authorized"
        assert answer[1].startswith(f"{who} to perform: {action} on resource: ")


def test_without_leave_to_write_logs_there_are_none(
    caller: str, invoke: Invoke, client: Clients
) -> None:
    request = {"service": "sts", "operation": "get_caller_identity", "request": {}}
    invoke(caller, request)
    groups = client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/narrow")
    assert groups["logGroups"] == []
