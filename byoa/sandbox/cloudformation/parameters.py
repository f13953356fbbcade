"""A stack's parameters: what was given, checked against what the template declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from byoa.sandbox.cloudformation.template import Template, invalid

Given = list[dict[str, Any]]
SSM = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


def values(
    template: Template, given: Given, before: Mapping[str, str], operation: str
) -> dict[str, str]:
    """Every declared parameter's text: given, kept, or its default."""
    declared = template.get("Parameters", {})
    said = {item["ParameterKey"]: item for item in given}
    unknown = sorted(set(said) - set(declared))
    if unknown:
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template", operation)
    found: dict[str, str] = {}
    missing = []
    for name, declaration in declared.items():
        item = said.get(name, {})
        if item.get("UsePreviousValue"):
            if name not in before:
                text = f"Invalid input for parameter key {name}. Cannot specify usePreviousValue"
                raise invalid(f"{text} as true for a parameter key not in the previous template")
            found[name] = before[name]
        elif "ParameterValue" in item:
            found[name] = item["ParameterValue"]
        elif "Default" in declaration:
            found[name] = as_text(declaration["Default"])
        else:
            missing.append(name)
            continue
        check(name, found[name], declaration, operation)
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values", operation)
    return found


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def check(name: str, text: str, declaration: Mapping[str, Any], operation: str) -> None:
    kind = declaration.get("Type", "String")
    items = text.split(",") if kind in {"CommaDelimitedList", "List<Number>"} else [text]
    constraint = declaration.get("ConstraintDescription")

    def refuse(why: str) -> None:
        if constraint:
            why = f"Parameter {name} failed to satisfy constraint: {constraint}"
        raise invalid(why, operation)

    if "Number" in kind and not all(is_number(item) for item in items):
        refuse(f"Parameter '{name}' must be a number")
    allowed = [as_text(item) for item in declaration.get("AllowedValues", [])]
    if allowed and not set(items) <= set(allowed):
        refuse(f"Parameter '{name}' must be one of AllowedValues")
    pattern = declaration.get("AllowedPattern")
    if pattern and not all(re.fullmatch(pattern, item) for item in items):
        refuse(f"Parameter '{name}' must match pattern {pattern}")
    for word, size in (("Length", float(len(text))), ("Value", number(text))):
        least = float(declaration.get(f"Min{word}", "-inf"))
        most = float(declaration.get(f"Max{word}", "inf"))
        if not least <= size <= most:
            refuse(f"Parameter '{name}' must have a {word.lower()} from {least:g} to {most:g}")


def is_number(text: str) -> bool:
    return re.fullmatch(r" *[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)? *", text) is not None


def number(text: str) -> float:
    return float(text) if is_number(text) else 0.0


def typed(
    template: Template, texts: Mapping[str, str], ssm: Callable[[str], str]
) -> dict[str, Any]:
    """What Ref of each gives: lists are lists, and SSM's names are their values."""
    made: dict[str, Any] = {}
    for name, declaration in template.get("Parameters", {}).items():
        kind, text = declaration.get("Type", "String"), texts[name]
        looked_up = SSM.fullmatch(kind)
        if looked_up is not None:
            kind, text = looked_up[1], ssm(text)
        listed = kind == "CommaDelimitedList" or kind.startswith("List<")
        made[name] = [part.strip() for part in text.split(",")] if listed else text
    return made


def shown(template: Template, texts: Mapping[str, str]) -> list[dict[str, str]]:
    """As describe_stacks shows them: NoEcho's are stars."""
    declared = template.get("Parameters", {})
    return [
        {
            "ParameterKey": name,
            "ParameterValue": "****" if hidden(declared.get(name, {})) else text,
        }
        for name, text in texts.items()
    ]


def hidden(declaration: Mapping[str, Any]) -> bool:
    return as_text(declaration.get("NoEcho", False)).lower() == "true"
