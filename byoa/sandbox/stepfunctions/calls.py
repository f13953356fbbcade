"""One call of an AWS operation with a state's parameters, on the sandbox itself, by boto3."""

from __future__ import annotations

import datetime
import json
import threading
from typing import Any

from botocore.model import Shape

from byoa.sandbox.stepfunctions import resources
from byoa.sandbox.stepfunctions.errors import StateError, runtime
from byoa.sandbox.stepfunctions.history import iso, text
from byoa.sandbox.stepfunctions.resources import Resource

#: A Lambda function may take 15 minutes.
PATIENCE = 960
MADE: dict[tuple[str, str], Any] = {}
MAKING = threading.Lock()


def client_for(service: str, region: str) -> Any:
    """A client with this process's own keys and address: the sandbox's (server.surroundings)."""
    import boto3
    from botocore.config import Config

    with MAKING:
        if (service, region) not in MADE:
            config = Config(
                retries={"total_max_attempts": 1},
                read_timeout=PATIENCE,
                max_pool_connections=100,
                inject_host_prefix=False,
            )
            MADE[service, region] = boto3.session.Session().client(
                service, region_name=region, config=config
            )
        return MADE[service, region]


def call(resource: Resource, parameters: dict[str, Any], region: str) -> dict[str, Any]:
    """The operation's answer, spelled and with times as Step Functions gives it."""
    from botocore import xform_name
    from botocore.exceptions import ClientError, ParamValidationError, UnknownServiceError

    try:
        client = client_for(resource.client, region)
    except UnknownServiceError:
        raise runtime(f"The sandbox carries out no {resource.kind}:{resource.name}.") from None
    model = client.meta.service_model
    if resource.operation not in model.operation_names:
        raise runtime(f"The resource provided {resource.kind}:{resource.name} is not recognized.")
    operation = model.operation_model(resource.operation)
    request = to_request(parameters, operation.input_shape, "") if operation.input_shape else {}
    try:
        answer = getattr(client, xform_name(resource.operation))(**request)
    except ParamValidationError as problem:
        said = str(problem).replace("\n", " ")
        raise runtime(
            f"The Parameters '{text(parameters)}' could not be used to start the Task: [{said}]"
        ) from None
    except ClientError as problem:
        name = resources.error_of(resource, problem.response["Error"].get("Code", ""), model)
        raise StateError(name, resources.cause_of(resource, problem.response)) from None
    answer.pop("ResponseMetadata", None)
    made: dict[str, Any] = from_answer(answer, operation.output_shape, resource.sdk)
    return made or {}


def to_request(value: Any, shape: Shape, path: str) -> Any:
    """Parameters with the members' names as the API has them (JobName is Batch's jobName)."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        if shape.metadata.get("document"):
            return value
        names = {plain(name): name for name in shape.members}
        made = {}
        for said, inner in value.items():
            name = names.get(plain(said))
            if name is None:
                known = ", ".join(sorted(map(resources.pascal, names.values())))
                where = f"{path}/{said}".lstrip("/")
                raise runtime(
                    f"The field '{where}' is not supported by Step Functions: known are {known}"
                )
            made[name] = to_request(inner, shape.members[name], f"{path}/{said}")
        return made
    if kind == "list" and isinstance(value, list):
        return [to_request(item, shape.member, f"{path}/{at}") for at, item in enumerate(value)]
    if kind == "map" and isinstance(value, dict):
        return {name: to_request(item, shape.value, f"{path}/{name}")
                for name, item in value.items()}  # fmt: skip
    if kind == "string" and isinstance(value, dict | list):
        return text(value)  # Input, Detail, Message, MessageBody: JSON where a text is due
    if kind == "blob":
        return text(value).encode() if not isinstance(value, str) else value.encode()
    return value


def plain(name: str) -> str:
    return name.replace("_", "").lower()


def from_answer(value: Any, shape: Shape | None, sdk: bool) -> Any:
    """An answer as a state's output: times as texts (aws-sdk) or milliseconds, bytes as text."""
    if shape is None or value is None:
        return None if shape is not None else {}
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {
            spelled(name, sdk): from_answer(value[name], member, sdk)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [from_answer(item, shape.member, sdk) for item in value]
    if kind == "map":
        return {name: from_answer(item, shape.value, sdk) for name, item in value.items()}
    if isinstance(value, datetime.datetime):
        return moment(value) if sdk else round(value.timestamp() * 1000)
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value


def spelled(name: str, sdk: bool) -> str:
    return resources.pascal(name) if sdk else name[:1].upper() + name[1:]


def moment(value: datetime.datetime) -> str:
    """As Java's Instant prints itself: no fraction when there is none."""
    told = iso(value.astimezone(datetime.timezone.utc))
    return told.replace(".000Z", "Z")


def parsed(said: str) -> Any:
    """JSON if it is, else the text."""
    try:
        return json.loads(said)
    except ValueError:
        return said
