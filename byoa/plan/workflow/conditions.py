"""A comparison of a Choice's rule, written in JSONata."""

from __future__ import annotations

import re
from typing import Any

from byoa.plan.workflow.expressions import JSONATA, at_run_time
from byoa.plan.workflow.writing import in_pattern, part

SIGNS = {
    "LessThanEquals": "<=",
    "GreaterThanEquals": ">=",
    "LessThan": "<",
    "GreaterThan": ">",
    "Equals": "=",
}
TYPES = {"IsString": "string", "IsNumeric": "number", "IsBoolean": "boolean"}
ANY, END = r"[\s\S]*", r"(?![\s\S])"  #: $ would be met before a last line's end, too
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)" + END


def compared(variable: str, operator: str, value: Any) -> str:
    """A comparison written in JSONata; where the kinds differ it is false, as in JSONPath."""
    if operator.startswith("Is"):
        tested = f"$exists({variable})" if operator == "IsPresent" else guard(operator, variable)
        return tested if value is True else f"$not({tested})"
    kind, other = operator.removesuffix("Path"), part(value, JSONATA)
    if kind == "StringMatches":
        return f"{guard('IsString', variable)} and $exists($match({variable}, /{pattern(value)}/))"
    family = re.match("[A-Z][a-z]+", kind)[0]  # type: ignore[index]
    sign = SIGNS[kind.removeprefix(family)]
    guards = [guard(f"Is{family}", variable)]
    if at_run_time(value):
        guards.append(guard(f"Is{family}", other))
    if sign == "=" and family != "Timestamp" and not at_run_time(value):
        guards = []  # nothing of another kind equals the literal
    sides = (f"$toMillis({one})" if family == "Timestamp" else one for one in (variable, other))
    return " and ".join([*guards, f" {sign} ".join(sides)])


def guard(operator: str, variable: str) -> str:
    """Whether a value is of a kind."""
    if operator == "IsNull":
        return f"{variable} = null"
    if operator == "IsTimestamp":
        return f"$type({variable}) = 'string' and $exists($match({variable}, /{TIME}/))"
    return f"$type({variable}) = '{TYPES[operator]}'"


def pattern(said: str) -> str:
    """The regular expression of StringMatches' pattern: * is anything, \\* a star."""
    pieces = re.findall(r"\\[*\\]|.", said, re.DOTALL)
    return f"^{''.join(ANY if one == '*' else in_pattern(one[-1]) for one in pieces)}{END}"
