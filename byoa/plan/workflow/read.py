"""A definition read back into states that can be edited; written again it is the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import NULLS, Catch, Retry, pascal, snake
from byoa.plan.workflow.chain import Graph
from byoa.plan.workflow.choice_rule import ChoiceRule
from byoa.plan.workflow.fields import FALLIBLE, FIELDS
from byoa.plan.workflow.rules import (
    BaseRule,
    CompoundRule,
    Condition,
    NotRule,
    RawRule,
    Rule,
    chosen,
)
from byoa.plan.workflow.state import State, named
from byoa.plan.workflow.states import (
    Choice,
    Fail,
    Map,
    Parallel,
    Pass,
    Succeed,
    Task,
    Wait,
)

CLASSES: dict[str, Callable[..., State]] = {
    one.__name__: one for one in (Pass, Task, Choice, Wait, Succeed, Fail, Parallel, Map)
}
TOP = {"StartAt", "States", "QueryLanguage"}
ENDS = ("Next", "End")
#: What of a state is read by itself.
LINKS = {
    "Task": ("Retry", "Catch", *ENDS),
    "Parallel": ("Retry", "Catch", "Branches", *ENDS),
    "Map": ("Retry", "Catch", "ItemProcessor", "Iterator", *ENDS),
    "Choice": ("Choices", "Default"),
    "Succeed": (),
    "Fail": (),
}
COMPARISONS = {name for name in vars(ChoiceRule) if name[0].isupper()} - {"And", "Or", "Not"}
MORE = {"Assign": "assign", "Output": "output", "Comment": "comment"}


def from_json(text: str) -> Graph:
    """The graph of a definition in JSON; its `states` are by their names."""
    try:
        made = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the definition is no JSON: {error} - mend it there") from None
    return read(made)


def read(made: Any) -> Graph:
    """The graph of a definition."""
    if not isinstance(made, Mapping):
        raise UsageError(f"the definition is {str(made)[:60]!r} - it must be an object")
    states, start = made.get("States"), made.get("StartAt")
    if not isinstance(states, Mapping) or not states:
        raise UsageError("the definition has no States - give it an object of states")
    found = {name: _state(name, one) for name, one in states.items()}
    if not isinstance(start, str) or start not in found:
        raise UsageError(f"StartAt is {start!r}, but the states are {', '.join(found)} - name one")
    for name, one in states.items():
        _link(found[name], one, _finder(name, found))
    graph = Graph(
        found[start], query_language=made.get("QueryLanguage"), states=list(found.values())
    )
    graph.fields |= {key: value for key, value in made.items() if key not in TOP}
    return graph


def _state(name: str, made: Any) -> State:
    """A state with its fields and branches; what it leads to comes when all are there."""
    kind = made.get("Type") if isinstance(made, Mapping) else None
    if kind not in CLASSES:
        raise UsageError(
            f"the state {name!r} has the Type {kind!r} - take one of {', '.join(CLASSES)}"
        )
    known = set(FIELDS[kind].split()) - ({"Parameters"} if kind == "Map" else set())
    fields = {
        snake(key): value
        for key, value in made.items()
        if key in known and (value is not None or key in NULLS)
    }
    state = CLASSES[kind](name, **fields)
    if isinstance(state, Parallel):
        for branch in _all(name, "Branches", made.get("Branches", [])):
            state.add_branch(_inside(name, read, branch))
    elif isinstance(state, Map):
        _processor(state, made)
    taken = {"Type", *(pascal(key) for key in fields), *LINKS.get(kind, ENDS)}
    state.extra = {key: one for key, one in made.items() if key not in taken or one == []}
    return state


def _processor(state: Map, made: Mapping[str, Any]) -> None:
    """The branch of a Map, in its present form or the older one."""
    key = "Iterator" if "Iterator" in made else "ItemProcessor"
    inner = made.get(key)
    if not isinstance(inner, Mapping):
        raise UsageError(f"{state.label} has no ItemProcessor - give it an object of states")
    config = inner.get("ProcessorConfig")
    state.iterator = _inside(
        state.state_id, read, {k: v for k, v in inner.items() if k != "ProcessorConfig"}
    )
    state.key, state.processor_config = key, config


def _link(state: State, made: Mapping[str, Any], find: Callable[[Any], State]) -> None:
    """Retriers, catchers, choices, and the state that follows."""
    if state.type in FALLIBLE:
        for one in _all(state.state_id, "Retry", made.get("Retry", [])):
            state.retries.append(_block(Retry, one))
        for one in _all(state.state_id, "Catch", made.get("Catch", [])):
            state.catches.append(_block(Catch, one, find(one.get("Next"))))
    if isinstance(state, Choice):
        for one in _all(state.state_id, "Choices", made.get("Choices", [])):
            rest = {key: item for key, item in one.items() if key != "Next"}
            state.choices.append((_inside(state.state_id, choice, rest), find(one.get("Next"))))
        if "Default" in made:
            state.default_choice(find(made["Default"]))
    elif state.type not in ("Succeed", "Fail"):
        if ("Next" in made) == (made.get("End") is True):
            raise UsageError(f"{state.label} must have either Next or End: true - give it one")
        if "Next" in made:
            state.next_step = find(made["Next"])


def _block(kind: type[Any], made: Mapping[str, Any], *steps: State) -> Any:
    """A Retry or a Catch."""
    fields = {snake(key): value for key, value in made.items() if key in kind.ALLOWED}
    block = kind(*steps, **{"error_equals": [], **fields})
    if "error_equals" not in fields:
        del block.fields["error_equals"]
    block.extra = {k: v for k, v in made.items() if k not in {*kind.ALLOWED, "Next"}}
    return block


def choice(made: Mapping[str, Any]) -> BaseRule:
    """The rule of a choice, with the assign, output and comment that are its own."""
    rest = {key: value for key, value in made.items() if key not in MORE}
    more = {MORE[key]: value for key, value in made.items() if key in MORE}
    return chosen(rule(rest), more)


def rule(made: Mapping[str, Any]) -> BaseRule:
    """A rule; RawRule where it is none that ChoiceRule makes."""
    operator, *others = [key for key in made if key != "Variable"] or [""]
    value = made.get(operator)
    if others:
        return RawRule(made)
    if operator in ("And", "Or") and "Variable" not in made and isinstance(value, list) and value:
        return CompoundRule(operator, [rule(one) for one in value])
    if operator == "Not" and "Variable" not in made and isinstance(value, Mapping):
        return NotRule(rule(value))
    if operator == "Condition" and "Variable" not in made and isinstance(value, str | bool):
        return Condition(value)
    if "Variable" in made and operator in COMPARISONS:
        return Rule(made["Variable"], operator, value)
    return RawRule(made)


def _finder(name: str, found: Mapping[str, State]) -> Callable[[Any], State]:
    def find(other: Any) -> State:
        if not isinstance(other, str) or other not in found:
            raise UsageError(
                f"the state {name!r} goes on to {other!r}, but the states beside it are "
                f"{', '.join(found)} - name one of them"
            )
        return found[other]

    return find


def _all(name: str, key: str, items: Any) -> list[Any]:
    """The objects of a list, whatever was written there."""
    if not isinstance(items, list) or not all(isinstance(one, Mapping) for one in items):
        raise UsageError(f"the state {name!r} has {key} that are no list of objects - write one")
    return items


def _inside(name: str, reader: Callable[[Any], Any], made: Any) -> Any:
    """What a reader makes of a part of a state; its error names the state."""
    with named(f"in the state {name!r}"):
        return reader(made)
