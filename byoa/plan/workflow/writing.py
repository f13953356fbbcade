"""Any value as a path or an expression: literals quoted, values of the run as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.workflow.expressions import (
    JSONATA,
    JSONPATH,
    MADE,
    MARK,
    RunTime,
    Text,
    at_run_time,
    bare,
    is_jsonata,
)

#: What is escaped inside the quotes of an intrinsic function.
RESERVED = "'{}\\"
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`')
INNERMOST = re.compile(r"\([^()\[\]{}]*\)|\[[^()\[\]{}]*\]|\{[^()\[\]{}]*\}")


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
    """Whether a value, and every one in it, can be written in a language."""
    if isinstance(value, Mapping) and language == JSONPATH:
        return not _holds(value)
    if isinstance(value, Mapping):
        return all(sayable(item, language) for item in value.values())
    if isinstance(value, list | tuple):
        return all(sayable(item, language) for item in value)
    if isinstance(value, str) and not isinstance(value, RunTime):
        if language == JSONPATH and is_jsonata(value):
            return False
        value = _joined(value) if at_run_time(value) else value
    return not isinstance(value, RunTime) or value.forms[language == JSONATA] is not None


def put_in(expression: str, language: str) -> str:
    """An expression of the user's own with its marks replaced."""
    return MARK.sub(
        lambda mark: part(MADE[mark[0]], language) if mark[0] in MADE else mark[0], expression
    )


def _joined(text: str) -> RunTime:
    """A text with marks in it, as one value: a format in JSONPath, `&` in JSONata."""
    if text in MADE:
        return MADE[text]
    if is_jsonata(text):
        return Text.marked(None, put_in(bare(text), JSONATA))
    pieces = [MADE.get(piece, piece) for piece in re.split(f"({MARK.pattern})", text)]
    values = [piece.forms for piece in pieces if isinstance(piece, RunTime)]
    form = "".join("{}" if isinstance(x, RunTime) else escaped(x, RESERVED) for x in pieces)
    path = f"States.Format('{form}', {', '.join(str(one) for one, _ in values)})"
    joined = " & ".join(
        _operand(str(piece.forms[1])) if isinstance(piece, RunTime) else quoted(piece)
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
