"""A workflow as a CloudFormation template: its state machine, its role, its log.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from byoa.plan.iam import trust_policy
from byoa.plan.workflow.permissions import execution_policy

#: CloudFormation puts these in where the stack is made.
HERE = {
    "account": "${AWS::AccountId}",
    "region": "${AWS::Region}",
    "partition": "${AWS::Partition}",
}
HOLE = re.compile(r"\$\{(\w+)\}")
STATES = "states.amazonaws.com"


def template(
    definition: Mapping[str, Any],
    *,
    name: str,
    tags: Mapping[str, str] | None = None,
    logs: bool = True,
    tracing: bool = False,
) -> dict[str, Any]:
    """The template. `${Name}` in a definition's texts becomes a parameter of the stack."""
    policy = execution_policy(definition, **HERE, name=name, logs=logs, tracing=tracing)
    tagged = [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]
    holes = sorted(set(HOLE.findall(json.dumps(definition))))
    comment = str(definition.get("Comment", "")).splitlines()
    resources = {
        "Logs": _log_group(name, tagged),
        "Role": _role(policy, tagged),
        "StateMachine": _machine(definition, name, tagged, (logs, tracing)),
    }
    if not logs:
        del resources["Logs"]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": (comment[0] if comment and comment[0] else f"The workflow {name}")[:1024],
        **({"Parameters": {hole: {"Type": "String"} for hole in holes}} if holes else {}),
        "Resources": resources,
        "Outputs": {"StateMachineArn": {"Value": {"Ref": "StateMachine"}}},
    }


def _log_group(name: str, tags: list[dict[str, str]]) -> dict[str, Any]:
    # below vendedlogs its name takes no room in the account's one resource policy of logs
    values = {"LogGroupName": f"/aws/vendedlogs/states/{name}", "RetentionInDays": 90}
    return {"Type": "AWS::Logs::LogGroup", "Properties": values | ({"Tags": tags} if tags else {})}


def _role(policy: Mapping[str, Any], tags: list[dict[str, str]]) -> dict[str, Any]:
    values = {
        "AssumeRolePolicyDocument": substituted(trust_policy(STATES, HERE["account"])),
        "Policies": [{"PolicyName": "byoa", "PolicyDocument": substituted(policy)}],
    }
    return {"Type": "AWS::IAM::Role", "Properties": values | ({"Tags": tags} if tags else {})}


def _machine(
    definition: Mapping[str, Any],
    name: str,
    tags: list[dict[str, str]],
    asked: tuple[bool, bool],
) -> dict[str, Any]:
    logs, tracing = asked
    lines = json.dumps(definition, indent=1)
    values: dict[str, Any] = {
        "StateMachineName": name,
        "StateMachineType": "STANDARD",
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        # by lines, which can be read; and cfn-lint, whose copy of the language lacks much of what
        # AWS takes (Parameters of a Parallel, JSONata in texts), leaves them to our own check
        "DefinitionString": {"Fn::Join": ["\n", lines.splitlines()]},
    }
    if holes := sorted(set(HOLE.findall(json.dumps(definition)))):
        values["DefinitionSubstitutions"] = {hole: {"Ref": hole} for hole in holes}
    if logs:
        group = {"LogGroupArn": {"Fn::GetAtt": ["Logs", "Arn"]}}
        values["LoggingConfiguration"] = {
            "Level": "ERROR",
            "IncludeExecutionData": False,
            "Destinations": [{"CloudWatchLogsLogGroup": group}],
        }
    if tracing:
        values["TracingConfiguration"] = {"Enabled": True}
    values |= {"Tags": tags} if tags else {}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": values}


def substituted(value: Any) -> Any:
    """Texts with holes as Fn::Sub; what is no hole of ours stays as it is written."""
    if isinstance(value, Mapping):
        return {key: substituted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [substituted(item) for item in value]
    if isinstance(value, str) and "${" in value:
        return {"Fn::Sub": re.sub(r"\$\{(?!AWS::|\w+\})", "${!", value)}
    return value
