"""Triggers of a workflow: added, listed, removed; what would be a loop is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from byoa.aws import rules, statemachines
from byoa.aws.bucket import find_bucket
from byoa.aws.role import ensure_role, retry_until_assumable
from byoa.plan.errors import ByoaError, NotFoundError, UsageError
from byoa.plan.iam import role_policy_request, role_request
from byoa.plan.workflow import events
from byoa.plan.workflow.events import Trigger
from byoa.plan.workflow.inputs import checked, schema_of
from byoa.plan.workflow.loops import Neighbour, detours, loops, unknown
from byoa.plan.workflow.requests import EVENTS, PROJECT, WORKFLOW
from byoa.plan.workflow.schema import plain, schema_as_text
from byoa.progress import say as tell
from byoa.workflow.deployment import definition_of
from byoa.workflow.home import Home
from byoa.workflow.machine import drop_role

Say = Callable[[str], None]
Given = Mapping[str, Any] | None


def machine_of(home: Home, name: str) -> dict[str, Any]:
    """A workflow of this project, whoever made it: `byoa setup`'s may have triggers, too."""
    found = home.machine(name)
    whose = statemachines.tags(home.states, found["stateMachineArn"]).get(PROJECT, "")
    if not home.is_ours({PROJECT: whose}):
        said = f"of the project {whose}. Say --project {whose}" if whose else "of no project"
        raise ByoaError(f"The workflow {found['name']} is {said}.")
    return found


def check(trigger: Trigger, found: Mapping[str, Any], given: Given, say: Say = tell) -> None:
    """UsageError for a loop, and for an input that the workflow does not take."""
    definition = definition_of(found)
    schema = schema_of(definition)
    if given is not None:
        events.check_holes(trigger.kind, given)
        checked(schema, given)
    elif needed := [name for name in schema if plain(name) == name]:
        raise UsageError(
            f"The workflow {found['name']} takes the input {schema_as_text(schema)}. Say what an"
            f" event gives: {' '.join(f'-i {name}=…' for name in needed)}, with"
            f" {', '.join(f'{{{name}}}' for name in events.VALUES[trigger.kind])} of the event."
        )
    if found_loops := list(loops(trigger, definition, given)):
        raise UsageError("\n".join(found_loops))
    for output in unknown(trigger, definition, given):
        say(
            f"{output.state} writes to {output.path}, which only an execution knows: make sure that"
            f" it is not below {trigger.what}, or the workflow starts itself."
        )


def of_objects(home: Home, arn: str) -> Iterator[Trigger]:
    """The rules about objects in S3 that start a machine, somebody else's too."""
    client = home.session.client("events")
    for name in rules.of_machine(client, arn):
        text = (rules.find(client, name) or {}).get("EventPattern")
        yield from events.of_pattern(json.loads(text) if text else {})


def refuse_detours(home: Home, found: Mapping[str, Any], trigger: Trigger) -> None:
    """UsageError when what it writes starts another workflow of the project, and that one it."""
    if trigger.kind != "s3":
        return
    others = []
    for one in statemachines.machines(home.states):
        arn = one["stateMachineArn"]
        mine = arn != found["stateMachineArn"] and one.get("type") != "EXPRESS"
        if mine and home.is_ours(statemachines.tags(home.states, arn)):
            started = list(of_objects(home, arn))
            body = definition_of(home.machine(arn)) if started else {}
            others.append(Neighbour(one["name"], body, started))
    if told := list(detours(trigger, found["name"], definition_of(found), others)):
        raise UsageError("\n".join(told))


def planned(home: Home, found: Mapping[str, Any], trigger: Trigger, given: Given) -> dict[str, Any]:
    """Every request as it will be sent."""
    names, arn, account = home.names(found["name"]), found["stateMachineArn"], home.where["account"]
    role = f"arn:{home.where['partition']}:iam::{account}:role/{names.events_role}"
    return {
        "create_role": role_request(names.events_role, names.tags, EVENTS, account),
        "put_role_policy": role_policy_request(names.events_role, events.events_policy(arn)),
        "put_rule": events.rule_request(trigger, names, names.tags),
        "put_targets": events.target_request(trigger, names, arn, role, given),
    }


def add(
    home: Home, found: Mapping[str, Any], trigger: Trigger, given: Given, say: Say = tell
) -> str:
    """Makes the rule or brings it up to date; its name."""
    check(trigger, found, given, say)
    refuse_detours(home, found, trigger)
    names, arn = home.names(found["name"]), found["stateMachineArn"]
    prepare(home, trigger, say)
    policy = events.events_policy(arn)
    role = ensure_role(home.session, names.events_role, policy, names.tags, EVENTS, exact=True)
    rule = events.rule_request(trigger, names, names.tags)
    target = events.target_request(trigger, names, arn, role, given)
    client = home.session.client("events")
    retry_until_assumable(lambda: rules.put(client, rule, target), say)
    return str(rule["Name"])


def prepare(home: Home, trigger: Trigger, say: Say) -> None:
    """What the event's own service needs: a bucket of here that tells EventBridge, a repository."""
    session = home.session
    if trigger.kind == "s3":
        s3, account = session.client("s3"), home.where["account"]
        where = find_bucket(s3, trigger.bucket, account)
        if where is None:
            raise NotFoundError(f"There is no bucket {trigger.bucket}. Make it, or name another.")
        if where != home.where["region"]:
            raise UsageError(
                f"The bucket {trigger.bucket} is in {where}, and its events stay there. Say"
                f" --region {where}, or take a bucket of {home.where['region']}."
            )
        now = rules.notifications(s3, trigger.bucket, account)
        request = events.notification_request(trigger.bucket, account, now)
        if request:
            s3.put_bucket_notification_configuration(**request)
            say(f"{trigger.bucket} tells EventBridge of its objects from now on")
    elif trigger.kind == "image":
        ecr = session.client("ecr")
        repository = trigger.what.partition(":")[0]
        try:
            ecr.describe_repositories(repositoryNames=[repository])
        except ecr.exceptions.RepositoryNotFoundException:
            raise NotFoundError(
                f"ECR has no repository {repository}. Push an image to it first: byoa build"
            ) from None


def listed(home: Home, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every rule that starts it, somebody else's too."""
    client = home.session.client("events")
    for name in rules.of_machine(client, found["stateMachineArn"]):
        rule = rules.find(client, name)
        if rule is None:
            continue
        ours = rules.tags(client, rule["Arn"]).get(WORKFLOW) == found["name"]
        said = rule.get("Description", "").partition(": ")[2] if ours else ""
        yield {
            "trigger": name,
            "on": said or rule.get("ScheduleExpression") or rule.get("EventPattern"),
            "state": rule["State"],
            "input": input_of(rules.targets(client, name), found["stateMachineArn"]),
            "made by": "byoa" if ours else "others",
        }


def input_of(targets: list[dict[str, Any]], arn: str) -> str:
    """What an execution is given."""
    for target in targets:
        if target["Arn"] == arn:
            return str(
                target.get("Input")
                or target.get("InputTransformer", {}).get("InputTemplate")
                or "the event"
            )
    return "-"


def remove(home: Home, found: Mapping[str, Any], which: str) -> list[str]:
    """Deletes one trigger of ours, or all; the role goes with the last."""
    client = home.session.client("events")
    rows = list(listed(home, found))
    ours = [row["trigger"] for row in rows if row["made by"] == "byoa"]
    if which != "all" and which not in ours:
        known = f"It has {', '.join(ours)}." if ours else "It has none that byoa made."
        raise NotFoundError(f"{found['name']} has no trigger {which}. {known}")
    gone = ours if which == "all" else [which]
    for name in gone:
        rules.remove(client, name)
    if len(gone) == len(ours):
        names = home.names(found["name"])
        drop_role(home, names.events_role, names.tags)
    return gone
