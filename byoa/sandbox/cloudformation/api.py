"""CloudFormation's API: its query protocol, and which function answers what."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Response

from byoa.aws.session import Session
from byoa.sandbox.cloudformation import change_sets, describing, drift, read
from byoa.sandbox.cloudformation.kinds import Aws
from byoa.sandbox.cloudformation.planning import Surroundings
from byoa.sandbox.cloudformation.stacks import Request, Stacks
from byoa.sandbox.hooks import Sandbox, not_implemented
from byoa.sandbox.state import ACCOUNT, State
from byoa.sandbox.wire import Call

#: Stacks live as long as the server does, as all that moto keeps.
REGIONS: dict[str, Stacks] = {}
LOCK = threading.Lock()

OPERATIONS: dict[str, Callable[[Stacks, Request], dict[str, Any]]] = {
    "CreateStack": Stacks.create,
    "UpdateStack": Stacks.update,
    "DeleteStack": Stacks.delete,
    "DescribeStacks": describing.describe,
    "ListStacks": describing.listed,
    "DescribeStackEvents": describing.events,
    "DescribeStackResources": describing.resources,
    "DescribeStackResource": describing.resource,
    "ListStackResources": describing.list_resources,
    "CreateChangeSet": change_sets.create,
    "DescribeChangeSet": change_sets.describe,
    "ListChangeSets": change_sets.listed,
    "DeleteChangeSet": change_sets.delete,
    "ExecuteChangeSet": change_sets.execute,
    "DetectStackDrift": drift.detect,
    "DetectStackResourceDrift": drift.detect_one,
    "DescribeStackDriftDetectionStatus": drift.status,
    "DescribeStackResourceDrifts": drift.describe,
    "GetTemplate": read.template,
    "GetTemplateSummary": read.summary,
    "ValidateTemplate": read.validate,
    "ListExports": read.exports,
    "ListImports": read.imports,
    "UpdateTerminationProtection": read.protect,
}


def cloudformation(sandbox: Sandbox, call: Call) -> Response:
    from moto.core.parse import QueryParser
    from moto.core.serialize import QuerySerializer
    from moto.core.utils import get_service_model

    act = OPERATIONS.get(call.operation)
    if act is None:
        raise not_implemented(call)
    model = get_service_model("cloudformation").operation_model(call.operation)
    parser: Any = QueryParser(model)
    request = parser.parse({"values": call.form})
    request[describing.WAITER] = is_waiter(call.request.headers.get("User-Agent", ""))
    answer = act(stacks(sandbox.state, call.region), request)
    made = QuerySerializer(model).serialize(answer)
    return Response(made["body"], made["status_code"], dict(made["headers"]))


def is_waiter(agent: str) -> bool:
    """Whether one of botocore's waiters asks: it says so among the features that it uses."""
    features = next((word[2:] for word in agent.split() if word.startswith("m/")), "")
    return "B" in features.split(",")


def stacks(state: State, region: str) -> Stacks:
    region = region or state.region
    with LOCK:
        if region not in REGIONS:
            session = Session(region=region, endpoint=state.url, attempts=2)
            aws = Aws(session.client, region, ACCOUNT)
            REGIONS[region] = Stacks(region, lambda found: Surroundings(aws, found.imported))
        return REGIONS[region]
