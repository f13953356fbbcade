"""States in a row, and the definition of all that can be reached from the first one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.states import Branch, State, flat

#: The names that a definition has taken so far, of all its branches together: state and Type.
Scope = dict[str, tuple[object, Any]]


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
    ) -> None:
        if not isinstance(branch, State | Chain):
            raise UsageError(f"{branch!r} is no State and no Chain - a workflow begins with one")
        self.branch = branch
        self.query_language = query_language
        self.fields = {
            "Comment": comment,
            "Version": version,
            "QueryLanguage": query_language,
            "TimeoutSeconds": timeout_seconds,
        }

    def to_dict(self) -> dict[str, Any]:
        """The definition."""
        top = {key: value for key, value in self.fields.items() if value is not None}
        return top | nested(self.branch, self.query_language, {})

    def to_json(self, pretty: bool = False) -> str:
        """The definition as JSON."""
        return json.dumps(self.to_dict(), indent=4 if pretty else None, ensure_ascii=False)


def definition(branch: State | Chain, **fields: Any) -> dict[str, Any]:
    """The definition that begins at a state or a chain."""
    return Graph(branch, **fields).to_dict()


def nested(branch: Branch, query_language: str | None, scope: Scope | None) -> dict[str, Any]:
    """StartAt and States of a branch; a dict that has them already stands as it is."""
    scope = {} if scope is None else scope
    if isinstance(branch, Mapping):
        for name, made in branch["States"].items():
            _take(name, made, made.get("Type"), scope)
        return dict(branch)
    states = list(reachable(branch))
    for state in states:
        _take(state.state_id, state, state.type, scope)
    return {
        "StartAt": branch.state_id,
        "States": {state.state_id: state.to_dict(query_language, scope) for state in states},
    }


def _take(name: str, state: object, kind: Any, scope: Scope) -> None:
    """UsageError where a name is taken: AWS refuses a second one, in a branch too."""
    if name not in scope:
        scope[name] = state, kind
    elif scope[name][0] is state:
        raise UsageError(
            f"the {kind} state {name!r} stands in two branches, or in its own - names are unique "
            "in a workflow and its branches: make a second state of another name"
        )
    else:
        raise UsageError(
            f"two different states are called {name!r}, a {scope[name][1]} and a {kind} - names "
            "are unique in a workflow and its branches: rename one"
        )


def reachable(branch: State | Chain) -> Iterator[State]:
    """Every state that may come after the first, once; the straight way first."""
    seen: set[int] = set()
    waiting = _states(branch)
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
