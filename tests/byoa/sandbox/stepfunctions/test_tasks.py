"""Tasks that call the sandbox's own services: what they give, and how their errors are called."""

from __future__ import annotations

import io
import json
import textwrap
import time
import uuid
import zipfile
from typing import Any

import pytest

from tests.byoa.sandbox.conftest import ALGORITHM, Clients
from tests.byoa.sandbox.stepfunctions.conftest import (
    Machine,
    Run,
    definition,
    history,
    output,
    types,
    until,
)
from tests.byoa.sandbox.test_sagemaker import ended


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


def test_a_job_that_fails_fails_its_task(run: Run, role: str, numbers: str):
    failed = run(
        definition(
            task("sagemaker:createTrainingJob.sync", training(numbers, role, "fail")),
        )
    )
    assert failed["error"] == "States.TaskFailed"
    job = json.loads(failed["cause"])
    assert job["TrainingJobStatus"] == "Failed" and job["FailureReason"]
    assert isinstance(job["TrainingEndTime"], int)


def test_errors_of_the_optimised_integration(client: Clients, run: Run, role: str, numbers: str):
    parameters = {**training(numbers, role), "RoleArn": "arn:aws:iam::123456789012:role/missing"}
    failed = run(definition(task("sagemaker:createTrainingJob.sync", parameters)))
    assert failed["error"] == "SageMaker.AmazonSageMakerException"
    assert types(client, failed["executionArn"])[-2:] == ["TaskSubmitFailed", "ExecutionFailed"]
    assert failed["cause"].startswith("Could not assume role")
    assert (
        "(Service: AmazonSageMaker; Status Code: 400; Error Code: ValidationExcep"
        in (failed["cause"])
    )


def test_parameters_that_the_api_does_not_take(run: Run):
    """What the definition says is refused when it is made, what the input says when it runs."""
    describe = "aws-sdk:sagemaker:describeEndpoint"
    with pytest.raises(Exception, match=r"InvalidDefinition.*state .*Endpoint"):
        run(definition(task(describe, {"Endpoint": "x"})))
    failed = run(definition(task(describe, {"EndpointName.$": "$.name"})), {"name": [{}]})
    assert failed["error"] == "SageMaker.SageMakerException"
    failed = run(definition(task(describe, {"EndpointName.$": "$.name"})), {"name": 5})
    assert failed["error"] == "States.Runtime"
    assert "could not be used to start the Task: [" in failed["cause"]


@pytest.fixture(scope="module")
def project(client: Clients, role: str) -> str:
    client("codebuild").create_project(
        name="sfn",
        source={"type": "NO_SOURCE", "buildspec": json.dumps(spec("true"))},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
        },
        serviceRole=role,
    )
    return "sfn"


def spec(command: str) -> dict[str, Any]:
    return {
        "version": 0.2,
        "env": {"exported-variables": ["ANSWER"]},
        "phases": {"build": {"commands": [command]}},
    }


def test_builds(client: Clients, run: Run, project: str):
    """One that succeeds gives its exported variables; one that fails, its phases."""
    start = "codebuild:startBuild.sync"
    good, bad = (
        definition(
            task(start, {"ProjectName": project, "BuildspecOverride": json.dumps(spec(command))})
        )
        for command in ("export ANSWER=42", "echo no; exit 3")
    )
    build = output(run(good))["Build"]
    assert build["BuildStatus"] == "SUCCEEDED" and build["BuildComplete"] is True
    assert build["ExportedEnvironmentVariables"] == [{"Name": "ANSWER", "Value": "42"}]
    failed = run(bad)
    assert failed["error"] == "States.TaskFailed"
    phases = {phase["PhaseType"]: phase for phase in json.loads(failed["cause"])["Build"]["Phases"]}
    assert phases["BUILD"]["PhaseStatus"] == "FAILED"
    told = definition(task(start, {"ProjectName": "missing"}))
    assert run(told)["error"] == "CodeBuild.ResourceNotFoundException"


@pytest.mark.parametrize("end", ["stop", "timeout"])
def test_nobody_waits_for_a_job_that_still_runs(
    client: Clients, machine: Machine, role: str, numbers: str, end: str
):
    """A stop of the execution, and the task's time limit, stop what the task started."""
    parameters = training(numbers, role, "wait")
    limit = {"TimeoutSeconds": 2} if end == "timeout" else {}
    name = f"{end}-{uuid.uuid4().hex[:8]}"
    arn = machine(definition(task("sagemaker:createTrainingJob.sync", parameters, **limit)))
    states = client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn, name=name)["executionArn"]
    if end == "stop":
        limit_at = time.monotonic() + 20
        while "TaskSubmitted" not in types(client, execution):
            assert time.monotonic() < limit_at
            time.sleep(0.05)
        states.stop_execution(executionArn=execution)
    until(client, execution)
    job = ended(client, f"{name}-0")
    assert job["TrainingJobStatus"] == "Stopped"


def test_a_machine_in_a_machine(client: Clients, run: Run, machine: Machine):
    inner = machine(definition({"Type": "Pass", "Parameters": {"got.$": "$.x"}}))
    parameters = {"StateMachineArn": inner, "Input": {"x.$": "$.a"}}
    read = definition(task("states:startExecution.sync:2", parameters, OutputPath="$.Output"))
    assert output(run(read, {"a": 5})) == {"got": 5}
    as_text = definition(task("states:startExecution.sync", parameters, OutputPath="$.Output"))
    assert output(run(as_text, {"a": 5})) == '{"got":5}'
    failed = run(definition(task("states:startExecution.sync:2", {"StateMachineArn": inner})))
    assert failed["error"] == "States.TaskFailed"
    assert json.loads(failed["cause"])["Error"] == "States.Runtime"


def function(client: Clients, lines: str) -> str:
    """A Lambda function of a few lines."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("f.py", textwrap.dedent(lines))
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                 "Action": "sts:AssumeRole"}  # fmt: skip
    name = f"f-{uuid.uuid4().hex[:8]}"
    role = client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client("iam").put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=policy)
    made = client("lambda").create_function(
        FunctionName=name, Runtime="python3.12", Handler="f.go", Role=role, MemorySize=256,
        Timeout=10, Code={"ZipFile": packed.getvalue()},
    )  # fmt: skip
    return str(made["FunctionArn"])


def test_functions(client: Clients, run: Run):
    arn = function(
        client,
        """
        def go(event, context):
            if event.get("bad"):
                raise ValueError("no such number")
            return {"twice": event["n"] * 2}
        """,
    )
    invoke = task("lambda:invoke", {"FunctionName": arn, "Payload.$": "$"})
    direct = {"Type": "Task", "Resource": arn}
    found = output(run(definition(invoke), {"n": 4}))
    assert found["Payload"] == {"twice": 8} and found["StatusCode"] == 200
    ended_run = run(definition(direct), {"n": 4})
    assert output(ended_run) == {"twice": 8}
    assert types(client, ended_run["executionArn"])[2:5] == [
        "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded",
    ]  # fmt: skip
    for told in (invoke, direct):
        failed = run(definition(told), {"bad": True})
        assert failed["error"] == "ValueError"
        assert json.loads(failed["cause"])["errorMessage"] == "no such number"
    missing = task("lambda:invoke", {"FunctionName": "missing"})
    assert run(definition(missing))["error"] == "Lambda.ResourceNotFoundException"
