"""step.output() is for the states that are given it."""

from __future__ import annotations

import json

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import Catch
from byoa.plan.workflow.chain import Chain, definition
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.intrinsics import array, format_, hash_
from byoa.plan.workflow.states import Choice, Fail, Map, Parallel, Pass, State, Task, Wait
from byoa.workflow import EndpointConfigStep, EndpointStep, Estimator, GateStep, TrainingStep

LAMBDA = "arn:aws:states:::lambda:invoke"


def task(name: str, **fields) -> Task:
    return Task(name, resource=LAMBDA, **fields)


def user(owner: State) -> Task:
    return task("user", parameters={"x": [{"deep": owner.output()["x"]}]})


def branch() -> Choice:
    choice = Choice("c")
    choice.add_choice(ChoiceRule.IsPresent(variable="$.x", value=True), Fail("f"))
    return choice


def parallel(**fields) -> Parallel:
    made = Parallel("p", **fields)
    made.add_branch(Pass("inner"))
    return made


@pytest.mark.parametrize(
    "between",
    [
        [],
        [Wait("w", seconds=1)],
        [branch()],
        [Pass("p")],
        [Pass("p", parameters={}, result_path="$.p")],
        [Pass("p", assign={"x": 1})],
        [task("t", result_path="$.t"), Wait("w", seconds=1)],
        [task("t", result_path=None)],
        [parallel(result_path="$.p")],
    ],
    ids=repr,
)
def test_what_reaches_the_state(between):
    owner = task("owner")
    definition(Chain([owner, *between, user(owner)]))


@pytest.mark.parametrize(
    "between",
    [
        [task("t")],
        [task("t", result_path="$")],
        [task("t", result_path="$.t", output_path="$.t")],
        [Pass("p", result={})],
        [Pass("p", output_path="$.p")],
        [Wait("w", seconds=1, input_path="$.x")],
        [parallel()],
    ],
    ids=repr,
)
def test_what_does_not(between):
    owner = task("owner")
    with pytest.raises(
        UsageError, match="'user' uses the output of 'owner', which does not reach it"
    ):
        definition(Chain([owner, *between, user(owner)]))


@pytest.mark.parametrize(
    "use",
    [
        lambda x: f"s3://bucket/{x}",
        hash_,
        lambda x: [f"{format_('{}!', x)}"],
        lambda x: {"deep": array(1, f"a{x}")},
        lambda x: json.dumps({"a": x}),
    ],
)
def test_what_is_made_of_an_output_is_known_too(use):
    twin, owner = task("twin"), task("owner")
    values = [use(one.output()["x"]) for one in (twin, owner)]  # both are $['x']
    definition(Chain([twin, owner, task("user", parameters={"x": values[1]})]))
    with pytest.raises(UsageError, match="'user' uses the output of 'twin'"):
        definition(Chain([twin, owner, task("user", parameters={"x": values[0]})]))


def test_an_error_is_no_output():
    owner = task("owner")
    owner.add_catch(Catch(user(owner), error_equals=["States.ALL"]))
    with pytest.raises(UsageError, match="does not reach it"):
        definition(owner)


def test_a_catch_that_keeps_the_input_hands_on_what_came_before():
    owner, middle = task("owner"), task("middle")
    middle.add_catch(Catch(user(owner), error_equals=["States.ALL"], result_path="$.error"))
    definition(Chain([owner, middle, Pass("end")]))
    without = task("middle")
    without.add_catch(Catch(user(owner), error_equals=["States.ALL"]))
    with pytest.raises(UsageError, match="does not reach it"):
        definition(Chain([owner, without, Pass("end")]))


def test_before_it_and_a_loop():
    owner = task("owner")
    with pytest.raises(UsageError, match="does not reach it"):
        definition(Chain([user(owner), owner]))
    one, other = task("one"), task("other")
    one.set(parameters={"x": other.output()["x"]})
    choice = Choice("again")
    choice.add_choice(ChoiceRule.IsPresent(variable="$.x", value=True), one)
    definition(Chain([one, other, choice, Pass("end")]))


def test_what_a_gate_and_an_endpoints_call_lay_beside_their_input():
    estimator = Estimator("image", "arn:aws:iam::123456789012:role/jobs", output_path="s3://b/out")
    train = TrainingStep("train", estimator, data="s3://b/data")
    gate = GateStep("better?", metric="map", endpoint_name="cells")
    name = train.output()["TrainingJobName"]
    config = EndpointConfigStep("config", name, name, result_path=None)
    definition(Chain([train, gate, config, EndpointStep("serve", "cells", name)]))
    call = EndpointStep("serve", "cells", name, wait=False)
    call.call.keep = True
    definition(Chain([train, call, user(train)]))


def test_a_loop_that_keeps_its_input_ends():
    owner, wait, choice = task("owner"), Wait("wait", seconds=1), Choice("again?")
    choice.add_choice(ChoiceRule.IsPresent(variable="$.x", value=True), wait)
    definition(Chain([owner, wait, choice, user(owner)]))


def test_its_own_and_another_machines_are_left_alone():
    owner = task("owner")
    owner.set(parameters={"x": owner.output()["x"]}, result_selector={"y": owner.output()["x"]})
    inside = Map("m", iterator=user(owner))
    definition(Chain([owner, inside]))
