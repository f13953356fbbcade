"""Values known at run time only: texts here, a path or an expression in the definition.

Each stands wherever a text can: as an argument, in a list, inside an f-string. Until it is written
it is a mark that no name or address objects to, and that AWS's limits are not held against.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from byoa.plan.errors import UsageError

if TYPE_CHECKING:
    from typing_extensions import Self

#: The two languages that a state can be written in.
JSONPATH, JSONATA = "JSONPath", "JSONata"
#: What is escaped inside the quotes of an intrinsic function.
RESERVED = "'{}\\"
MARK = re.compile(r"zzrun[0-9a-f]{16}zz")
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
INNERMOST = re.compile(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")
#: Every value that was made, by its mark: an f-string keeps no more of it than that.
_MADE: dict[str, RunTime] = {}


class RunTime:
    """What every value of the run has: how it is written in either language."""

    _written: tuple[str | None, str | None]

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
        here, there = self._written if language == JSONPATH else self._written[::-1]
        if here is None:
            raise UsageError(
                f"{there} cannot be written in {language} - give its state the other "
                "query_language=, or write the value another way"
            )
        return here

    def __repr__(self) -> str:
        return f"<{self._written[0] or self._written[1]}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunTime) and self._written == other._written

    def __ne__(self, other: object) -> bool:  # str and int have one of their own
        return not self == other

    def __hash__(self) -> int:
        return hash(self._written)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:  # dataclasses.asdict copies what it is given
        return self


class Text(RunTime, str):
    """A value of the run; as a text it is its mark."""

    @classmethod
    def marked(cls, jsonpath: str | None, jsonata: str | None) -> Self:
        """The value that is written so; equal ones have equal marks."""
        written = (jsonpath, jsonata)
        mark = f"zzrun{hashlib.sha256(repr(written).encode()).hexdigest()[:16]}zz"
        made = str.__new__(cls, mark)
        made._written = written
        _MADE.setdefault(mark, made)
        return made

    def number(self, like: int = 1) -> Whole:
        """The same value where the code before the definition computes with a number."""
        made = Whole(like)
        made._written = self._written
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
        isinstance(value, str) and any(mark in _MADE for mark in MARK.findall(value))
    )


def written(value: Any, language: str = JSONPATH) -> str:
    """Any value as an expression: literals quoted, values of the run as they are."""
    if isinstance(value, str) and not isinstance(value, RunTime) and at_run_time(value):
        value = _joined(value)
    if isinstance(value, RunTime):
        return value.jsonpath() if language == JSONPATH else value.jsonata()
    return _literal(value) if language == JSONPATH else _jsonata_literal(value)


def part(value: Any, language: str) -> str:
    """Any value as a part of an expression, in parentheses where its operators need them."""
    expression = written(value, language)
    return _operand(expression) if language == JSONATA and at_run_time(value) else expression


def _operand(expression: str) -> str:
    """An expression as a part of another one: in parentheses if an operator is in its open."""
    outside = QUOTED.sub("", expression)
    while (inner := INNERMOST.sub("", outside)) != outside:
        outside = inner
    return expression if re.fullmatch(r"[\w$.]*", outside) else f"({expression})"


def sayable(value: Any, language: str) -> bool:
    """Whether every value of the run in it can be written in a language."""
    if isinstance(value, Mapping):
        return all(sayable(item, language) for item in value.values())
    if isinstance(value, list | tuple):
        return all(sayable(item, language) for item in value)
    if isinstance(value, str) and not isinstance(value, RunTime):
        if language == JSONPATH and is_jsonata(value):
            return False
        value = _joined(value) if at_run_time(value) else value
    return not isinstance(value, RunTime) or value._written[language == JSONATA] is not None


def put_in(expression: str, language: str) -> str:
    """An expression of the user's own with its marks replaced."""
    return MARK.sub(
        lambda mark: part(_MADE[mark[0]], language) if mark[0] in _MADE else mark[0], expression
    )


def _joined(text: str) -> RunTime:
    """A text with marks in it, as one value: a format in JSONPath, `&` in JSONata."""
    if text in _MADE:
        return _MADE[text]
    if is_jsonata(text):
        return Text.marked(None, put_in(bare(text), JSONATA))
    pieces = [_MADE.get(piece, piece) for piece in re.split(f"({MARK.pattern})", text)]
    values = [piece._written for piece in pieces if isinstance(piece, RunTime)]
    form = "".join("{}" if isinstance(x, RunTime) else escaped(x, RESERVED) for x in pieces)
    path = f"States.Format('{form}', {', '.join(str(one) for one, _ in values)})"
    joined = " & ".join(
        _operand(str(piece._written[1])) if isinstance(piece, RunTime) else quoted(piece)
        for piece in pieces
        if piece != ""
    )
    return Text.marked(
        None if None in [one for one, _ in values] else path,
        None if None in [one for _, one in values] else joined,
    )


def escaped(text: str, characters: str) -> str:
    return "".join(f"\\{one}" if one in characters else one for one in text)


def in_pattern(one: str) -> str:
    """A character in a pattern of JSONata, by its number: its reader stumbles over escaped ones."""
    return one if one.isalnum() or ord(one) > 0xFFFF else f"\\u{ord(one):04x}"


def quoted(value: Any) -> str:
    """A literal of JSONata, whose readers do not all know a pair of \\u escapes."""
    return json.dumps(value, ensure_ascii=False)


def _literal(value: Any) -> str:
    """A literal as an argument of an intrinsic function; an object travels as its JSON."""
    if isinstance(value, str):
        return "'" + escaped(value, RESERVED) + "'"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"States.Array({', '.join(written(item) for item in value)})"
    if isinstance(value, Mapping) and not _holds(value):
        return f"States.StringToJson({_literal(quoted(value))})"
    raise UsageError(
        f"{str(value)[:80]} cannot stand in an expression of JSONPath - make it in a Pass state "
        "before, or give the state query_language='JSONata'"
    )


def _jsonata_literal(value: Any) -> str:
    if isinstance(value, str) and is_jsonata(value):
        return f"({bare(value)})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(item, JSONATA) for item in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{quoted(str(k))}: {written(v, JSONATA)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    return quoted(value)


def _holds(value: Any) -> bool:
    """Whether a value of the run is anywhere inside."""
    if isinstance(value, Mapping):
        return any(_holds(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_holds(item) for item in value)
    return at_run_time(value)
