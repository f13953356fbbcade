"""Requests to Step Functions, and what an update would change.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import templates
from byoa.plan.errors import UsageError
from byoa.plan.names import fitted
from byoa.plan.workflow.inputs import checked, comment_of, schema_of
from byoa.plan.workflow.schema import schema_as_text
from byoa.plan.workflow.walk import every_state, inner

STATES = "states.amazonaws.com"
EVENTS = "events.amazonaws.com"
PROJECT, WORKFLOW = "byoa:project", "byoa:workflow"
LEVELS = ("OFF", "ERROR", "FATAL", "ALL")
#: A definition may have 1 MiB.
MOST_BYTES = 1 << 20
NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
#: Where a state keeps other states.
INNER = ("Branches", "Iterator", "ItemProcessor")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A state machine as it is wanted. Standard: .sync and redrive are for no other type."""

    name: str
    definition: Mapping[str, Any]
    role: str
    tags: Mapping[str, str] = field(default_factory=dict)
    log_level: str = "OFF"
    log_group: str = ""  #: its ARN
    tracing: bool = False

    @property
    def logging(self) -> dict[str, Any]:
        group = f"{self.log_group.removesuffix(':*')}:*" if self.log_level != "OFF" else None
        # inputs may hold presigned addresses: they stay in the history, which fewer people read
        values = {"level": self.log_level, "group": group, "data": False if group else None}
        return templates.part("stepfunctions logging", values)


@dataclass(frozen=True)
class Names:
    """What belongs to one workflow of a project; "+" is in no project's name."""

    project: str
    workflow: str

    @property
    def role(self) -> str:
        """What the state machine runs as."""
        return self._role("workflow")

    @property
    def events_role(self) -> str:
        """What EventBridge starts it as."""
        return self._role("events")

    def _role(self, kind: str) -> str:
        """A name that fits, and that begins with `byoa-PROJECT+` wherever that is possible."""
        start = f"byoa-{self.project}+{kind}-"
        if len(start + self.workflow) <= 64:
            return start + self.workflow
        room = 64 - len(start)
        return (
            start + fitted(self.workflow, room) if room > 9 else fitted(start + self.workflow, 64)
        )

    @property
    def log_group(self) -> str:
        """Below /aws/vendedlogs/ AWS needs no policy of the logs' own for each."""
        return f"/aws/vendedlogs/states/{fitted(f'byoa-{self.project}-{self.workflow}', 200)}"

    @property
    def tags(self) -> dict[str, str]:
        project = {PROJECT: self.project} if self.project else {}
        return {**project, WORKFLOW: self.workflow}


def checked_name(name: str) -> str:
    """A workflow's name as it is; UsageError for one that AWS does not take."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"The workflow's name is {name[:100]!r}. Take up to 80 letters, digits, '-' and '_'"
            f"{f', such as {fitted(name, 60)}' if name else ''}."
        )
    return name


def text_of(definition: Mapping[str, Any]) -> str:
    """For people to read, as long as AWS has room for that."""
    text = json.dumps(definition, indent=2)
    return text if len(text) < MOST_BYTES else json.dumps(definition, separators=(",", ":"))


def create_request(machine: Machine, version: str | None = None) -> dict[str, Any]:
    """The dict for create_state_machine; `version` publishes one with that description."""
    values = {**vars(machine), **_common(machine, version), "name": machine.name}
    return templates.request("stepfunctions.CreateStateMachine", values)


def update_request(arn: str, machine: Machine, version: str | None = None) -> dict[str, Any]:
    """The dict for update_state_machine."""
    values = {**_common(machine, version), "arn": arn}
    return templates.request("stepfunctions.UpdateStateMachine", values)


def _common(machine: Machine, version: str | None) -> dict[str, Any]:
    return {
        "definition": text_of(machine.definition), "role": machine.role,
        "logging": machine.logging, "tracing": machine.tracing,
        "publish": None if version is None else True, "description": version or None,
    }  # fmt: skip


def publish_request(arn: str, revision: str | None, description: str) -> dict[str, Any]:
    values = {"arn": arn, "revision": revision, "description": description or None}
    return templates.request("stepfunctions.PublishStateMachineVersion", values)


def tag_request(arn: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return templates.request("stepfunctions.TagResource", {"arn": arn, "tags": tags})


def untag_request(arn: str, keys: list[str]) -> dict[str, Any]:
    return templates.request("stepfunctions.UntagResource", {"arn": arn, "keys": keys})


def start_request(arn: str, name: str, schema: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """The dict for start_execution, its input checked against the schema."""
    values = {"arn": arn, "name": name, "input": checked(schema, given)}
    return templates.request("stepfunctions.StartExecution", values)


def stop_request(arn: str, error: str = "", cause: str = "") -> dict[str, Any]:
    values = {"arn": arn, "error": error or None, "cause": cause or None}
    return templates.request("stepfunctions.StopExecution", values)


def redrive_request(arn: str, token: str) -> dict[str, Any]:
    """The token makes a repeated call the same redrive."""
    return templates.request("stepfunctions.RedriveExecution", {"arn": arn, "token": token})


def equal_json(one: str, other: str) -> bool:
    """Whether two texts say the same, however they are spaced."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return one == other


def changes(found: Mapping[str, Any], wanted: Machine) -> list[str]:
    """What differs between describe_state_machine's answer and what is wanted, in words."""
    made = list(definition_changes(json.loads(found["definition"]), wanted.definition))
    if found["roleArn"] != wanted.role:
        made.append(f"role: {found['roleArn']} -> {wanted.role}")
    now, then = logging_words(found.get("loggingConfiguration", {})), logging_words(wanted.logging)
    if now != then:
        made.append(f"logging: {now} -> {then}")
    traced = bool(found.get("tracingConfiguration", {}).get("enabled"))
    if traced != wanted.tracing:
        made.append(f"tracing: {'on' if traced else 'off'} -> {'on' if wanted.tracing else 'off'}")
    return made


def logging_words(logging: Mapping[str, Any]) -> str:
    level = logging.get("level", "OFF")
    groups = [
        one.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "").removesuffix(":*")
        for one in logging.get("destinations", ())
    ]
    return level if level == "OFF" else f"{level} to {', '.join(groups)}"


def definition_changes(now: Mapping[str, Any], then: Mapping[str, Any]) -> Iterator[str]:
    """Nothing for equal definitions; else which states came, went and differ."""
    if now == then:
        return
    before, after = dict(states(now)), dict(states(then))
    for word, names in (
        ("new", after.keys() - before.keys()),
        ("gone", before.keys() - after.keys()),
        ("changed", {name for name in before.keys() & after if before[name] != after[name]}),
    ):
        if names:
            yield f"states {word}: {', '.join(sorted(names))}"
    if schema_of(now) != schema_of(then):
        yield f"input: {schema_as_text(schema_of(now))} -> {schema_as_text(schema_of(then))}"
    if comment_of(now) != comment_of(then):
        yield f"comment: {comment_of(now)!r} -> {comment_of(then)!r}"
    for key in sorted({*now, *then} - {"States", "Comment"}):
        if now.get(key) != then.get(key):
            yield f"{key}: {json.dumps(now.get(key))} -> {json.dumps(then.get(key))}"


def states(definition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every state by its name, without those within it: what changes there changes only there."""
    for place in every_state(definition):
        own = {key: item for key, item in place.state.items() if key not in INNER}
        around = [{k: v for k, v in one.body.items() if k != "States"} for one in inner(place)]
        yield place.name, (own, around)


def tag_changes(
    now: Mapping[str, str], then: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Tags to set, and keys to take away; what AWS itself put there is not ours."""
    new = {key: value for key, value in then.items() if now.get(key) != value}
    gone = [key for key in sorted(now) if key not in then and not key.startswith("aws:")]
    return new, gone


def tag_words(now: Mapping[str, str], then: Mapping[str, str]) -> Iterator[str]:
    new, gone = tag_changes(now, then)
    for key, value in new.items():
        yield f"tag {key}: {now[key]} -> {value}" if key in now else f"tag {key}={value}: new"
    for key in gone:
        yield f"tag {key}={now[key]}: removed"
