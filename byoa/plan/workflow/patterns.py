"""What a value of a definition will be when it is known: a text in which * stands for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking import jsonata

ANY = "*"
TEXT = re.compile(r"'((?:\\.|[^'\\])*)'")
#: Stars with nothing but separators between them are one.
STARS = re.compile(r"\*(?:[-_.]*\*)+")


def member(parameters: Mapping[str, Any], path: str) -> list[str]:
    """The patterns of a member such as `TrainingJobName` or, in a list, `Entries.EventBusName`.

    None when the member is not there at all; [*] when all of it comes later.
    """
    head, _, rest = path.partition(".")
    for key, value in parameters.items():
        plain = str(key).removesuffix(".$")
        if plain.lower() != head.lower():
            continue
        if plain != key:
            return [of_path(str(value))] if not rest else [ANY]
        if not rest:
            return [of(value)]
        items = value if isinstance(value, list) else [value]
        if isinstance(value, str):
            return [ANY]
        below = [member(one, rest) for one in items if isinstance(one, Mapping)]
        return sorted({pattern for found in below for pattern in found})
    return []


def of(value: Any) -> str:
    """A value that stands there: a text as it is, an expression as far as its texts say."""
    if jsonata.is_expression(value):
        return of_expression(value[2:-2])
    return value if isinstance(value, str) else ANY


def of_path(text: str) -> str:
    """A path or a call of JSONPath: of States.Format the text around its holes is known."""
    head = re.match(
        r"States\.Format\(\s*'((?:\\.|[^'\\])*)'\s*(?:,\s*(.*))?\)\s*$", text, re.DOTALL
    )
    if not head:
        return ANY
    fills = iter(_arguments(head[2] or ""))
    made = re.sub(r"\\(.)|\{\}", lambda found: found[1] or _fill(next(fills, ANY)), head[1])
    return STARS.sub(ANY, made)


def _fill(argument: str) -> str:
    found = TEXT.fullmatch(argument)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else of_path(argument)


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
    """JSONata: texts joined by & with what comes later."""
    made = []
    for part in _joined(code.strip()):
        found = re.fullmatch(r"'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"", part)
        made.append(re.sub(r"\\(.)", r"\1", found[1] or found[2] or "") if found else ANY)
    return STARS.sub(ANY, "".join(made)) or ANY


def _joined(code: str) -> Iterator[str]:
    depth, begin = 0, 0
    for found in re.finditer(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|[(\[{)\]}&?]", code):
        sign = found[0]
        if sign == "?":
            yield ANY
            return
        depth += 1 if sign in "([{" else -1 if sign in ")]}" else 0
        if sign == "&" and not depth:
            yield code[begin : found.start()].strip()
            begin = found.end()
    yield code[begin:].strip()


def is_arn(pattern: str) -> bool:
    """Whether a value is an ARN; of a `${Name}` that is put in later, its name says so."""
    return pattern.startswith("arn:") or bool(re.fullmatch(r"\$\{\w*Arn\}", pattern))


def arns(value: Any) -> Iterator[tuple[str, str]]:
    """Every member that holds a role, with its pattern, at any depth."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            plain = str(key).removesuffix(".$")
            if plain.endswith(("RoleArn", "ServiceRole", "ServiceRoleOverride", "JobFlowRole")):
                yield plain, of_path(str(item)) if plain != key else of(item)
            else:
                yield from arns(item)
    elif isinstance(value, list):
        for item in value:
            yield from arns(item)
