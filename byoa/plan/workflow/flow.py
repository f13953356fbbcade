"""Whether a state that uses another one's output is given it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import MADE, MARK, RunTime
from byoa.plan.workflow.placeholders import StepInput

if TYPE_CHECKING:
    from byoa.plan.workflow.chain import Chain
    from byoa.plan.workflow.state import State

#: Fields that are read before the state's work is done, when its input is all there is.
BEFORE = {"parameters", "arguments", "item_selector", "items", "items_path", "seconds", "timestamp"}


def check_outputs(states: Iterable[State]) -> None:
    """UsageError where step.output() is used by a state whose input it is not."""
    known = list(states)
    for state in known:
        for owner in _owners([state.fields.get(name) for name in sorted(BEFORE)]):
            among = any(owner is one for one in known)
            if among and owner is not state and not any(one is state for one in given(owner)):
                raise UsageError(
                    f"{state.label} uses the output of {owner.state_id!r}, which does not reach it "
                    "- put it right behind, or let the states between them keep their input with "
                    "result_path, or keep the value with assign"
                )


def _owners(value: Any) -> Iterator[State]:
    """The states whose output() a value is, or is made of."""
    if isinstance(value, StepInput) and value.origin.owner is not None:
        yield value.origin.owner
    elif isinstance(value, Mapping):
        yield from _owners(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _owners(item)
    elif isinstance(value, RunTime):
        yield from _owners(value.sources)
    elif isinstance(value, str):
        yield from _owners([MADE[mark] for mark in MARK.findall(value) if mark in MADE])


def given(owner: State) -> Iterator[State]:
    """The states whose input is, or has in it, what a state hands on."""
    waiting = [_first(step) for step in onward(owner)]
    seen: set[int] = set()
    while waiting:
        state = waiting.pop()
        if id(state) in seen:
            continue
        seen.add(id(state))
        yield state
        if keeps_input(state):
            waiting += [_first(step) for step in onward(state)]
        waiting += [_first(one.next_step) for one in state.catches if "result_path" in one.fields]


def onward(state: State) -> Iterator[State | Chain]:
    """Where it goes on to when nothing failed."""
    caught = [id(catch.next_step) for catch in state.catches]
    steps = [state.next_step] if state.next_step is not None else list(state.successors())
    return (step for step in steps if step is state.next_step or id(step) not in caught)


def keeps_input(state: State) -> bool:
    """Whether what it hands on has its input in it."""
    fields = state.fields
    if getattr(state, "under", None) or getattr(state, "keep", False):
        return True  # a box or a call (box.py, endpoint.py) that lays its answer beside its input
    if fields.keys() & {"output", "output_path", "input_path"}:
        return False
    if state.type in ("Choice", "Wait", "Succeed"):
        return True
    if state.type == "Pass" and not fields.keys() & {"parameters", "result"}:
        return True
    return "result_path" in fields and fields["result_path"] != "$"


def _first(step: State | Chain) -> State:
    first: State = getattr(step, "steps", [step])[0]
    return first
