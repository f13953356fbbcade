"""A machine's role is asked before each task, as it is on AWS."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.stepfunctions.conftest import Run, definition, output


def role_with(client: Clients, *statements: dict[str, Any]) -> str:
    name = f"narrow-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"},
             "Action": "sts:AssumeRole"}  # fmt: skip
    made = client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        client("iam").put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return str(made["Role"]["Arn"])


@pytest.mark.parametrize(
    ("statements", "good"),
    [
        ([], False),
        ([{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::{bucket}/permits/*"}],
         True),
        ([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{bucket}/o/*"}],
         False),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
          {"Effect": "Deny", "Action": "s3:getobject", "Resource": ["*"]}], False),
    ],
)  # fmt: skip
def test_a_task_needs_its_role(
    client: Clients, run: Run, bucket: str, statements: list[dict[str, Any]], good: bool
):
    client("s3").put_object(Bucket=bucket, Key="permits/a", Body=b"here")
    filled = json.loads(json.dumps(statements).replace("{bucket}", bucket))
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Parameters": {"Bucket": bucket, "Key": "permits/a"},
        "OutputPath": "$.Body",
    }
    ended = run(definition(task), roleArn=role_with(client, *filled))
    if good:
        assert output(ended) == "here"
        return
    assert ended["error"] == "S3.S3Exception"
    assert "is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::" in ended["cause"]


def test_a_job_needs_more_than_its_creation(client: Clients, run: Run, role: str):
    """PassRole for the job's role, the managed rule and the tags that .sync takes."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": {"TrainingJobName": "never", "RoleArn": role},
    }
    only = {"Effect": "Allow", "Action": "sagemaker:CreateTrainingJob", "Resource": "*"}
    with pytest.raises(Exception, match="InvalidDefinition"):
        run(definition(task), roleArn=role_with(client, only))
    task["Parameters"] = {"TrainingJobName.$": "$.name", "RoleArn": role, **REST}
    ended = run(definition(task), {"name": "never"}, roleArn=role_with(client, only))
    assert ended["error"] == "SageMaker.AmazonSageMakerException"
    assert "StepFunctionsGetEventsForSageMakerTrainingJobsRule" in ended["cause"]


REST = {
    "AlgorithmSpecification": {"TrainingImage": "process:///x", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 300},
}


def test_an_attached_policy_counts(client: Clients, run: Run, bucket: str):
    client("s3").put_object(Bucket=bucket, Key="permits/a", Body=b"here")
    role = role_with(client)
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    client("iam").attach_role_policy(RoleName=role.rpartition("/")[2], PolicyArn=arn)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Parameters": {"Bucket": bucket, "Key": "permits/a"},
    }
    assert output(run(definition(task), roleArn=role))["Body"] == "here"
