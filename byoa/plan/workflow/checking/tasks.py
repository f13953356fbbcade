"""What a task calls and what it gives along, held against the API's own model.

AWS refuses a workflow whose parameters hold a field that the API has not: "The field X is not
supported by Step Functions".
https://docs.aws.amazon.com/step-functions/latest/dg/connect-parameters.html
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan import limits
from byoa.plan.tables import table
from byoa.plan.workflow import resource
from byoa.plan.workflow.checking import jsonata
from byoa.plan.workflow.expressions import jsonpath
from byoa.plan.workflow.walk import JSONATA, Place

#: Members that take any JSON: Step Functions makes the text of it.
FREE = {"Invoke.Payload", "SendMessage.MessageBody", "Publish.Message", "StartExecution.Input",
        "PutEventsRequestEntry.Detail"} | {
    f"{one}Item.{what}"  # DynamoDB's own types are many, and AWS is lenient with them
    for one in ("Get", "Put", "Update", "Delete")
    for what in ("Key", "Item", "Expected", "ExpressionAttributeValues", "AttributeUpdates")
}  # fmt: skip
#: aws-sdk's services where boto3 has another name.
BOTO = {"sfn": "stepfunctions", "eventbridge": "events"}
#: Names whose text should not stand in a workflow, and texts that are keys by their look.
SECRET_NAME = re.compile(
    r"(?i)(?:^|[_.-]|[a-z](?=[A-Z]))(password|passwd|secret|(api|private|secret|access)[_-]?key"
    r"|auth[_-]?token|access[_-]?token)$"
)
SECRET_TEXT = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_\w{30,}|\bxox[bp]-\w+-"
)


def state_problems(place: Place) -> Iterator[str]:
    if place.kind == "Task" and "Resource" in place.state:
        yield from resource.problems(place.state["Resource"])
        called = resource.parsed(place.state["Resource"])
        if operation := operation_of(called):
            yield from request_problems(place, called, operation)
    if place.kind in ("Task", "Pass"):
        yield from secrets("Arguments" if place.language == JSONATA else "Parameters", place)


def operation_of(called: resource.Resource) -> str:
    """The operation's name in shapes.json; "" where the table has none."""
    operation = ""
    if called.kind == resource.INTEGRATION:
        operation = (resource.integration(called) or {}).get("operation", "")
    elif called.kind == resource.SDK:
        service = BOTO.get(called.service, called.service)
        operation = f"{service}.{called.action[:1].upper()}{called.action[1:]}"
    service, _, name = operation.partition(".")
    known = table("shapes.json").get(service, {})
    return operation if isinstance(known, dict) and name in known.get("operations", {}) else ""


def request_problems(place: Place, called: resource.Resource, operation: str) -> Iterator[str]:
    key = "Arguments" if place.language == JSONATA else "Parameters"
    given = place.state.get(key, {})
    if not isinstance(given, Mapping):
        return  # an expression, or told already
    if called.pattern == "waitForTaskToken" and "Task.Token" not in str(given):
        yield f"{key} holds no $$.Task.Token, so nothing could end the wait - give it along"
    service, _, name = operation.partition(".")
    known = table("shapes.json")[service]
    reader = Reader(known["shapes"], place.language, name)
    request = reader.value(given, known["operations"][name], "")
    yield from (f"{key}: {sentence}" for sentence in reader.problems)
    if not reader.problems:
        yield from (f"{key}: {sentence}" for sentence in limits.problems_of(operation, request))


class Reader:
    """Makes the API's request of a state's parameters; what comes later stands in as such."""

    def __init__(self, shapes: Mapping[str, Any], language: str, operation: str) -> None:
        self.shapes, self.language, self.operation = shapes, language, operation
        self.problems: list[str] = []
        self.later = jsonpath("$")

    def value(self, value: Any, name: str, path: str) -> Any:
        shape = self.shapes[name]
        if self.comes_later(value):
            return self.later
        if shape["type"] == "structure" and isinstance(value, Mapping):
            return self.structure(value, name, path)
        if shape["type"] == "map" and isinstance(value, Mapping):
            return {
                self.plain(key): self.later
                if self.is_path(key)
                else self.value(item, shape["of"], f"{path}.{key}")
                for key, item in value.items()
            }
        if shape["type"] == "list" and isinstance(value, list):
            return [
                self.value(item, shape["of"], f"{path}[{number}]")
                for number, item in enumerate(value)
            ]
        return value

    def structure(self, value: Mapping[str, Any], name: str, path: str) -> dict[str, Any]:
        """Members are written with a capital, whatever the API's own spelling."""
        members: dict[str, str] = self.shapes[name].get("members", {})
        spelt = {one[:1].upper() + one[1:]: one for one in members}
        made = {}
        for key, item in value.items():
            plain = self.plain(key)
            here = f"{path}.{plain}" if path else plain
            if plain not in spelt:
                self.problems.append(self.unknown(here, plain, spelt))
            elif self.is_path(key) or f"{self.free(name)}.{plain}" in FREE:
                made[spelt[plain]] = self.later
            else:
                made[spelt[plain]] = self.value(item, members[spelt[plain]], here)
        return made

    def free(self, name: str) -> str:
        request = name.endswith(("Request", "Input")) or name == self.operation
        return self.operation if request else name

    def unknown(self, here: str, plain: str, spelt: Mapping[str, str]) -> str:
        same = next((one for one in spelt if one.lower() == plain.lower()), "")
        near = [same] if same else difflib.get_close_matches(plain, spelt, n=1, cutoff=0.7)
        hint = f"did you mean {near[0]}?" if near else "drop it"
        return f"AWS has no field {here}, and refuses the workflow for it - {hint}"

    def is_path(self, key: Any) -> bool:
        return self.language != JSONATA and str(key).endswith(".$")

    def plain(self, key: Any) -> str:
        return str(key)[:-2] if self.is_path(key) else str(key)

    def comes_later(self, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        written = self.language == JSONATA and jsonata.is_expression(value)
        return written or bool(resource.LATER.search(value))


def secrets(where: str, place: Place) -> Iterator[str]:
    """Texts that look like passwords and keys: everybody who sees the workflow sees them."""
    for path, name, value in _texts(where, "", place.parameters):
        known = value.startswith(("arn:", "{{resolve:", "{%", "${")) or not value.strip()
        if not known and (SECRET_NAME.search(name) or SECRET_TEXT.search(value)):
            yield (
                f"{path} looks like a secret, which whoever sees the workflow sees, too"
                " - put it into Secrets Manager and give its name"
            )


def _texts(path: str, name: str, value: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        pair = {str(key).lower(): item for key, item in value.items()}
        if set(pair) <= {"name", "value", "type"} and isinstance(pair.get("value"), str):
            kept = pair.get("type") in ("SECRETS_MANAGER", "PARAMETER_STORE")
            yield f"{path}.Value", "" if kept else str(pair.get("name", "")), pair["value"]
            return
        for key, item in value.items():
            if not str(key).endswith(".$"):
                yield from _texts(f"{path}.{key}", str(key), item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(f"{path}[{number}]", name, item)
    elif isinstance(value, str):
        yield path, name, value
