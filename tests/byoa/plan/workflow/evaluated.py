"""What the sandbox's interpreter makes of a value of the run, in both languages."""

from __future__ import annotations

from typing import Any

from byoa.plan.workflow.expressions import JSONATA, JSONPATH
from byoa.plan.workflow.resolve import resolve
from byoa.sandbox.stepfunctions import choice
from byoa.sandbox.stepfunctions.scope import Scope, Variables

CONTEXT = {"Execution": {"Name": "run-1", "Input": {"name": "n"}}, "State": {"Name": "here"}}


def scope(given: Any, language: str, state: dict[str, Any] | None = None) -> Scope:
    variables = Variables({"best": {"loss": 0.5}})
    return Scope(state or {}, given, CONTEXT, variables, language == JSONATA)


def value_of(value: Any, given: Any, language: str) -> Any:
    """What `value` is where the state's input is `given`."""
    made = resolve({"v": value}, language)
    there = scope(given, language)
    filled = there.fill(made, "v") if language == JSONATA else there.template(made, given)
    return filled["v"]


def both(value: Any, given: Any = None) -> Any:
    """What `value` is, which must be the same in both languages."""
    path, expression = (value_of(value, given, one) for one in (JSONPATH, JSONATA))
    assert path == expression, (resolve({"v": value}), resolve({"v": value}, JSONATA))
    return path


def holds(rule: Any, given: Any, language: str) -> bool:
    """Whether a rule of a Choice holds."""
    made = rule.to_dict(language)
    there = scope(given, language)
    return choice.condition(made, there) if language == JSONATA else choice.holds(made, there)
