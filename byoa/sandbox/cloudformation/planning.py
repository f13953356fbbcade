"""What a template means for a stack: which resources, in which order, with which properties."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.cloudformation import parameters, schemas
from byoa.sandbox.cloudformation.functions import NO_VALUE, Scope, needs
from byoa.sandbox.cloudformation.kinds import Aws, Kind, kind_of
from byoa.sandbox.cloudformation.stack import Resource, Stack, Wanted
from byoa.sandbox.cloudformation.template import Template, invalid

LETTERS = string.ascii_letters + string.digits


class ResourceError(Exception):
    """A resource cannot be made as the template has it."""


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


def check_types(template: Template) -> None:
    """Types that AWS has not, or that the sandbox cannot make, before anything is made."""
    types = sorted({resource["Type"] for resource in template["Resources"].values()})
    ours_to_make = [name for name in types if not name.startswith("Custom::")]
    unknown = [name for name in ours_to_make if schemas.schema(name) is None]
    if unknown:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    other = [name for name in types if kind_of(name) is None]
    if other:
        raise invalid(f"The sandbox does not make resources of type {', '.join(other)}")


def check_references(template: Template) -> None:
    """Every name in Resources, Outputs and DependsOn is one of the template's."""
    resources = template["Resources"]
    known = {*resources, *template.get("Parameters", {})}
    for block, value in (("Resources", resources), ("Outputs", template.get("Outputs", {}))):
        missing = {name for name in needs(value) if not name.startswith("AWS::")} - known
        if missing:
            names = ", ".join(sorted(missing))
            raise invalid(
                f"Template format error: Unresolved resource dependencies [{names}] in the "
                f"{block} block of the template"
            )
    for resource in resources.values():
        for name in depends_on(resource):
            if name not in resources:
                raise invalid(
                    f"Template format error: Unresolved resource dependencies [{name}] in the "
                    "Resources block of the template"
                )
    order(template, list(resources))


def depends_on(resource: Mapping[str, Any]) -> list[str]:
    given = resource.get("DependsOn", [])
    return [given] if isinstance(given, str) else list(given)


def order(template: Template, names: Iterable[str]) -> list[str]:
    """Each after all that it needs; a circle is refused."""
    resources = template["Resources"]
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = ", ".join(sorted(path[path.index(name) :]))
            raise invalid(f"Circular dependency between resources: [{circle}]")
        if name in done or name not in resources:
            return
        needed = {*needs(resources[name].get("Properties", {})), *depends_on(resources[name])}
        for other in sorted(needed):
            visit(other, (*path, name))
        done.append(name)

    for name in names:
        visit(name, ())
    return done


def chosen(template: Template, scope: Scope) -> list[str]:
    """The resources whose condition holds, in the order in which they can be made."""
    resources = template["Resources"]
    names = order(template, resources)
    return [
        name
        for name in names
        if "Condition" not in resources[name] or scope.condition(resources[name]["Condition"])
    ]


def properties_of(
    logical: str, template: Template, scope: Scope, tags: Iterable[Mapping[str, str]]
) -> dict[str, Any]:
    """A resource's properties, resolved, in their schema's types, with the stack's tags."""
    definition = template["Resources"][logical]
    known = schemas.schema(definition["Type"]) or {}
    resolved = scope.resolve(definition.get("Properties", {}))
    made: dict[str, Any] = schemas.coerced(resolved, known, known)
    own = made.get("Tags", [])
    if isinstance(own, list) and takes_tags(known):
        named = {tag.get("Key") for tag in own}
        added = [dict(tag) for tag in tags if tag["Key"] not in named]
        if own or added:
            made["Tags"] = [*own, *added]
    return made


def with_own_tags(
    kind: Kind, resource_type: str, properties: Mapping[str, Any], stack: Stack, logical: str
) -> dict[str, Any]:
    """The properties with the tags that CloudFormation puts on all it makes: whose it is."""
    made = dict(properties)
    known = schemas.schema(resource_type) or {}
    if kind.tagged and "Tags" in kind.takes and takes_tags(known):
        words = {"stack-name": stack.name, "stack-id": stack.id, "logical-id": logical}
        own = [{"Key": f"aws:cloudformation:{key}", "Value": word} for key, word in words.items()]
        made["Tags"] = [*made.get("Tags", []), *own]
    return made


def takes_tags(known: schemas.Schema) -> bool:
    """Tags are a list of Key and Value: a few types have a map, or none."""
    tags = schemas.followed(known.get("properties", {}).get("Tags", {}), known)
    return tags.get("type") == "array"


def check_properties(kind: str, properties: Mapping[str, Any], logical: str) -> None:
    found = list(schemas.problems(properties, schemas.schema(kind) or {}))
    made = kind_of(kind)
    if made is not None and not found:
        found = [
            f"#: {name} is not carried out in the sandbox"
            for name in sorted(properties.keys() - made.takes)
        ]
    if found:
        raise ResourceError(
            f"Properties validation failed for resource {logical} with message:\n"
            + "\n".join(found)
        )


def name_of(kind: Kind, properties: Mapping[str, Any], stack: Stack, logical: str) -> str:
    """The name that the template gives, or one that is made up as CloudFormation does."""
    if kind.name and properties.get(kind.name):
        return str(properties[kind.name])
    word = "".join(random.choices(LETTERS, k=12))
    room = kind.longest - len(word) - 1
    prefix = f"{stack.name}-{logical}"[:room].rstrip("-")
    name = f"{prefix}-{word}"
    return name.lower() if kind.lower else name


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
