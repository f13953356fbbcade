"""A job as DescribeJobs and ListJobs tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.sandbox.batch.exits import Ending

STATUSES = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
#: Before these a job can be cancelled; after them it is over.
BEFORE, OVER = frozenset(STATUSES[:3]), frozenset(STATUSES[5:])
#: Of a container, what DescribeJobs does not repeat.
HIDDEN = frozenset({"enableExecuteCommand"})


@dataclass(kw_only=True, eq=False)
class Job:
    """One job, an array's parent or one of its children; changed under its region's lock."""

    id: str
    arn: str
    name: str
    queue: str  #: an ARN, as the definition
    definition: str
    created: int
    container: Mapping[str, Any]  #: the definition's with the overrides of the job
    parameters: Mapping[str, str] = field(default_factory=dict)
    strategy: Mapping[str, Any] = field(default_factory=dict)
    timeout: int | None = None
    platform: tuple[str, ...] = ("EC2",)
    propagates: bool = False
    depends_on: tuple[Mapping[str, str], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)  #: shown as it was given

    status: str = "SUBMITTED"
    reason: str = ""
    started: int = 0
    stopped: int = 0
    attempts: list[dict[str, Any]] = field(default_factory=list)
    ending: Ending | None = None  #: of the last attempt
    stream: str = ""
    task_arn: str = ""
    parent: Job | None = None
    index: int = 0
    children: list[Job] = field(default_factory=list)
    waits: set[str] = field(default_factory=set)  #: ids of the jobs that are still to succeed
    followers: list[Job] = field(default_factory=list)  #: that wait for this one
    stop: str = ""  #: why it was cancelled or terminated
    cancelled: bool = False
    terminated: bool = False

    @property
    def over(self) -> bool:
        return self.status in OVER

    def need(self, kind: str) -> float:
        """VCPU, MEMORY or GPU that it asks for."""
        found = [
            float(one["value"])
            for one in self.container.get("resourceRequirements", ())
            if one["type"] == kind
        ]
        return found[0] if found else 0.0

    def counts(self) -> dict[str, int]:
        found = Counter(child.status for child in self.children)
        return {status: found[status] for status in STATUSES}

    def shown(self) -> dict[str, Any]:
        """Its line of DescribeJobs."""
        return given(
            {
                **self.more,
                "jobArn": self.arn,
                "jobName": self.name,
                "jobId": self.id,
                "jobQueue": self.queue,
                "status": self.status,
                "statusReason": self.reason,
                "attempts": list(self.attempts),
                "createdAt": self.created,
                "startedAt": self.started,
                "stoppedAt": self.stopped,
                "retryStrategy": dict(self.strategy),
                "dependsOn": [dict(one) for one in self.depends_on],
                "jobDefinition": self.definition,
                "parameters": dict(self.parameters),
                "container": self.contained(),
                "arrayProperties": self.array(),
                "timeout": given({"attemptDurationSeconds": self.timeout}),
                "tags": dict(self.tags),
                "propagateTags": self.propagates,
                "platformCapabilities": list(self.platform),
                "isCancelled": self.cancelled,
                "isTerminated": self.terminated,
            }
        )

    def contained(self) -> dict[str, Any]:
        kept = {name: value for name, value in self.container.items() if name not in HIDDEN}
        # AWS gives these three even where they are empty
        always: dict[str, Any] = {"environment": [], "volumes": [], "mountPoints": []}
        return {**always, **kept, **self.outcome(), **given({
            "logStreamName": self.stream, "taskArn": self.task_arn,
        })}  # fmt: skip

    def outcome(self) -> dict[str, Any]:
        if self.ending is None:
            return {}
        code = {} if self.ending.exit_code is None else {"exitCode": self.ending.exit_code}
        return {**code, **given({"reason": self.ending.reason})}

    def array(self) -> dict[str, Any]:
        if self.children:
            return {"statusSummary": self.counts(), "size": len(self.children)}
        return {"index": self.index} if self.parent is not None else {}

    def summary(self) -> dict[str, Any]:
        """Its line of ListJobs."""
        array = self.array()
        return given(
            {
                "jobArn": self.arn,
                "jobId": self.id,
                "jobName": self.name,
                "createdAt": self.created,
                "status": self.status,
                "statusReason": self.reason,
                "startedAt": self.started,
                "stoppedAt": self.stopped,
                "container": self.outcome(),
                "arrayProperties": array,
                "jobDefinition": self.definition,
                "isCancelled": self.cancelled,
                "isTerminated": self.terminated,
            }
        )


#: Members that are told even when they are empty, as AWS tells them.
ALWAYS = frozenset({"attempts", "dependsOn", "parameters", "propagateTags", "container"})


def given(members: dict[str, Any]) -> dict[str, Any]:
    """What is known; "", 0, False and {} are told only where AWS does."""
    return {name: value for name, value in members.items() if value or name in ALWAYS}
