"""Machines made, changed, versioned and deleted: on moto's records, with AWS's answers."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from typing import Any

from byoa.plan.errors import ServiceError
from byoa.sandbox.stepfunctions import machines
from byoa.sandbox.stepfunctions.executions import Execution
from byoa.sandbox.stepfunctions.history import now

Request = dict[str, Any]
#: Each of CreateStateMachine's settings, and moto's name for it.
SETTINGS = {
    "definition": "definition",
    "roleArn": "roleArn",
    "type": "type",
    "loggingConfiguration": "loggingConfiguration",
    "tracingConfiguration": "tracingConfiguration",
    "encryptionConfiguration": "encryptionConfiguration",
}
#: What moto keeps when a request says nothing.
USUAL: Request = {
    "type": "STANDARD",
    "loggingConfiguration": {"level": "OFF"},
    "tracingConfiguration": {"enabled": False},
    "encryptionConfiguration": {"type": "AWS_OWNED_KEY"},
}
#: Between the look whether a name is taken and moto's making of it.
LOCK = threading.RLock()


def existing(region: str, arn: str, operation: str) -> Any:
    """moto's record of a machine that is not being deleted."""
    store = machines.backend(region)
    found = next((one for one in store.state_machines if one.arn == arn), None)
    if found is None:
        text = f"State Machine Does Not Exist: '{arn}'"
        raise ServiceError("StateMachineDoesNotExist", text, operation)
    if is_deleting(found):
        text = f"State Machine is being deleted: '{arn}'"
        raise ServiceError("StateMachineDeleting", text, operation)
    return found


def is_deleting(machine: Any) -> bool:
    return bool(getattr(machine, "deleting", False))


def create(region: str, request: Request) -> Request:
    """The same request again finds the first machine; another one with its name is refused."""
    machines.checked(request, "CreateStateMachine")
    store = machines.backend(region)
    with LOCK:
        name = request["name"]
        there = next((one for one in store.state_machines if one.name == name), None)
        if there is not None:
            existing(region, there.arn, "CreateStateMachine")
            if any(
                getattr(there, own) != request.get(name, USUAL.get(name))
                for name, own in SETTINGS.items()
            ):
                text = f"State Machine Already Exists: '{there.arn}'"
                raise ServiceError("StateMachineAlreadyExists", text, "CreateStateMachine")
        made = there or store.create_state_machine(
            name=name,
            definition=request["definition"],
            roleArn=request["roleArn"],
            tags=request.get("tags"),
            loggingConfiguration=request.get("loggingConfiguration"),
            tracingConfiguration=request.get("tracingConfiguration"),
            encryptionConfiguration=request.get("encryptionConfiguration"),
            sm_type=request.get("type"),
        )
        answer = {"stateMachineArn": made.arn, "creationDate": made.creation_date}
        if request.get("publish"):
            answer["stateMachineVersionArn"] = publish(made, request.get("versionDescription"))
        return answer


def publish(machine: Any, description: str | None) -> str:
    """The ARN of a new version; of the last one when nothing changed since, as AWS does."""
    last = machine.latest_version
    same = last is not None and revision(machine) == getattr(last, "revision", "")
    if not same or last.version not in machine.versions:
        machine.publish(description)
        machine.latest_version.revision = revision(machine)
        machine.latest_version.creation_date = now()
    return str(machine.latest_version.arn)


def revision(machine: Any) -> str:
    """INITIAL until the first change."""
    return str(getattr(machine, "revision", "INITIAL"))


def update(region: str, request: Request) -> Request:
    machines.checked(request, "UpdateStateMachine")
    with LOCK:
        machine = existing(region, request["stateMachineArn"], "UpdateStateMachine")
        changes = {own: request[name] for name, own in SETTINGS.items() if name in request}
        if not changes:
            text = (
                "Either the definition, the role ARN, the LoggingConfiguration, the "
                "EncryptionConfiguration or the TracingConfiguration must be specified"
            )
            raise ServiceError("MissingRequiredParameter", text, "UpdateStateMachine")
        if any(getattr(machine, own) != value for own, value in changes.items()):
            machine.revision = str(uuid.uuid4())
        machine.update(**changes)
        machine.update_date = now()
        answer = {"updateDate": machine.update_date, "revisionId": revision(machine)}
        if request.get("publish"):
            answer["stateMachineVersionArn"] = publish(machine, request.get("versionDescription"))
        return answer


def describe(region: str, request: Request) -> Request:
    arn = request["stateMachineArn"]
    store = machines.backend(region)
    every = [*store.state_machines, *(v for m in store.state_machines for v in m.versions.values())]
    found = next((one for one in every if one.arn == arn), None)
    if found is None:
        text = f"State Machine Does Not Exist: '{arn}'"
        raise ServiceError("StateMachineDoesNotExist", text, "DescribeStateMachine")
    told = {name: getattr(found, own) for name, own in SETTINGS.items()}
    if request.get("includedData") == "METADATA_ONLY":
        del told["definition"]
    return {
        **told,
        "stateMachineArn": found.arn,
        "name": found.name,
        "status": "DELETING" if is_deleting(found) else "ACTIVE",
        "creationDate": found.creation_date,
        "description": found.description,
        "revisionId": None if revision(found) == "INITIAL" else revision(found),
    }


def delete(region: str, request: Request, executions: Iterable[Execution]) -> Request:
    """At once, or when the last execution is over: each ends at its next state."""
    store = machines.backend(region)
    arn = request["stateMachineArn"]
    with LOCK:
        found = next((one for one in store.state_machines if one.arn == arn), None)
        if found is None:
            return {}
        running = [one for one in executions if one.status == "RUNNING"]
        found.deleting = True
        for one in running:
            one.machine_gone.set()

    def finish() -> None:
        for one in running:
            one.ended.wait()
        with LOCK:
            store.delete_state_machine(arn)
            store.tagger.delete_all_tags_for_resource(arn)

    if running:
        threading.Thread(target=finish, daemon=True).start()
    else:
        finish()
    return {}


def publish_version(region: str, request: Request) -> Request:
    operation = "PublishStateMachineVersion"
    machine = existing(region, request["stateMachineArn"], operation)
    wanted = request.get("revisionId")
    if wanted is not None and wanted != revision(machine):
        text = f"Failed to publish the State Machine version for revision {wanted}. The current "
        raise ServiceError("ConflictException", text + f"is {revision(machine)}", operation)
    with LOCK:
        arn = publish(machine, request.get("description"))
    return {"creationDate": machine.latest_version.creation_date, "stateMachineVersionArn": arn}


def versions(region: str, arn: str) -> list[Request]:
    machine = existing(region, arn, "ListStateMachineVersions")
    newest = sorted(machine.versions.values(), key=lambda one: one.version, reverse=True)
    return [
        {"stateMachineVersionArn": one.arn, "creationDate": one.creation_date} for one in newest
    ]


def delete_version(region: str, request: Request) -> Request:
    arn = request["stateMachineVersionArn"]
    source, _, number = arn.rpartition(":")
    store = machines.backend(region)
    found = next((one for one in store.state_machines if one.arn == source), None)
    if found is None or not number.isdigit():
        return {}
    used = [
        alias.arn
        for alias in found.aliases.values()
        if any(route["stateMachineVersionArn"] == arn for route in alias.routing_configuration)
    ]
    if used:
        text = f"Version to be deleted must not be referenced by an alias. Current: [{used[0]}]"
        raise ServiceError("ConflictException", text, "DeleteStateMachineVersion")
    found.versions.pop(int(number), None)
    return {}
