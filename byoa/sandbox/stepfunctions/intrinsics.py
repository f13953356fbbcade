"""The intrinsic functions, States.Format and its kin, read and carried out.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from byoa.sandbox.stepfunctions.errors import StateError
from byoa.sandbox.stepfunctions.functions import FUNCTIONS, Raw, plain

#: Reads a path: "$.a", "$$.Execution.Id", "$variable".
Lookup = Callable[[str], Any]
CALL = re.compile(r"\s*(States\.[A-Za-z0-9]+)\s*\(")
STRING = re.compile(r"\s*'((?:\\.|[^'\\])*)'", re.DOTALL)
NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)")
WORD = re.compile(r"\s*(true|false|null)\b")
WORDS = {"true": True, "false": False, "null": None}
DEEPEST = 10


def evaluate(expression: str, lookup: Lookup) -> Any:
    """The value of one whole expression."""
    value, at = call(expression, 0, lookup, 0)
    if expression[at:].strip():
        raise failure(f"Invalid expression: {expression[at:]!r} follows the end of {expression!r}")
    return value


def failure(cause: str) -> StateError:
    return StateError("States.IntrinsicFailure", cause)


def call(expression: str, at: int, lookup: Lookup, depth: int) -> tuple[Any, int]:
    match = CALL.match(expression, at)
    if match is None or depth > DEEPEST:
        raise failure(f"Invalid intrinsic expression {expression!r}")
    given, at = arguments(expression, match.end(), lookup, depth)
    name = match[1].removeprefix("States.")
    if name not in FUNCTIONS:
        raise failure(f"The intrinsic function States.{name} does not exist")
    if name != "Format":
        given = [plain(value) for value in given]
    try:
        return FUNCTIONS[name](*given), at
    except (TypeError, ValueError, LookupError, AttributeError, UnicodeError) as error:
        raise failure(f"States.{name} could not be carried out: {error}") from None


def arguments(expression: str, at: int, lookup: Lookup, depth: int) -> tuple[list[Any], int]:
    """What stands in the brackets, and where they are closed."""
    given: list[Any] = []
    while True:
        while expression[at : at + 1].isspace():
            at += 1
        if expression[at : at + 1] == ")" and not given:
            return given, at + 1
        value, at = argument(expression, at, lookup, depth)
        given.append(value)
        while expression[at : at + 1].isspace():
            at += 1
        if expression[at : at + 1] == ")":
            return given, at + 1
        if expression[at : at + 1] != ",":
            raise failure(f"Invalid intrinsic expression {expression!r}: see character {at + 1}")
        at += 1


def argument(expression: str, at: int, lookup: Lookup, depth: int) -> tuple[Any, int]:
    if match := STRING.match(expression, at):
        return Raw(match[1]), match.end()
    if match := NUMBER.match(expression, at):
        number = match[1]
        return (float(number) if re.search(r"[.eE]", number) else int(number)), match.end()
    if match := WORD.match(expression, at):
        return WORDS[match[1]], match.end()
    if CALL.match(expression, at):
        return call(expression, at, lookup, depth + 1)
    end = path_end(expression, at)
    return lookup(expression[at:end].strip()), end


def path_end(expression: str, at: int) -> int:
    """Where a path ends: at a comma or bracket that is not inside [...] or quotes."""
    depth, quote = 0, ""
    while at < len(expression):
        character = expression[at]
        if quote and character == "\\":
            at += 1
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "[(":
            depth += 1
        elif character in "])" and depth:
            depth -= 1
        elif character in ",)" and not depth:
            break
        at += 1
    return at
