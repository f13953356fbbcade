"""A workflow that was exported: its stack is made, its role allows what it does and no more."""

from __future__ import annotations

import json
from typing import Any

from byoa.plan.workflow.cloudformation import template
from tests.byoa.sandbox.cloudformation.conftest import Stacks
from tests.byoa.sandbox.conftest import Clients
from tests.byoa.sandbox.stepfunctions.conftest import output, until

LOOK: dict[str, Any] = {
    "Comment": "looks at an endpoint",
    "StartAt": "Name",
    "States": {
        "Name": {"Type": "Pass", "Result": {"endpoint": "${Endpoint}"}, "Next": "Look"},
        "Look": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeEndpoint",
            "Parameters": {"EndpointName.$": "$.endpoint"},
            "Catch": [
                {
                    "ErrorEquals": ["SageMaker.SageMakerException"],
                    "Next": "Gone",
                    "ResultPath": "$.error",
                }
            ],
            "End": True,
        },
        "Gone": {"Type": "Pass", "OutputPath": "$.error.Cause", "End": True},
    },
}


def test_an_exported_workflow_runs_in_its_stack(client: Clients, stacks: Stacks):
    made = template(LOOK, name="exported", tags={"byoa:project": "cells"})
    given = [{"ParameterKey": "Endpoint", "ParameterValue": "nowhere"}]
    stack = stacks.create(made, Parameters=given)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    arn = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}["StateMachineArn"]
    states = client("stepfunctions")
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    assert "Could not find endpoint" in output(until(client, execution))
    described = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(described["definition"])["States"]["Name"]["Result"] == {
        "endpoint": "nowhere"
    }
    assert described["loggingConfiguration"]["level"] == "ERROR"
    role = client("iam").get_role_policy(
        RoleName=described["roleArn"].rpartition("/")[2], PolicyName="byoa"
    )
    looked = [
        one
        for one in role["PolicyDocument"]["Statement"]
        if "sagemaker:DescribeEndpoint" in one["Action"]
    ]
    assert [one["Resource"] for one in looked] == [
        ["arn:aws:sagemaker:us-east-1:123456789012:endpoint/nowhere"]
    ]
