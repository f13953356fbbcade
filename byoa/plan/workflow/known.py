"""What is known before the run of the data that each state gets: where names come from.

A job's name is made in one state and used in ten others. Following it there lets the execution
role name the model, the endpoint's configuration and the job by their prefix, not as *.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.workflow import resource
from byoa.plan.workflow.values import (
    OPEN,
    REST,
    UNKNOWN,
    Roots,
    Value,
    at,
    joined,
    look,
    path,
    put,
    shallow,
    template,
)
from byoa.plan.workflow.walk import JSONATA, Machine, Place, edges, inner, listed, places, whole

ROUNDS, STEPS = 8, 40
FAILED: dict[str, Value] = {"Error": UNKNOWN, "Cause": UNKNOWN}


@dataclass
class Known:
    """What tasks are given, by the id of their body, and what variables hold, by name."""

    given: dict[int, Value] = field(default_factory=dict)
    variables: dict[str, Value] = field(default_factory=dict)

    def roots(self, place: Place, entered: Value, result: Value = UNKNOWN) -> Roots:
        """What paths of a state begin at. `$` is its input; in JSONata that is $states.input."""
        found = {f"${name}": value for name, value in self.variables.items()}
        if place.language == JSONATA:
            return {**found, "$states.input": entered, "$states.result": result}
        return {**found, "$": entered}

    def assign(self, body: Any, roots: Roots, language: str) -> None:
        """Variables hold what any state may have laid into them."""
        if isinstance(body, Mapping):
            for name, value in template(body, roots, language).items():
                self.variables[name] = shallow(joined(self.variables.get(name), value))


def known(definition: Mapping[str, Any]) -> Known:
    """Walked until nothing new is learnt; nothing is known of what never settles."""
    made = Known()
    for _ in range(ROUNDS):
        before = dict(made.variables)
        made.given.clear()  # what was read before all variables were known
        _machine(made, whole(definition), UNKNOWN)
        if before == made.variables:
            return made
    return Known()


def _machine(made: Known, machine: Machine, entered: Value) -> Value:
    """Its output: what any of its ends gives."""
    states = {place.name: place for place in places(machine)}
    start = machine.body.get("StartAt")
    inputs: dict[str, Value] = {}
    waiting: list[tuple[str, Value]] = [(start, entered)] if isinstance(start, str) else []
    outputs: dict[str, Value] = {}
    steps = STEPS * (len(states) + 1)
    while waiting:
        name, value = waiting.pop()
        if name not in states:
            continue
        steps -= 1
        value = shallow(joined(inputs.get(name), value)) if steps > 0 else UNKNOWN
        if name in inputs and inputs[name] == value:
            continue
        inputs[name] = value
        place = states[name]
        output = outputs[name] = _output(made, place, value)
        waiting += _onward(made, place, value, output)
    ends = [outputs[name] for name in outputs if _ends(states[name])]
    result: Value = None
    for output in ends:
        result = joined(result, output)
    return UNKNOWN if result is None else result


def _ends(place: Place) -> bool:
    return place.kind == "Succeed" or place.state.get("End") is True


def _onward(
    made: Known, place: Place, entered: Value, output: Value
) -> Iterator[tuple[str, Value]]:
    """The states that may follow and what they are entered with."""
    for edge in edges(place):
        if edge.kind == "catch":
            catcher = listed(place.state.get("Catch"))[edge.number]
            yield edge.target, _caught(made, place, entered, catcher)
        elif edge.kind == "choice":
            rule = listed(place.state.get("Choices"))[edge.number]
            roots = made.roots(place, entered)
            made.assign(rule.get("Assign"), roots, place.language)
            said = template(rule["Output"], roots, place.language) if "Output" in rule else output
            yield edge.target, said
        else:
            yield edge.target, output


def _caught(made: Known, place: Place, entered: Value, catcher: Mapping[str, Any]) -> Value:
    roots = made.roots(place, entered)
    made.assign(catcher.get("Assign"), roots, place.language)
    if place.language == JSONATA:
        return template(catcher["Output"], roots, JSONATA) if "Output" in catcher else FAILED
    return _laid(entered, catcher.get("ResultPath", "$"), FAILED)


def _laid(entered: Value, where: Any, result: Value) -> Value:
    """ResultPath: the result, or the input with the result at a path, or the input alone."""
    found = path(where) if isinstance(where, str) else None
    if where is None:
        return entered
    return put(entered, found[1], result) if found and found[0] == "$" else UNKNOWN


def _output(made: Known, place: Place, entered: Value) -> Value:
    return (_jsonata if place.language == JSONATA else _jsonpath)(made, place, entered)


def _jsonpath(made: Known, place: Place, entered: Value) -> Value:
    state, language = place.state, place.language
    taken = _through(state.get("InputPath", "$"), made.roots(place, entered))
    roots = made.roots(place, taken)
    given = template(state["Parameters"], roots, language) if "Parameters" in state else taken
    if place.kind in ("Choice", "Wait", "Succeed", "Fail"):
        made.assign(state.get("Assign"), roots, language)
        return _through(state.get("OutputPath", "$"), roots)
    result = _result(made, place, given)
    if place.kind == "Pass" and "Result" in state:
        result = template(state["Result"], {}, JSONATA)
    plain = (
        place.kind != "Pass" or result is taken
    )  # what a Pass assigns from, AWS's pages leave open
    raw = made.roots(place, result if plain else UNKNOWN)
    made.assign(state.get("Assign"), raw, language)
    if "ResultSelector" in state:
        result = template(state["ResultSelector"], raw, language)
    output = _laid(entered, state.get("ResultPath", "$"), result)
    return _through(state.get("OutputPath", "$"), made.roots(place, output))


def _through(where: Any, roots: Roots) -> Value:
    return {} if where is None else look(str(where), roots)


def _jsonata(made: Known, place: Place, entered: Value) -> Value:
    state = place.state
    roots = made.roots(place, entered)
    given = template(state["Arguments"], roots, JSONATA) if "Arguments" in state else entered
    done = place.kind in ("Task", "Parallel", "Map")
    result = _result(made, place, given) if done else entered
    roots = made.roots(place, entered, result)
    made.assign(state.get("Assign"), roots, JSONATA)
    return template(state["Output"], roots, JSONATA) if "Output" in state else result


def _result(made: Known, place: Place, given: Value) -> Value:
    """What a state makes of what it is given."""
    if place.kind == "Task":
        before = made.given.get(id(place.state))
        has = {"Parameters", "Arguments"} & place.state.keys()
        made.given[id(place.state)] = shallow(joined(before, given if has else {}))
        return _answer(place, given)
    if place.kind == "Parallel":
        branches = [_machine(made, machine, given) for machine in inner(place)]
        return {str(number): value for number, value in enumerate(branches)}
    if place.kind == "Map":
        for machine in inner(place):
            _machine(made, machine, _item(made, place, given))
        return UNKNOWN
    return given


def _item(made: Known, place: Place, given: Value) -> Value:
    """What an iteration gets: ItemSelector's object, or an item of which nothing is known."""
    if "ItemSelector" in place.state:
        roots = {**made.roots(place, given), "$$": UNKNOWN}
        return template(place.state["ItemSelector"], roots, place.language)
    return given if "Parameters" in place.state else UNKNOWN


def _answer(place: Place, given: Value) -> Value:
    """SageMaker says the name that was asked for again."""
    called = resource.parsed(place.state.get("Resource"))
    found = re.fullmatch(r"(?:describe|create)(\w+)", called.action)
    if called.service != "sagemaker" or not found:
        return UNKNOWN
    if called.action.startswith("create") and not called.waits:
        return UNKNOWN
    name = f"{found[1]}Name"
    said = at(given, [name])
    return UNKNOWN if said == UNKNOWN else {**OPEN, name: said}


__all__ = ["REST", "Known", "known"]
