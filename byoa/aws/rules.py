"""EventBridge's rules that start a state machine, and the bucket setting that S3's events need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from byoa.plan.errors import error_code


def of_machine(events: Any, arn: str) -> Iterator[str]:
    """The names of the rules that have a state machine as a target."""
    pages = events.get_paginator("list_rule_names_by_target").paginate(TargetArn=arn)
    for page in pages:
        yield from page["RuleNames"]


def tags(events: Any, arn: str) -> dict[str, str]:
    found = events.list_tags_for_resource(ResourceARN=arn)["Tags"]
    return {one["Key"]: one["Value"] for one in found}


def find(events: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = events.describe_rule(Name=name)
    except Exception as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    return found


def targets(events: Any, rule: str) -> list[dict[str, Any]]:
    pages = events.get_paginator("list_targets_by_rule").paginate(Rule=rule)
    return [target for page in pages for target in page["Targets"]]


def put(events: Any, rule: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    """Makes or changes a rule; one without its target is not left behind."""
    new = find(events, rule["Name"]) is None
    events.put_rule(**rule)
    try:
        failed = events.put_targets(**target).get("FailedEntries", [])
    except BaseException:
        if new:
            remove(events, rule["Name"])
        raise
    for one in failed:
        if new:
            remove(events, rule["Name"])
        raise OSError(f"EventBridge refuses the target: {one.get('ErrorMessage')}")


def remove(events: Any, name: str) -> None:
    """EventBridge deletes only a rule without targets."""
    try:
        if found := [one["Id"] for one in targets(events, name)]:
            events.remove_targets(Rule=name, Ids=found)
        events.delete_rule(Name=name)
    except Exception as error:
        if error_code(error) != "ResourceNotFoundException":
            raise


def notifications(s3: Any, bucket: str, account: str) -> dict[str, Any]:
    """What a bucket tells to whom now."""
    found = s3.get_bucket_notification_configuration(Bucket=bucket, ExpectedBucketOwner=account)
    return {key: item for key, item in found.items() if key != "ResponseMetadata"}
