"""What ends a state: an error with a name, a stop from outside, a clock that ran out."""

from __future__ import annotations

from collections.abc import Iterable

#: No States.ALL takes these: the definition or the data is wrong, and would be again.
#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
TERMINAL = {"States.DataLimitExceeded", "States.Runtime"}


class StateError(Exception):
    """An error as Retry and Catch see it, and the history."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause

    @property
    def output(self) -> dict[str, str]:
        return {"Error": self.name, "Cause": self.cause}


class StoppedError(Exception):
    """Somebody stopped the execution, or a sibling branch failed."""


class ExpiredError(Exception):
    """A TimeoutSeconds is over; whose, is for its owner to compare."""

    def __init__(self, owner: object) -> None:
        super().__init__("the time is over")
        self.owner = owner


def runtime(cause: str) -> StateError:
    return StateError("States.Runtime", cause)


def matches(error: str, names: Iterable[str]) -> bool:
    """Whether ErrorEquals means this error."""
    for name in names:
        if name == error:
            return True
        if name == "States.ALL" and error not in TERMINAL:
            return True
        if name == "States.TaskFailed" and error not in {"States.Timeout", *TERMINAL}:
            return True
    return False
