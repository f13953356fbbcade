"""The meaning of shell and SQL sources: what their comments and layout do not change."""

from __future__ import annotations

import shlex


def shell(text: str) -> str:
    """A shell script without its lines of comment, where no line can be inside of a text."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    if "<<" in text or not all(closed(line) for line in lines):
        return "\n".join(lines)
    first = lines[:1] if text.startswith("#!") else []
    kept = [line for line in lines[len(first) :] if line and not line.lstrip().startswith("#")]
    return "\n".join([*first, *kept])


def closed(line: str) -> bool:
    """Whether no quote and no backslash lead on to the next line."""
    if line.endswith("\\"):
        return False
    try:
        shlex.split(line, comments=True)
    except ValueError:
        return False
    return True


def sql(text: str) -> str:
    """SQL without comments (hints stay) and layout, its keywords in capitals.

    Without sqlparse the text as it is: then a comment is a change.
    """
    try:
        from sqlparse import lexer, tokens
    except ImportError:
        return text
    said = []
    for kind, value in lexer.tokenize(text):  # type: ignore[no-untyped-call]
        hint = kind in tokens.Comment.Multiline.Hint or kind in tokens.Comment.Single.Hint
        if kind in tokens.Whitespace or (kind in tokens.Comment and not hint):
            continue
        said.append(" ".join(value.upper().split()) if kind in tokens.Keyword else value)
    return "\x1f".join(said)
