"""What all states have in common: a name, fields, retriers, catchers, and what comes after.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-states.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import Block, Catch, Retry, pascal, step, written_field
from byoa.plan.workflow.expressions import JSONATA, JSONPATH, at_run_time
from byoa.plan.workflow.fields import (
    FALLIBLE,
    FIELDS,
    PARAMETERS,
    only_in_jsonata,
    only_in_jsonpath,
)
from byoa.plan.workflow.placeholders import StepInput
from byoa.plan.workflow.resolve import needs_expression

if TYPE_CHECKING:
    from byoa.plan.workflow.chain import Chain, Graph, Scope

#: What a Parallel or a Map runs: the last two are definitions made elsewhere.
Branch: TypeAlias = "State | Chain | Graph | Mapping[str, Any]"


@contextmanager
def named(place: str) -> Iterator[None]:
    """An error in here begins with its place."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from None


class State(Block):
    """What all states have: a name, fields, and a state to go on to."""

    def __init__(
        self,
        state_id: str,
        state_type: str,
        *,
        output_schema: Mapping[Any, Any] | None = None,
        retry: Retry | Sequence[Retry] | None = None,
        catch: Catch | Sequence[Catch] | None = None,
        **fields: Any,
    ) -> None:
        if not isinstance(state_id, str) or at_run_time(state_id):
            raise UsageError(f"{state_id!r} cannot be a state's name - take a text")
        self.state_id, self.type = state_id, state_type
        self.ALLOWED = frozenset(FIELDS[state_type].split())
        self.step_output = StepInput.of(self, output_schema)
        self.retries: list[Retry] = []
        self.catches: list[Catch] = []
        self.next_step: State | Chain | None = None
        super().__init__(**fields)
        if retry:
            self.add_retry(retry)
        if catch:
            self.add_catch(catch)

    @property
    def label(self) -> str:
        """What an error calls it: its Type and its name."""
        return f"the {self.type} state {self.state_id!r}"

    @property
    def state_type(self) -> str:
        """The SDK's word for the Type."""
        return self.type

    def next(self, next_step: State | Chain) -> State | Chain:
        """Leads on to a state or a chain, and answers it."""
        step(next_step, self.label)
        if self.type in ("Succeed", "Fail"):
            raise UsageError(
                f"{self.label} ends the workflow, so nothing follows it - lead a state before it "
                f"to {next_step.state_id!r}, or make it a Pass"
            )
        self.next_step = next_step
        return next_step

    def output(self) -> StepInput:
        """The placeholder of what this state hands to the next one."""
        return self.step_output

    def add_retry(self, retry: Retry | Sequence[Retry]) -> None:
        """Appends one retrier or several."""
        self.retries += self._fallible(retry, Retry)

    def add_catch(self, catch: Catch | Sequence[Catch]) -> None:
        """Appends one catcher or several."""
        self.catches += self._fallible(catch, Catch)

    def _fallible(self, given: Any, kind: type[Any]) -> list[Any]:
        if self.type not in FALLIBLE:
            raise UsageError(
                f"{self.label} takes no {kind.__name__} - only Task, Parallel and Map can fail so"
            )
        items = [given] if isinstance(given, Block) else list(given)
        for item in items:
            if not isinstance(item, kind):
                raise UsageError(f"{item!r} of {self.label} is no {kind.__name__} - make one")
        return items

    def update_parameters(self, params: Mapping[str, Any]) -> None:
        """Takes other parameters instead."""
        self.set(parameters=params)

    def successors(self) -> Iterator[State | Chain]:
        """Every state or chain that may come right after."""
        if self.next_step is not None:
            yield self.next_step
        for catch in self.catches:
            yield catch.next_step

    def language(self, query_language: str | None) -> str:
        """The language that it is written in, inside a workflow of a given one."""
        own = self.fields.get("query_language")
        if own not in (None, JSONPATH, JSONATA):
            raise UsageError(f"{self.label} is in {own!r} - take {JSONPATH} or {JSONATA}")
        if query_language == JSONATA and own == JSONPATH:
            raise UsageError(
                f"{self.label} is in JSONPath inside a workflow in JSONata, where all states must "
                "be - drop query_language of the workflow and give it to the other states"
            )
        return own or query_language or JSONPATH

    def to_dict(
        self, query_language: str | None = None, scope: Scope | None = None
    ) -> dict[str, Any]:
        """Its part of the definition; `scope` knows the names taken so far."""
        language = self.language(query_language)
        scope = {self.state_id: self} if scope is None else scope
        made: dict[str, Any] = {"Type": self.type}
        for name, value in self.fields.items():
            with named(f"{self.label}: {name}"):
                made |= self._written(pascal(name), value, language)
        made |= self.extra | self.inner(language, query_language, scope)
        for key, blocks in (("Retry", self.retries), ("Catch", self.catches)):
            if blocks:
                with named(f"{self.label}: {key}"):
                    made[key] = [block.to_dict(language) for block in blocks]
        return made | self.ending()

    def _written(self, name: str, value: Any, language: str) -> dict[str, Any]:
        if language == JSONATA:
            if name in ("Parameters", "Result"):
                name = PARAMETERS[self.type]
            elif only_in_jsonpath(name):
                raise UsageError("JSONata has none - say it in arguments, output or assign")
        elif only_in_jsonata(name) and not (name == "Items" and needs_expression(value)):
            raise UsageError(
                "JSONPath has none - give the state query_language='JSONata', or say it in "
                "parameters and result_selector"
            )
        return written_field(name, value, language)

    def inner(
        self, language: str, query_language: str | None, scope: Scope | None
    ) -> dict[str, Any]:
        """What only its Type has: choices, branches."""
        return {}

    def ending(self) -> dict[str, Any]:
        """Next or End."""
        if self.next_step is not None:
            return {"Next": self.next_step.state_id}
        return {} if self.type in ("Succeed", "Fail", "Choice") else {"End": True}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.state_id!r})"


def flat(steps: Iterable[State | Chain]) -> Iterator[State]:
    """The states of a list of states and chains, in its order."""
    for one in [steps] if isinstance(steps, State) else steps:
        if not (isinstance(one, State) or hasattr(type(one), "state_id")):
            raise UsageError(f"a chain has {one!r} - give it states and chains")
        if isinstance(one, State):
            yield one
        else:
            yield from one
