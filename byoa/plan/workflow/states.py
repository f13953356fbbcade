"""The eight states of the Amazon States Language, as objects that make their part of the dict.

https://docs.aws.amazon.com/step-functions/latest/dg/workflow-states.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.blocks import step
from byoa.plan.workflow.items import s3_fields
from byoa.plan.workflow.rules import BaseRule, chosen
from byoa.plan.workflow.state import Branch, State, named

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from byoa.plan.workflow import fields as known
    from byoa.plan.workflow.chain import Chain, Scope


__all__ = [
    "Choice",
    "DistributedMap",
    "Fail",
    "Map",
    "Parallel",
    "Pass",
    "State",
    "Succeed",
    "Task",
    "Wait",
]


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
