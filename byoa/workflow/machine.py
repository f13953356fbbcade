"""A workflow as it is wanted, worked out to a state machine; its role and log group made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.aws.belongings import delete_role
from byoa.aws.role import ensure_role, find_role, role_arn
from byoa.plan.errors import UsageError
from byoa.plan.workflow import check, permissions, requests
from byoa.plan.workflow.inputs import schema_of
from byoa.plan.workflow.requests import LEVELS, STATES, Machine
from byoa.plan.workflow.tagging import tagged
from byoa.workflow.home import Home


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A workflow as its author wants it."""

    name: str
    definition: Mapping[str, Any]
    role: str = ""  #: a name or an ARN; "" = the workflow's own, made with just what it needs
    tags: Mapping[str, str] = field(default_factory=dict)
    log_level: str = "OFF"
    tracing: bool = False
    version: str | None = None  #: publish one, with this description
    adopted: bool = False  #: it was named by its ARN: whoever made it, it is meant

    def __post_init__(self) -> None:
        requests.checked_name(self.name)
        if found := check.problems(self.definition):
            raise UsageError("\n".join(found))
        if self.log_level not in LEVELS:
            raise UsageError(f"The log level is {self.log_level!r}. Use {', '.join(LEVELS)}.")

    @property
    def schema(self) -> dict[str, Any]:
        return schema_of(self.definition)


def policy(home: Home, machine: Machine) -> dict[str, Any]:
    """Just what its states need."""
    logs, tracing = machine.log_level != "OFF", machine.tracing
    return permissions.execution_policy(
        machine.definition, **home.where, name=machine.name, logs=logs, tracing=tracing
    )


def expected(home: Home, wanted: Wanted) -> Machine:
    """The machine as it will be, what it makes tagged, its role's ARN worked out.

    Nothing is made.
    """
    tags = tags_of(home, wanted)
    account, partition = home.where["account"], home.where["partition"]
    role = wanted.role or home.names(wanted.name).role
    if not role.startswith("arn:"):
        role = f"arn:{partition}:iam::{account}:role/{role}"
    region = home.where["region"]
    group = (
        f"arn:{partition}:logs:{region}:{account}:log-group:" if wanted.log_level != "OFF" else ""
    )
    return Machine(
        name=wanted.name,
        definition=tagged(wanted.definition, tags) if home.project else wanted.definition,
        role=role,
        tags=tags,
        log_level=wanted.log_level,
        log_group=group and group + home.names(wanted.name).log_group,
        tracing=wanted.tracing,
    )


def tags_of(home: Home, wanted: Wanted) -> dict[str, str]:
    project = {requests.PROJECT: home.project} if home.project else {}
    return {**home.tags, **wanted.tags, **project, requests.WORKFLOW: wanted.name}


def realized(home: Home, wanted: Wanted, widen: bool = False) -> Machine:
    """The machine as it will be, its role and log group made or brought up to date.

    `widen` leaves the role what it may: an update narrows it only when nothing needs that any more.
    """
    machine = expected(home, wanted)
    if wanted.role:
        role_arn(home.session, wanted.role)  # told here when it is not there
    else:
        names, rights = home.names(wanted.name), policy(home, machine)
        ensure_role(home.session, names.role, rights, names.tags, STATES, exact=not widen)
    if machine.log_group:
        ensure_group(home, wanted.name)
    return machine


def drop_role(home: Home, name: str, tags: Mapping[str, str]) -> None:
    """Deletes a role that byoa made for this; others stay."""
    iam = home.session.client("iam")
    role = find_role(iam, name)
    mine = {one["Key"]: one["Value"] for one in (role or {}).get("Tags", ())}
    if role and tags.items() <= mine.items():
        delete_role(iam, name)


def ensure_group(home: Home, workflow: str) -> None:
    logs, names = home.session.client("logs"), home.names(workflow)
    try:
        logs.create_log_group(logGroupName=names.log_group, tags=names.tags)
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
