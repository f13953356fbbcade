"""What the role of a state machine may do: exactly what its states need.

https://docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from byoa.plan.checks import LARGEST
from byoa.plan.errors import UsageError
from byoa.plan.workflow.known import known
from byoa.plan.workflow.maps import of_map
from byoa.plan.workflow.needs import Need, Scope, of_task
from byoa.plan.workflow.patterns import ANY
from byoa.plan.workflow.values import template
from byoa.plan.workflow.walk import every_state

#: Log delivery and traces have no resource level.
LOGS = (
    "CreateLogDelivery", "DeleteLogDelivery", "DescribeLogGroups", "DescribeResourcePolicies",
    "GetLogDelivery", "ListLogDeliveries", "PutResourcePolicy", "UpdateLogDelivery",
)  # fmt: skip
TRACES = ("GetSamplingRules", "GetSamplingTargets", "PutTelemetryRecords", "PutTraceSegments")


@dataclass
class Found:
    needs: set[Need] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def execution_policy(  # noqa: PLR0913 - where, and what comes on top
    definition: Mapping[str, Any],
    *,
    account: str,
    region: str,
    partition: str = "aws",
    name: str = ANY,
    logs: bool = False,
    tracing: bool = False,
) -> dict[str, Any]:
    """The policy of the execution role; UsageError names the states that nobody can say it for."""
    scope = Scope(account=account, region=region, partition=partition, name=name)
    found, given = Found(), known(definition).given
    for place in every_state(definition):
        if place.kind == "Task":
            # what no way leads to is read as it stands there
            alone = template(place.parameters, {}, place.language)
            try:
                found.needs.update(of_task(place, given.get(id(place.state), alone), scope))
            except UsageError as error:
                found.problems.append(f'state "{place.name}": {error}')
        elif place.kind == "Map":
            found.needs.update(of_map(place, scope))
    if found.problems:
        raise UsageError("\n".join(found.problems))
    found.needs.update(Need(f"logs:{one}", ANY) for one in LOGS * logs)
    found.needs.update(Need(f"xray:{one}", ANY) for one in TRACES * tracing)
    policy = {"Version": "2012-10-17", "Statement": _statements(found.needs)}
    size = len(json.dumps(policy, separators=(",", ":")))
    if size > LARGEST:
        raise UsageError(
            f"the policy of the workflow's role has {size:,} characters, but IAM takes {LARGEST:,}"
            " - let names begin alike, or split the workflow in two"
        )
    return policy


def _statements(needs: set[Need]) -> list[dict[str, Any]]:
    """Needs with the same resources together; without any, AWS's own form of nothing."""
    if not needs:
        return [{"Sid": "Nothing", "Effect": "Deny", "Action": "*", "Resource": "*"}]
    resources: dict[tuple[str, str], set[str]] = {}
    for need in needs:
        resources.setdefault((need.action, need.condition), set()).add(need.resource)
    actions: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (action, condition), wanted in sorted(resources.items()):
        service = action.partition(":")[0]
        actions.setdefault((service, condition, _widest(wanted)), []).append(action)
    made: list[dict[str, Any]] = []
    for number, ((service, condition, reached), allowed) in enumerate(actions.items(), 1):
        sid = re.sub(r"\W", "", service.title())
        statement = {"Sid": f"{sid}{number}", "Effect": "Allow", "Action": allowed}
        statement["Resource"] = list(reached) if reached != (ANY,) else ANY
        made.append(statement | ({"Condition": json.loads(condition)} if condition else {}))
    return made


def _widest(arns: set[str]) -> tuple[str, ...]:
    """Without those that another one covers."""
    return tuple(
        one
        for one in sorted(arns)
        if not any(other != one and fnmatch.fnmatchcase(one, other) for other in arns)
    )
