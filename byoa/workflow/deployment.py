"""A workflow made and changed: first what is there and what differs, then the calls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.aws import statemachines
from byoa.aws.role import retry_until_assumable
from byoa.plan.errors import ByoaError
from byoa.plan.iam import role_policy_request, role_request
from byoa.plan.workflow import requests
from byoa.plan.workflow.requests import STATES, Machine
from byoa.progress import say as tell
from byoa.workflow.home import Home
from byoa.workflow.machine import Wanted, drop_role, expected, policy, realized

Say = Callable[[str], None]
STACK = "aws:cloudformation:stack-name"


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
            f"The workflow {found['name']} belongs {said}. Give yours another"
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
