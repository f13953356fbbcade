"""Every state of a definition, those within Parallel and Map too, and where each one may go.

https://states-language.net/spec.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JSONPATH, JSONATA = "JSONPath", "JSONata"


@dataclass(frozen=True)
class Machine:
    """One level of states: the whole definition, a branch of a Parallel, or a Map's processor."""

    body: Mapping[str, Any]
    label: str = ""  #: "" for the whole, else such as `branch 2 of "Both"`
    language: str = JSONPATH
    parents: tuple[str, ...] = ()

    @property
    def states(self) -> dict[str, Mapping[str, Any]]:
        """Names and bodies; what is no object is left out."""
        found = self.body.get("States")
        if not isinstance(found, Mapping):
            return {}
        return {str(name): state for name, state in found.items() if isinstance(state, Mapping)}


@dataclass(frozen=True)
class Place:
    """One state: its name and body, the language that it speaks, and the machine it stands in."""

    name: str
    state: Mapping[str, Any]
    machine: Machine = field(repr=False)

    @property
    def kind(self) -> str:
        kind = self.state.get("Type")
        return kind if isinstance(kind, str) else ""

    @property
    def language(self) -> str:
        spoken = self.state.get("QueryLanguage", self.machine.language)
        return spoken if isinstance(spoken, str) else JSONPATH

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What a task is given: Parameters in JSONPath, Arguments in JSONata."""
        found = self.state.get("Arguments" if self.language == JSONATA else "Parameters")
        return found if isinstance(found, Mapping) else {}


@dataclass(frozen=True)
class Edge:
    """One way from a state to another: its kind is next, choice, default or catch."""

    source: str
    target: str
    kind: str
    number: int = 0  #: which choice rule or catcher


def whole(definition: Mapping[str, Any]) -> Machine:
    spoken = definition.get("QueryLanguage", JSONPATH)
    return Machine(definition, language=spoken if isinstance(spoken, str) else JSONPATH)


def inner(place: Place) -> list[Machine]:
    """The machines within a Parallel or a Map. A branch speaks its definition's language."""
    named, state, parents = (
        f'"{place.name}"',
        place.state,
        (*place.machine.parents, place.name),
    )
    found: list[tuple[Any, str]] = []
    if place.kind == "Parallel" and isinstance(branches := state.get("Branches"), list):
        found = [(one, f"branch {number} of {named}") for number, one in enumerate(branches, 1)]
    if place.kind == "Map":
        found = [
            (state[key], f"the {key} of {named}")
            for key in ("ItemProcessor", "Iterator")
            if key in state
        ]
    made = []
    for body, label in found:
        if isinstance(body, Mapping):
            spoken = body.get("QueryLanguage", place.machine.language)
            language = spoken if isinstance(spoken, str) else JSONPATH
            made.append(Machine(body, label, language, parents))
    return made


def machines(definition: Mapping[str, Any]) -> Iterator[Machine]:
    """The whole and every machine within it, outer ones first."""
    waiting = [whole(definition)]
    while waiting:
        machine = waiting.pop(0)
        yield machine
        for place in places(machine):
            waiting += inner(place)


def places(machine: Machine) -> list[Place]:
    return [Place(name, state, machine) for name, state in machine.states.items()]


def every_state(definition: Mapping[str, Any]) -> Iterator[Place]:
    for machine in machines(definition):
        yield from places(machine)


def edges(place: Place) -> list[Edge]:
    """Where a state may go, as it says itself: a target need not be there."""
    state, found = place.state, []
    for number, rule in enumerate(listed(state.get("Choices"))):
        if isinstance(rule, Mapping):
            found.append((rule.get("Next"), "choice", number))
    found.append((state.get("Default"), "default", 0))
    if place.kind not in ("Choice", "Succeed", "Fail"):
        found.append((state.get("Next"), "next", 0))
    for number, catcher in enumerate(listed(state.get("Catch"))):
        if isinstance(catcher, Mapping):
            found.append((catcher.get("Next"), "catch", number))
    return [
        Edge(place.name, target, kind, number)
        for target, kind, number in found
        if isinstance(target, str)
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
