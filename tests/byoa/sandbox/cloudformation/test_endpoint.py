"""An endpoint as a resource of a stack: complete when it is in service, gone with the stack."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest

from tests.byoa.sandbox.cloudformation.conftest import Stacks
from tests.byoa.sandbox.conftest import ALGORITHM, Clients


def template(role: str, image: str, data: str) -> dict[str, Any]:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1,
    }
    return {
        "Resources": {
            "Model": {
                "Type": "AWS::SageMaker::Model",
                "Properties": {
                    "ExecutionRoleArn": role,
                    "PrimaryContainer": {"Image": image, "ModelDataUrl": data},
                },
            },
            "Config": {
                "Type": "AWS::SageMaker::EndpointConfig",
                "Properties": {"ProductionVariants": [variant]},
            },
            "Endpoint": {
                "Type": "AWS::SageMaker::Endpoint",
                "Properties": {
                    "EndpointName": "of-a-stack",
                    "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                },
            },
        }
    }


@pytest.fixture
def data(client: Clients, bucket: str) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        content = json.dumps({"total": 7, "factor": 3}).encode()
        member = tarfile.TarInfo("model.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    client("s3").put_object(Bucket=bucket, Key="stack/model.tar.gz", Body=packed.getvalue())
    return f"s3://{bucket}/stack/model.tar.gz"


def names(client: Clients) -> list[str]:
    return [each["EndpointName"] for each in client("sagemaker").list_endpoints()["Endpoints"]]


@pytest.mark.slow
def test_in_service_and_away(stacks: Stacks, client: Clients, role: str, data: str) -> None:
    name = stacks.name()
    stack = stacks.create(template(role, ALGORITHM, data), StackName=name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.reasons(name)
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName="of-a-stack", Body=b"12345", ContentType="image/jpeg"
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    stack = stacks.delete(name)
    assert stack["StackStatus"] == "DELETE_COMPLETE", stacks.reasons(stack["StackId"])
    assert "of-a-stack" not in names(client)


@pytest.mark.slow
def test_one_that_never_gets_healthy_is_taken_back(
    stacks: Stacks, client: Clients, role: str
) -> None:
    name = stacks.name()
    nothing = "s3://tests-bucket/no/such/model.tar.gz"
    stack = stacks.create(template(role, ALGORITHM, nothing), StackName=name)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE", stacks.reasons(name)
    assert stacks.reasons(name)["Endpoint"]
    assert "of-a-stack" not in names(client)
