"""What a rule of a Choice is: a comparison, several of them, or a condition of JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.conditions import compared
from byoa.plan.workflow.expressions import (
    JSONATA,
    JSONPATH,
    RunTime,
    at_run_time,
    bare,
    is_jsonata,
)
from byoa.plan.workflow.resolve import path_of, resolved
from byoa.plan.workflow.writing import part, put_in, written

#: What each family of comparisons takes.
KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "String": ("text", (str,)),
    "Numeric": ("a number", (int, float)),
    "Boolean": ("True or False", (bool,)),
    "Timestamp": ("a time as text, such as 2026-01-31T12:00:00Z", (str,)),
    "Is": ("True or False", (bool,)),
}


class BaseRule:
    """A rule; with `assign`, `output` and `comment` of its own where it is a choice."""

    more: Mapping[str, Any] = {}

    def rule(self) -> dict[str, Any]:
        """The rule in JSONPath."""
        raise NotImplementedError

    def condition(self) -> str:
        """The rule as an expression of JSONata."""
        raise NotImplementedError

    def to_dict(self, query_language: str = JSONPATH) -> dict[str, Any]:
        """The rule as the definition has it."""
        if query_language == JSONATA:
            made: dict[str, Any] = {"Condition": f"{{% {self.condition()} %}}"}
        else:
            made = self.rule()
        return made | more_of(self.more, query_language)


def more_of(more: Mapping[str, Any], query_language: str) -> dict[str, Any]:
    names = {"assign": "Assign", "output": "Output", "comment": "Comment"}
    return {names[key]: resolved(value, query_language) for key, value in more.items()}


class Rule(BaseRule):
    """One comparison."""

    def __init__(self, variable: str, operator: str, value: Any) -> None:
        self.variable, self.operator, self.value = variable, operator, value
        path = isinstance(variable, str) and (at_run_time(variable) or variable.startswith("$"))
        if not path:
            raise UsageError(
                f"{operator} compares {variable!r}, which is no path - begin it with '$', or take "
                "a placeholder"
            )
        if not at_run_time(value):
            self._check()

    def _check(self) -> None:
        if self.operator.endswith("Path"):
            fits, word = isinstance(self.value, str) and self.value.startswith("$"), "a path"
        else:
            family = next(name for name in KINDS if self.operator.startswith(name))
            word, kinds = KINDS[family]
            fits = isinstance(self.value, kinds) and isinstance(self.value, bool) == (
                kinds == (bool,)
            )
        if not fits:
            raise UsageError(f"{self.operator} compares with {self.value!r} - give it {word}")

    def rule(self) -> dict[str, Any]:
        """The comparison; with a value of the run it is the …Path one."""
        variable = path_of(self.variable) if at_run_time(self.variable) else self.variable
        if not at_run_time(self.value):
            return {"Variable": variable, self.operator: self.value}
        operator = self.operator if self.operator.endswith("Path") else f"{self.operator}Path"
        return {"Variable": variable, operator: path_of(self.value)}

    def condition(self) -> str:
        """The comparison in JSONata, whose paths must be placeholders."""
        for path in (self.variable, *([self.value] if self.operator.endswith("Path") else [])):
            if not isinstance(path, RunTime):
                raise UsageError(
                    f"{self.operator} has the path {path!r}, which JSONata cannot read - take a "
                    "placeholder, or give add_choice an expression"
                )
        return compared(part(self.variable, JSONATA), self.operator, self.value)


class CompoundRule(BaseRule):
    """All of several rules, or one of them."""

    def __init__(self, operator: str, rules: Sequence[BaseRule]) -> None:
        self.operator, self.rules = operator, list(rules)
        if not self.rules or not all(isinstance(rule, BaseRule) for rule in self.rules):
            raise UsageError(f"{operator} has {rules!r} - give it a list of rules of ChoiceRule")

    def rule(self) -> dict[str, Any]:
        """And, or Or."""
        return {self.operator: [rule.rule() for rule in self.rules]}

    def condition(self) -> str:
        """and, or or."""
        return f" {self.operator.lower()} ".join(f"({rule.condition()})" for rule in self.rules)


class NotRule(BaseRule):
    """The contrary of a rule."""

    def __init__(self, rule: BaseRule) -> None:
        if not isinstance(rule, BaseRule):
            raise UsageError(f"Not has {rule!r} - give it a rule of ChoiceRule")
        self.negated = rule

    def rule(self) -> dict[str, Any]:
        """Not."""
        return {"Not": self.negated.rule()}

    def condition(self) -> str:
        """$not()."""
        return f"$not({self.negated.condition()})"


class RawRule(BaseRule):
    """A rule as it was read, with something in it that is none of the above."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        self.made = dict(made)

    def rule(self) -> dict[str, Any]:
        """The rule as it was read."""
        return self.made

    def to_dict(self, query_language: str = JSONPATH) -> dict[str, Any]:
        """The same in either language."""
        return self.made | more_of(self.more, query_language)


class Condition(BaseRule):
    """An expression of JSONata that is true or false."""

    def __init__(self, expression: str | bool) -> None:
        self.expression = expression

    def rule(self) -> dict[str, Any]:
        """There is none in JSONPath."""
        raise UsageError(
            f"the condition {self.expression!r} is JSONata's - give its Choice "
            "query_language='JSONata', or take a rule of ChoiceRule"
        )

    def to_dict(self, query_language: str = JSONPATH) -> dict[str, Any]:
        """The condition; an expression with its {% %} stays to the letter."""
        made = super().to_dict(query_language)
        plain = isinstance(self.expression, bool) or is_jsonata(self.expression)
        if plain and not at_run_time(self.expression):
            made["Condition"] = self.expression
        return made

    def condition(self) -> str:
        """The expression."""
        expression = self.expression
        if isinstance(expression, RunTime) or not isinstance(expression, str):
            return written(expression, JSONATA)
        return put_in(bare(expression) if is_jsonata(expression) else expression, JSONATA)


def chosen(rule: BaseRule | str, more: Mapping[str, Any]) -> BaseRule:
    """The rule of a choice, with what the choice says besides."""
    unknown = more.keys() - {"assign", "output", "comment"}
    if unknown:
        raise UsageError(f"a choice has no {unknown.pop()!r} - take assign, output and comment")
    made = copy.copy(rule) if isinstance(rule, BaseRule) else Condition(rule)
    made.more = dict(more)
    return made
