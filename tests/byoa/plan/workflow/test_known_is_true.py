"""What is said to be known of a task's parameters holds in every run of the interpreter."""

from __future__ import annotations

import fnmatch
import importlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byoa.plan.workflow.known import known
from byoa.plan.workflow.values import REST, UNKNOWN
from byoa.plan.workflow.walk import every_state
from byoa.sandbox.stepfunctions.errors import StateError
from tests.byoa.plan.workflow.fake_sagemaker import run

#: jsonata-python sets the recursion limit when it is loaded: not in the midst of a test.
importlib.import_module("jsonata")

TRAIN = "arn:aws:states:::sagemaker:createTrainingJob.sync"
RESOURCES = [
    TRAIN,
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::aws-sdk:sagemaker:deleteModel",
]
TEXTS = st.sampled_from(["x", "y-1", "it's"])
#: Those that are there at the beginning come more often: a path that leads nowhere ends a run.
THERE = ["$", "$.n", "$.m", "$.a", "$.a.n", "$['n']", "$$.Execution.Input.n", "$$.Execution.Name"]
PATHS = st.sampled_from(
    [*THERE * 3, "$.a.a.n", "$.TrainingJobName", "$[0].n", "$v", "$v.n", "$w", "$.Payload"]
)
CALLS = st.builds(
    "States.Format('{}-{{}}-{}', {})".format,
    st.sampled_from(["p", "q.r"]),
    st.sampled_from(["e", "it\\'s"]),
    PATHS,
) | st.just("States.Format('{}{}', $.n, $.m)")
KEYS = st.sampled_from(["n", "m", "a"])


@st.composite
def templates(draw: st.DrawFn, deep: int = 2) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key in draw(st.lists(KEYS, max_size=3, unique=True)):
        kind = draw(st.integers(0, 3 if deep else 2))
        if kind == 0:
            made[key] = draw(TEXTS | st.integers(0, 3))
        elif kind == 3:
            made[key] = draw(templates(deep - 1))
        else:
            made[f"{key}.$"] = draw(PATHS | CALLS)
    return made


PLACES = st.sampled_from(["$", "$.n", "$.a", "$.a.n", "$.x.y"])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "ResultPath": PLACES | st.none(),
    "InputPath": st.sampled_from(["$", "$", "$.a"]) | st.none(),
    "OutputPath": st.sampled_from(["$", "$", "$", "$.a", "$.n"]),
    "Assign": st.dictionaries(st.sampled_from(["v", "w"]), TEXTS | templates(1), max_size=1)
    | st.builds(lambda path: {"v.$": path}, PATHS),
}
CODE = [
    *("$states.input", "$states.input.n", "$states.input.a.n", "$states.result.TrainingJobName"),
    *("$states.result", "$v", "$v.n", "'p-' & $states.input.n", "'p-' & $w & '-e'", "($v.n)"),
    *("$states.context.Execution.Name", "$exists($v) ? 'x' : 'y'", "$states.input.n & 'z'"),
]
CODES = st.sampled_from(CODE).map(lambda code: f"{{% {code} %}}")
OBJECTS = st.dictionaries(KEYS, CODES | TEXTS, max_size=3)
JSONATA_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "Output": OBJECTS | CODES,
    "Assign": st.dictionaries(st.sampled_from(["v", "w"]), CODES | TEXTS | OBJECTS, max_size=1),
}


@st.composite
def states(
    draw: st.DrawFn, name: str, after: list[str], deep: int, jsonata: bool
) -> dict[str, Any]:
    """A state that leads onward only, so that every run ends."""
    kinds = ["Pass", "Pass", "Task", "Task", "Choice", *(["Parallel"] * (deep > 0))]
    kind = draw(st.sampled_from(kinds)) if after else draw(st.sampled_from(["Pass", "Task"]))
    state: dict[str, Any] = {"Type": kind}
    if kind == "Choice":
        rule = {"Condition": "{% $exists($states.input.n) %}"} if jsonata else {
            "Variable": "$.n", "IsPresent": True}  # fmt: skip
        state["Choices"] = [{**rule, "Next": draw(st.sampled_from(after))}]
        state["Default"] = draw(st.sampled_from(after))
        return state
    state |= {"Next": draw(st.sampled_from(after))} if after else {"End": True}
    if kind == "Parallel":
        inner = [f"{name}.{number}" for number in range(draw(st.integers(1, 2)))]
        state["Branches"] = [draw(machines(one, deep - 1, jsonata)) for one in inner]
    if kind == "Task":
        state["Resource"] = draw(st.sampled_from(RESOURCES))
        more = OBJECTS if jsonata else templates()
        state["Arguments" if jsonata else "Parameters"] = {
            "Id": name,
            **({"TrainingJobName": draw(CODES | TEXTS)} if jsonata else draw(
                st.builds(lambda path: {"TrainingJobName.$": path}, PATHS | CALLS)
                | st.builds(lambda text: {"TrainingJobName": text}, TEXTS))),
            **draw(more),
        }  # fmt: skip
    if jsonata:
        state |= draw(st.fixed_dictionaries({}, optional=JSONATA_FIELDS))
        return state
    if kind != "Task" and draw(st.booleans()):
        state["Parameters"] = draw(templates())
    elif kind == "Pass" and draw(st.booleans()):
        state["Result"] = draw(st.dictionaries(KEYS, TEXTS, max_size=2) | TEXTS)
    optional = {**FIELDS, **({"ResultSelector": templates()} if kind != "Pass" else {})}
    state |= draw(st.fixed_dictionaries({}, optional=optional))
    if kind == "Task" and after and draw(st.booleans()):
        catcher: dict[str, Any] = {
            "ErrorEquals": ["States.ALL"],
            "Next": draw(st.sampled_from(after)),
        }
        state["Catch"] = [
            catcher | draw(st.fixed_dictionaries({}, optional={"ResultPath": PLACES}))
        ]
    return state


@st.composite
def machines(draw: st.DrawFn, label: str, deep: int, jsonata: bool) -> dict[str, Any]:
    names = [f"{label}{letter}" for letter in "ABCDE"[: draw(st.integers(1, 5))]]
    made = {
        name: draw(states(name, names[number + 1 :], deep, jsonata))
        for number, name in enumerate(names)
    }
    return {"StartAt": names[0], "States": made}


def holds(value: Any, said: Any) -> bool:
    """Whether a value is like what was said of it."""
    if said == UNKNOWN:
        return True
    if isinstance(said, frozenset):
        return not isinstance(value, dict | list) and any(
            fnmatch.fnmatchcase(str(value), pattern) for pattern in said
        )
    if isinstance(value, list):
        value = {str(number): item for number, item in enumerate(value)}
    if not isinstance(value, dict):
        return False
    known_keys = {key for key in said if key != REST}
    return (REST in said or value.keys() <= known_keys) and all(
        holds(value[key], said[key]) for key in known_keys & value.keys()
    )


GIVEN = st.fixed_dictionaries(
    {"n": TEXTS, "m": TEXTS, "a": st.fixed_dictionaries({"n": TEXTS, "a": st.just({"n": "x"})})}
)


def looked_at(definition: dict[str, Any], value: Any) -> int:
    """How many tasks were held against what is known of them."""
    said = known(definition).given
    of = {place.name: said.get(id(place.state)) for place in every_state(definition)}
    seen = []

    def answer(action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        seen.append(arguments)
        if action == "createTrainingJob.sync":
            return {"TrainingJobName": arguments["TrainingJobName"], "n": "job", "a": {"n": "deep"}}
        if len(seen) % 3 == 0:
            raise StateError("Boom", "as asked")
        return {"n": "other", "Payload": {"n": 1}}

    try:
        run(definition, value, answer)
    except StateError:
        pass  # a path that leads nowhere ends a run, as on AWS
    for arguments in seen:
        assert holds(arguments, of[arguments["Id"]]), (arguments, of[arguments["Id"]])
    return len(seen)


@pytest.mark.parametrize("jsonata", [False, True])
def test_what_is_known_is_true(jsonata: bool):
    seen = []

    @given(machines("", 1, jsonata), GIVEN)
    @settings(max_examples=150, deadline=None)
    def check(definition: dict[str, Any], value: Any) -> None:
        if jsonata:
            definition = {"QueryLanguage": "JSONata", **definition}
        seen.append(looked_at(definition, value))

    check()
    assert sum(seen) > 20
