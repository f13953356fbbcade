"""infrastructure/template.yml with its intrinsic functions worked out, as CloudFormation would."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infrastructure/template.yml"
ACCOUNT, REGION, PARTITION = "123456789012", "us-east-1", "aws"
PSEUDO = {
    "AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": PARTITION,
    "AWS::StackName": "byoa-cells",
}  # fmt: skip
NOTHING = object()
KEYS = ("BuildImage", "IngestData", "PreprocessData", "TrainModel", "Definition")
GIVEN = {"Project": "cells", "Name": "byoa-cells", "CodeBucket": "code"} | {
    f"{name}Key": f"cells/{name}" for name in KEYS
}
#: What Fn::GetAtt gives, by type and attribute; {} is the resource's name.
ATTRIBUTES = {
    "AWS::S3::Bucket.Arn": "arn:aws:s3:::{}",
    "AWS::ECR::Repository.Arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{{}}",
    "AWS::ECR::Repository.RepositoryUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{{}}",
    "AWS::IAM::Role.Arn": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::Logs::LogGroup.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::Lambda::Function.Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::CodeBuild::Project.Arn": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/{{}}",
}
NAMES = (
    "BucketName", "RepositoryName", "RoleName", "LogGroupName", "FunctionName",
    "StateMachineName", "Name",
)  # fmt: skip


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def short_form(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", short_form)


def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader)
    return loaded


class Resolved:
    """The template for one set of parameters."""

    def __init__(self, **given: str) -> None:
        self.document = document()
        defaults = {
            name: str(one["Default"])
            for name, one in self.document["Parameters"].items()
            if "Default" in one
        }
        self.parameters = {**defaults, **GIVEN, **given}
        self.conditions = {
            name: bool(self.value(one)) for name, one in self.document["Conditions"].items()
        }
        self.resources = {
            name: self.value(one)
            for name, one in self.document["Resources"].items()
            if self.conditions.get(one.get("Condition", ""), True)
        }

    def value(self, part: Any) -> Any:
        if isinstance(part, list):
            items = [self.value(one) for one in part]
            return [one for one in items if one is not NOTHING]
        if not isinstance(part, Mapping):
            return part
        if len(part) == 1 and (key := next(iter(part))) in FUNCTIONS:
            return FUNCTIONS[key](self, part[key])
        found = {key: self.value(one) for key, one in part.items()}
        return {key: one for key, one in found.items() if one is not NOTHING}

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            text = self.parameters[name]
            if self.document["Parameters"][name]["Type"] == "CommaDelimitedList":
                return text.split(",")
            return text
        if self.document["Resources"][name]["Type"] == "AWS::StepFunctions::StateMachine":
            return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{self.name(name)}"
        return self.name(name)

    def name(self, logical: str) -> str:
        properties = self.document["Resources"][logical]["Properties"]
        return str(self.value(next(properties[key] for key in NAMES if key in properties)))

    def attribute(self, path: list[str]) -> str:
        kind = self.document["Resources"][path[0]]["Type"]
        return ATTRIBUTES[f"{kind}.{path[1]}"].format(self.name(path[0]))

    def sub(self, text: str) -> str:
        def hole(found: re.Match[str]) -> str:
            name, dot, attribute = found[1].partition(".")
            return self.attribute([name, attribute]) if dot else str(self.ref(found[1]))

        return re.sub(r"\$\{([\w:.]+)\}", hole, text)

    def choice(self, words: list[Any]) -> Any:
        return self.value(words[1 if self.conditions[words[0]] else 2])

    def policy(self, role: str) -> dict[str, Any]:
        """A role's own policy."""
        (one,) = self.resources[role]["Properties"]["Policies"]
        found: dict[str, Any] = one["PolicyDocument"]
        return found

    def of_type(self, kind: str) -> dict[str, Any]:
        return {
            name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind
        }


FUNCTIONS: dict[str, Any] = {
    "Ref": Resolved.ref,
    "Fn::GetAtt": Resolved.attribute,
    "Fn::Sub": Resolved.sub,
    "Fn::If": Resolved.choice,
    "Fn::Join": lambda self, words: words[0].join(self.value(words[1])),
    "Fn::Equals": lambda self, words: self.value(words[0]) == self.value(words[1]),
    "Fn::Not": lambda self, words: not self.value(words[0]),
}
