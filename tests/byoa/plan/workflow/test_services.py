"""The SDK's steps of other services: the address each asks for, and how it waits."""

from __future__ import annotations

from typing import Any, cast

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow import service_steps
from byoa.plan.workflow.chain import definition
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.placeholders import StepInput, task_token
from byoa.plan.workflow.service_steps import (
    LambdaStep,
    SqsSendMessageStep,
    StepFunctionsStartExecutionStep,
)
from byoa.plan.workflow.services import AwsSdkStep, IntegrationPattern, ServiceStep, in_partition

ARN = "arn:aws:states:::"
#: Of the SDK's class: what it asks for by default, and in its other patterns.
SYNC, TOKEN = ".sync", ".waitForTaskToken"
TABLE = {
    "LambdaStep": ("lambda:invoke", "", TOKEN),
    "GlueStartJobRunStep": ("glue:startJobRun", SYNC, ""),
    "EcsRunTaskStep": ("ecs:runTask", SYNC, ""),
    "DynamoDBGetItemStep": ("dynamodb:getItem", ""),
    "DynamoDBPutItemStep": ("dynamodb:putItem", ""),
    "DynamoDBUpdateItemStep": ("dynamodb:updateItem", ""),
    "DynamoDBDeleteItemStep": ("dynamodb:deleteItem", ""),
    "EksCallStep": ("eks:call", ""),
    "EksCreateClusterStep": ("eks:createCluster", SYNC, ""),
    "EksCreateFargateProfileStep": ("eks:createFargateProfile", SYNC, ""),
    "EksCreateNodegroupStep": ("eks:createNodegroup", SYNC, ""),
    "EksDeleteClusterStep": ("eks:deleteCluster", SYNC, ""),
    "EksDeleteFargateProfileStep": ("eks:deleteFargateProfile", SYNC, ""),
    "EksDeleteNodegroupStep": ("eks:deleteNodegroup", SYNC, ""),
    "EksRunJobStep": ("eks:runJob", SYNC, ""),
    "EmrCreateClusterStep": ("elasticmapreduce:createCluster", SYNC, ""),
    "EmrTerminateClusterStep": ("elasticmapreduce:terminateCluster", SYNC, ""),
    "EmrAddStepStep": ("elasticmapreduce:addStep", SYNC, ""),
    "EmrCancelStepStep": ("elasticmapreduce:cancelStep", ""),
    "EmrSetClusterTerminationProtectionStep": (
        "elasticmapreduce:setClusterTerminationProtection",
        "",
    ),
    "EmrModifyInstanceFleetByNameStep": ("elasticmapreduce:modifyInstanceFleetByName", ""),
    "EmrModifyInstanceGroupByNameStep": ("elasticmapreduce:modifyInstanceGroupByName", ""),
    "EventBridgePutEventsStep": ("events:putEvents", "", TOKEN),
    "GlueDataBrewStartJobRunStep": ("databrew:startJobRun", SYNC, ""),
    "SnsPublishStep": ("sns:publish", "", TOKEN),
    "SqsSendMessageStep": ("sqs:sendMessage", "", TOKEN),
    "StepFunctionsStartExecutionStep": ("states:startExecution", ".sync:2", "", TOKEN),
}
WORDS: dict[str, list[dict[str, Any]]] = {
    "": [
        {"wait_for_completion": False},
        {"integration_pattern": IntegrationPattern.CallAndContinue},
    ],
    TOKEN: [
        {"wait_for_callback": True},
        {"integration_pattern": IntegrationPattern.WaitForTaskToken},
    ],
}


def step(name: str, **fields: Any) -> ServiceStep:
    made: ServiceStep = getattr(service_steps, name)(name, **fields)
    return made


@pytest.mark.parametrize("name", TABLE)
def test_each_asks_for_its_action(name):
    action, default, *others = TABLE[name]
    made = step(name, comment="c", parameters={"A": StepInput()["a"]}, timeout_seconds=60)
    assert made.to_dict() == {
        "Type": "Task",
        "Resource": ARN + action + default,
        "Comment": "c",
        "Parameters": {"A.$": "$['a']"},
        "TimeoutSeconds": 60,
        "End": True,
    }
    for other in others:
        found = [asked(name, words) for words in WORDS[other]]
        assert ARN + action + other in found


def asked(name: str, words: dict[str, Any]) -> str | None:
    try:
        return str(step(name, **words).fields["resource"])
    except (UsageError, TypeError):
        return None


def test_every_step_of_the_module_is_in_the_table():
    ours = {name for name, one in vars(service_steps).items() if hasattr(one, "ACTION")}
    assert ours - {"CallStep", "CallbackStep", "JobStep", "PatternStep"} == set(TABLE)


def test_a_callback_is_given_the_token():
    made = SqsSendMessageStep(
        "ask",
        wait_for_callback=True,
        parameters={"QueueUrl": "https://q", "MessageBody": {"Token": task_token}},
        heartbeat_seconds=600,
    )
    whole = definition(made)
    assert problems(whole) == []
    assert whole["States"]["ask"]["Resource"].endswith("sqs:sendMessage.waitForTaskToken")
    assert whole["States"]["ask"]["Parameters"]["MessageBody"] == {"Token.$": "$$.Task.Token"}


def test_the_second_argument_is_the_sdks():
    assert LambdaStep("a", True).fields["resource"].endswith(".waitForTaskToken")
    pattern = IntegrationPattern.CallAndContinue
    made = StepFunctionsStartExecutionStep("a", pattern, parameters={"StateMachineArn": "x"})
    assert made.fields["resource"] == f"{ARN}states:startExecution"


def test_any_other_action_of_aws():
    made = AwsSdkStep(
        "look", "sagemaker:describeEndpoint", parameters={"EndpointName": StepInput()["name"]}
    )
    whole = definition(made)
    assert problems(whole) == []
    assert whole["States"]["look"]["Resource"] == f"{ARN}aws-sdk:sagemaker:describeEndpoint"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: service_steps.GlueDataBrewStartJobRunStep(
                "a", IntegrationPattern.WaitForTaskToken
            ),
            "databrew:startJobRun takes CallAndContinue, WaitForCompletion",
        ),
        (lambda: service_steps.EksRunJobStep("a", cast("Any", "sync")), "has the pattern 'sync'"),
        (lambda: AwsSdkStep("a", "DescribeEndpoint"), "no action of 'a' - write service:action"),
        (lambda: AwsSdkStep("a", "sagemaker:DescribeEndpoint"), "with a small letter first"),
    ],
)
def test_what_cannot_be_is_said(make, said):
    with pytest.raises(UsageError, match=said):
        make()


def test_another_partition():
    made = definition(LambdaStep("a", parameters={"FunctionName": "f", "Payload": [1]}))
    there = in_partition(made, "aws-cn")
    assert there["States"]["a"]["Resource"] == "arn:aws-cn:states:::lambda:invoke"
    assert in_partition(there, "aws-cn") == there and in_partition(made, "aws") == made
