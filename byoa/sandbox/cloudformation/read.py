"""What can be asked of a template or of exports without changing anything."""

from __future__ import annotations

from typing import Any

from byoa.sandbox.cloudformation import change_sets, order, parameters
from byoa.sandbox.cloudformation import template as templates
from byoa.sandbox.cloudformation.asking import text_of
from byoa.sandbox.cloudformation.stacks import Request, Stacks
from byoa.sandbox.cloudformation.template import invalid


def template(stacks: Stacks, request: Request) -> dict[str, Any]:
    """The text as it was sent; of a change set what it would bring."""
    stack = stacks.get(request.get("StackName", ""), "GetTemplate")
    wanted = stack.wanted
    if request.get("ChangeSetName"):
        wanted = change_sets.find(stacks, request, "GetTemplate").wanted
    return {"TemplateBody": wanted.text, "StagesAvailable": ["Original", "Processed"]}


def declared(found: templates.Template) -> list[dict[str, Any]]:
    shown = []
    for name, declaration in found.get("Parameters", {}).items():
        entry = {
            "ParameterKey": name,
            "DefaultValue": declaration.get("Default"),
            "NoEcho": parameters.hidden(declaration),
            "Description": declaration.get("Description"),
        }
        if entry["DefaultValue"] is not None:
            entry["DefaultValue"] = parameters.as_text(entry["DefaultValue"])
        shown.append({key: value for key, value in entry.items() if value is not None})
    return shown


def needs(found: templates.Template) -> dict[str, Any]:
    capabilities = templates.capabilities(found)
    reason = f"The following resource(s) require capabilities: [{', '.join(iam(found))}]"
    return {
        "Description": found.get("Description", ""),
        "Capabilities": capabilities,
        **({"CapabilitiesReason": reason} if capabilities else {}),
    }


def iam(found: templates.Template) -> list[str]:
    types = {resource["Type"] for resource in found["Resources"].values()}
    return sorted(types & templates.IAM)


def validate(stacks: Stacks, request: Request) -> dict[str, Any]:
    """Its form and its references; properties are checked when resources are made, as on AWS."""
    found = templates.parse(text_of(request, None, "ValidateTemplate", stacks.around.aws))
    order.check_types(found)
    order.check_references(found)
    return {"Parameters": declared(found), **needs(found)}


def summary(stacks: Stacks, request: Request) -> dict[str, Any]:
    if request.get("StackName"):
        found = stacks.get(request["StackName"], "GetTemplateSummary").wanted.template
    else:
        found = templates.parse(text_of(request, None, "GetTemplateSummary", stacks.around.aws))
    types = sorted({resource["Type"] for resource in found["Resources"].values()})
    shown = [
        {**entry, "ParameterType": found["Parameters"][entry["ParameterKey"]].get("Type", "String")}
        for entry in declared(found)
    ]
    return {"Parameters": shown, "ResourceTypes": types, **needs(found)}


def exports(stacks: Stacks, request: Request) -> dict[str, Any]:
    found = stacks.exports().items()
    return {
        "Exports": [
            {"ExportingStackId": stack.id, "Name": name, "Value": value}
            for name, (stack, value) in found
        ]
    }


def imports(stacks: Stacks, request: Request) -> dict[str, Any]:
    name = request["ExportName"]
    found = stacks.importers(name)
    if not found:
        raise invalid(f"Export '{name}' is not imported by any stack.", "ListImports")
    return {"Imports": found}


def protect(stacks: Stacks, request: Request) -> dict[str, Any]:
    stack = stacks.get(request["StackName"], "UpdateTerminationProtection")
    stack.protected = bool(request["EnableTerminationProtection"])
    return {"StackId": stack.id}
