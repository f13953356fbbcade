"""A small IAM: whether policies allow an action on a resource, in a context.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any

ABSENT = object()


def allows(policy: Mapping[str, Any], action: str, resource: str = "*", **context: str) -> bool:
    """Nothing is allowed but what a statement allows, and nothing here denies."""
    given = {key.replace("__", ":").replace("_", "-"): value for key, value in context.items()}
    return allows_in(policy, action, resource, given)


def allows_in(
    policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    assert policy["Version"] == "2012-10-17"
    return any(
        statement["Effect"] == "Allow"
        and any(like(action.lower(), one.lower()) for one in listed(statement["Action"]))
        and any(like(resource, one) for one in listed(statement["Resource"]))
        and holds(statement.get("Condition", {}), context)
        for statement in policy["Statement"]
    )


def holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    for operator, tests in condition.items():
        for key, wanted in tests.items():
            value = context.get(key)
            if value is None:
                return False
            if operator in ("StringEquals", "Bool"):
                if value not in listed(wanted):
                    return False
            elif operator == "StringLike":
                if not any(like(value, one) for one in listed(wanted)):
                    return False
            else:
                raise AssertionError(f"the evaluator does not know {operator}")
    return True


def like(value: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
