"""JSONPath and intrinsic functions, read as Step Functions reads them.

https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from byoa.plan.workflow.resource import LATER

SIGN = r"[^\s.\[\]()'\",:?*@$&|<>=!]"
NAME = f"{SIGN}+"
QUOTED = r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\""
ROOT = re.compile(r"\$\$|\$(?:[^\W\d]\w*)?")
#: A step of a reference path: it finds one thing.
ONE = re.compile(rf"\.{NAME}(?!{SIGN}|\()|\.?\[\s*(?:{QUOTED})\s*\]|\.?\[\s*\d+\s*\]")
#: The others: ..name, *, slices, several, filters (their text is not read), functions.
MANY = re.compile(
    rf"\.\.?(?:\*|{NAME})(?:\(\))?|(?:\.\.?(?=\[))?(?:\[\s*\*\s*\]"
    rf"|\[\s*(?:{QUOTED})(?:\s*,\s*(?:{QUOTED}))*\s*\]"
    r"|\[\s*-?\d+(?:\s*,\s*-?\d+)*\s*\]|\[\s*-?\d*\s*:\s*-?\d*(?:\s*:\s*-?\d*)?\s*\]"
    rf"|\[\?\((?:{QUOTED}|\((?:{QUOTED}|[^'\"()])*\)|[^'\"()])*\)\])"
)
CONTEXT = {
    "Execution": {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"},
    "State": {"EnteredTime", "Name", "RetryCount"},
    "StateMachine": {"Id", "Name"},
    "Task": {"Token"},
    "Map": {"Item"},
}
#: How many arguments each function takes: least and most.
FUNCTIONS: dict[str, tuple[int, int | None]] = {
    "Array": (0, None),
    "ArrayContains": (2, 2),
    "ArrayGetItem": (2, 2),
    "ArrayLength": (1, 1),
    "ArrayPartition": (2, 2),
    "ArrayRange": (3, 3),
    "ArrayUnique": (1, 1),
    "Base64Decode": (1, 1),
    "Base64Encode": (1, 1),
    "Format": (1, None),
    "Hash": (2, 2),
    "JsonMerge": (3, 3),
    "JsonToString": (1, 1),
    "MathAdd": (2, 2),
    "MathRandom": (2, 3),
    "StringSplit": (2, 2),
    "StringToJson": (1, 1),
    "UUID": (0, 0),
}
HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")
DEEPEST = 10
ATOM = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)")
CALL = re.compile(r"States\.(\w*)\s*\(")


def path_problem(text: str, intrinsics: bool = False) -> str:
    """Why the text is no path; "" when it is one."""
    text = text.rstrip()
    if LATER.search(text):
        return ""  # CloudFormation puts a part of it in
    if intrinsics and text.startswith("States."):
        return function_problem(text)
    _, end, why = path_at(text, 0)
    if why:
        return why
    if end < len(text):
        return f"{text[end:][:20]!r} is no step of a path - write .name, ['name'] or [0]"
    return context_problem(text)


def reference_problem(text: str) -> str:
    """Why the text is no path to one place, which a result can be put at."""
    root = ROOT.match(text)
    if not root or root[0] != "$":
        return "a result goes to $ or below it - write such as $.name"
    at = root.end()
    while at < len(text):
        step = ONE.match(text, at)
        if not step:
            return f"{text[at:][:20]!r} names no single place - write .name, ['name'] or [0]"
        at = step.end()
    return ""


def path_at(text: str, at: int) -> tuple[str, int, str]:
    """The path that begins here: its root, where it ends, and what is wrong."""
    root = ROOT.match(text, at)
    if not root:
        return "", at, "a path begins with $ - write such as $.name"
    at = root.end()
    while at < len(text) and text[at] in ".[":
        step = ONE.match(text, at) or MANY.match(text, at)
        if not step:
            return root[0], at, f"{text[at:][:20]!r} is no step of a path - write .name or [0]"
        at = step.end()
    return root[0], at, ""


def context_problem(text: str) -> str:
    """What the context object ($$) has not."""
    found = re.match(r"\$\$(?:\.(\w+)|\['(\w+)'\])(?:\.(\w+)|\['(\w+)'\])?", text)
    if not found:
        return ""
    first, second = found[1] or found[2], found[3] or found[4]
    if first not in CONTEXT:
        return f"the context object has no {first} - there is {', '.join(CONTEXT)}"
    if second and second not in CONTEXT[first]:
        near = difflib.get_close_matches(second, CONTEXT[first], n=1)
        there = near or sorted(CONTEXT[first])
        return f"the context object's {first} has no {second} - there is {', '.join(there)}"
    return ""


def function_problem(text: str) -> str:
    """Why the text is no call of an intrinsic function; "" when it is one."""
    end, why = _call(text, 0, 1)
    if not why and text[end:].strip():
        why = f"{text[end:].strip()[:20]!r} follows the last bracket - drop it"
    return why


def _call(text: str, at: int, depth: int) -> tuple[int, str]:
    head = CALL.match(text, at)
    if not head:
        return at, f"{text[at:][:30]!r} is no call - write such as States.Format('{{}}', $.name)"
    name = head[1]
    if name not in FUNCTIONS:
        near = difflib.get_close_matches(name, FUNCTIONS, n=1, cutoff=0.3)
        known = f"did you mean States.{near[0]}?" if near else f"there is {', '.join(FUNCTIONS)}"
        return at, f"there is no intrinsic function States.{name} - {known}"
    if depth > DEEPEST:
        return at, f"calls are nested deeper than {DEEPEST} - take some of it into a Pass state"
    at = head.end()
    arguments: list[str] = []
    while True:
        at = _blank(text, at)
        if text[at : at + 1] == ")" and not arguments:
            break
        begin = at
        at, why = _argument(text, at, depth)
        if why:
            return at, why
        arguments.append(text[begin:at].strip())
        at = _blank(text, at)
        if text[at : at + 1] == ")":
            break
        if text[at : at + 1] != ",":
            return at, f"States.{name} has no closing bracket - add )"
        at += 1
    return at + 1, next(_arguments(name, arguments), "")


def _argument(text: str, at: int, depth: int) -> tuple[int, str]:
    if text.startswith("States.", at):
        return _call(text, at, depth + 1)
    if text.startswith("'", at):
        found = re.compile(r"'(?:\\.|[^'\\])*'", re.DOTALL).match(text, at)
        return (found.end(), "") if found else (at, "a text has no closing ' - add it")
    if text.startswith("$", at):
        _, end, why = path_at(text, at)
        return end, why or context_problem(text[at:end])
    if found := ATOM.match(text, at):
        return found.end(), ""
    said = repr(text[at:][:20]) if text[at:] else "nothing"
    return at, f"{said} is no argument - write a path, a number or a text in '…'"


def _arguments(name: str, arguments: list[str]) -> Iterator[str]:
    least, most = FUNCTIONS[name]
    if len(arguments) < least or (most is not None and len(arguments) > most):
        takes = str(least) if least == most else f"{least} or more" if most is None else "2 or 3"
        yield f"States.{name} has {len(arguments)} arguments, but takes {takes} - change them"
    elif name == "Format" and arguments[0].startswith("'"):
        holes = re.sub(r"\\.", "", arguments[0]).count("{}")
        if holes != len(arguments) - 1:
            yield (
                f"States.Format has {holes} {{}} and {len(arguments) - 1} values for them"
                " - make it the same number"
            )
    elif name == "Hash" and arguments[1].startswith("'") and arguments[1][1:-1] not in HASHES:
        yield f"States.Hash knows no {arguments[1]} - write one of {', '.join(HASHES)}"
    elif name == "JsonMerge" and arguments[2] != "false":
        yield "States.JsonMerge merges the first level only - write false as its third argument"


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
