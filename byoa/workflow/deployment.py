"""A workflow made, changed and deleted: first what is there and what differs, then the calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.aws import statemachines
from byoa.aws.belongings import delete_role
from byoa.aws.role import ensure_role, find_role, retry_until_assumable, role_arn
from byoa.plan.errors import ByoaError, UsageError
from byoa.plan.iam import role_policy_request, role_request
from byoa.plan.workflow import check, permissions, requests
from byoa.plan.workflow.inputs import schema_of
from byoa.plan.workflow.requests import LEVELS, STATES, Machine
from byoa.plan.workflow.tagging import tagged
from byoa.progress import say as tell
from byoa.workflow.home import Home

Say = Callable[[str], None]
STACK = "aws:cloudformation:stack-name"


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
        if found := check.problems(self.definition):
            raise UsageError("\n".join(found))
        if self.log_level not in LEVELS:
            raise UsageError(f"The log level is {self.log_level!r}. Use {', '.join(LEVELS)}.")

    @property
    def schema(self) -> dict[str, Any]:
        return schema_of(self.definition)


@dataclass(frozen=True)
class Outcome:
    """What `create` and `update` did: created, updated or unchanged; the changes in words."""

    arn: str
    action: str
    changes: tuple[str, ...] = ()
    version: str = ""  #: the published version's ARN


def create(home: Home, wanted: Wanted, say: Say = tell) -> Outcome:
    """Makes the state machine and its role. One that is there already is told from its equal."""
    found = home.find(wanted.name)
    if found is not None and found.get("status") == "DELETING":
        say(f"{wanted.name} is still being deleted: waiting for its end")
        statemachines.wait_until(lambda: home.find(wanted.name) is None, 300.0)
    elif found is not None:
        return existing(home, wanted, found)
    machine = realized(home, wanted)
    request = requests.create_request(machine, wanted.version)
    try:
        made = retry_until_assumable(lambda: home.states.create_state_machine(**request), say)
    except BaseException:
        if not wanted.role and home.find(wanted.name) is None:  # nobody was faster, and uses it
            names = home.names(wanted.name)
            drop_role(home, names.role, names.tags)
        raise
    return Outcome(made["stateMachineArn"], "created", (), made.get("stateMachineVersionArn", ""))


def existing(home: Home, wanted: Wanted, found: Mapping[str, Any]) -> Outcome:
    """Why nothing is created: unchanged, or what `update` would change."""
    refuse_strangers(home, found, wanted.adopted)
    changes = differences(home, expected(home, wanted), found)
    return Outcome(found["stateMachineArn"], "unchanged", tuple(changes))


def update(home: Home, wanted: Wanted, say: Say = tell) -> Outcome:
    """Changes what differs and sends nothing for what does not; publishes a version if asked."""
    found = home.machine(wanted.name)
    refuse_strangers(home, found, wanted.adopted)
    arn, states = found["stateMachineArn"], home.states
    machine = realized(home, wanted, widen=True)
    now = statemachines.tags(states, arn)
    changes, version = requests.changes(found, machine), ""
    if changes:
        request = requests.update_request(arn, machine, wanted.version)
        made = retry_until_assumable(lambda: states.update_state_machine(**request), say)
        version = made.get("stateMachineVersionArn", "")
    elif wanted.version is not None:
        request = requests.publish_request(arn, found.get("revisionId"), wanted.version)
        version = states.publish_state_machine_version(**request)["stateMachineVersionArn"]
    statemachines.set_tags(states, arn, now, machine.tags)
    changes += requests.tag_words(now, machine.tags)
    if not wanted.role and not running(home, arn):  # what runs keeps to its old definition
        realized(home, wanted)
    return Outcome(arn, "updated" if changes else "unchanged", tuple(changes), version)


def differences(home: Home, machine: Machine, found: Mapping[str, Any]) -> list[str]:
    now = statemachines.tags(home.states, found["stateMachineArn"])
    return [*requests.changes(found, machine), *requests.tag_words(now, machine.tags)]


def refuse_strangers(home: Home, found: Mapping[str, Any], adopted: bool = False) -> None:
    """What another project or a stack made is not ours to change."""
    tags = statemachines.tags(home.states, found["stateMachineArn"])
    if STACK in tags:
        raise ByoaError(
            f"The workflow {found['name']} belongs to the CloudFormation stack {tags[STACK]}:"
            " `byoa setup` changes it, `byoa teardown` removes it."
        )
    if (whose := tags.get(requests.PROJECT, "")) != home.project and not adopted:
        said = f"to the project {whose}" if whose else "to no project of byoa"
        raise ByoaError(
            f"The workflow {found['name']} is there already and belongs {said}. Give yours another"
            f" name{f', or say --project {whose}' if whose else ''}."
        )


def running(home: Home, arn: str) -> list[str]:
    """The ARNs of executions that have not ended."""
    waiting = ("RUNNING", "PENDING_REDRIVE")
    return [
        one["executionArn"]
        for status in waiting
        for one in statemachines.executions(home.states, arn, status)
    ]


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


def dry_run(home: Home, wanted: Wanted) -> dict[str, Any]:
    """Every request as it would be sent, of a workflow that is not there yet or differs."""
    machine, found = expected(home, wanted), home.find(wanted.name)
    made: dict[str, Any] = {}
    if not wanted.role:
        names = home.names(wanted.name)
        account, rights = home.where["account"], policy(home, machine)
        made["create_role"] = role_request(names.role, names.tags, STATES, account)
        made["put_role_policy"] = role_policy_request(names.role, rights)
    if found is None:
        made["create_state_machine"] = requests.create_request(machine, wanted.version)
        return made
    made["changes"] = differences(home, machine, found)
    if made["changes"]:
        arn = found["stateMachineArn"]
        made["update_state_machine"] = requests.update_request(arn, machine, wanted.version)
    return made


def definition_of(found: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(found["definition"])
    return made
