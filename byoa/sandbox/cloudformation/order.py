"""What is in a template: known types, names that are there, each resource after what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from byoa.sandbox.cloudformation import schemas
from byoa.sandbox.cloudformation.kinds import kind_of
from byoa.sandbox.cloudformation.references import needs
from byoa.sandbox.cloudformation.template import Template, invalid


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
