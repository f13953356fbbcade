"""Intrinsic functions and conditions of a template, evaluated.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.cloudformation.references import HOLE
from byoa.sandbox.cloudformation.template import invalid

#: What stands for a value that only exists after the change: AWS's own words.
LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


class NoValue:
    """AWS::NoValue: what is set to it falls away."""


NO_VALUE = NoValue()


@dataclass
class Scope:
    """What names in a template stand for."""

    parameters: Mapping[str, Any]
    pseudo: Mapping[str, Any]
    template: Mapping[str, Any]
    imports: Callable[[str], str]
    #: physical id of a resource, and an attribute of one; LATER where it is not made yet
    reference: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    conditions: dict[str, bool] = field(default_factory=dict)

    def condition(self, name: str, seen: tuple[str, ...] = ()) -> bool:
        """Whether one of the template's conditions holds."""
        if name not in self.conditions:
            known = self.template.get("Conditions", {})
            if name not in known or name in seen:
                raise invalid(f"Template format error: Unresolved condition dependency {name}")
            self.conditions[name] = truth(known[name], self, (*seen, name))
        return self.conditions[name]

    def resolve(self, value: Any) -> Any:
        """A value of the template with every function in it carried out."""
        if isinstance(value, dict):
            if len(value) == 1:
                ((name, given),) = value.items()
                if name == "Ref":
                    return self.ref(given)
                if name in FUNCTIONS:
                    return self.carry_out(name, given)
                if name in TRUTHS:
                    return truth(value, self, ())
                if isinstance(name, str) and name.startswith("Fn::"):
                    raise invalid(f"Template error: {name} is not carried out in the sandbox")
            made = {key: self.resolve(item) for key, item in value.items()}
            return {key: item for key, item in made.items() if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        return value

    def carry_out(self, name: str, given: Any) -> Any:
        try:
            return FUNCTIONS[name](self, given)
        except (TypeError, AttributeError, KeyError, IndexError, ValueError):
            raise invalid(f"Template error: {name} cannot be resolved: {given}") from None

    def ref(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise invalid("Template format error: every Ref object must have a single String value")
        if name == "AWS::NoValue":
            return NO_VALUE
        for known in (self.pseudo, self.parameters):
            if name in known:
                return known[name]
        if name in self.template["Resources"]:
            return self.reference(name)
        raise invalid(
            f"Template format error: Unresolved resource dependencies [{name}] in the Resources "
            "block of the template"
        )


def wrong(name: str, form: str) -> Exception:
    return invalid(f"Template error: every {name} object requires {form}")


def get_att(scope: Scope, given: Any) -> Any:
    parts = given.split(".", 1) if isinstance(given, str) else given
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
        raise wrong("Fn::GetAtt", "two non-empty parameters, the resource name and the attribute")
    if parts[0] not in scope.template["Resources"]:
        text = f"instance of Fn::GetAtt references undefined resource {parts[0]}"
        raise invalid(f"Template error: {text}")
    return scope.attribute(parts[0], scope.resolve(parts[1]))


def substitute(scope: Scope, given: Any) -> str:
    text, own = given if isinstance(given, list) and len(given) == 2 else (given, {})
    if not isinstance(text, str) or not isinstance(own, dict):
        raise wrong("Fn::Sub", "a string, or a list of a string and a map, as its value")

    def value(match: re.Match[str]) -> str:
        literal, name = match[1], match[2].strip()
        if literal:
            return f"${{{name}}}"
        if name in own:
            return shown(scope.resolve(own[name]))
        found = get_att(scope, name) if "." in name else scope.ref(name)
        return shown(found)

    return HOLE.sub(value, text)


def shown(value: Any) -> str:
    """A value inside a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(shown, value)) if isinstance(value, list) else str(value)


def join(scope: Scope, given: Any) -> str:
    if not isinstance(given, list) or len(given) != 2:
        raise wrong("Fn::Join", "two parameters, (1) a string delimiter and (2) a list of strings")
    parts = scope.resolve(given[1])
    if not isinstance(parts, list):
        return str(parts) if parts == LATER else shown(parts)
    return str(given[0]).join(map(shown, parts))


def split(scope: Scope, given: Any) -> Any:
    if not isinstance(given, list) or len(given) != 2:
        raise wrong("Fn::Split", "two parameters, (1) a string delimiter and (2) a string")
    return shown(scope.resolve(given[1])).split(str(given[0]))


def select(scope: Scope, given: Any) -> Any:
    if not isinstance(given, list) or len(given) != 2:
        raise wrong("Fn::Select", "two parameters, an integer for the index and a list")
    items = scope.resolve(given[1])
    if items in (LATER, [LATER]):
        return LATER
    try:
        return items[int(scope.resolve(given[0]))]
    except (IndexError, ValueError, TypeError, KeyError):
        raise invalid(
            f"Template error: Fn::Select cannot select nonexistent value at index {given[0]}"
        ) from None


def choose(scope: Scope, given: Any) -> Any:
    if not isinstance(given, list) or len(given) != 3:
        raise wrong("Fn::If", "a list argument with the first element being a condition")
    return scope.resolve(given[1] if scope.condition(given[0]) else given[2])


def find_in_map(scope: Scope, given: Any) -> Any:
    if not isinstance(given, list) or len(given) not in {3, 4}:
        raise wrong("Fn::FindInMap", "three parameters, the map name and two keys")
    name, first, second = (str(scope.resolve(part)) for part in given[:3])
    try:
        return scope.resolve(scope.template.get("Mappings", {})[name][first][second])
    except (KeyError, TypeError):
        if len(given) == 4 and isinstance(given[3], dict) and "DefaultValue" in given[3]:
            return scope.resolve(given[3]["DefaultValue"])
        raise invalid(
            f"Template error: Unable to get mapping for {name}::{first}::{second}"
        ) from None


def zones(scope: Scope, given: Any) -> list[str]:
    region = scope.resolve(given) or scope.pseudo["AWS::Region"]
    return [f"{region}{letter}" for letter in "abc"]


def imported(scope: Scope, given: Any) -> Any:
    return scope.imports(shown(scope.resolve(given)))


FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Fn::GetAtt": get_att,
    "Fn::Sub": substitute,
    "Fn::Join": join,
    "Fn::Split": split,
    "Fn::Select": select,
    "Fn::If": choose,
    "Fn::FindInMap": find_in_map,
    "Fn::GetAZs": zones,
    "Fn::ImportValue": imported,
    "Fn::Base64": lambda scope, given: base64.b64encode(
        shown(scope.resolve(given)).encode()
    ).decode(),
    "Fn::Length": lambda scope, given: len(scope.resolve(given)),
    "Fn::ToJsonString": lambda scope, given: json.dumps(
        scope.resolve(given), separators=(",", ":")
    ),
}
TRUTHS = {"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"}


def truth(value: Any, scope: Scope, seen: tuple[str, ...]) -> bool:
    """A condition's own functions."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, given),) = value.items()
        if name == "Condition":
            return scope.condition(str(given), seen)
        if name == "Fn::Equals" and isinstance(given, list) and len(given) == 2:
            return shown(scope.resolve(given[0])) == shown(scope.resolve(given[1]))
        if name == "Fn::Not" and isinstance(given, list) and len(given) == 1:
            return not truth(given[0], scope, seen)
        if name in {"Fn::And", "Fn::Or"} and isinstance(given, list) and 2 <= len(given) <= 10:
            held = [truth(item, scope, seen) for item in given]
            return all(held) if name == "Fn::And" else any(held)
    raise invalid(f"Template format error: Conditions can only be boolean operations: {value}")
