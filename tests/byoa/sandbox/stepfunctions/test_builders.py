"""What byoa.workflow builds, run for real: one code, the same outcome in both query languages."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from byoa.plan.workflow.check import problems
from byoa.workflow import (
    Catch,
    Chain,
    Choice,
    ChoiceRule,
    ExecutionInput,
    Fail,
    Map,
    Parallel,
    Pass,
    StepInput,
    Succeed,
    Wait,
    array_length,
    context,
    definition,
    format_,
    hash_,
    item_index,
    item_value,
    json_to_string,
    math_add,
    string_split,
    variable,
)
from tests.byoa.sandbox.stepfunctions.conftest import Run, output

INPUTS = ExecutionInput(schema={"rows": [int], "name": str, "limit": int, "it's": {"a b": str}})
GIVEN = {"rows": [1, 2, 3], "name": "run", "limit": 2, "it's": {"a b": "{deep}"}}
LANGUAGES = pytest.mark.parametrize("language", ["JSONPath", "JSONata"])


def made(language: str, *steps: Any) -> dict[str, Any]:
    """The definition of a chain, which AWS would take."""
    told = definition(Chain(steps), query_language=language)
    assert problems(told) == []
    return told


@LANGUAGES
def test_values_of_the_run(run: Run, language: str):
    deep = INPUTS["it's"]["a b"]
    first = Pass(
        "first",
        parameters={
            "uri": f"s3://{INPUTS['name']}/{deep}/it's",
            "list": ["--name", INPUTS["name"], 3, None, True],
            "nested": [{"who": context["State"]["Name"]}],
            "parts": string_split(format_("{}-{}", INPUTS["name"], deep), "-"),
            "hash": hash_(INPUTS["name"], "MD5"),
            "text": json_to_string(INPUTS["rows"]),
            "length": array_length(INPUTS["rows"]),
        },
        assign={"limit": INPUTS["limit"]},
    )
    second = Pass(
        "second",
        parameters={
            "all": StepInput(),
            "more": math_add(variable("limit"), first.output()["length"]),
        },
    )
    found = output(run(made(language, first, second), GIVEN))
    assert found["more"] == 5
    assert found["all"] == {
        "uri": "s3://run/{deep}/it's",
        "list": ["--name", "run", 3, None, True],
        "nested": [{"who": "first"}],
        "parts": ["run", "{deep}"],
        "hash": hashlib.md5(b"run").hexdigest(),
        "text": "[1,2,3]",
        "length": 3,
    }


@LANGUAGES
@pytest.mark.parametrize(("limit", "ends"), [(2, "few"), (3, "many"), (9, "none")])
def test_a_choice_by_rules(run: Run, language: str, limit: int, ends: str):
    choice = Choice("many?")
    low = ChoiceRule.NumericLessThan(variable=INPUTS["limit"], value=INPUTS["rows"][2])
    named = ChoiceRule.StringMatches(variable=INPUTS["name"], value="r*n")
    many = ChoiceRule.Not(ChoiceRule.NumericGreaterThanEquals(variable=INPUTS["limit"], value=9))
    choice.add_choice(ChoiceRule.And([low, named]), end("few"))
    choice.add_choice(ChoiceRule.Or([many, ChoiceRule.Not(named)]), end("many"))
    choice.default_choice(Chain([Wait("wait", seconds=INPUTS["rows"][0]), end("none")]))
    found = run(made(language, choice), GIVEN | {"limit": limit})
    assert output(found) == {"end": ends}


def end(name: str) -> Chain:
    return Chain([Pass(f"{name}!", parameters={"end": name}), Succeed(name)])


@LANGUAGES
def test_a_map_of_chains(run: Run, language: str):
    row = StepInput()
    add = Pass("add", parameters={"sum": math_add(row["row"], row["limit"]), "at": row["at"]})
    tell = Pass("tell", parameters={"said": f"{row['at']}:{row['sum']}"})
    each = Map(
        "each",
        items=INPUTS["rows"],
        item_selector={"row": item_value, "at": item_index, "limit": INPUTS["limit"]},
        iterator=Chain([add, tell]),
        max_concurrency=INPUTS["limit"],
    )
    found = output(run(made(language, each), GIVEN))
    assert found == [{"said": "0:3"}, {"said": "1:4"}, {"said": "2:5"}]


@LANGUAGES
def test_a_failure_in_a_branch_is_caught_with_its_cause(run: Run, language: str):
    both = Parallel("both")
    both.add_branch(Pass("good"))
    both.add_branch(Fail("bad", error="Broken", cause=f"{INPUTS['name']} has broken"))
    caught = Pass("caught", parameters={"why": StepInput()["Cause"], "name": StepInput()["Error"]})
    both.add_catch(Catch(caught, error_equals=["Broken"]))
    found = output(run(made(language, both), GIVEN))
    assert found == {"why": "run has broken", "name": "Broken"}
