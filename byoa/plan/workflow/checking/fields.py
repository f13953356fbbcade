"""The fields that each kind of state knows in each query language, and what they hold.

https://states-language.net/spec.html, https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from byoa.plan.workflow.checking import jsonata, templates
from byoa.plan.workflow.checking.paths import path_problem, reference_problem
from byoa.plan.workflow.walk import JSONATA, JSONPATH, Machine, Place

FLOW = "Next End"
IO = "InputPath OutputPath Output Assign"
TRIES = "Retry Catch"
#: Every state may have Type, Comment and QueryLanguage.
KINDS = {
    "Pass": f"{FLOW} {IO} Parameters Result ResultPath",
    "Task": f"{FLOW} {IO} {TRIES} Resource Parameters Arguments ResultSelector ResultPath"
    " Credentials TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath",
    "Choice": f"{IO} Choices Default",
    "Wait": f"{FLOW} {IO} Seconds SecondsPath Timestamp TimestampPath",
    "Succeed": "InputPath OutputPath Output",
    "Fail": "Error ErrorPath Cause CausePath",
    "Parallel": f"{FLOW} {IO} {TRIES} Branches Parameters Arguments ResultSelector ResultPath",
    "Map": f"{FLOW} {IO} {TRIES} ItemProcessor Iterator Parameters ItemSelector ItemsPath Items"
    " ItemReader ItemBatcher ResultWriter ResultSelector ResultPath MaxConcurrency"
    " MaxConcurrencyPath ToleratedFailureCount ToleratedFailureCountPath"
    " ToleratedFailurePercentage ToleratedFailurePercentagePath Label",
}
REQUIRED = {"Task": ["Resource"], "Choice": ["Choices"], "Parallel": ["Branches"]}
#: The word of one language in the other; "" where there is none.
ONLY_JSONPATH = {
    "InputPath": "Arguments or Output",
    "OutputPath": "Output",
    "Parameters": "Arguments",
    "Result": "Output",
    "ResultPath": "Assign or Output",
    "ResultSelector": "Output",
    "ItemsPath": "Items",
    "SecondsPath": "Seconds",
    "TimestampPath": "Timestamp",
    "TimeoutSecondsPath": "TimeoutSeconds",
    "HeartbeatSecondsPath": "HeartbeatSeconds",
    "ErrorPath": "Error",
    "CausePath": "Cause",
    "MaxConcurrencyPath": "MaxConcurrency",
    "ToleratedFailureCountPath": "ToleratedFailureCount",
    "ToleratedFailurePercentagePath": "ToleratedFailurePercentage",
}
ONLY_JSONATA = {"Arguments": "Parameters", "Output": "OutputPath", "Items": "ItemsPath"}
#: Of two fields that say the same, one may be there.
APART = [
    ("Next", "End"),
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("ItemProcessor", "Iterator"),
    ("ItemSelector", "Parameters"),
]
YEAR = 99_999_999  #: seconds: AWS's longest timeout and wait
NUMBERS = {
    "TimeoutSeconds": (1, YEAR),
    "HeartbeatSeconds": (1, YEAR),
    "Seconds": (0, YEAR),
    "MaxConcurrency": (0, None),
    "ToleratedFailureCount": (0, None),
    "ToleratedFailurePercentage": (0, 100),
}
TEXTS = {"Comment", "Resource", "Error", "Cause", "Timestamp", "Next", "Default", "Label"}
REFERENCES = {"ResultPath"}
#: Paths that may be null, which means "nothing".
NULLABLE = {"InputPath", "OutputPath", "ResultPath"}
WITH_INTRINSICS = {"ErrorPath", "CausePath"}
TEMPLATES = {"Parameters", "ResultSelector", "ItemSelector", "Arguments", "Credentials", "Assign"}
ANYTHING = {"Result", "Output"}
OBJECTS = {"ItemReader", "ItemBatcher", "ResultWriter"}
TOP = ("StartAt", "States", "Comment", "Version", "TimeoutSeconds", "QueryLanguage")
BRANCH = ("StartAt", "States", "Comment", "ProcessorConfig", "QueryLanguage")


def machine_problems(machine: Machine) -> Iterator[str]:
    """The fields beside States: of the whole definition, or of a branch."""
    known = BRANCH if machine.label else TOP
    yield from unknown(machine.body, known, machine.label or "the definition")
    if (version := machine.body.get("Version", "1.0")) != "1.0":
        yield f"Version is {shown(version)}, but there is only 1.0 - leave it out"
    if machine.body.get("QueryLanguage", JSONPATH) not in (JSONPATH, JSONATA):
        yield f"QueryLanguage is {shown(machine.body['QueryLanguage'])} - write JSONPath or JSONata"
    if "TimeoutSeconds" in machine.body and not machine.label:
        yield from number("TimeoutSeconds", machine.body["TimeoutSeconds"], JSONPATH)


def state_problems(place: Place) -> Iterator[str]:
    """Unknown, missing and contradicting fields of a state, and what is wrong in the known ones."""
    if place.kind not in KINDS:
        near = difflib.get_close_matches(place.kind, KINDS, n=1, cutoff=0.5)
        kinds = near[0] if near else ", ".join(KINDS)
        yield f"its Type is {shown(place.state.get('Type'))}, which is none - write {kinds}"
        return
    language = place.language
    if language not in (JSONPATH, JSONATA):
        yield f"QueryLanguage is {shown(language)} - write JSONPath or JSONata"
        return
    if language == JSONPATH and place.machine.language == JSONATA:
        yield "a JSONata workflow has no JSONPath states - drop its QueryLanguage"
    known = ("Type", "Comment", "QueryLanguage", *KINDS[place.kind].split())
    yield from unknown(place.state, known, f"a {place.kind} state")
    for key in REQUIRED.get(place.kind, ()):
        if key not in place.state:
            yield f"a {place.kind} state needs {key} - give it"
    for one, other in APART:
        if one in place.state and other in place.state and {one, other} <= set(known):
            yield f"it has {one} and {other}, but AWS takes one of them - drop one"
    for key, value in place.state.items():
        if key in known:
            yield from field_problems(place, key, value)


def field_problems(place: Place, key: str, value: Any) -> Iterator[str]:
    """One field: whether the language has it, and whether its value can be."""
    foreign = ONLY_JSONPATH if place.language == JSONATA else ONLY_JSONATA
    if key in foreign:
        yield f"{key} is of another query language than {place.language} - write {foreign[key]}"
        return
    for sort, test in SORTS:
        if key in sort:
            yield from test(key, value, place.language)
            return


def number(key: str, value: Any, language: str) -> Iterator[str]:
    low, high = NUMBERS[key]
    if language == JSONATA and isinstance(value, str):
        yield from jsonata.whole_expression(key, value)
    elif not isinstance(value, int) or isinstance(value, bool):
        yield f"{key} is {shown(value)}, but it must be a whole number - write one"
    elif value < low or (high is not None and value > high):
        most = f" to {high:,}" if high else " or more"
        yield f"{key} is {value}, but AWS takes {low}{most} - change it"


def text(key: str, value: Any, language: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{key} is {shown(value)}, but it must be text - write one"
    elif language == JSONATA and key in ("Error", "Cause", "Timestamp"):
        yield from jsonata.strings(key, value)


def path(key: str, value: Any, language: str) -> Iterator[str]:
    if value is None and key in NULLABLE:
        return
    if not isinstance(value, str):
        yield f"{key} is {shown(value)}, but it must be a path such as $.name - write one"
        return
    whole = path_problem(value, intrinsics=key in WITH_INTRINSICS)
    if why := whole or (reference_problem(value) if key in REFERENCES else ""):
        yield f"{key} is {shown(value)}: {why}"


def template(key: str, value: Any, language: str) -> Iterator[str]:
    if language == JSONATA and isinstance(value, str) and key in ("Arguments", "ItemSelector"):
        yield from jsonata.whole_expression(key, value)
    elif not isinstance(value, Mapping) and (key != "Parameters" or not isinstance(value, list)):
        yield f"{key} is {shown(value)}, but it must be an object - write one"
    elif language == JSONATA:
        yield from jsonata.strings(key, value)
    else:
        yield from templates.problems(key, value)


def anything(key: str, value: Any, language: str) -> Iterator[str]:
    if language == JSONATA:
        yield from jsonata.strings(key, value)


def items(key: str, value: Any, language: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from jsonata.whole_expression(key, value)
    elif isinstance(value, list):
        yield from jsonata.strings(key, value)
    else:
        yield f"Items is {shown(value)}, but it must be a list or an expression {{% … %}}"


def thing(key: str, value: Any, language: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{key} is {shown(value)}, but it must be an object - write one"


def end(key: str, value: Any, language: str) -> Iterator[str]:
    if value is not True:
        yield f"End is {shown(value)}, but it can only be true - write true, or Next"


Test = Callable[[str, Any, str], Iterator[str]]
SORTS: list[tuple[Iterable[str], Test]] = [
    (NUMBERS, number),
    (TEXTS, text),
    ({key for key in ONLY_JSONPATH if key.endswith("Path")}, path),
    (TEMPLATES, template),
    (ANYTHING, anything),
    ({"Items"}, items),
    (OBJECTS, thing),
    ({"End"}, end),
]


def unknown(found: Mapping[str, Any], known: Iterable[str], where: str) -> Iterator[str]:
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(str(key), list(known), n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else "drop it"
            yield f"{where} has no field {shown(key)} - {hint}"


def shown(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 80 else said[:77] + "..."
