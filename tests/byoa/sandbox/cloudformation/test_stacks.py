"""Stacks from their template to DELETE_COMPLETE: what they hold is really there."""

from __future__ import annotations

import json
from typing import Any

from byoa.sandbox.cloudformation.api import is_waiter
from tests.byoa.sandbox.cloudformation.conftest import TRUST, Stacks
from tests.byoa.sandbox.conftest import Clients

PASS = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "Result": "${Word}", "End": True}}}


def everything(name: str) -> dict[str, Any]:
    """A stack like that of infrastructure/template.yml."""
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    return {
        "Parameters": {"Word": {"Type": "String", "Default": "hello"}},
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": name,
                    "AssumeRolePolicyDocument": TRUST,
                    "Policies": [
                        {
                            "PolicyName": "own",
                            "PolicyDocument": {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {
                                        "Effect": "Allow",
                                        "Action": "s3:GetObject",
                                        "Resource": {"Fn::Sub": "arn:aws:s3:::${Bucket}/*"},
                                    }
                                ],
                            },
                        }
                    ],
                },
            },
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketName": f"{name}-bucket",
                    "VersioningConfiguration": {"Status": "Enabled"},
                },
            },
            "Repository": {
                "Type": "AWS::ECR::Repository",
                "Properties": {"RepositoryName": name, "ImageTagMutability": "IMMUTABLE"},
            },
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "FunctionName": name,
                    "Runtime": "python3.13",
                    "Handler": "index.handler",
                    "Role": role,
                    "Timeout": "20",
                    "LoggingConfig": {"LogGroup": f"/own/{name}"},
                    "MemorySize": 256,
                    "Code": {
                        "ZipFile": "import os\ndef handler(event, context):\n"
                        "    return os.environ['WORD']\n"
                    },
                    "Environment": {"Variables": {"WORD": {"Ref": "Word"}}},
                },
            },
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Action": "lambda:InvokeFunction",
                    "Principal": "events.amazonaws.com",
                },
            },
            "Project": {
                "Type": "AWS::CodeBuild::Project",
                "Properties": {
                    "Name": name,
                    "ServiceRole": role,
                    "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2\nphases: {}"},
                    "Artifacts": {"Type": "NO_ARTIFACTS"},
                    "Environment": {
                        "Type": "LINUX_CONTAINER",
                        "ComputeType": "BUILD_GENERAL1_SMALL",
                        "Image": "aws/codebuild/standard:7.0",
                        "EnvironmentVariables": [{"Name": "A", "Value": {"Ref": "Repository"}}],
                    },
                },
            },
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": name,
                    "RoleArn": role,
                    "DefinitionString": json.dumps(PASS),
                    "DefinitionSubstitutions": {"Word": {"Ref": "Word"}},
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "Name": name,
                    "EventPattern": {"source": ["aws.s3"]},
                    "Targets": [{"Id": "machine", "Arn": {"Ref": "Machine"}, "RoleArn": role}],
                },
            },
        },
        "Outputs": {
            "Uri": {"Value": {"Fn::GetAtt": ["Repository", "RepositoryUri"]}},
            "Machine": {"Value": {"Ref": "Machine"}, "Export": {"Name": f"{name}-machine"}},
        },
    }


def test_all_of_a_stack_is_there_and_is_listed(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    stack = stacks.create(everything(name), StackName=name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.reasons(name)

    resources = stacks.client.describe_stack_resources(StackName=name)["StackResources"]
    found = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    assert set(found) == set(everything(name)["Resources"])
    assert {each["ResourceStatus"] for each in resources} == {"CREATE_COMPLETE"}
    machine = found["Machine"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs["Machine"] == machine
    assert outputs["Uri"].endswith(f"/{name}")

    states = client("stepfunctions")
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    assert json.loads(definition)["States"]["Done"]["Result"] == "hello"
    assert client("codebuild").batch_get_projects(names=[name])["projects"][0]["environment"][
        "environmentVariables"
    ] == [{"name": "A", "value": name}]
    versioning = client("s3").get_bucket_versioning(Bucket=f"{name}-bucket")
    assert versioning["Status"] == "Enabled"
    assert client("events").list_targets_by_rule(Rule=name)["Targets"][0]["Arn"] == machine
    stacks.client.detect_stack_drift(StackName=name)
    drifts = stacks.client.describe_stack_resource_drifts(StackName=name)["StackResourceDrifts"]
    assert {each["StackResourceDriftStatus"] for each in drifts} <= {"IN_SYNC", "NOT_CHECKED"}
    answer = client("lambda").invoke(FunctionName=name)
    assert json.loads(answer["Payload"].read()) == "hello"

    own = {"Key": "aws:cloudformation:stack-name", "Value": name}
    assert own in client("s3").get_bucket_tagging(Bucket=f"{name}-bucket")["TagSet"]
    assert own in client("iam").list_role_tags(RoleName=name)["Tags"]
    tags = states.list_tags_for_resource(resourceArn=machine)["tags"]
    assert {tag["key"]: tag["value"] for tag in tags}["aws:cloudformation:logical-id"] == "Machine"

    assert stacks.delete(name)["StackStatus"] == "DELETE_COMPLETE"
    assert client("codebuild").batch_get_projects(names=[name])["projects"] == []
    assert not [each for each in client("iam").list_roles()["Roles"] if each["RoleName"] == name]


def test_other_types_of_the_table(stacks: Stacks, client: Clients) -> None:
    name = stacks.name()
    client("ssm").put_parameter(Name=f"/{name}/days", Value="3", Type="String")
    client("secretsmanager").create_secret(
        Name=f"{name}-secret", SecretString=json.dumps({"word": "hush"})
    )
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
    body = {
        "Parameters": {
            "Days": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/{name}/days"}
        },
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": TRUST},
            },
            "Managed": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document, "Roles": [{"Ref": "Role"}]},
            },
            "Inline": {
                "Type": "AWS::IAM::Policy",
                "Properties": {
                    "PolicyName": "own",
                    "PolicyDocument": document,
                    "Roles": [{"Ref": "Role"}],
                },
            },
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": name, "VisibilityTimeout": 5},
            },
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": f"/{name}/made",
                    "Type": "String",
                    "Value": {
                        "Fn::Sub": "${Topic.TopicName} ${Queue.Arn} "
                        f"{{{{resolve:secretsmanager:{name}-secret:SecretString:word}}}}"
                    },
                },
            },
            "Group": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"LogGroupName": name, "RetentionInDays": {"Ref": "Days"}},
            },
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        },
    }
    stack = stacks.create(body, StackName=name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.reasons(name)
    made = client("ssm").get_parameter(Name=f"/{name}/made")["Parameter"]["Value"]
    assert made == f"{name} arn:aws:sqs:us-east-1:123456789012:{name} hush"
    events = stacks.client.describe_stack_events(StackName=name)["StackEvents"]
    assert not [event for event in events if "hush" in event.get("ResourceProperties", "")]
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert groups[0]["retentionInDays"] == 3
    resources = stacks.client.describe_stack_resources(StackName=name)["StackResources"]
    role = next(each for each in resources if each["LogicalResourceId"] == "Role")
    assert role["PhysicalResourceId"].startswith(f"{name}-Role-")
    held = client("iam").list_role_policies(RoleName=role["PhysicalResourceId"])
    assert held["PolicyNames"] == ["own"]
    stack = stacks.delete(name)
    assert stack["StackStatus"] == "DELETE_COMPLETE", stacks.reasons(stack["StackId"])


def test_a_waiter_is_answered_when_the_stack_is_done(stacks: Stacks) -> None:
    """It would sleep for half a minute otherwise."""
    name = stacks.name()
    body = {"Resources": {"A": {"Type": "AWS::Logs::LogGroup"}}}
    stacks.client.create_stack(StackName=name, TemplateBody=json.dumps(body))
    waiter = stacks.client.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"MaxAttempts": 1})
    assert not is_waiter("Boto3/1 m/Z,b cfg/x")
    assert not is_waiter("curl/8")
