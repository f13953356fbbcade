"""What stands in a state as an object of its own: fields by their Python names, Retry, Catch."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import JSONPATH
from byoa.plan.workflow.resolve import needs_expression, path_of, resolved
from byoa.plan.workflow.writing import written

if TYPE_CHECKING:
    from byoa.plan.workflow.chain import Chain
    from byoa.plan.workflow.state import State

#: Fields that have a twin `…Path` in JSONPath, which a value of the run is written into.
TWINS = {
    *("Seconds", "Timestamp", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "Error"),
    *("Cause", "ToleratedFailurePercentage", "ToleratedFailureCount", "Items"),
}
#: Fields that can be null: nothing goes in, nothing comes out, the result is dropped.
NULLS = {"InputPath", "OutputPath", "ResultPath"}


def pascal(name: str) -> str:
    """max_delay_seconds as the language spells it: MaxDelaySeconds."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))


#: Fields that are read before anything runs.
FIXED = {
    *("Comment", "QueryLanguage", "Resource", "Label", "ErrorEquals", "IntervalSeconds"),
    *("MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"),
}


def written_field(name: str, value: Any, language: str) -> dict[str, Any]:
    """One field of a state with the values of the run in it."""
    if name in FIXED and needs_expression(value):
        raise UsageError(
            f"{written(value, language)} is known when the workflow runs, but the field must be "
            "known before - write a plain value"
        )
    if language == JSONPATH and needs_expression(value):
        path = written if name.removesuffix("Path") in ("Error", "Cause") else path_of
        if name in TWINS or name.endswith("Path"):
            return {name.removesuffix("Path") + "Path": path(value)}
    return {name: resolved(value, language)}


class Block:
    """Fields under their Python names; what the language has no place for is refused."""

    ALLOWED: frozenset[str] = frozenset()

    def __init__(self, **fields: Any) -> None:
        self.fields: dict[str, Any] = {}
        #: Fields under the language's own names, kept as they were read.
        self.extra: dict[str, Any] = {}
        self.set(**fields)

    def set(self, **fields: Any) -> None:
        """Gives fields a value; None takes one away, or is null where the language has a null."""
        for name, value in fields.items():
            self._check(name)
            self.fields.pop(name, None)
            if value is not None or pascal(name) in NULLS:
                self.fields[name] = value

    def _check(self, name: str) -> None:
        if pascal(name) in self.ALLOWED:
            return
        known = sorted(snake(one) for one in self.ALLOWED)
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        what = f"did you mean {near[0]}?" if near else f"take {', '.join(known)}"
        raise UsageError(f"{self.label} has no field {name!r} - {what}")

    @property
    def label(self) -> str:
        """What an error calls it."""
        return f"a {type(self).__name__}"

    def to_dict(self, query_language: str = JSONPATH) -> dict[str, Any]:
        """The object as the definition has it."""
        made: dict[str, Any] = {}
        for name, value in self.fields.items():
            made |= written_field(pascal(name), value, query_language)
        return made | self.extra

    def to_json(self, pretty: bool = False) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), indent=4 if pretty else None, ensure_ascii=False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.fields.items())})"


def snake(name: str) -> str:
    """MaxDelaySeconds as Python spells it: max_delay_seconds."""
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")


def step(given: Any, label: str) -> Any:
    """What one can go on to, as it is; UsageError for anything else."""
    if not hasattr(given, "state_id"):
        raise UsageError(f"{label} leads to {given!r} - give it a state or a chain")
    return given


class Retry(Block):
    """How often a state that failed with one of these errors is tried again."""

    ALLOWED = frozenset(
        {"Comment", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate"}
        | {"MaxDelaySeconds", "JitterStrategy"}
    )

    def __init__(
        self,
        *,
        error_equals: Sequence[str] | str,
        interval_seconds: int | None = None,
        max_attempts: int | None = None,
        backoff_rate: float | None = None,
        **more: Any,
    ) -> None:
        super().__init__(
            error_equals=[error_equals] if isinstance(error_equals, str) else list(error_equals),
            interval_seconds=interval_seconds,
            max_attempts=max_attempts,
            backoff_rate=backoff_rate,
            **more,
        )


class Catch(Block):
    """Where a state that failed with one of these errors goes on to."""

    ALLOWED = frozenset(["Comment", "ErrorEquals", "ResultPath", "Assign", "Output"])

    def __init__(
        self,
        next_step: State | Chain,
        *,
        error_equals: Sequence[str] | str,
        **more: Any,
    ) -> None:
        super().__init__(
            error_equals=[error_equals] if isinstance(error_equals, str) else list(error_equals),
            **more,
        )
        self.next_step: State | Chain = step(next_step, "a Catch")

    def to_dict(self, query_language: str = JSONPATH) -> dict[str, Any]:
        """The object as the definition has it, with the name of the next state."""
        return {**super().to_dict(query_language), "Next": self.next_step.state_id}
