"""Tasks that call the sandbox's own services: what they give, and how their errors are called."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import ALGORITHM, Clients
from tests.byoa.sandbox.stepfunctions.conftest import Run, definition, history, output


def task(service: str, parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    resource = f"arn:aws:states:::{service}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters or {}, **more}


@pytest.fixture(scope="module")
def numbers(client: Clients, bucket: str) -> str:
    client("s3").put_object(Bucket=bucket, Key="sfn/a.txt", Body=b"1\n2\n")
    return bucket


def training(bucket: str, role: str, how: str = "learn", **more: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/sfn/"}
    return {
        "TrainingJobName.$": "States.Format('{}-{}', $$.Execution.Name, $$.State.RetryCount)",
        "RoleArn": role,
        "AlgorithmSpecification": {"TrainingImage": ALGORITHM, "TrainingInputMode": "File"},
        "InputDataConfig": [{"ChannelName": "training", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/sfn-out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        "HyperParameters": {"how": how},
        **more,
    }


def test_a_training_job_is_waited_for_and_deployed(
    client: Clients, run: Run, role: str, numbers: str
):
    name = f"e-{uuid.uuid4().hex[:8]}"
    told = definition(
        Train=task("sagemaker:createTrainingJob.sync", training(numbers, role)),
        Model=task("sagemaker:createModel", {
            "ModelName.$": "$.TrainingJobName", "ExecutionRoleArn": role,
            "PrimaryContainer": {"Image": ALGORITHM,
                                 "ModelDataUrl.$": "$.ModelArtifacts.S3ModelArtifacts"},
        }, ResultPath="$.model"),
        Config=task("sagemaker:createEndpointConfig", {
            "EndpointConfigName.$": "$.TrainingJobName",
            "ProductionVariants": [{"VariantName": "all", "ModelName.$": "$.TrainingJobName",
                                    "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
        }, ResultPath="$.config"),
        Look=task("aws-sdk:sagemaker:describeEndpoint", {"EndpointName": name}, Catch=[
            {"ErrorEquals": ["SageMaker.SageMakerException"], "ResultPath": "$.none",
             "Next": "Create"}]),
        Create=task("sagemaker:createEndpoint", {
            "EndpointName": name, "EndpointConfigName.$": "$.TrainingJobName",
        }, ResultPath="$.made"),
        Wait={"Type": "Wait", "Seconds": 1},
        Poll=task("aws-sdk:sagemaker:describeEndpoint", {"EndpointName": name},
                  ResultPath="$.endpoint"),
        Choose={"Type": "Choice", "Choices": [{"Variable": "$.endpoint.EndpointStatus",
                "StringEquals": "Creating", "Next": "Wait"}], "Default": "Done"},
        Done={"Type": "Succeed"},
    )  # fmt: skip
    ended = run(told)
    found = output(ended)
    assert found["TrainingJobStatus"] == "Completed"
    assert found["TrainingJobName"] == f"{ended['name']}-0"
    assert found["CreationTime"] > 10**12, "the optimised integration gives milliseconds"
    assert "Could not find endpoint" in json.loads(json.dumps(found["none"]["Cause"]))
    assert found["none"]["Error"] == "SageMaker.SageMakerException"
    assert "(Service: SageMaker, Status Code: 400, Request ID: " in found["none"]["Cause"]
    assert found["endpoint"]["EndpointStatus"] == "InService", found["endpoint"]
    assert found["endpoint"]["CreationTime"].endswith("Z"), "aws-sdk gives ISO 8601"
    tags = client("sagemaker").list_tags(ResourceArn=found["TrainingJobArn"])["Tags"]
    assert {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in tags
    events = list(history(client, ended["executionArn"]))
    submitted = next(e for e in events if e["type"] == "TaskSubmitted")
    submitted = submitted["taskSubmittedEventDetails"]
    assert submitted["resource"] == "createTrainingJob.sync"
    assert submitted["resourceType"] == "sagemaker"
    assert "TrainingJobArn" in json.loads(submitted["output"])
    client("sagemaker").delete_endpoint(EndpointName=name)
