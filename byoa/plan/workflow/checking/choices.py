"""Choice rules: one comparison each, of the right kind of value, or And, Or, Not of such.

https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking import jsonata, templates
from byoa.plan.workflow.checking.fields import shown, unknown
from byoa.plan.workflow.checking.paths import path_problem
from byoa.plan.workflow.walk import JSONATA, Place

ORDER = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
NUMBER: tuple[type, ...] = (int, float)
VALUES: dict[str, tuple[str, tuple[type, ...]]] = {
    **{f"String{one}": ("text", (str,)) for one in ORDER},
    **{f"Numeric{one}": ("a number", NUMBER) for one in ORDER},
    **{f"Timestamp{one}": ("a time such as 2026-01-31T12:00:00Z", (str,)) for one in ORDER},
    "BooleanEquals": ("true or false", (bool,)),
}
PATHS = {f"{one}Path" for one in VALUES}
IS = {f"Is{one}" for one in ("Boolean", "Null", "Numeric", "Present", "String", "Timestamp")}
OPERATORS = {*VALUES, *PATHS, *IS, "StringMatches"}
BOOLEAN = ("And", "Or", "Not")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def state_problems(place: Place) -> Iterator[str]:
    if place.kind != "Choice" or "Choices" not in place.state:
        return
    rules = place.state["Choices"]
    if not isinstance(rules, list) or not rules:
        yield f"Choices is {shown(rules)}, but it must be a list of one rule or more"
        return
    for number, rule in enumerate(rules):
        here = f"Choices[{number}]"
        if not isinstance(rule, Mapping):
            yield f"{here} is {shown(rule)}, but it must be an object with Next"
            continue
        if not isinstance(rule.get("Next"), str):
            yield f"{here} has no Next - name the state that the rule leads to"
        body = {key: item for key, item in rule.items() if key not in ("Next", "Comment")}
        yield from _jsonata(here, body) if place.language == JSONATA else _jsonpath(here, body)


def _jsonata(here: str, rule: Mapping[str, Any]) -> Iterator[str]:
    yield from unknown(rule, ("Condition", "Assign", "Output", "Next", "Comment"), here)
    condition = rule.get("Condition")
    if isinstance(condition, str):
        yield from jsonata.whole_expression(f"{here}.Condition", condition)
    elif not isinstance(condition, bool):
        yield f"{here}.Condition is {shown(condition)} - write '{{% … %}}' that is true or false"
    for key in ("Assign", "Output"):
        yield from jsonata.strings(f"{here}.{key}", rule.get(key))


def _jsonpath(here: str, rule: Mapping[str, Any]) -> Iterator[str]:
    yield from templates.problems(f"{here}.Assign", rule.get("Assign"))
    yield from comparison(here, {key: rule[key] for key in rule if key != "Assign"})


def comparison(here: str, rule: Any) -> Iterator[str]:
    """A rule without its Next: a comparison, or And, Or, Not."""
    if not isinstance(rule, Mapping):
        yield f"{here} is {shown(rule)}, but it must be an object"
        return
    if "Next" in rule:
        yield f"{here}.Next: only the outermost rule leads anywhere - drop it"
    yield from unknown(rule, [*OPERATORS, *BOOLEAN, "Variable", "Next", "Comment"], here)
    found = [key for key in rule if key in OPERATORS or key in BOOLEAN]
    if len(found) != 1:
        what = " and ".join(found) or "none"
        yield f"{here} must have one comparison, but has {what} - join several with And"
        return
    operator, value = found[0], rule[found[0]]
    if operator in BOOLEAN:
        yield from joined(here, operator, value, "Variable" in rule)
        return
    variable = rule.get("Variable")
    if not isinstance(variable, str):
        yield f"{here} has no Variable - name the path to compare, such as $.name"
    elif why := path_problem(variable):
        yield f"{here}.Variable is {shown(variable)}: {why}"
    yield from compared(f"{here}.{operator}", operator, value)


def joined(here: str, operator: str, value: Any, variable: bool) -> Iterator[str]:
    if variable:
        yield f"{here} has Variable beside {operator} - the rules within have their own"
    if operator == "Not":
        yield from comparison(f"{here}.Not", value)
    elif not isinstance(value, list) or not value:
        yield f"{here}.{operator} is {shown(value)}, but it must be a list of rules"
    else:
        for number, one in enumerate(value):
            yield from comparison(f"{here}.{operator}[{number}]", one)


def compared(here: str, operator: str, value: Any) -> Iterator[str]:
    """What stands on the other side of a comparison."""
    words, types = VALUES.get(operator, ("text", (str,)))
    if operator in IS:
        words, types = "true or false", (bool,)
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        yield f"{here} is {shown(value)}, but it must be {words} - write one"
    elif operator in PATHS:
        if why := path_problem(str(value)):
            yield f"{here} is {shown(value)}: {why}"
    elif operator.startswith("Timestamp") and not TIME.fullmatch(str(value)):
        yield f"{here} is {shown(value)}, but it must be {words} - write it so"


def nearest(word: str) -> str:
    """The comparison that a word resembles."""
    return next(iter(difflib.get_close_matches(word, OPERATORS, n=1, cutoff=0.6)), "")
