"""The eight states of the Amazon States Language, as objects that make their part of the dict.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-states.html
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
from byoa.plan.workflow.items import s3_fields
from byoa.plan.workflow.placeholders import StepInput
from byoa.plan.workflow.resolve import needs_expression

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from byoa.plan.workflow import fields as known
    from byoa.plan.workflow.chain import Chain, Graph, Scope
    from byoa.plan.workflow.choice_rule import BaseRule


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
        self.step_output = StepInput(output_schema)
        self.step_output.owner = self
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
            if name in ("Parameters", "Result") and self.type in PARAMETERS:
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


class Pass(State):
    """Hands its input on, or what `result`, `parameters` or `output` make of it."""

    def __init__(self, state_id: str, **fields: Unpack[known.PassFields]) -> None:
        super().__init__(state_id, "Pass", **fields)


class Succeed(State):
    """Ends the workflow well."""

    def __init__(self, state_id: str, **fields: Unpack[known.PassingFields]) -> None:
        super().__init__(state_id, "Succeed", **fields)


class Fail(State):
    """Ends the workflow as failed, with an error's name and its cause."""

    def __init__(self, state_id: str, **fields: Unpack[known.FailFields]) -> None:
        super().__init__(state_id, "Fail", **fields)


class Wait(State):
    """Waits for some seconds, or until a time."""

    def __init__(self, state_id: str, **fields: Unpack[known.WaitFields]) -> None:
        super().__init__(state_id, "Wait", **fields)
        times = {"seconds", "seconds_path", "timestamp", "timestamp_path"} & self.fields.keys()
        if len(times) != 1:
            raise UsageError(
                f"{self.label} has {' and '.join(sorted(times)) or 'no time'} - give it one of "
                "seconds, seconds_path, timestamp and timestamp_path"
            )


class Task(State):
    """One piece of work of another service."""

    def __init__(self, state_id: str, **fields: Unpack[known.TaskFields]) -> None:
        super().__init__(state_id, "Task", **fields)
        for name in ("timeout_seconds", "heartbeat_seconds"):
            if {name, f"{name}_path"} <= self.fields.keys():
                raise UsageError(f"{self.label} has {name} and {name}_path - give it one of them")


class Choice(State):
    """Goes on to the state of the first rule that holds, else to the default."""

    def __init__(self, state_id: str, **fields: Unpack[known.FlowingFields]) -> None:
        super().__init__(state_id, "Choice", **fields)
        self.choices: list[tuple[BaseRule, State | Chain]] = []
        self.default: State | Chain | None = None

    def add_choice(self, rule: BaseRule | str, next_step: State | Chain, **more: Any) -> None:
        """Where to go when a rule (JSONata: or an expression) holds; `more`: assign, output."""
        from byoa.plan.workflow.choice_rule import chosen

        self.choices.append((chosen(rule, more), step(next_step, self.label)))

    def default_choice(self, next_step: State | Chain) -> None:
        """Where to go when no rule holds."""
        self.default = step(next_step, self.label)

    def next(self, next_step: State | Chain) -> State | Chain:
        """What follows it in a chain is its default."""
        if self.default is not None and self.default is not next_step:
            raise UsageError(
                f"{self.label} leads to {self.default.state_id!r} by default, so it cannot go on "
                f"to {next_step.state_id!r} as well - end the chain with it"
            )
        self.default = next_step
        return next_step

    def successors(self) -> Iterator[State | Chain]:
        """The default and every choice's state."""
        if self.default is not None:
            yield self.default
        for _, one in self.choices:
            yield one

    def inner(
        self, language: str, query_language: str | None, scope: Scope | None
    ) -> dict[str, Any]:
        """The choices in their order, and the default."""
        if not self.choices:
            raise UsageError(f"{self.label} has no choice - add_choice gives it one")
        with named(f"{self.label}: choices"):
            rules = [(rule.to_dict(language), to) for rule, to in self.choices]
        made: dict[str, Any] = {"Choices": [{**rule, "Next": to.state_id} for rule, to in rules]}
        return made | ({"Default": self.default.state_id} if self.default else {})


class Parallel(State):
    """Runs its branches side by side; its result is the list of their outputs."""

    def __init__(self, state_id: str, **fields: Unpack[known.WorkFields]) -> None:
        super().__init__(state_id, "Parallel", **fields)
        self.branches: list[Branch] = []

    def add_branch(self, branch: Branch) -> None:
        """Appends a state, a chain, or a dict of StartAt and States as one more branch."""
        if not isinstance(branch, Mapping) and not hasattr(branch, "branch"):  # a Graph has one
            step(branch, self.label)
        self.branches.append(branch)

    def inner(
        self, language: str, query_language: str | None, scope: Scope | None
    ) -> dict[str, Any]:
        """The branches, each a workflow of its own."""
        from byoa.plan.workflow.chain import nested

        if not self.branches:
            raise UsageError(f"{self.label} has no branch - add_branch gives it one")
        return {"Branches": [nested(branch, query_language, scope) for branch in self.branches]}


class Map(State):
    """Runs one branch for every item of a list, of S3's objects or of a file's rows."""

    def __init__(self, state_id: str, **fields: Unpack[known.MapFields]) -> None:
        given: dict[str, Any] = dict(fields)
        own = {name: given.pop(name, None) for name in ("item_processor", "iterator")}
        self.iterator: Branch | None = own["item_processor"] or own["iterator"]
        mode, kind = given.pop("mode", None) or "INLINE", given.pop("execution_type", None)
        self.key = "ItemProcessor"  #: "Iterator" in definitions of before 2022
        self.processor_config: dict[str, Any] | None = {"Mode": mode}
        if mode == "DISTRIBUTED":
            self.processor_config["ExecutionType"] = kind or "STANDARD"
        super().__init__(state_id, "Map", **given)

    def set(self, **fields: Any) -> None:
        """As in every state; the SDK's `parameters` have become the item_selector."""
        if "parameters" in fields:
            fields["item_selector"] = fields.pop("parameters")
        super().set(**fields)

    def attach_iterator(self, iterator: Branch) -> None:
        """Takes a state or a chain for the items, instead of the one it had."""
        self.iterator = iterator

    def _written(self, name: str, value: Any, language: str) -> dict[str, Any]:
        if name in ("ItemReader", "ItemBatcher", "ResultWriter"):
            value = s3_fields(value, language)
        return super()._written(name, value, language)

    def inner(
        self, language: str, query_language: str | None, scope: Scope | None
    ) -> dict[str, Any]:
        """The item processor."""
        from byoa.plan.workflow.chain import nested

        if self.iterator is None:
            raise UsageError(f"{self.label} has nothing to run - attach_iterator gives it a state")
        branch = nested(self.iterator, query_language, scope)
        config = self.processor_config
        return {self.key: branch if config is None else {"ProcessorConfig": config, **branch}}


class DistributedMap(Map):
    """A Map whose items are executions of their own, up to 10,000 at a time."""

    def __init__(self, state_id: str, **fields: Unpack[known.MapFields]) -> None:
        fields["mode"] = "DISTRIBUTED"
        super().__init__(state_id, **fields)


def flat(steps: Iterable[State | Chain]) -> Iterator[State]:
    """The states of a list of states and chains, in its order."""
    for one in steps:
        if isinstance(one, State):
            yield one
        else:
            yield from one
