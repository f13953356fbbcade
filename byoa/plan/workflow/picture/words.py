"""What a picture says: rules of a Choice, statuses, durations; and texts fitted into boxes."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from byoa.plan.workflow.failure import reason
from byoa.plan.workflow.history import (
    ABORTED,
    CAUGHT,
    FAILED,
    RUNNING,
    SUCCEEDED,
    TIMED_OUT,
    WAITING,
    StateProgress,
)
from byoa.plan.workflow.walk import Edge, Place, inner, listed

SIGNS = {
    WAITING: "",
    RUNNING: "▶",
    SUCCEEDED: "✓",
    FAILED: "✗",
    CAUGHT: "↷",
    ABORTED: "■",
    TIMED_OUT: "◔",
}
COMPARED = {
    "Equals": "=",
    "LessThan": "<",
    "GreaterThan": ">",
    "LessThanEquals": "≤",
    "GreaterThanEquals": "≥",
    "Matches": "is like",
}
KINDS = ("String", "Numeric", "Timestamp", "Boolean")
Progress = Mapping[str, StateProgress | str]


def progress_of(progress: Progress | None, name: str) -> StateProgress:
    """A state's progress; a word alone is its status."""
    found = (progress or {}).get(name, WAITING)
    made = StateProgress(status=found) if isinstance(found, str) else found
    return made if made.status in SIGNS else StateProgress()


def rule(body: Any) -> str:
    """A rule of a Choice as one would say it."""
    if not isinstance(body, Mapping):
        return "?"
    if "Condition" in body:
        return str(body["Condition"]).removeprefix("{%").removesuffix("%}").strip()
    for key, word in (("And", " and "), ("Or", " or ")):
        if key in body:
            return word.join(_bracketed(one) for one in listed(body[key]))
    if "Not" in body:
        return f"not {_bracketed(body['Not'])}"
    variable = str(body.get("Variable", "?"))
    for key, value in body.items():
        if key not in ("Variable", "Next", "Comment", "Assign"):
            return _compared(variable, str(key), value)
    return "?"


def _bracketed(body: Any) -> str:
    said = rule(body)
    return f"({said})" if isinstance(body, Mapping) and {"And", "Or"} & body.keys() else said


def _compared(variable: str, operator: str, value: Any) -> str:
    if operator.startswith("Is"):
        what = {"Present": "there", "Numeric": "a number", "String": "text", "Null": "null",
                "Boolean": "true or false", "Timestamp": "a time"}  # fmt: skip
        return f"{variable} is {'' if value else 'not '}{what.get(operator[2:], operator[2:])}"
    path = operator.endswith("Path")
    plain = operator.removesuffix("Path")
    for kind in KINDS:
        sign = COMPARED.get(plain.removeprefix(kind)) if plain.startswith(kind) else None
        if sign:
            return f"{variable} {sign} {value if path else json.dumps(value, ensure_ascii=False)}"
    return f"{variable} {operator} {value}"


def closed(place: Place) -> list[str]:
    """The states within a step that is a box of its own making; none of any other state.

    Such a box is a Parallel of one branch whose states are called after it: "Deploy: wait".
    """
    machines = inner(place) if place.kind == "Parallel" else []
    names = list(machines[0].states) if len(machines) == 1 else []
    own = all(name.startswith(f"{place.name}: ") for name in names)
    return names if own else []


def busy(place: Place, progress: Progress | None) -> str:
    """The state within a closed box that matters now: the one that failed, or is at work."""
    if progress_of(progress, place.name).status == SUCCEEDED:
        return ""
    found = [(name, progress_of(progress, name)) for name in closed(place)]
    for status in (FAILED, TIMED_OUT, RUNNING):
        for name, now in reversed(found):
            if now.status == status:
                return f"{name.removeprefix(f'{place.name}: ')}: {told(now)}"
    return ""


def edge_label(place: Place, edge: Edge) -> str:
    """What stands beside an edge: the rule, "otherwise", or the errors that are caught."""
    if edge.kind == "choice":
        return rule(listed(place.state.get("Choices"))[edge.number])
    if edge.kind == "default":
        return "otherwise"
    if edge.kind == "catch":
        catcher = listed(place.state.get("Catch"))[edge.number]
        return "on " + ", ".join(str(one) for one in listed(catcher.get("ErrorEquals")))
    return ""


def told(progress: StateProgress) -> str:
    """One line below a state's name: sign, duration, tries."""
    if progress.status == WAITING:
        return ""
    said = [f"{SIGNS[progress.status]} {progress.status}"]
    if progress.seconds or progress.status == RUNNING:
        said.append(duration(progress.seconds))
    if progress.retries:
        said.append(f"{progress.retries} {'retry' if progress.retries == 1 else 'retries'}")
    if progress.runs > 1:
        said.append(f"{progress.runs} times")
    return " · ".join(said)


def why(now: StateProgress) -> str:
    """What went wrong, out of whatever the error's cause is wrapped in."""
    return reason(now.error, now.cause) if now.error or now.cause else ""


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m" if hours else f"{minutes} m {rest:02} s"


def width(text: str, size: float = 13) -> float:
    """About how wide a text is in a font without serifs, in pixels; never too little."""
    return sum(_advance(sign) for sign in text) * size


def _advance(sign: str) -> float:
    if unicodedata.east_asian_width(sign) in "WF":
        return 1.05
    if unicodedata.combining(sign) or unicodedata.category(sign) == "Cf":
        return 0.0
    if sign in "iljtf.,:;'|!()[] ":
        return 0.36
    return 0.92 if sign in "mwMW@%" else 0.7 if sign.isupper() else 0.58


def lines(text: str, most: float, rows: int, size: float = 13) -> list[str]:
    """The text in so many rows, broken at blanks where that goes; the last may end in …"""
    made: list[str] = [""]
    for word in plain(text).split(" "):
        longer = f"{made[-1]} {word}".strip()
        if width(longer, size) <= most:
            made[-1] = longer
            continue
        made += [""] if made[-1] else []
        for sign in word:
            if width(made[-1] + sign, size) > most:
                made.append("")
            made[-1] += sign
    if len(made) > rows:
        made = made[:rows]
        while made[-1] and width(made[-1] + "…", size) > most:
            made[-1] = made[-1][:-1]
        made[-1] += "…"
    return made


def plain(text: str) -> str:
    """The text on one line, without what no XML may hold."""
    kept = (sign if sign.isprintable() else " " for sign in text)
    return " ".join("".join(kept).split())
