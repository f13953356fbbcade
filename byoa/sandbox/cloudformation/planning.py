"""What a template means for a stack: which resources, in which order, with which properties."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.cloudformation import parameters
from byoa.sandbox.cloudformation.functions import NO_VALUE, Scope
from byoa.sandbox.cloudformation.kinds import Aws, ResourceError, kind_of
from byoa.sandbox.cloudformation.order import order
from byoa.sandbox.cloudformation.stack import Resource, Stack, Wanted
from byoa.sandbox.cloudformation.template import Template, invalid

LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Surroundings:
    """What a stack's engine works with."""

    aws: Aws
    imports: Callable[[str], str]  #: the value of another stack's export


def scope_of(
    stack: Stack,
    wanted: Wanted,
    around: Surroundings,
    reference: Callable[[str], Any],
    attribute: Callable[[str, str], Any],
) -> Scope:
    def ssm(name: str) -> str:
        found = around.aws.client("ssm").get_parameter(Name=name)
        return str(found["Parameter"]["Value"])

    pseudo = {
        "AWS::AccountId": around.aws.account,
        "AWS::Region": around.aws.region,
        "AWS::StackName": stack.name,
        "AWS::StackId": stack.id,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::NotificationARNs": [],
    }
    typed = parameters.typed(wanted.template, wanted.parameters, ssm)
    return Scope(typed, pseudo, wanted.template, around.imports, reference, attribute)


def chosen(template: Template, scope: Scope) -> list[str]:
    """The resources whose condition holds, in the order in which they can be made."""
    resources = template["Resources"]
    names = order(template, resources)
    return [
        name
        for name in names
        if "Condition" not in resources[name] or scope.condition(resources[name]["Condition"])
    ]


def stack_scope(stack: Stack, wanted: Wanted, around: Surroundings) -> Scope:
    """Names stand for what the stack has made by now."""

    def reference(logical: str) -> str:
        if logical not in stack.resources:
            raise ResourceError(f"Unresolved resource dependencies [{logical}]")
        return stack.resources[logical].identity

    def attribute(logical: str, name: str) -> Any:
        return attribute_of(stack, around.aws, logical, name)

    return scope_of(stack, wanted, around, reference, attribute)


def attribute_of(stack: Stack, aws: Aws, logical: str, name: str) -> Any:
    if logical not in stack.resources:
        raise ResourceError(f"Unresolved resource dependencies [{logical}]")
    resource = stack.resources[logical]
    if not resource.attributes:
        kind = kind_of(resource.type)
        assert kind is not None
        found = kind.attributes(aws, resource.identity, resource.properties)
        resource.attributes = dict(found)
    if name in resource.attributes:
        return resource.attributes[name]
    if name in resource.properties and name not in {"Tags"}:
        raise invalid(no_attribute(resource, name))
    raise invalid(no_attribute(resource, name))


def no_attribute(resource: Resource, name: str) -> str:
    return (
        f"Template error: resource {resource.logical} does not support attribute type {name} "
        "in Fn::GetAtt"
    )


def outputs(wanted: Wanted, scope: Scope) -> list[dict[str, str]]:
    made = []
    for name, output in wanted.template.get("Outputs", {}).items():
        if "Condition" in output and not scope.condition(output["Condition"]):
            continue
        value = scope.resolve(output.get("Value"))
        if value is NO_VALUE or value is None:
            raise ServiceError("ValidationError", f"Output {name} has no value")
        shown = {"OutputKey": name, "OutputValue": parameters.as_text(value)}
        if "Description" in output:
            shown["Description"] = output["Description"]
        if "Export" in output:
            shown["ExportName"] = str(scope.resolve(output["Export"]["Name"]))
        made.append(shown)
    return made
