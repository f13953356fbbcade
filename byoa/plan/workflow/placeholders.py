"""Placeholders of the execution's input, a state's input, the context, and variables.

inputs = ExecutionInput(schema={"JobName": str, "Epochs": int, "Data": {"Bucket": str}})
inputs["Data"]["Bucket"]         $$.Execution.Input['Data']['Bucket']
f"s3://{inputs['Data']['Bucket']}/train"        States.Format('s3://{}/train', …)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import Text
from byoa.plan.workflow.schema import Schema, plain, problems_of, schema_as_text, schema_from_text
from byoa.plan.workflow.writing import escaped, quoted

if TYPE_CHECKING:
    from typing_extensions import Self

    from byoa.plan.workflow.state import State

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OUTPUTS = count()
#: What JSONata keeps for itself.
WORDS = {"and", "or", "in", "true", "false", "null", "function"}


class ValidationResult(NamedTuple):
    """What the SDK's `validate` answers, and ours: one sentence for each thing that is wrong."""

    valid: bool
    keys_missing: list[str]
    keys_type_mismatch: list[tuple[str, Any, Any]]
    problems: list[str]


class Placeholder(Text):
    """A value at a path: `placeholder["a"][0]` is the value further in."""

    ROOT: tuple[str | None, str | None] = ("$", "$states.input")
    #: Names as `.name` where they are plain ones; the SDK writes `['name']`.
    dotted = False
    name: str | int | None = None
    type: Any = None
    optional = False  #: whether the input may be without it
    parent: Placeholder | None = None
    schema: Schema | None
    store: dict[str | int, Placeholder]
    origin: Self

    def __new__(cls, schema: Schema | None = None) -> Self:
        return cls._at(cls.ROOT, schema)

    @classmethod
    def _at(
        cls,
        written: tuple[str | None, str | None],
        schema: Schema | None,
        sources: tuple[str, ...] = (),
    ) -> Self:
        made = cls.marked(*written, sources)
        made.schema, made.store, made.origin = schema, {}, made
        for name, below in (schema or {}).items():
            made._child(plain(name), below).optional = plain(name) != name
        return made

    def __getitem__(self, name: Any) -> Self:
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise UsageError(f"{name!r} is no key of {self!r} - take a name or a whole number")
        if name in self.store:
            return cast("Self", self.store[name])
        if isinstance(self.type, list) and isinstance(name, int):
            return self._child(name, self.type[0])
        if self.schema is not None:
            known = ", ".join(map(str, self.store)) or "nothing"
            raise UsageError(f"the schema has no {name!r} below {self!r} - it has {known}")
        return self._child(name, None)

    def get(self, name: str | int, kind: Any) -> Self:
        """The value at a key, of a type that `validate` asks for."""
        found = self[name]
        if found.type not in (None, kind):
            raise UsageError(f"{found!r} is {found.type} already - take that, or another name")
        found.type = kind
        return found

    def _child(self, name: str | int, below: Any) -> Self:
        path, expression = self.forms
        written = (
            None if path is None else path + self._path_step(name),
            None if expression is None else _jsonata_step(expression, name),
        )
        closed = isinstance(below, Mapping) or (below is not None and below not in (dict, list))
        schema = below if isinstance(below, Mapping) else {} if closed else None
        made = self._at(written, schema, self.sources)
        made.name, made.parent, made.origin = name, self, self.origin
        made.type = dict if isinstance(below, Mapping) else below
        self.store[name] = made
        return made

    def _path_step(self, name: str | int) -> str:
        if isinstance(name, int):
            return f"[{name}]"
        plain = self.dotted and PLAIN.fullmatch(name)
        return f".{name}" if plain else "['" + escaped(name, "'\\") + "']"

    def __contains__(self, other: object) -> bool:
        return any(one is other or other in one for one in self.store.values())

    def contains(self, placeholder: Placeholder) -> bool:
        """Whether a placeholder comes from this one."""
        return placeholder in self

    def get_schema_as_dict(self) -> dict[Any, Any]:
        """Names and types: those of the schema, else of all that was asked for so far."""
        return {
            f"{name}?" if one.optional else name: one._kind() for name, one in self.store.items()
        }

    def _kind(self) -> Any:
        open_one = self.schema is None and self.origin.schema is not None
        if isinstance(self.type, list) or open_one or not self.store:
            return self.type or str
        asked = self.get_schema_as_dict()
        return list if all(isinstance(name, int) for name in asked) else asked

    def get_schema_as_json(self, pretty: bool = False) -> str:
        """The schema as JSON; types by their names."""
        return schema_as_text(self.get_schema_as_dict(), pretty)

    def validate(self, value: Any) -> ValidationResult:
        """Whether an input fits the schema, and in sentences what does not."""
        found = list(problems_of(value, self.get_schema_as_dict(), self.schema is not None))
        return ValidationResult(
            not found,
            [one.key for one in found if one.kind == "missing"],
            [(one.key, one.wanted, one.value.__class__) for one in found if one.kind == "type"],
            [one.sentence for one in found],
        )

    def problems(self, value: Any) -> list[str]:
        """One sentence for everything in an input that the workflow cannot take."""
        return self.validate(value).problems


class ExecutionInput(Placeholder):
    """What the execution was started with."""

    ROOT = ("$$.Execution.Input", "$states.context.Execution.Input")

    @classmethod
    def from_schema_json(cls, text: str) -> ExecutionInput:
        """The placeholders of a schema that `get_schema_as_json` wrote."""
        return cls(schema_from_text(text))


class StepInput(Placeholder):
    """What a state is given: the output of the one before it."""

    owner: State | None = None  #: the state whose output() this is

    @classmethod
    def of(cls, owner: State, schema: Schema | None) -> StepInput:
        """A state's output; its marks are its own, so that a text still knows whose it is."""
        made = cls._at(cls.ROOT, schema, (f"output {next(OUTPUTS)}",))
        made.owner = owner
        return made


class StepResult(Placeholder):
    """What a state's own work answered: for its result_selector, its output and its assign."""

    ROOT = ("$", "$states.result")


class ErrorOutput(Placeholder):
    """What a Catch is given, with the keys Error and Cause."""

    ROOT = ("$", "$states.errorOutput")


class Context(Placeholder):
    """What Step Functions tells about the run: context["Execution"]["Name"].

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    """

    ROOT = ("$$", "$states.context")
    dotted = True


def variable(name: str) -> Placeholder:
    """A variable that an earlier state's assign set."""
    if not re.fullmatch(r"[^\W\d]\w{0,79}", name) or name == "states":
        raise UsageError(
            f"a variable cannot be called {name!r} - take up to 80 letters, digits and '_', with a "
            "letter first, and not 'states'"
        )
    return StepInput._at((f"${name}", f"${name}"), None)


def _jsonata_step(expression: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{expression}[{name}]"
    if PLAIN.fullmatch(name) and name not in WORDS:
        return f"{expression}.{name}"
    if "`" in name:
        return f"$lookup({expression}, {quoted(name)})"
    return f"{expression}.`{name}`"


context = Context()
task_token = context["Task"]["Token"]  #: what a callback answers with
item_value = context["Map"]["Item"]["Value"]  #: the item of a Map's run
item_index = context["Map"]["Item"]["Index"]  #: its place, from 0
