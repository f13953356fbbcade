"""State machines: moto keeps them; what AWS checks before it keeps one is checked here."""

from __future__ import annotations

import json
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.iam import may_assume
from byoa.sandbox.state import ACCOUNT
from byoa.sandbox.stepfunctions.executions import Machine

MOST_DEFINITION = 1024 * 1024
TYPES = {"Pass", "Succeed", "Fail", "Wait", "Choice", "Task", "Parallel", "Map"}


def backend(region: str) -> Any:
    """moto's store of one region. CloudFormation keeps its machines in the same one."""
    from moto.backends import get_backend

    return get_backend("stepfunctions")[ACCOUNT][region]


def checked(request: dict[str, Any], operation: str) -> None:
    """Refuses a definition or a role that AWS would refuse."""
    if request.get("definition") is not None:
        problems = problems_of(request["definition"])
        errors = [found for found in problems if found["severity"] == "ERROR"]
        if errors:
            said = ", ".join(f"{one['code']}: {one['message']} at {one['location']}"
                             for one in errors)  # fmt: skip
            text = f"Invalid State Machine Definition: '{said}'"
            raise ServiceError("InvalidDefinition", text, operation)
    role = request.get("roleArn")
    if role is not None and not may_assume(role, "states"):
        text = (
            "Neither the global service principal states.amazonaws.com, nor the regional one is "
            f"authorized to assume the provided role: {role}"
        )
        raise ServiceError("AccessDeniedException", text, operation)


def problems_of(definition: str) -> list[dict[str, str]]:
    """What is wrong with a definition, as ValidateStateMachineDefinition says it."""
    if len(definition.encode()) > MOST_DEFINITION:
        return [problem("DEFINITION_TOO_LARGE", "The definition is over 1 MB", "/")]
    try:
        program = json.loads(definition)
    except (ValueError, RecursionError) as error:
        return [problem("INVALID_JSON_DESCRIPTION", str(error), "/")]
    if not isinstance(program, dict):
        return [problem("SCHEMA_VALIDATION_FAILED", "The definition has to be an object", "/")]
    return list(program_problems(program, ""))


def problem(code: str, message: str, location: str) -> dict[str, str]:
    return {"severity": "ERROR", "code": code, "message": message, "location": location}


def program_problems(program: dict[str, Any], path: str) -> list[dict[str, str]]:
    """States, their types, and where they go: of a machine, a branch, an iterator."""
    states = program.get("States")
    if not isinstance(states, dict) or not states:
        text = "These fields are required: [States]"
        return [problem("SCHEMA_VALIDATION_FAILED", text, path or "/")]
    found = []
    if program.get("StartAt") not in states:
        code, text = "MISSING_TRANSITION_TARGET", "Missing 'StartAt' target"
        if "StartAt" not in program:
            code, text = "SCHEMA_VALIDATION_FAILED", "These fields are required: [StartAt]"
        found.append(problem(code, f"{text}: {program.get('StartAt')}", f"{path}/StartAt"))
    for name, state in states.items():
        found += state_problems(state, f"{path}/States/{name}", set(states))
    return found


def state_problems(state: Any, path: str, names: set[str]) -> list[dict[str, str]]:
    if not isinstance(state, dict) or state.get("Type") not in TYPES:
        return [problem("SCHEMA_VALIDATION_FAILED", "The field Type is wrong", f"{path}/Type")]
    found = []
    targets = [(f"{path}/{word}", state[word]) for word in ("Next", "Default") if word in state]
    for word in ("Choices", "Catch"):
        for at, rule in enumerate(state.get(word, [])):
            targets.append((f"{path}/{word}[{at}]/Next", rule.get("Next")))
    for where, target in targets:
        if target not in names:
            text = f"Missing 'Next' target: {target}"
            found.append(problem("MISSING_TRANSITION_TARGET", text, where))
    goes_on = state["Type"] not in {"Succeed", "Fail", "Choice"}
    if goes_on and ("Next" in state) == bool(state.get("End")):
        text = "One of these fields is required: [Next, End]"
        found.append(problem("SCHEMA_VALIDATION_FAILED", text, path))
    for at, branch in enumerate(state.get("Branches", [])):
        found += program_problems(branch, f"{path}/Branches[{at}]")
    for word in ("ItemProcessor", "Iterator"):
        if word in state:
            found += program_problems(state[word], f"{path}/{word}")
    return found


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
    import random

    try:
        routes = store.describe_state_machine_alias(arn).routing_configuration
    except Exception:
        text = f"State Machine Alias Does Not Exist: '{arn}'"
        raise ServiceError("ResourceNotFound", text, operation) from None
    weights = [route["weight"] for route in routes]
    chosen = random.choices([route["stateMachineVersionArn"] for route in routes], weights)
    return str(chosen[0])
