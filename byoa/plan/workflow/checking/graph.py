"""Names of states, where they lead, what is never reached, and whether there is an end."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking.fields import KINDS, shown
from byoa.plan.workflow.walk import Machine, Place, edges, every_state, places

LONGEST_NAME = 80
ENDS = ("Succeed", "Fail")


def machine_problems(machine: Machine) -> Iterator[str]:
    """Of one level: that there is a beginning, that it is a state, and that there is an end."""
    where = machine.label or "the definition"
    states = machine.body.get("States")
    if not isinstance(states, Mapping) or not states:
        yield f"{where} has no States - give it one or more"
        return
    for name, state in states.items():
        if not isinstance(state, Mapping):
            yield f"state {shown(name)} is {shown(state)}, but it must be an object with a Type"
    start = machine.body.get("StartAt")
    if not isinstance(start, str):
        yield f"{where} has no StartAt - name the state that comes first"
    elif start not in states:
        yield f"{where}: StartAt is {shown(start)}, which is no state{near(start, states)}"
    else:
        yield from reachable_problems(machine, start)


def reachable_problems(machine: Machine, start: str) -> Iterator[str]:
    reached = reachable(machine, start)
    for name in machine.states:
        if name not in reached:
            yield f'state "{name}": no state leads to it - point a Next at it, or drop it'
    ends = [
        place.name
        for place in places(machine)
        if place.name in reached and (place.kind in ENDS or place.state.get("End") is True)
    ]
    known = all(place.kind in KINDS for place in places(machine))
    if not ends and known and reached <= set(machine.states):
        where = machine.label or "the definition"
        yield f'{where} never ends: no state has "End": true or is a Succeed or a Fail - add one'


def reachable(machine: Machine, start: str) -> set[str]:
    states = {place.name: place for place in places(machine)}
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in states:
            seen.add(name)
            waiting += [edge.target for edge in edges(states[name])]
    return seen


def state_problems(place: Place) -> Iterator[str]:
    """Of one state: its name, that it leads somewhere, and that this is on its own level."""
    if len(place.name) > LONGEST_NAME:
        has = f"its name has {len(place.name)} characters"
        yield f"{has}, but AWS takes {LONGEST_NAME} - shorten it"
    elif not place.name.strip():
        yield "its name is blank - give it one"
    leads = "Next" in KINDS.get(place.kind, "").split()
    if leads and not {"Next", "End"} & place.state.keys():
        yield 'it leads nowhere - give it Next, or "End": true'
    states = place.machine.body.get("States")
    for edge in edges(place):
        if isinstance(states, Mapping) and edge.target not in states:
            field = {"next": "Next", "default": "Default"}.get(
                edge.kind, f"the Next of a {edge.kind}"
            )
            yield f"{field} is {shown(edge.target)}, which is no state{near(edge.target, states)}"


def twins(definition: Mapping[str, Any]) -> Iterator[str]:
    """Names are there once in a whole definition, branches and all."""
    counted = Counter(place.name for place in every_state(definition))
    for name, times in counted.items():
        if times > 1:
            yield f'state "{name}" is there {times} times - names must differ in the whole workflow'


def near(name: str, states: Mapping[str, Any]) -> str:
    found = difflib.get_close_matches(name, [str(key) for key in states], n=1, cutoff=0.6)
    names = ", ".join(str(key) for key in list(states)[:8])
    return f" - did you mean {found[0]}?" if found else f" beside it - there is {names}"
