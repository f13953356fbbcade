"""State machines: moto keeps them; what AWS checks before it keeps one is checked here."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.plan.workflow import check
from byoa.sandbox.iam import may_assume
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.stepfunctions import logbook
from byoa.sandbox.stepfunctions.machine import Machine


def backend(region: str) -> Any:
    """moto's store of one region. CloudFormation keeps its machines in the same one."""
    from moto.backends import get_backend

    return get_backend("stepfunctions")[ACCOUNT][region]


def checked(request: dict[str, Any], operation: str) -> None:
    """Refuses a definition or a role that AWS would refuse."""
    if request.get("definition") is not None:
        found = problems_of(request["definition"])
        if found:
            said = ", ".join(f"{one['code']}: {one['message']}" for one in found)
            text = f"Invalid State Machine Definition: '{said}'"
            raise ServiceError("InvalidDefinition", text, operation)
    role = request.get("roleArn")
    if role is not None and not may_assume(role, "states"):
        text = (
            "Neither the global service principal states.amazonaws.com, nor the regional one is "
            f"authorized to assume the provided role: {role}"
        )
        raise ServiceError("AccessDeniedException", text, operation)
    logbook.check(request.get("loggingConfiguration") or {}, operation)


def problems_of(definition: str) -> list[dict[str, str]]:
    """What is wrong with a definition, as ValidateStateMachineDefinition says it."""
    return [
        {
            "severity": "ERROR",
            "code": "SCHEMA_VALIDATION_FAILED",
            "message": sentence,
            "location": location(sentence),
        }
        for sentence in check.problems(definition)
    ]


def location(sentence: str) -> str:
    """`state "Train": …` is about /States/Train."""
    named = re.match(r'state "(.*?)": ', sentence)
    return f"/States/{named[1]}" if named else "/"


def find(region: str, arn: str, operation: str) -> Machine:
    """The machine, version or alias that an ARN means, as it is now."""
    store = backend(region)
    parts = arn.split(":")
    alias = ""
    if len(parts) == 8 and not parts[7].isdigit():
        alias, arn = arn, routed(store, arn, operation)
    try:
        found = store.describe_state_machine(arn)
    except Exception:  # moto's own error, of whichever kind
        text = f"State Machine Does Not Exist: '{arn}'"
        raise ServiceError("StateMachineDoesNotExist", text, operation) from None
    return Machine(
        arn=getattr(found, "source_arn", found.arn),
        name=found.name,
        definition=json.loads(found.definition),
        source=found.definition,
        role=found.roleArn,
        kind=found.type,
        version=found.arn if hasattr(found, "source_arn") else "",
        alias=alias,
        logging=found.loggingConfiguration or {},
    )


def routed(store: Any, arn: str, operation: str) -> str:
    """The version that an alias leads to: by its weights, as AWS does."""
    try:
        routes = store.describe_state_machine_alias(arn).routing_configuration
    except Exception:
        text = f"State Machine Alias Does Not Exist: '{arn}'"
        raise ServiceError("ResourceNotFound", text, operation) from None
    weights = [route["weight"] for route in routes]
    chosen = random.choices([route["stateMachineVersionArn"] for route in routes], weights)
    return str(chosen[0])
