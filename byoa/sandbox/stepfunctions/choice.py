"""Choice: the comparisons of JSONPath's rules, and JSONata's Condition.

https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from byoa.sandbox.stepfunctions import jsonata
from byoa.sandbox.stepfunctions.errors import StateError, runtime
from byoa.sandbox.stepfunctions.scope import Scope

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}
#: What a comparison reads its two sides as; None when a side is not of the kind.
KINDS: dict[str, Callable[[Any], Any]] = {
    "String": lambda value: value if isinstance(value, str) else None,
    "Numeric": lambda value: value if is_number(value) else None,
    "Boolean": lambda value: value if isinstance(value, bool) else None,
    "Timestamp": lambda value: moment(value),  # noqa: PLW0108  defined below
}
IS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsString": lambda value: isinstance(value, str),
    "IsNumeric": lambda value: is_number(value),  # noqa: PLW0108
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: moment(value) is not None,
}
WORDS = re.compile(
    rf"({'|'.join(KINDS)})({'|'.join(sorted(COMPARE, key=len, reverse=True))})(Path)?"
)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def moment(value: Any) -> datetime.datetime | None:
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        return None
    try:
        # Python 3.10 reads three or six digits of a second, no other number of them
        whole = re.sub(r"\.(\d+)", lambda match: "." + match[1][:6].ljust(6, "0"), value)
        return datetime.datetime.fromisoformat(whole.replace("Z", "+00:00"))
    except ValueError:
        return None


def chosen(scope: Scope) -> tuple[Mapping[str, Any] | None, str]:
    """The first rule that holds (None for Default) and the state to go to."""
    for rule in scope.state["Choices"]:
        if condition(rule, scope) if scope.jsonata else holds(rule, scope):
            return rule, rule["Next"]
    if "Default" not in scope.state:
        name = scope.context["State"]["Name"]
        cause = f"No choice rule of state {name} holds, and it has no Default."
        raise StateError("States.NoChoiceMatched", cause)
    return None, scope.state["Default"]


def condition(rule: Mapping[str, Any], scope: Scope) -> bool:
    said = scope.fill(rule["Condition"], "Condition")
    if not isinstance(said, bool):
        raise jsonata.error(f"The Condition {rule['Condition']!r} gave {said!r}, no boolean.")
    return said


def holds(rule: Mapping[str, Any], scope: Scope) -> bool:
    if "Not" in rule:
        return not holds(rule["Not"], scope)
    if "And" in rule:
        return all(holds(inner, scope) for inner in rule["And"])
    if "Or" in rule:
        return any(holds(inner, scope) for inner in rule["Or"])
    if "IsPresent" in rule:
        return bool(is_present(rule["Variable"], scope) == rule["IsPresent"])
    word = next(name for name in rule if name in IS or name == "StringMatches" or WORDS.match(name))
    value = read(rule["Variable"], scope)
    if word in IS:
        return bool(IS[word](value) == rule[word])
    if word == "StringMatches":
        return isinstance(value, str) and wildcard(rule[word]).fullmatch(value) is not None
    kind, comparison, from_path = WORDS.fullmatch(word).groups()  # type: ignore[union-attr]
    other = read(rule[word], scope) if from_path else rule[word]
    left, right = KINDS[kind](value), KINDS[kind](other)
    return left is not None and right is not None and COMPARE[comparison](left, right)


def read(path: str, scope: Scope) -> Any:
    try:
        return scope.path(path, scope.effective_input(), "Variable")
    except StateError:
        raise runtime(
            f"Invalid path '{path}': The choice state's condition path references an invalid value."
        ) from None


def is_present(path: str, scope: Scope) -> bool:
    try:
        scope.path(path, scope.effective_input(), "Variable")
        return True
    except StateError:
        return False


ESCAPES = {"\\*", "\\\\"}


def wildcard(pattern: str) -> re.Pattern[str]:
    """* for anything, \\* for a star."""
    parts = re.split(r"(\\[\\*]|\*)", pattern)
    made = [".*" if part == "*" else re.escape(part[1] if part in ESCAPES else part)
            for part in parts]  # fmt: skip
    return re.compile("".join(made), re.DOTALL)
