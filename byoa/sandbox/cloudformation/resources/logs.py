"""CloudWatch Logs: groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from byoa.sandbox.cloudformation.kinds import (
    Aws,
    Kind,
    Props,
    forgiving,
    or_else,
    present,
    tag_map,
    words,
)


def create(aws: Aws, name: str, props: Props) -> str:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=name, **present(tags=tag_map(props) or None))
    with or_else(delete, aws, name, props):
        retention(aws, name, props)
    return name


def retention(aws: Aws, name: str, props: Props) -> None:
    logs = aws.client("logs")
    if props.get("RetentionInDays"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=props["RetentionInDays"])
    else:
        forgiving(logs.delete_retention_policy, logGroupName=name)


def update(aws: Aws, name: str, before: Props, after: Props) -> None:
    retention(aws, name, after)


def delete(aws: Aws, name: str, props: Props) -> None:
    forgiving(aws.client("logs").delete_log_group, logGroupName=name)


def attributes(aws: Aws, name: str, props: Props) -> Mapping[str, Any]:
    return {"Arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}:*"}


def live(aws: Aws, name: str, props: Props) -> Props | None:
    found = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    groups = [group for group in found if group["logGroupName"] == name]
    if not groups:
        return None
    kept = groups[0].get("retentionInDays")
    return {"LogGroupName": name, **({"RetentionInDays": kept} if kept else {})}


KINDS = {
    "AWS::Logs::LogGroup": Kind(
        create,
        delete,
        update,
        attributes,
        live,
        words("LogGroupName RetentionInDays Tags"),
        name="LogGroupName",
        longest=512,
    ),
}
