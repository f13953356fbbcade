"""Values known at run time only: texts here, a path or an expression in the definition.

Each stands wherever a text can: as an argument, in a list, inside an f-string. Until it is written
it is a mark that no name or address objects to, and that AWS's limits are not held against.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from byoa.plan.errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Self

#: The two languages that a state can be written in.
JSONPATH, JSONATA = "JSONPath", "JSONata"
MARK = re.compile(r"zzrun[0-9a-f]{16}zz")
#: Every value that was made, by its mark: an f-string keeps no more of it than that.
MADE: dict[str, RunTime] = {}


class RunTime:
    """What every value of the run has: how it is written in either language."""

    #: In JSONPath and in JSONata.
    forms: tuple[str | None, str | None]
    #: What it was made of: values of the run, and texts with them.
    sources: tuple[str, ...] = ()

    def jsonpath(self) -> str:
        """What follows `"Key.$":`."""
        return self._in(JSONPATH)

    def jsonata(self) -> str:
        """What stands between `{%` and `%}`."""
        return self._in(JSONATA)

    def to_jsonpath(self) -> str:
        """The SDK's name for `jsonpath`."""
        return self._in(JSONPATH)

    def _in(self, language: str) -> str:
        here, there = self.forms if language == JSONPATH else self.forms[::-1]
        if here is None:
            raise UsageError(
                f"{there} cannot be written in {language} - give its state the other "
                "query_language=, or write the value another way"
            )
        return here

    def __repr__(self) -> str:
        return f"<{self.forms[0] or self.forms[1]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunTime) and self.forms == other.forms

    def __ne__(self, other: object) -> bool:  # str and int have one of their own
        return not self == other

    def __hash__(self) -> int:
        return hash(self.forms)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:  # dataclasses.asdict copies what it is given
        return self


class Text(RunTime, str):
    """A value of the run; as a text it is its mark."""

    @classmethod
    def marked(
        cls, jsonpath: str | None, jsonata: str | None, sources: tuple[str, ...] = ()
    ) -> Self:
        """The value that is written so; equal ones of the same sources have equal marks."""
        written = (jsonpath, jsonata)
        content = repr((written, [str(one) for one in sources]))
        mark = f"zzrun{hashlib.sha256(content.encode()).hexdigest()[:16]}zz"
        made = str.__new__(cls, mark)
        made.forms = written
        made.sources = sources
        MADE.setdefault(mark, made)
        return made

    def number(self, like: int = 1) -> Whole:
        """The same value where the code before the definition computes with a number."""
        made = Whole(like)
        made.forms, made.sources = self.forms, (self,)
        return made


class Whole(RunTime, int):
    """A value of the run that stands in for a whole number."""


def jsonpath(path: str) -> Text:
    """A path or an intrinsic function of your own writing: jsonpath("$.rows[0:2]")."""
    return Text.marked(path, None)


def jsonata(expression: str) -> Text:
    """A JSONata expression of your own writing, with or without its {% %}."""
    return Text.marked(None, bare(expression) if is_jsonata(expression) else expression)


def is_jsonata(value: object) -> bool:
    """Whether Step Functions reads a text as an expression."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def bare(expression: str) -> str:
    return expression[2:-2].strip()


def at_run_time(value: object) -> bool:
    """Whether a value is, or a text holds, what only the run knows."""
    return isinstance(value, RunTime) or (
        isinstance(value, str) and any(mark in MADE for mark in MARK.findall(value))
    )
