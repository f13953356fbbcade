"""What cannot be is said when it is written, with the state's name."""

from __future__ import annotations

from typing import Any

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import Catch, Retry
from byoa.plan.workflow.chain import Graph
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.expressions import JSONATA
from byoa.plan.workflow.expressions import jsonata as expression
from byoa.plan.workflow.intrinsics import math_add
from byoa.plan.workflow.items import batches
from byoa.plan.workflow.states import (
    Choice,
    DistributedMap,
    Fail,
    Map,
    Parallel,
    Pass,
    Succeed,
    Task,
    Wait,
)
from tests.byoa.plan.workflow.every_state import X, alone


def choice_of(rule: Any) -> Any:
    choice = Choice("a")
    choice.add_choice(rule, Pass("b"))
    return choice.to_dict()


def untyped(anything: Any) -> Any:
    """What mypy would not let through."""
    return anything


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: untyped(Pass)("a", resullt=1),
            r"the Pass state 'a' has no field 'resullt' - did you mean result\?",
        ),
        (lambda: untyped(Fail)("a", output={}), "the Fail state 'a' has no field 'output' - take"),
        (lambda: untyped(Succeed)("a", assign={}), "the Succeed state 'a' has no field 'assign'"),
        (
            lambda: Retry(error_equals=["x"], attempts=1),
            "a Retry has no field 'attempts' - did you",
        ),
        (lambda: Wait("a"), "the Wait state 'a' has no time - give it one of seconds"),
        (
            lambda: Wait("a", seconds=1, timestamp_path="$.x"),
            "has seconds and timestamp_path - give",
        ),
        (
            lambda: Task("a", timeout_seconds=1, timeout_seconds_path="$.t"),
            "the Task state 'a' has timeout_seconds and timeout_seconds_path",
        ),
        (
            lambda: Pass("a").add_retry(Retry(error_equals="x")),
            "takes no Retry - only Task, Parallel",
        ),
        (lambda: Pass("a").add_catch(Catch(Fail("b"), error_equals="x")), "takes no Catch"),
        (lambda: Task("a").add_retry(untyped(["x"])), "'x' of the Task state 'a' is no Retry"),
        (lambda: Fail("a").next(Pass("b")), "'a' ends the workflow, so nothing follows it"),
        (lambda: Choice("a").to_dict(), "the Choice state 'a' has no choice"),
        (lambda: Parallel("a").to_dict(), "the Parallel state 'a' has no branch"),
        (lambda: Map("a").to_dict(), "the Map state 'a' has nothing to run"),
        (
            lambda: Pass("a", output=1).to_dict(),
            "the Pass state 'a': output: JSONPath has none - give the state",
        ),
        (
            lambda: Map("a", iterator=Pass("b"), items=[1]).to_dict(),
            "the Map state 'a': items: JSONPath has none",
        ),
        (
            lambda: Pass("a", input_path="$.x").to_dict(JSONATA),
            "'a': input_path: JSONata has none - say it in arguments, output or assign",
        ),
        (
            lambda: Pass("a", query_language="SQL").to_dict(),
            "is in 'SQL' - take JSONPath or JSONata",
        ),
        (
            lambda: Pass("a", query_language="JSONPath").to_dict(JSONATA),
            "is in JSONPath inside a workflow in JSONata",
        ),
        (
            lambda: Choice("a").add_choice("$x", Pass("b"), sign=1),
            "a choice has no 'sign' - take assign",
        ),
        (
            lambda: Pass("a", comment=f"of {X['x']}").to_dict(),
            "'a': comment: .* must be known before",
        ),
        (
            lambda: Task("a", resource=X["arn"], query_language=JSONATA).to_dict(),
            r"'a': resource: \$states\.input\.arn is known when the workflow runs",
        ),
        (
            lambda: Pass("a", result=X["x"]).to_dict(),
            "'a': result: .* stands where JSONPath reads no",
        ),
        (lambda: Pass("a", parameters={X["x"]: 1}).to_dict(), r"\$\['x'\] is a key, which must be"),
        (
            lambda: Task("a", retry=Retry(error_equals=[X["e"]])).to_dict(),
            "'a': Retry: .* must be known before",
        ),
        (lambda: choice_of(ChoiceRule.IsNull(variable=expression("$x"), value=True)), "choices: "),
        (
            lambda: Wait("a", seconds=math_add(X["x"], 1)).to_dict(),
            r"'a': seconds: States.MathAdd\(.* stands where JSONPath reads a path only",
        ),
        (
            lambda: choice_of(ChoiceRule.IsNull(variable=math_add(X["x"], 1), value=True)),
            "a path only",
        ),
        (
            lambda: alone(
                DistributedMap("a", iterator=Pass("b"), item_batcher=batches(math_add(1, 2)))
            ),
            "'a': item_batcher: .* a path only",
        ),
        (
            lambda: Pass("a").next(untyped("b")),
            "the Pass state 'a' leads to 'b' - give it a state or",
        ),
        (lambda: Catch(untyped("b"), error_equals="x"), "a Catch leads to 'b' - give it a state"),
        (lambda: Choice("a").default_choice(untyped(None)), "'a' leads to None - give it a state"),
        (lambda: Choice("a").add_choice("$x", untyped({})), "'a' leads to {} - give it a state"),
        (lambda: Parallel("a").add_branch(untyped([])), r"'a' leads to \[\] - give it a state"),
        (lambda: Pass(untyped(3)), "3 cannot be a state's name - take a text"),
        (lambda: Pass(X["x"]), "cannot be a state's name"),
        (lambda: untyped(Graph)("a"), "'a' is no State and no Chain"),
    ],
)
def test_what_cannot_be_is_said_with_the_states_name(make, said):
    with pytest.raises(UsageError, match=said):
        make()
