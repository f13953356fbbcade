"""What the execution role may, and what it may not, by a small IAM of our own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from byoa.plan.errors import UsageError
from byoa.plan.tables import table
from byoa.plan.workflow.permissions import execution_policy
from byoa.plan.workflow.values import look, single
from tests.byoa.plan.policy_evaluator import allows, allows_in
from tests.byoa.plan.workflow import actions_from_aws
from tests.byoa.plan.workflow.asl import JSONATA, JSONPATH, MACHINES, ROLE, changed

HERE: dict[str, Any] = {"account": "123456789012", "region": "us-east-1"}
SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012:"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:"
RULE = "arn:aws:events:us-east-1:123456789012:rule/"
STATES = "arn:aws:states:us-east-1:123456789012:"


def of_task(
    resource: str, parameters: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """The policy of a workflow of one task."""
    if not resource.startswith("arn:"):
        resource = f"arn:aws:states:::{resource}"
    given = {} if parameters is None else {"Parameters": parameters}
    state = {"Type": "Task", "Resource": resource, "End": True, **given, **fields}
    return execution_policy({"StartAt": "A", "States": {"A": state}}, **HERE)


def passes(policy: dict[str, Any], role: str, service: str) -> bool:
    return allows_in(policy, "iam:PassRole", role, {"iam:PassedToService": service})


POLICY = execution_policy(JSONPATH, **HERE)
TRAINING = "arn:aws:states:::sagemaker:createTrainingJob"


@pytest.mark.parametrize(
    ("action", "resource", "right"),
    [
        ("sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/cells-1-2", True),
        ("sagemaker:DescribeTrainingJob", f"{SAGEMAKER}training-job/cells-1-2", True),
        ("sagemaker:StopTrainingJob", f"{SAGEMAKER}training-job/cells-1-2", True),
        ("sagemaker:AddTags", f"{SAGEMAKER}training-job/cells-1-2", True),
        ("sagemaker:CreateTrainingJob", f"{SAGEMAKER}training-job/other", False),
        ("sagemaker:StopTrainingJob", f"{SAGEMAKER}training-job/other", False),
        ("sagemaker:DeleteTrainingJob", f"{SAGEMAKER}training-job/cells-1-2", False),
        ("sagemaker:CreateProcessingJob", f"{SAGEMAKER}processing-job/cells-1-2", False),
        ("sagemaker:CreateEndpoint", f"{SAGEMAKER}endpoint/cells-1", False),
        ("events:PutRule", f"{RULE}StepFunctionsGetEventsForSageMakerTrainingJobsRule", True),
        ("events:PutTargets", f"{RULE}StepFunctionsGetEventsForSageMakerTrainingJobsRule", True),
        ("events:PutRule", f"{RULE}mine", False),
        ("events:DeleteRule", f"{RULE}StepFunctionsGetEventsForSageMakerTrainingJobsRule", False),
        ("lambda:InvokeFunction", f"{LAMBDA}scale", True),
        ("lambda:InvokeFunction", f"{LAMBDA}scale:7", True),
        ("lambda:InvokeFunction", f"{LAMBDA}ask", True),
        ("lambda:InvokeFunction", f"{LAMBDA}scale2", False),
        ("lambda:UpdateFunctionCode", f"{LAMBDA}scale", False),
        ("iam:PassRole", ROLE, False),
        ("sts:AssumeRole", ROLE, False),
        ("s3:GetObject", "arn:aws:s3:::bucket/out/x", False),
        ("logs:CreateLogDelivery", "*", False),
        ("xray:PutTraceSegments", "*", False),
    ],
)
def test_a_machine_may_what_its_states_need(action: str, resource: str, right: bool):
    assert allows(POLICY, action, resource) is right


def test_roles_are_passed_to_their_service_only():
    assert passes(POLICY, ROLE, "sagemaker.amazonaws.com")
    assert not passes(POLICY, ROLE, "ec2.amazonaws.com")
    assert not passes(POLICY, ROLE.replace("jobs", "admin"), "sagemaker.amazonaws.com")


def test_jsonata_says_as_much():
    policy = execution_policy(JSONATA, **HERE)
    assert allows(policy, "sagemaker:DescribeEndpoint", f"{SAGEMAKER}endpoint/x")
    assert not allows(policy, "sagemaker:DeleteEndpoint", f"{SAGEMAKER}endpoint/x")
    named = changed(JSONATA, "States/Look/Arguments/EndpointName", "{% 'cells-' & $x & '-a' %}")
    policy = execution_policy(named, **HERE)
    assert allows(policy, "sagemaker:DescribeEndpoint", f"{SAGEMAKER}endpoint/cells-1-a")
    assert not allows(policy, "sagemaker:DescribeEndpoint", f"{SAGEMAKER}endpoint/cells-1-b")


def test_logs_and_traces_come_when_asked_for():
    policy = execution_policy(JSONPATH, **HERE, logs=True, tracing=True)
    for action in ("logs:CreateLogDelivery", "logs:PutResourcePolicy", "xray:PutTraceSegments"):
        assert allows(policy, action)
    assert not allows(policy, "logs:DeleteLogGroup")


def test_a_machine_without_tasks_may_nothing():
    policy = execution_policy({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, **HERE)
    assert [one["Effect"] for one in policy["Statement"]] == ["Deny"]
    assert execution_policy({}, **HERE) == policy


def test_names_in_capitals_are_there_in_small_letters_too():
    policy = of_task("sagemaker:createModel", {"ModelName": "Cells", "ExecutionRoleArn": ROLE})
    for name, right in (("Cells", True), ("cells", True), ("cell", False)):
        assert allows(policy, "sagemaker:CreateModel", f"{SAGEMAKER}model/{name}") is right
    assert passes(policy, ROLE, "sagemaker.amazonaws.com")
    assert not allows(policy, "sagemaker:DescribeModel", f"{SAGEMAKER}model/Cells")


def test_a_role_that_comes_later_goes_to_sagemaker_all_the_same():
    policy = of_task("sagemaker:createModel", {"ModelName": "m", "ExecutionRoleArn.$": "$.Role"})
    assert passes(policy, ROLE, "sagemaker.amazonaws.com")
    assert not passes(policy, ROLE, "lambda.amazonaws.com")


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("f", ["f", "f:1", "f:prod"], ["f2", "g"]),
        ("f:prod", ["f:prod"], ["f", "f:1", "f:prod:1"]),
        (f"{LAMBDA}f", ["f", "f:prod"], ["f2"]),
        (f"{LAMBDA}f:prod", ["f:prod"], ["f", "f:1"]),
        ("123456789012:function:f", ["f", "f:1"], ["f2"]),
    ],
)
def test_a_function_by_any_of_its_names(name: str, yes: list[str], no: list[str]):
    policy = of_task("lambda:invoke", {"FunctionName": name})
    for one in yes:
        assert allows(policy, "lambda:InvokeFunction", LAMBDA + one)
    for one in no:
        assert not allows(policy, "lambda:InvokeFunction", LAMBDA + one)


def test_a_tutorials_function_still_has_a_policy():
    seed = of_task("arn:aws:lambda:REGION:ACCOUNT_ID:function:train")
    assert allows(seed, "lambda:InvokeFunction", "arn:aws:lambda:REGION:ACCOUNT_ID:function:train")


def test_endpoints_reach_their_configuration():
    given = {"EndpointName": "cells", "EndpointConfigName": "cells-7"}
    for action in ("CreateEndpoint", "UpdateEndpoint"):
        policy = of_task(f"sagemaker:{action[:1].lower()}{action[1:]}", given)
        for resource in ("endpoint/cells", "endpoint-config/cells-7"):
            assert allows(policy, f"sagemaker:{action}", SAGEMAKER + resource)
        for resource in ("endpoint/cells2", "endpoint-config/cells"):
            assert not allows(policy, f"sagemaker:{action}", SAGEMAKER + resource)


def test_codebuild_builds_this_project_only():
    policy = of_task("codebuild:startBuild.sync", {"ProjectName": "image"})
    project = "arn:aws:codebuild:us-east-1:123456789012:project/"
    for action in ("StartBuild", "StopBuild", "BatchGetBuilds"):
        assert allows(policy, f"codebuild:{action}", f"{project}image")
        assert not allows(policy, f"codebuild:{action}", f"{project}image2")
    assert allows(
        policy, "events:PutRule", f"{RULE}StepFunctionsGetEventForCodeBuildStartBuildRule"
    )
    plain = of_task("codebuild:startBuild", {"ProjectName": "image"})
    assert not allows(plain, "codebuild:StopBuild", f"{project}image")
    assert "events:PutRule" not in json.dumps(plain)


def test_batch_submits_to_this_queue_only():
    policy = of_task(
        "batch:submitJob.sync",
        {
            "JobName": "n",
            "JobQueue": "q",
            "JobDefinition": "arn:aws:batch:us-east-1:1:job-definition/d:3",
        },
    )
    batch = "arn:aws:batch:us-east-1:123456789012:"
    assert allows(policy, "batch:SubmitJob", f"{batch}job-queue/q")
    assert not allows(policy, "batch:SubmitJob", f"{batch}job-queue/q2")
    assert allows(policy, "batch:SubmitJob", "arn:aws:batch:us-east-1:1:job-definition/d:3")
    assert not allows(policy, "batch:SubmitJob", f"{batch}job-definition/d")
    assert allows(policy, "batch:TerminateJob", f"{batch}job/x")
    assert allows(policy, "batch:DescribeJobs")


def test_a_nested_workflow():
    arn = f"{STATES}stateMachine:inner"
    policy = of_task("states:startExecution.sync:2", {"StateMachineArn": arn})
    assert allows(policy, "states:StartExecution", arn)
    assert not allows(policy, "states:StartExecution", f"{arn}2")
    for action in ("DescribeExecution", "StopExecution"):
        assert allows(policy, f"states:{action}", f"{STATES}execution:inner:x")
        assert not allows(policy, f"states:{action}", f"{STATES}execution:outer:x")


def test_messages_tables_buses_and_jobs():
    cases: list[tuple[str, dict[str, Any], str, str]] = [
        ("sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": "x"},
         "sns:Publish", "arn:aws:sns:us-east-1:1:t"),
        ("sqs:sendMessage", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/q"},
         "sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q"),
        ("dynamodb:putItem", {"TableName": "t", "Item": {}},
         "dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:123456789012:table/t"),
        ("events:putEvents", {"Entries": [{"EventBusName": "b", "Detail": {}}]},
         "events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/b"),
        ("events:putEvents", {"Entries": [{"Detail": {}}]},
         "events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default"),
        ("glue:startJobRun", {"JobName": "j"},
         "glue:StartJobRun", "arn:aws:glue:us-east-1:123456789012:job/j"),
        ("ecs:runTask.sync", {"TaskDefinition": "d:1"},
         "ecs:RunTask", "arn:aws:ecs:us-east-1:123456789012:task-definition/d:1"),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "a/k"},
         "s3:GetObject", "arn:aws:s3:::b/a/k"),
        ("aws-sdk:s3:copyObject", {"Bucket": "b", "Key": "k", "CopySource": "/other/k"},
         "s3:GetObject", "arn:aws:s3:::other/k"),
        ("aws-sdk:s3:listParts", {"Bucket": "b", "Key": "k"},
         "s3:ListMultipartUploadParts", "arn:aws:s3:::b/k"),
        ("aws-sdk:s3:getPublicAccessBlock", {"Bucket": "b"},
         "s3:GetBucketPublicAccessBlock", "arn:aws:s3:::b"),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b"}, "s3:ListBucket", "arn:aws:s3:::b"),
        ("aws-sdk:sqs:sendMessage", {"QueueUrl": "https://x/1/q"},
         "sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q"),
        ("aws-sdk:sagemaker:deleteModel", {"ModelName": "m"},
         "sagemaker:DeleteModel", f"{SAGEMAKER}model/m"),
        ("aws-sdk:sfn:startExecution", {"StateMachineArn": f"{STATES}stateMachine:m"},
         "states:StartExecution", f"{STATES}stateMachine:m"),
        ("aws-sdk:secretsmanager:getSecretValue", {"SecretId": "s"},
         "secretsmanager:GetSecretValue",
         "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-abcdef"),
        ("aws-sdk:lambda:invoke", {"FunctionName": "f"}, "lambda:InvokeFunction", f"{LAMBDA}f"),
        ("aws-sdk:sagemaker:addTags", {"ResourceArn": f"{SAGEMAKER}model/m"},
         "sagemaker:AddTags", f"{SAGEMAKER}model/m"),
        ("elasticmapreduce:addStep.sync", {"ClusterId": "j-1"},
         "elasticmapreduce:DescribeStep",
         "arn:aws:elasticmapreduce:us-east-1:123456789012:cluster/j-1"),
    ]  # fmt: skip
    for resource, parameters, action, arn in cases:
        policy = of_task(resource, parameters)
        assert allows(policy, action, arn), (resource, policy)
        assert not allows(policy, action, f"{arn}2"), resource
        assert not allows(policy, action.partition(":")[0] + ":DeleteEverything", arn)


def test_tags_are_allowed_where_they_are_given():
    given = {"ModelName": "m", "ExecutionRoleArn": ROLE}
    for more, right in (({}, False), ({"Tags": []}, True), ({"Tags.$": "$.t"}, True)):
        policy = of_task("aws-sdk:sagemaker:createModel", given | more)
        assert allows(policy, "sagemaker:AddTags", f"{SAGEMAKER}model/m") is right
        assert not allows(policy, "sagemaker:AddTags", f"{SAGEMAKER}model/n")


def test_an_action_of_a_service_without_a_table_is_on_all_of_it():
    policy = of_task("aws-sdk:personalize:describeCampaign", {"CampaignArn": "x"})
    assert policy["Statement"][0]["Action"] == ["personalize:DescribeCampaign"]
    assert of_task("aws-sdk:cloudwatchlogs:describeLogGroups")["Statement"][0]["Action"] == [
        "logs:DescribeLogGroups"
    ]


def test_an_activity_needs_nothing_and_credentials_another_role():
    activity = of_task(f"{STATES}activity:a")
    assert activity["Statement"][0]["Effect"] == "Deny"
    foreign = of_task("sns:publish", {"TopicArn": "t"}, Credentials={"RoleArn": ROLE})
    assert allows(foreign, "sts:AssumeRole", ROLE)
    assert "sns" not in json.dumps(foreign)


def test_a_distributed_map():
    each = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "Parameters": {"Bucket": "in", "Key.$": "$.key"},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": "out", "Prefix": "runs/"},
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "One",
            "States": {"One": {"Type": "Task", "Resource": f"{LAMBDA}f", "End": True}},
        },
        "End": True,
    }
    definition = {"StartAt": "Each", "States": {"Each": each}}
    inline = changed(definition, "States/Each/ItemProcessor/ProcessorConfig", {"Mode": "INLINE"})
    assert "states:" not in json.dumps(execution_policy(inline, **HERE))
    policy = execution_policy(definition, **HERE, name="cells")
    assert allows(policy, "states:StartExecution", f"{STATES}stateMachine:cells")
    assert not allows(policy, "states:StartExecution", f"{STATES}stateMachine:cells2")
    assert allows(policy, "states:StopExecution", f"{STATES}execution:cells/Each:1")
    assert allows(policy, "s3:GetObject", "arn:aws:s3:::in/list.csv")
    assert not allows(policy, "s3:PutObject", "arn:aws:s3:::in/list.csv")
    assert allows(policy, "s3:PutObject", "arn:aws:s3:::out/runs/x")
    assert not allows(policy, "s3:PutObject", "arn:aws:s3:::out/other")
    assert allows(policy, "lambda:InvokeFunction", f"{LAMBDA}f")


def test_an_endpoint_of_http_goes_with_its_connection():
    connection = "arn:aws:events:us-east-1:123456789012:connection/c/1"
    policy = of_task(
        "http:invoke",
        {"ApiEndpoint": "https://a.example/x", "Method": "GET",
         "Authentication": {"ConnectionArn": connection}},
    )  # fmt: skip
    context = {"states:HTTPEndpoint": "https://a.example/x", "states:HTTPMethod": "GET"}
    machine = f"{STATES}stateMachine:*"
    assert allows_in(policy, "states:InvokeHTTPEndpoint", machine, context)
    context["states:HTTPMethod"] = "POST"
    assert not allows_in(policy, "states:InvokeHTTPEndpoint", machine, context)
    assert allows(policy, "events:RetrieveConnectionCredentials", connection)


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ("arn:aws:states:::nosuch:doIt", "no integration nosuch:doIt"),
        ("arn:aws:states:::aws-sdk:nosuch:doIt", "there is no service 'nosuch'"),
        ("arn:aws:states:::aws-sdk:s3:getObjekt", "did you mean getObject?"),
        ("whatever", "which Step Functions does not know"),
    ],
)
def test_what_nobody_knows_is_told_with_its_state(resource: str, said: str):
    state = {"Type": "Task", "Resource": resource, "End": True}
    definition = {"StartAt": "Odd one", "States": {"Odd one": state}}
    with pytest.raises(UsageError, match=said) as error:
        execution_policy(definition, **HERE)
    assert 'state "Odd one": ' in str(error.value)


def test_a_policy_that_iam_would_not_take_is_told():
    states: dict[str, Any] = {
        f"S{n}": {"Type": "Task", "Resource": f"{LAMBDA}function-{n:03}", "Next": f"S{n + 1}"}
        for n in range(120)
    }
    states["S120"] = {"Type": "Succeed"}
    with pytest.raises(UsageError, match="but IAM takes 10,240"):
        execution_policy({"StartAt": "S0", "States": states}, **HERE)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("States.Format('a-{}', $.b)", "a-*"),
        ("States.Format('{}-{}', $.b, $.c)", "*"),
        ("States.Format('a-{}-{}-{}-b', States.Hash($.x, 'MD5'), $.b, $.c)", "a-*-b"),
        ("States.Format('a-{}', 'b')", "a-b"),
        ("States.Format('a-{}', States.Format('b-{}', $.c))", "a-b-*"),
        ("States.Format('a, {}', States.ArrayGetItem(States.Array('x', 'y'), 1))", "a, *"),
        ("States.Format('it\\'s \\{\\}')", "it's {}"),
        ("$.a", "*"),
        ("States.UUID()", "*"),
    ],
)
def test_what_a_format_will_be(text: str, pattern: str):
    assert single(look(text, {})) == pattern


@pytest.mark.parametrize(
    ("code", "pattern"),
    [
        ("'a'", "a"),
        ("'a-' & $b & \"-c\"", "a-*-c"),
        ("$b", "*"),
        ("'a-' & $f('x & y') & 'z'", "a-*z"),
        ("$x ? 'a' : 'b'", "*"),
        ("'a-' & ($x ? 'a' : 'b')", "a-*"),
        ("'a-' & $x ? 'b' : 'c'", "*"),
        ("'a-' & $x ~> $uppercase()", "*"),
        ("'a-' & $x in ['a-b']", "*"),
        ("'a-' & $x = 'a-b'", "*"),
        ("'a-' & $f($x = 'b', [1, 2]) & '-in'", "a-*-in"),
        ("'a-' & $x & '", "*"),
        ("", "*"),
    ],
)
def test_what_an_expression_will_be(code: str, pattern: str):
    assert single(look(code, {})) == pattern


def test_the_table_of_actions_is_that_of_the_locked_tools():
    """After a new boto3 or cfn-lint: python tests/byoa/plan/workflow/actions_from_aws.py

    In a process of its own: moto, once a test has loaded it, adds operations to botocore's S3.
    """
    program = [sys.executable, actions_from_aws.__file__, "--print"]
    made = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    assert actions_from_aws.TARGET.read_text() == made


def test_every_action_of_the_integrations_is_iams():
    known = actions_from_aws.policies()
    for key, entry in table("workflow/integrations.json").items():
        if key == "read me":
            continue
        for line in [*entry.get("allow", ()), *entry.get("sync", ())]:
            for action in line.partition(" on ")[0].split(", "):
                service, _, name = action.partition(":")
                assert name.lower() in known[service]["Actions"], (key, action)


@given(MACHINES)
@settings(max_examples=100, deadline=None)
def test_any_definition_gives_a_policy_or_sentences(definition: dict[str, Any]):
    try:
        policy = execution_policy(definition, **HERE)
    except UsageError as error:
        assert str(error).startswith('state "')
        return
    for statement in policy["Statement"]:
        assert statement["Action"] == "*" or all(":" in one for one in statement["Action"])
        assert statement["Effect"] == "Deny" or "*" not in statement["Action"]
    names = [statement["Sid"] for statement in policy["Statement"]]
    assert len(names) == len(set(names))
