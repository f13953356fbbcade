"""States in a row, and the definition of all that can be reached from the first one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.flow import check_outputs
from byoa.plan.workflow.state import Branch, State, flat

#: The states that a definition has so far, of all its branches together, by their names.
Scope = dict[str, State]


class Chain:
    """States that follow each other; a chain may stand wherever a state can."""

    def __init__(self, steps: Iterable[State | Chain] = ()) -> None:
        self.steps: list[State] = []
        for step in flat(steps):
            self.append(step)

    def append(self, step: State | Chain) -> None:
        """One more state, or another chain's states, at the end."""
        for state in flat([step]):
            if any(state is one for one in self.steps):
                raise UsageError(
                    f"the chain has {state.label} twice - make a second state of another name"
                )
            if self.steps:
                self.steps[-1].next(state)
            self.steps.append(state)

    @property
    def state_id(self) -> str:
        """The name of its first state, which is where one goes on to."""
        if not self.steps:
            raise UsageError("the chain is empty - give it a state")
        return self.steps[0].state_id

    def next(self, next_step: State | Chain) -> State | Chain:
        """Leads its last state on to a state or a chain, and answers that."""
        if not self.steps:
            raise UsageError("the chain is empty - give it a state")
        return self.steps[-1].next(next_step)

    def __iter__(self) -> Iterator[State]:
        return iter(self.steps)

    def __repr__(self) -> str:
        return f"Chain({self.steps!r})"

    def check(self) -> None:
        """UsageError where a state of the chain was led elsewhere since."""
        for state, after in zip(self.steps, self.steps[1:]):
            there = state.default if hasattr(state, "default") else state.next_step
            if there is None or there.state_id != after.state_id:
                led = f"goes on to {there.state_id!r}" if there else "ends"
                raise UsageError(
                    f"{state.label} {led}, but a chain has {after.state_id!r} behind it - a state "
                    "goes on to one place only: give each place a state of its own name"
                )


class Definition(dict[str, Any]):
    """A definition as it is sent; a dict that can tell itself as JSON."""

    def to_json(self, pretty: bool = False) -> str:
        """The definition as JSON."""
        return json.dumps(self, indent=4 if pretty else None, ensure_ascii=False)


class Graph:
    """A whole state machine: a first state or a chain, and fields of the top level."""

    def __init__(
        self,
        branch: State | Chain,
        *,
        comment: str | None = None,
        timeout_seconds: int | None = None,
        version: str | None = None,
        query_language: str | None = None,
        states: Iterable[State] = (),
    ) -> None:
        if not isinstance(branch, State | Chain):
            raise UsageError(f"{branch!r} is no State and no Chain - a workflow begins with one")
        self.branch = branch
        self.query_language = query_language
        given = {"Comment": comment, "Version": version, "TimeoutSeconds": timeout_seconds}
        self.fields: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        self.more = list(states)

    @property
    def states(self) -> dict[str, State]:
        """Every state by its name, branches' inner ones left out."""
        return {state.state_id: state for state in reachable(self.branch, *self.more)}

    def contains(self, state: State) -> bool:
        """Whether a state is in it."""
        return self.states.get(state.state_id) is state

    def to_dict(self) -> Definition:
        """The definition."""
        return Definition(nested(self, self.query_language, {}))

    def to_json(self, pretty: bool = False) -> str:
        """The definition as JSON."""
        return self.to_dict().to_json(pretty)


def definition(branch: State | Chain, **fields: Any) -> Definition:
    """The definition that begins at a state or a chain."""
    return Graph(branch, **fields).to_dict()


def nested(branch: Branch, query_language: str | None, scope: Scope | None) -> dict[str, Any]:
    """StartAt and States of a branch, and what a graph has besides."""
    from byoa.plan.workflow.read import read

    scope = {} if scope is None else scope
    graph = read(branch) if isinstance(branch, Mapping) else branch
    if not isinstance(graph, Graph):
        graph = Graph(graph)
    language = {"QueryLanguage": graph.query_language} if graph.query_language else {}
    states = list(reachable(graph.branch, *graph.more))
    for state in states:
        _take(state, scope)
    check_outputs(states)
    return {
        **graph.fields,
        **language,
        "StartAt": graph.branch.state_id,
        "States": {
            state.state_id: state.to_dict(graph.query_language or query_language, scope)
            for state in states
        },
    }


def _take(state: State, scope: Scope) -> None:
    """UsageError where a name is taken: AWS refuses a second one, in a branch too."""
    name = state.state_id
    other = scope.get(name)
    if other is state:
        raise UsageError(
            f"{state.label} stands in two branches, or in its own - names are unique in a workflow "
            "and its branches: make a second state of another name"
        )
    if other is not None:
        raise UsageError(
            f"two different states are called {name!r}, a {other.type} and a {state.type} - names "
            "are unique in a workflow and its branches: rename one"
        )
    scope[name] = state


def reachable(*branches: State | Chain) -> Iterator[State]:
    """Every state that may come after the first, once; the straight way first."""
    seen: set[int] = set()
    waiting = [state for branch in branches[::-1] for state in _states(branch)]
    while waiting:
        state = waiting.pop()
        if id(state) not in seen:
            seen.add(id(state))
            yield state
            for step in [*state.successors()][::-1]:
                waiting += _states(step)


def _states(step: State | Chain) -> list[State]:
    """A step's states, the first one last."""
    if isinstance(step, Chain):
        step.check()
    return [*flat([step])][::-1]
