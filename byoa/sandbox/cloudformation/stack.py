"""A stack as it is kept: its resources, its events, what it was made from."""

from __future__ import annotations

import datetime
import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.cloudformation import parameters
from byoa.sandbox.cloudformation.template import Template
from byoa.sandbox.state import ACCOUNT

STACK = "AWS::CloudFormation::Stack"


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@dataclass
class Resource:
    """One thing of a stack, as it was made last."""

    logical: str
    type: str
    identity: str = ""  #: its physical id
    properties: dict[str, Any] = field(default_factory=dict)
    status: str = "CREATE_IN_PROGRESS"
    reason: str = ""
    changed: datetime.datetime = field(default_factory=now)
    drift: str = "NOT_CHECKED"
    checked: datetime.datetime | None = None
    policy: str = "Delete"  #: DeletionPolicy
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What a stack is to become."""

    text: str
    template: Template
    parameters: Mapping[str, str]
    tags: tuple[Mapping[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()
    role: str = ""
    adopt: bool = False  #: what bears a name of the template already becomes the stack's
    revert: bool = False  #: what has drifted is put back


@dataclass
class Stack:
    """Changed by the thread that works on it alone, and read by all others."""

    name: str
    region: str
    wanted: Wanted
    status: str
    id: str = ""
    reason: str = ""
    created: datetime.datetime = field(default_factory=now)
    updated: datetime.datetime | None = None
    deleted: datetime.datetime | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    change_sets: dict[str, Any] = field(default_factory=dict)
    protected: bool = False
    disable_rollback: bool = False
    drift: str = "NOT_CHECKED"
    drift_checked: datetime.datetime | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    idle: threading.Event = field(default_factory=threading.Event)  #: set: nobody works on it

    def __post_init__(self) -> None:
        if not self.id:
            arn = f"arn:aws:cloudformation:{self.region}:{ACCOUNT}:stack"
            self.id = f"{arn}/{self.name}/{uuid.uuid4()}"

    @property
    def busy(self) -> bool:
        return self.status.endswith("IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def move(self, status: str, reason: str = "") -> None:
        """The stack itself enters a status."""
        with self.lock:
            self.status, self.reason = status, reason
            self.tell(self.name, self.id, STACK, status, reason)

    def mark(self, resource: Resource, status: str, reason: str = "") -> None:
        """One of its resources enters a status."""
        with self.lock:
            resource.status, resource.reason, resource.changed = status, reason, now()
            self.tell(resource.logical, resource.identity, resource.type, status, reason, resource)

    def tell(
        self, logical: str, physical: str, kind: str, status: str, reason: str,
        resource: Resource | None = None,
    ) -> None:  # fmt: skip
        event = {
            "StackId": self.id,
            "StackName": self.name,
            "EventId": f"{logical}-{status}-{uuid.uuid4()}" if resource else str(uuid.uuid4()),
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "Timestamp": now(),
            "ResourceStatus": status,
        }
        if reason:
            event["ResourceStatusReason"] = reason
        if resource is not None and resource.properties:
            event["ResourceProperties"] = json.dumps(resource.properties)
        self.events.insert(0, event)

    def shown(self) -> dict[str, Any]:
        """As describe_stacks shows it."""
        template = self.wanted.template
        found = {
            "StackId": self.id,
            "StackName": self.name,
            "StackStatus": self.status,
            "StackStatusReason": self.reason or None,
            "Description": template.get("Description"),
            "Parameters": parameters.shown(template, self.wanted.parameters),
            "CreationTime": self.created,
            "LastUpdatedTime": self.updated,
            "DeletionTime": self.deleted,
            "DisableRollback": self.disable_rollback,
            "Capabilities": list(self.wanted.capabilities),
            "Outputs": self.outputs,
            "RoleARN": self.wanted.role or None,
            "Tags": [dict(tag) for tag in self.wanted.tags],
            "EnableTerminationProtection": self.protected,
            "NotificationARNs": [],
            "RollbackConfiguration": {},
            "DriftInformation": self.drift_shown(),
        }
        return {name: value for name, value in found.items() if value is not None}

    def drift_shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"StackDriftStatus": self.drift}
        if self.drift_checked:
            shown["LastCheckTimestamp"] = self.drift_checked
        return shown

    def listed(self) -> dict[str, Any]:
        """As list_stacks shows it."""
        found = {
            "StackId": self.id,
            "StackName": self.name,
            "TemplateDescription": self.wanted.template.get("Description"),
            "CreationTime": self.created,
            "LastUpdatedTime": self.updated,
            "DeletionTime": self.deleted,
            "StackStatus": self.status,
            "StackStatusReason": self.reason or None,
            "DriftInformation": self.drift_shown(),
        }
        return {name: value for name, value in found.items() if value is not None}


def resource_shown(stack: Stack, resource: Resource, word: str) -> dict[str, Any]:
    """As describe_stack_resource(s) and list_stack_resources do: they name the time differently."""
    found = {
        "StackName": stack.name,
        "StackId": stack.id,
        "LogicalResourceId": resource.logical,
        "PhysicalResourceId": resource.identity or None,
        "ResourceType": resource.type,
        word: resource.changed,
        "ResourceStatus": resource.status,
        "ResourceStatusReason": resource.reason or None,
        "DriftInformation": {"StackResourceDriftStatus": resource.drift},
    }
    return {name: value for name, value in found.items() if value is not None}
