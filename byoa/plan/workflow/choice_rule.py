"""ChoiceRule makes the rules of a Choice: 39 comparisons, and, or, not.

https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from byoa.plan.workflow.rules import BaseRule, CompoundRule, NotRule, Rule


class Comparison(Protocol):
    def __call__(self, variable: str, value: Any) -> Rule: ...


def _compare(operator: str) -> Comparison:
    def rule(variable: str, value: Any) -> Rule:
        return Rule(variable, operator, value)

    return rule


class ChoiceRule:
    """Makes rules: ChoiceRule.StringEquals(variable="$.kind", value="new")."""

    StringEquals = _compare("StringEquals")
    StringEqualsPath = _compare("StringEqualsPath")
    StringLessThan = _compare("StringLessThan")
    StringLessThanPath = _compare("StringLessThanPath")
    StringGreaterThan = _compare("StringGreaterThan")
    StringGreaterThanPath = _compare("StringGreaterThanPath")
    StringLessThanEquals = _compare("StringLessThanEquals")
    StringLessThanEqualsPath = _compare("StringLessThanEqualsPath")
    StringGreaterThanEquals = _compare("StringGreaterThanEquals")
    StringGreaterThanEqualsPath = _compare("StringGreaterThanEqualsPath")
    StringMatches = _compare("StringMatches")
    NumericEquals = _compare("NumericEquals")
    NumericEqualsPath = _compare("NumericEqualsPath")
    NumericLessThan = _compare("NumericLessThan")
    NumericLessThanPath = _compare("NumericLessThanPath")
    NumericGreaterThan = _compare("NumericGreaterThan")
    NumericGreaterThanPath = _compare("NumericGreaterThanPath")
    NumericLessThanEquals = _compare("NumericLessThanEquals")
    NumericLessThanEqualsPath = _compare("NumericLessThanEqualsPath")
    NumericGreaterThanEquals = _compare("NumericGreaterThanEquals")
    NumericGreaterThanEqualsPath = _compare("NumericGreaterThanEqualsPath")
    BooleanEquals = _compare("BooleanEquals")
    BooleanEqualsPath = _compare("BooleanEqualsPath")
    TimestampEquals = _compare("TimestampEquals")
    TimestampEqualsPath = _compare("TimestampEqualsPath")
    TimestampLessThan = _compare("TimestampLessThan")
    TimestampLessThanPath = _compare("TimestampLessThanPath")
    TimestampGreaterThan = _compare("TimestampGreaterThan")
    TimestampGreaterThanPath = _compare("TimestampGreaterThanPath")
    TimestampLessThanEquals = _compare("TimestampLessThanEquals")
    TimestampLessThanEqualsPath = _compare("TimestampLessThanEqualsPath")
    TimestampGreaterThanEquals = _compare("TimestampGreaterThanEquals")
    TimestampGreaterThanEqualsPath = _compare("TimestampGreaterThanEqualsPath")
    IsNull = _compare("IsNull")
    IsPresent = _compare("IsPresent")
    IsNumeric = _compare("IsNumeric")
    IsString = _compare("IsString")
    IsBoolean = _compare("IsBoolean")
    IsTimestamp = _compare("IsTimestamp")

    @staticmethod
    def And(rules: Sequence[BaseRule]) -> CompoundRule:  # noqa: N802 - the language's word
        """All of the rules."""
        return CompoundRule("And", rules)

    @staticmethod
    def Or(rules: Sequence[BaseRule]) -> CompoundRule:  # noqa: N802
        """One of the rules."""
        return CompoundRule("Or", rules)

    @staticmethod
    def Not(rule: BaseRule) -> NotRule:  # noqa: N802
        """The contrary of the rule."""
        return NotRule(rule)
