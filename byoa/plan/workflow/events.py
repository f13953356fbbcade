"""What starts a workflow: EventBridge's rules and their targets.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from byoa.plan import templates
from byoa.plan.ecr import parse_image
from byoa.plan.errors import UsageError
from byoa.plan.layout import bucket_and_key
from byoa.plan.names import fitted
from byoa.plan.workflow import schedule as schedules
from byoa.plan.workflow.outputs import Output
from byoa.plan.workflow.requests import Names

#: What an execution's input may take from an event, by the trigger's kind: {name} and its path.
VALUES = {
    "s3": {
        "bucket": "$.detail.bucket.name", "key": "$.detail.object.key",
        "etag": "$.detail.object.etag", "time": "$.time",
    },
    "image": {
        "repository": "$.detail.repository-name", "tag": "$.detail.image-tag",
        "digest": "$.detail.image-digest", "time": "$.time",
    },
    "push": {
        "repository": "$.detail.repositoryName", "branch": "$.detail.referenceName",
        "commit": "$.detail.commitId", "time": "$.time",
    },
    "schedule": {"time": "$.time"},
}  # fmt: skip
HOLE = re.compile(r"\{(\w+)\}")
#: A value that is nothing but what others have chosen. Without quotes EventBridge writes it as
#: JSON; within them a " in a key could be taken for the text's end.
ALONE = re.compile(r'"(<(?:key|branch)>)"(?!:)')
#: A rule's pattern: no longer than this.
LONGEST = 4096


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """One reason to start a workflow."""

    kind: str
    what: str  #: as a person reads it
    pattern: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = ""
    bucket: str = ""
    prefix: str = ""  #: of keys in the bucket

    def rule_name(self, names: Names) -> str:
        """The same trigger is the same rule, whatever input it hands on."""
        mark = hashlib.sha256(f"{self.kind} {self.what}".encode()).hexdigest()[:8]
        return f"{fitted(f'byoa-{names.project}-{names.workflow}', 55)}-{mark}"


def s3_trigger(
    uri: str, suffix: str = "", marker: str = "", written: Sequence[Output] = ()
) -> Trigger:
    """Objects that were created below a folder, s3://bucket/new/, or whose keys begin so: new*.

    S3 tells of an object once it is whole: a multipart upload is one event. Files of many objects
    are one run each, but with `marker`: the file that is uploaded last.
    """
    bucket, key = bucket_and_key(uri)
    if suffix and marker:
        raise UsageError("--suffix and --marker are two ways to say which objects. Take one.")
    if "*" in key[:-1]:
        raise UsageError(f"{uri!r} has a * inside. Only its end may be one: s3://bucket/new*")
    prefix = key.removesuffix("*") if key.endswith("*") or not key else f"{key.rstrip('/')}/"
    keys = key_filter(bucket, prefix, suffix, marker, written)
    thing: dict[str, Any] = {"key": keys} if keys else {}
    if not marker:  # the console's "folders" are objects of no size
        thing["size"] = [{"numeric": [">", 0]}]
    detail = {"bucket": {"name": [bucket]}, "object": thing}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    what = f"s3://{bucket}/{prefix}{'*' if key.endswith('*') else ''}"
    what += f" marker {marker}" if marker else f" suffix {suffix}" if suffix else ""
    return Trigger(kind="s3", what=what, pattern=pattern, bucket=bucket, prefix=prefix)


def key_filter(
    bucket: str, prefix: str, suffix: str, marker: str, written: Sequence[Output]
) -> list[Any]:
    """Several filters are alternatives, so that leaving out is possible for whole buckets only."""
    if marker:
        return [f"{prefix}{marker}", {"wildcard": f"{wild(prefix)}*/{wild(marker)}"}]
    if suffix:
        return [{"wildcard": f"{wild(prefix)}*{wild(suffix)}"} if prefix else {"suffix": suffix}]
    if prefix:
        return [{"prefix": prefix}]
    own = sorted({one.key for one in written if one.is_in(bucket) and one.key})
    return [{"anything-but": {"prefix": own}}] if own else []


def of_pattern(pattern: Mapping[str, Any]) -> list[Trigger]:
    """What a rule about objects in S3 waits for, whoever wrote it: one for each filter of keys."""
    detail = pattern.get("detail", {})
    keys = detail.get("object", {}).get("key", [""])
    return [
        Trigger(
            kind="s3", what=f"s3://{bucket}/{beginning(key)}", bucket=bucket,
            prefix=beginning(key), pattern=pattern,
        )
        for bucket in detail.get("bucket", {}).get("name", ())
        for key in keys
        if isinstance(bucket, str)
    ]  # fmt: skip


def beginning(key: Any) -> str:
    """How the keys begin that a filter lets through, as far as it says."""
    if isinstance(key, Mapping):
        return str(key.get("prefix", str(key.get("wildcard", "")).partition("*")[0]))
    return str(key)


def wild(text: str) -> str:
    return re.sub(r"([*\\])", r"\\\1", text)


def schedule_trigger(text: str) -> Trigger:
    return Trigger(kind="schedule", what=text, schedule=schedules.checked(text))


def image_trigger(image: str) -> Trigger:
    """An image that was pushed to ECR, under any tag or a given one."""
    found = parse_image(image)
    detail: dict[str, Any] = {
        "action-type": ["PUSH"],
        "result": ["SUCCESS"],
        "repository-name": [found.repository],
    }
    if found.tag:
        detail["image-tag"] = [found.tag]
    pattern = {"source": ["aws.ecr"], "detail-type": ["ECR Image Action"], "detail": detail}
    what = f"{found.repository}{f':{found.tag}' if found.tag else ''}"
    return Trigger(kind="image", what=what, pattern=pattern)


def push_trigger(text: str) -> Trigger:
    """A push to a branch of a repository of CodeCommit."""
    repository, _, branch = text.partition(":")
    right = re.fullmatch(r"[\w.-]{1,100}", repository)
    if not right or not re.fullmatch(r"(?!/)[\w./-]{0,255}", branch):
        raise UsageError(
            f"--push {text[:80]!r} is no REPOSITORY or REPOSITORY:BRANCH of CodeCommit."
        )
    detail = {
        "event": ["referenceCreated", "referenceUpdated"],
        "repositoryName": [repository],
        "referenceType": ["branch"],
        "referenceName": [branch or "main"],
    }
    kind = "CodeCommit Repository State Change"
    pattern = {"source": ["aws.codecommit"], "detail-type": [kind], "detail": detail}
    return Trigger(kind="push", what=f"{repository}:{branch or 'main'}", pattern=pattern)


def rule_request(trigger: Trigger, names: Names, tags: Mapping[str, str]) -> dict[str, Any]:
    """The dict for put_rule."""
    text = json.dumps(trigger.pattern) if trigger.pattern else None
    if text and len(text) > LONGEST:
        raise UsageError(
            f"The trigger's pattern is {len(text):,} characters, and EventBridge takes {LONGEST:,}."
            " Give it a prefix."
        )
    values = {
        "name": trigger.rule_name(names),
        "description": f"Starts {names.workflow}: {trigger.kind} {trigger.what}"[:512],
        "pattern": text, "schedule": trigger.schedule or None, "state": "ENABLED", "tags": tags,
    }  # fmt: skip
    return templates.request("events.PutRule", values)


def target_request(
    trigger: Trigger, names: Names, arn: str, role: str, given: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The dict for put_targets: the input with the event's values in it, else the event itself."""
    text = json.dumps(given) if given is not None else None
    used = sorted(set(HOLE.findall(text or "")) & VALUES[trigger.kind].keys())
    paths = {name: VALUES[trigger.kind][name] for name in used}
    template = HOLE.sub(lambda hole: f"<{hole[1]}>", text) if text and used else None
    template = ALONE.sub(r"\1", template) if template else None
    values = {
        "rule": trigger.rule_name(names), "arn": arn, "role": role, "paths": paths,
        "input": None if used else text, "template": template,
    }  # fmt: skip
    return templates.request("events.PutTargets", values)


def check_holes(kind: str, given: Any) -> None:
    """UsageError for a {name} that the event of this kind has not got."""
    known = VALUES[kind]
    for name in HOLE.findall(json.dumps(given)):
        if name not in known:
            raise UsageError(
                f"The event has no {{{name}}}. It has {', '.join(f'{{{one}}}' for one in known)}."
            )


def events_policy(arn: str) -> dict[str, Any]:
    """What EventBridge may do: start this one state machine."""
    statement = {
        "Sid": "Start", "Effect": "Allow", "Action": ["states:StartExecution"], "Resource": [arn],
    }  # fmt: skip
    return {"Version": "2012-10-17", "Statement": [statement]}


def notification_request(
    bucket: str, account: str, now: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The dict that makes a bucket tell EventBridge, beside the others; None if it does already."""
    if "EventBridgeConfiguration" in now:
        return None
    wanted = {**now, "EventBridgeConfiguration": {}}
    return templates.request(
        "s3.PutBucketNotificationConfiguration",
        {"bucket": bucket, "account": account, "configuration": None},
        {"NotificationConfiguration": wanted},
    )
