"""EventBridge: rules with their targets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import (
    Aws,
    Kind,
    Props,
    as_json,
    forgiving,
    gone,
    or_else,
    present,
    words,
)


def bus(props: Props) -> dict[str, Any]:
    return present(EventBusName=props.get("EventBusName"))


def put(aws: Aws, name: str, props: Props) -> str:
    events = aws.client("events")
    events.put_rule(
        Name=name,
        **bus(props),
        **present(
            EventPattern=as_json(props.get("EventPattern")),
            **{
                key: props.get(key)
                for key in ("Description", "RoleArn", "ScheduleExpression", "State", "Tags")
            },
        ),
    )
    if props.get("Targets"):
        done = events.put_targets(Rule=name, Targets=props["Targets"], **bus(props))
        if done["FailedEntryCount"]:
            raise ValueError(done["FailedEntries"][0]["ErrorMessage"])
    return name


def update(aws: Aws, name: str, before: Props, after: Props) -> None:
    kept = {target["Id"] for target in after.get("Targets", [])}
    lost = [target["Id"] for target in before.get("Targets", []) if target["Id"] not in kept]
    if lost:
        aws.client("events").remove_targets(Rule=name, Ids=lost, **bus(after))
    put(aws, name, after)


def delete(aws: Aws, name: str, props: Props) -> None:
    events = aws.client("events")
    ids = [target["Id"] for target in props.get("Targets", [])]
    if ids:
        forgiving(events.remove_targets, Rule=name, Ids=ids, **bus(props))
    forgiving(events.delete_rule, Name=name, **bus(props))


def attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    other = props.get("EventBusName", "default")
    path = name if other == "default" else f"{other.rpartition('/')[2]}/{name}"
    return {"Arn": f"arn:aws:events:{aws.region}:{aws.account}:rule/{path}", "RuleName": name}


def live(aws: Aws, name: str, props: Props) -> Props | None:
    events = aws.client("events")
    try:
        found = events.describe_rule(Name=name, **bus(props))
    except Exception as error:
        if gone(error):
            return None
        raise
    keys = ("Description", "ScheduleExpression", "State")
    now = {key: found[key] for key in keys if found.get(key)}
    if found.get("EventPattern"):
        now["EventPattern"] = json.loads(found["EventPattern"])
    targets = events.list_targets_by_rule(Rule=name, **bus(props))["Targets"]
    return {**now, "Targets": sorted(targets, key=lambda target: str(target["Id"]))}


def create(aws: Aws, name: str, props: Props) -> str:
    with or_else(delete, aws, name, props):
        return put(aws, name, props)


KINDS = {
    "AWS::Events::Rule": Kind(
        create,
        delete,
        update,
        attributes,
        live,
        words(
            "Name EventBusName EventPattern Description RoleArn ScheduleExpression State Tags "
            "Targets"
        ),
        name="Name",
    ),
}
