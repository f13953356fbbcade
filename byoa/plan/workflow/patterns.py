"""What a text of a definition will be when it is known: * stands for the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

ANY = "*"
#: Says what one part is, as far as anybody can.
Look = Callable[[str], str]
TEXT = re.compile(r"'((?:\\.|[^'\\])*)'")
#: Stars with nothing but separators between them are one.
STARS = re.compile(r"\*(?:[-_.]*\*)+")


def of_path(text: str, look: Look) -> str:
    """A call of JSONPath: of States.Format the text around its holes is known."""
    head = re.match(
        r"States\.Format\(\s*'((?:\\.|[^'\\])*)'\s*(?:,\s*(.*))?\)\s*$", text, re.DOTALL
    )
    if not head:
        return ANY
    fills = iter(_arguments(head[2] or ""))
    made = re.sub(r"\\(.)|\{\}", lambda found: found[1] or _fill(next(fills, ANY), look), head[1])
    return STARS.sub(ANY, made)


def _fill(argument: str, look: Look) -> str:
    found = TEXT.fullmatch(argument)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else look(argument)


def _arguments(text: str) -> Iterator[str]:
    """The arguments of a call, split at the commas that are in no text and no bracket."""
    depth, begin, at = 0, 0, 0
    while at < len(text):
        if text[at] == "'":
            found = TEXT.match(text, at)
            at = found.end() if found else len(text)
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[at], 0)
        if text[at] == "," and not depth:
            yield text[begin:at].strip()
            begin = at + 1
        at += 1
    if text[begin:].strip():
        yield text[begin:].strip()


def of_expression(code: str) -> str:
    """JSONata: texts joined by & with what comes later, which may be nothing at all there."""
    made = []
    for part in _joined(code.strip()):
        found = re.fullmatch(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"", part)
        made.append(re.sub(r"\\(.)", r"\1", found[1] or found[2] or "") if found else ANY)
    return STARS.sub(ANY, "".join(made)) or ANY


def _joined(code: str) -> Iterator[str]:
    """The parts that & joins; a * alone where another operator has the last word."""
    depth, begin, parts, outside = 0, 0, [], ""
    for found in re.finditer(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|.", code, re.DOTALL):
        sign = found[0]
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "&" and not depth:
            parts.append(code[begin : found.start()].strip())
            begin = found.end()
        elif not depth and len(sign) == 1 and sign not in ")]}":
            outside += sign
    plain = re.fullmatch(r"[\w\s.$]*", outside) and not re.search(r"\b(and|or|in)\b", outside)
    yield from [*parts, code[begin:].strip()] if plain else [ANY]


def is_arn(pattern: str) -> bool:
    """Whether a value is an ARN; of a `${Name}` that is put in later, its name says so."""
    return pattern.startswith("arn:") or bool(re.fullmatch(r"\$\{\w*Arn\}", pattern))
