"""A template as data: YAML with CloudFormation's tags or JSON, and what its sections must be.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from byoa.plan.errors import ServiceError

MOST_BYTES = {"body": 51_200, "url": 1_048_576}
SECTIONS = frozenset({
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings",
    "Conditions", "Transform", "Resources", "Outputs", "Hooks",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "UpdateReplacePolicy",
    "UpdatePolicy", "CreationPolicy", "Metadata",
})  # fmt: skip
POLICIES = {"Delete", "Retain", "Snapshot", "RetainExceptOnCreate"}
MOST_RESOURCES = 500
#: Of these CloudFormation wants to be told that one knows; the second when they carry a name.
IAM = frozenset({
    "AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy", "AWS::IAM::InstanceProfile", "AWS::IAM::AccessKey",
    "AWS::IAM::UserToGroupAddition", "AWS::IAM::RolePolicy",
})  # fmt: skip
NAMES = {"RoleName", "UserName", "GroupName", "ManagedPolicyName", "InstanceProfileName"}
Template = Mapping[str, Any]


def invalid(text: str, operation: str = "") -> ServiceError:
    return ServiceError("ValidationError", text, operation)


def parse(text: str) -> dict[str, Any]:
    """The template, with its short forms (!Ref …) written out; checked in form."""
    found = parse_json(text) if text.lstrip().startswith("{") else parse_yaml(text)
    if not isinstance(found, dict):
        raise invalid("Template format error: unsupported structure.")
    check(found)
    return found


def parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"Template format error: JSON not well-formed. ({error})") from None


def parse_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, loader())
    except (yaml.YAMLError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        place = f" (line {where.line + 1}, column {where.column + 1})" if where else ""
        raise invalid(f"Template format error: YAML not well-formed.{place}") from None


def loader() -> Any:
    """yaml's SafeLoader; dates stay text, keys come once, and tags are functions."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            """CloudFormation has no aliases, so a few lines cannot grow into gigabytes."""
            if self.check_event(yaml.AliasEvent):
                raise yaml.composer.ComposerError(None, None, "an alias", None)
            return super().compose_node(parent, index)

    Loader.yaml_implicit_resolvers = {
        first: [item for item in found if item[0] != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def mapping(load: Any, node: Any) -> dict[Hashable, Any]:
        load.flatten_mapping(node)
        keys = [load.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"{twice} twice", node.start_mark)
        made: dict[Hashable, Any] = load.construct_mapping(node, deep=True)
        return made

    def tagged(load: Any, suffix: str, node: Any) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode):
            value = load.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = load.construct_sequence(node, deep=True)
        else:
            value = load.construct_mapping(node, deep=True)
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_multi_constructor("!", tagged)
    return Loader


def check(template: Template) -> None:
    """The form of the sections; what is inside resources is checked by their schemas."""
    unknown = sorted(str(key) for key in set(template) - SECTIONS)
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    if template.get("AWSTemplateFormatVersion", "2010-09-09") != "2010-09-09":
        raise invalid("Template format error: unsupported value for AWSTemplateFormatVersion.")
    for section in ("Transform", "Rules", "Hooks"):
        if template.get(section):
            raise invalid(f"A template's {section} is not carried out in the sandbox")
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    if len(resources) > MOST_RESOURCES:
        raise invalid(f"Template format error: Number of resources, {len(resources)}, is greater")
    for problem in problems(resources):
        raise invalid(f"Template format error: {problem}")
    for section in ("Parameters", "Mappings", "Conditions", "Outputs"):
        if not isinstance(template.get(section, {}), dict):
            raise invalid(f"Template format error: [/{section}] must be an object")
    for name, declaration in template.get("Parameters", {}).items():
        if not well_declared(declaration):
            raise invalid(f"Template format error: Parameter {name} is not well declared")


def well_declared(declaration: Any) -> bool:
    """A parameter's declaration has values of the right kinds."""
    if not isinstance(declaration, dict) or not isinstance(declaration.get("Type"), str):
        return False
    try:
        re.compile(declaration.get("AllowedPattern", ""))
        for key in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
            float(declaration.get(key, 0))
    except (re.error, TypeError, ValueError):
        return False
    return isinstance(declaration.get("AllowedValues", []), list)


def problems(resources: Mapping[str, Any]) -> Iterator[str]:
    for name, resource in resources.items():
        if not isinstance(name, str) or not name.isalnum() or not name.isascii():
            yield f"Resource name {name} is non alphanumeric."
        elif not isinstance(resource, dict):
            yield f"[/Resources/{name}] resource definition is malformed"
        elif not isinstance(resource.get("Type"), str):
            yield f"[/Resources/{name}] Every Resources object must contain a Type member."
        elif set(resource) - ATTRIBUTES:
            extra = sorted(str(key) for key in set(resource) - ATTRIBUTES)
            yield f"Invalid template resource property '{extra[0]}'"
        elif set(resource) & {"CreationPolicy", "UpdatePolicy"}:
            yield f"CreationPolicy and UpdatePolicy of {name} are not carried out in the sandbox"
        elif not isinstance(resource.get("Properties", {}), dict):
            yield f"[/Resources/{name}/Properties] must be an object"
        else:
            for key in ("DeletionPolicy", "UpdateReplacePolicy"):
                if str(resource.get(key, "Delete")) not in POLICIES:
                    yield f"Unrecognized {key} {resource[key]} for resource {name}"


def capabilities(template: Template) -> list[str]:
    """What its sender has to acknowledge."""
    found = [each for each in template["Resources"].values() if each["Type"] in IAM]
    named = any(NAMES & set(each.get("Properties", {})) for each in found)
    return ["CAPABILITY_NAMED_IAM"] if named else ["CAPABILITY_IAM"] if found else []


def check_capabilities(template: Template, given: list[str], operation: str) -> None:
    for needed in capabilities(template):
        enough = {needed, "CAPABILITY_NAMED_IAM"}
        if not enough & set(given):
            raise ServiceError(
                "InsufficientCapabilitiesException",
                f"Requires capabilities : [{needed}]",
                operation,
            )
