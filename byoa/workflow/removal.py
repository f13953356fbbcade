"""A workflow deleted, with what byoa made for it: its rules, executions, roles, log group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from byoa.aws import rules, statemachines
from byoa.aws.belongings import Thing, delete_role, group
from byoa.aws.role import find_role
from byoa.plan.errors import ByoaError
from byoa.plan.workflow.requests import PROJECT, WORKFLOW, Names, stop_request
from byoa.progress import say as tell
from byoa.workflow.deployment import STACK, refuse_strangers, running
from byoa.workflow.home import Home


def delete(
    home: Home,
    name: str,
    force: bool = False,
    say: Callable[[str], None] = tell,
    *,
    adopted: bool = False,
) -> list[str]:
    """Deletes it; what was deleted, in words. Running executions are stopped with `force` only."""
    found = home.machine(name)
    refuse_strangers(home, found, adopted)
    going = running(home, found["stateMachineArn"])
    if going and not force:
        shown = ", ".join(arn.rpartition(":")[2] for arn in going[:5])
        more = f" and {len(going) - 5} more" if len(going) > 5 else ""
        raise ByoaError(
            f"The workflow {found['name']} has running executions: {shown}{more}. Wait for them,"
            " or stop them and delete it with --force."
        )
    removed = []
    for thing in things(home, found):
        thing.remove()
        removed.append(f"{thing.kind} {thing.name}")
        say(f"removed {removed[-1]}")
    return removed


def things(home: Home, found: Mapping[str, Any]) -> Iterator[Thing]:
    """In their order: nothing may start it any more, nothing runs, and the machine goes last.

    It is the one that the others are found by: whoever is interrupted finds them again.
    """
    arn, states = found["stateMachineArn"], home.states
    yield from triggers(home, found)
    if going := running(home, arn):
        names = ", ".join(one.rpartition(":")[2] for one in going)
        yield Thing("running execution", names, partial(stop, home, going))
    tags = statemachines.tags(states, arn)
    if tags.get(PROJECT):
        names_of = Names(tags[PROJECT], tags.get(WORKFLOW, found["name"]))
        yield from roles(home, names_of)
        yield from group(home.session, names_of.log_group)
    words = {"stateMachineArn": arn}
    yield Thing("workflow", found["name"], partial(states.delete_state_machine, **words))


def of_project(home: Home, everything: bool) -> Iterator[Thing]:
    """What of a project's workflows costs, or starts what costs; with `everything` the rest, too.

    A workflow of a stack goes with its stack; triggers that it got by hand do not.
    """
    for one in statemachines.machines(home.states):
        tags = statemachines.tags(home.states, one["stateMachineArn"])
        if not home.is_ours(tags) or one.get("type") == "EXPRESS":
            continue
        costs = ("trigger", "running execution")
        stacks = ("workflow", "log group") if STACK in tags else ()
        for thing in list(things(home, one)):
            if thing.kind in costs or (everything and thing.kind not in stacks):
                yield thing


def triggers(home: Home, found: Mapping[str, Any]) -> Iterator[Thing]:
    """The rules that byoa made for it; somebody else's rules stay."""
    events = home.session.client("events")
    for name in rules.of_machine(events, found["stateMachineArn"]):
        rule = rules.find(events, name)
        if rule and rules.tags(events, rule["Arn"]).get(WORKFLOW) == found["name"]:
            yield Thing("trigger", name, partial(rules.remove, events, name))


def roles(home: Home, names: Names) -> Iterator[Thing]:
    iam = home.session.client("iam")
    for name in (names.role, names.events_role):
        role = find_role(iam, name)
        mine = {(tag["Key"], tag["Value"]) for tag in (role or {}).get("Tags", ())}
        if set(names.tags.items()) <= mine and role:
            yield Thing("role", name, partial(delete_role, iam, name))


def stop(home: Home, arns: list[str]) -> None:
    cause = "The workflow is being deleted."
    left = statemachines.stop_all(
        home.states, arns, lambda arn: stop_request(arn, "Deleted", cause)
    )
    if left:
        raise ByoaError(f"{left[0].rpartition(':')[2]} did not stop within two minutes. Try again.")
