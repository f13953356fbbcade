"""States in a row, and all that a definition takes in: once each, under names of their own."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import Catch
from byoa.plan.workflow.chain import Chain, Graph, definition
from byoa.plan.workflow.check import problems
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.states import Choice, Fail, Map, Parallel, Pass, Succeed, Task, Wait

ALL = ["States.ALL"]


def task(name: str) -> Task:
    return Task(name, resource="arn:aws:states:::lambda:invoke", parameters={"FunctionName": "f"})


def steps(made: dict[str, Any]) -> dict[str, str | None]:
    """Each state's name and that of the next one."""
    return {
        name: state.get("Next") or state.get("Default") for name, state in made["States"].items()
    }


def test_a_chain_leads_from_each_to_the_next():
    made = definition(Chain([Pass("a"), Chain([Pass("b"), Pass("c")]), Succeed("d")]), comment="x")
    assert steps(made) == {"a": "b", "b": "c", "c": "d", "d": None}
    assert made["StartAt"] == "a" and made["Comment"] == "x" and problems(made) == []


def test_next_answers_what_it_leads_to_and_a_chain_can_follow():
    first = Pass("a")
    first.next(Pass("b")).next(Chain([Pass("c"), Pass("d")])).next(Pass("e"))
    assert steps(definition(first)) == {"a": "b", "b": "c", "c": "d", "d": "e", "e": None}


def test_a_state_alone_is_a_chain_too():
    assert steps(definition(Chain(cast("Any", Pass("a"))))) == {"a": None}
    assert steps(definition(Chain([Chain(), Pass("a"), Chain()]))) == {"a": None}


def test_top_level_fields():
    made = Graph(
        Pass("a"), comment="c", timeout_seconds=60, version="1.0", query_language="JSONata"
    ).to_dict()
    assert made == {
        "Comment": "c",
        "TimeoutSeconds": 60,
        "Version": "1.0",
        "QueryLanguage": "JSONata",
        "StartAt": "a",
        "States": {"a": {"Type": "Pass", "End": True}},
    }


def test_the_definition_tells_itself_as_json():
    graph = Graph(Pass("ä"), comment="c")
    assert json.loads(graph.to_json()) == json.loads(graph.to_dict().to_json(pretty=True))
    assert '"ä"' in graph.to_json() and '\n    "StartAt"' in graph.to_json(pretty=True)


def test_what_a_catch_and_a_choice_lead_to_is_part_of_it():
    failed = Fail("failed")
    choice = Choice("good?")
    choice.add_choice(ChoiceRule.IsPresent(variable="$.x", value=True), Succeed("good"))
    first, second = task("a"), task("b")
    first.add_catch(Catch(failed, error_equals=ALL))
    second.add_catch(Catch(Chain([Pass("note"), failed]), error_equals=ALL))
    graph = Graph(Chain([first, second, choice, Succeed("bad")]))
    made = graph.to_dict()
    assert list(made["States"]) == ["a", "b", "good?", "bad", "good", "note", "failed"]
    assert made["States"]["a"]["Catch"] == [{"ErrorEquals": ALL, "Next": "failed"}]
    assert made["States"]["b"]["Catch"] == [{"ErrorEquals": ALL, "Next": "note"}]
    assert made["States"]["good?"]["Default"] == "bad" and problems(made) == []
    assert graph.contains(failed) and not graph.contains(Fail("failed"))
    assert graph.states["note"].next_step is failed


def test_a_cycle_ends():
    wait, look = Wait("wait", seconds=1), task("look")
    done = Choice("done?")
    done.add_choice(ChoiceRule.StringEquals(variable="$.status", value="InService"), Succeed("yes"))
    done.default_choice(wait)
    made = definition(Chain([wait, look, done]))
    assert steps(made) == {"wait": "look", "look": "done?", "done?": "wait", "yes": None}
    assert problems(made) == []


def test_a_long_chain():
    many = [Pass(f"state {number}") for number in range(3000)]
    assert len(definition(Chain(many))["States"]) == 3000


def test_a_chain_in_a_parallel_and_a_map_in_it():
    parallel = Parallel("both")
    parallel.add_branch(Chain([Pass("a"), Map("each", iterator=Chain([Pass("b"), Pass("c")]))]))
    parallel.add_branch(Pass("d"))
    made = definition(Chain([parallel, Pass("e")]))
    first = made["States"]["both"]["Branches"][0]
    assert steps(first["States"]["each"]["ItemProcessor"]) == {"b": "c", "c": None}
    assert problems(made) == []


def test_a_cell_of_a_notebook_may_run_again():
    first, second, third = Pass("a"), Pass("b"), Pass("c")
    Chain([first, third])
    again = Chain([first, second, third])
    assert steps(definition(again)) == {"a": "b", "b": "c", "c": None}


def branches(*states):
    parallel = Parallel("p")
    for state in states:
        parallel.add_branch(state)
    return parallel


def in_itself():
    each = Map("m")
    each.attach_iterator(Chain([Pass("a"), each]))
    return definition(each)


def led_elsewhere():
    first, second, third = Pass("a"), Pass("b"), Pass("c")
    chain = Chain([first, second])
    Chain([first, third])
    return definition(chain)


def chain_of_a_choice():
    choice = Choice("c")
    choice.default_choice(Pass("d"))
    return Chain([choice, Pass("e")])


SAME = Pass("s")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: definition(Chain([Pass("a"), task("a")])),
            "two different states are called 'a', a Pass and a Task - names are unique in a",
        ),
        (
            lambda: definition(Chain([Pass("a"), branches(Pass("a"))])),
            "two different states are called 'a'",
        ),
        (lambda: definition(branches(Pass("a"), Wait("a", seconds=1))), "'a', a Pass and a Wait"),
        (
            lambda: definition(branches({"StartAt": "p", "States": {"p": {"Type": "Succeed"}}})),
            "two different states are called 'p', a Parallel and a Succeed",
        ),
        (
            lambda: definition(branches(SAME, Chain([Pass("b"), SAME]))),
            "the Pass state 's' stands in two branches, or in its own - .* make a second state",
        ),
        (in_itself, "the Map state 'm' stands in two branches, or in its own"),
        (lambda: Chain([SAME, Pass("x"), SAME]), "the chain has the Pass state 's' twice"),
        (
            led_elsewhere,
            "the Pass state 'a' goes on to 'c', but a chain has 'b' behind it - a state goes on to",
        ),
        (
            chain_of_a_choice,
            "the Choice state 'c' leads to 'd' by default, so it cannot go on to 'e' as well",
        ),
        (lambda: Chain([Succeed("a"), Pass("b")]), "'a' ends the workflow, so nothing follows it"),
        (lambda: definition(Chain()), "the chain is empty - give it a state"),
        (
            lambda: Chain(cast("Any", [Pass("a"), "b"])),
            "a chain has 'b' - give it states and chains",
        ),
        (lambda: Chain().next(Pass("a")), "the chain is empty - give it a state"),
    ],
)
def test_what_cannot_be_is_said(make, said):
    with pytest.raises(UsageError, match=said):
        make()
