"""AWS's protocols seen from the server: one request as a Call. answers.py is the way back.

The service models are botocore's own, so what boto3 and the AWS CLI send is understood by what they
were made from.
"""

from __future__ import annotations

import base64
import datetime
import io
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel, ServiceModel, Shape
from werkzeug.wrappers import Request

from byoa.plan.errors import ServiceError
from byoa.sandbox import cbor

#: The first word of X-Amz-Target, and of /service/…/operation/… in rpc-v2-cbor.
TARGETS = {
    "SageMaker": "sagemaker",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "CodeBuild_20161006": "codebuild",
    "Logs_20140328": "logs",
    "AWSStepFunctions": "stepfunctions",
    "AWSEvents": "events",
}


@lru_cache
def service_model(service: str) -> ServiceModel:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


@dataclass
class Call:
    """One request to AWS: which service, operation and region, who signed it."""

    request: Request
    service: str = ""
    operation: str = ""
    region: str = ""
    access_key: str = ""
    protocol: str = ""  #: json, cbor, query, rest

    @cached_property
    def body(self) -> bytes:
        """The body; it can be read again by whoever comes after us."""
        data = self.request.get_data(cache=True, parse_form_data=False)
        replay(self.request.environ, data)
        return data

    @cached_property
    def form(self) -> dict[str, str]:
        """The parameters of the query protocol (IAM, STS)."""
        pairs = parse_qs(self.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[0] for name, values in pairs.items()}

    @property
    def model(self) -> OperationModel:
        return service_model(self.service).operation_model(self.operation)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The input as boto3's caller wrote it: datetimes and bytes, not what stands for them."""
        try:
            raw = (
                cbor.loads(self.body) if self.protocol == "cbor" else json.loads(self.body or b"{}")
            )
            if not isinstance(raw, dict):
                raise ValueError("not a map")
            shape = self.model.input_shape
            return {} if shape is None else to_python(raw, shape)
        except (ValueError, TypeError, RecursionError) as error:
            raise ServiceError("SerializationException", str(error), self.operation) from None


def replay(environ: dict[str, Any], data: bytes) -> None:
    environ["wsgi.input"] = io.BytesIO(data)
    environ["CONTENT_LENGTH"] = str(len(data))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("wsgi.input_terminated", None)


def call_of(request: Request) -> Call:
    """Reads from headers and path what is asked; the body only where nothing else tells."""
    call = Call(request)
    scope = credential_scope(request)
    if len(scope) == 5:
        call.access_key, _, call.region, call.service, _ = scope
    target, _, operation = request.headers.get("X-Amz-Target", "").partition(".")
    words = request.path.split("/")
    if request.headers.get("Smithy-Protocol") == "rpc-v2-cbor" and len(words) == 5:
        call.protocol, target, operation = "cbor", words[2], words[4]
    elif operation:
        call.protocol = "json"
    elif request.mimetype == "application/x-www-form-urlencoded":
        call.protocol, operation = "query", call.form.get("Action", "")
    else:
        call.protocol = "rest"
    call.service = TARGETS.get(target, call.service)
    call.operation = operation or batch_operation(call)
    return call


@lru_cache
def batch_paths() -> dict[tuple[str, str], str]:
    """("POST", "/v1/submitjob") → SubmitJob."""
    model = service_model("batch")
    https = {name: model.operation_model(name).http for name in model.operation_names}
    return {(http["method"], http["requestUri"]): name for name, http in https.items()}


def batch_operation(call: Call) -> str:
    """Batch's REST API has one path an operation; of the others' a handler reads the path."""
    if call.service != "batch" or call.protocol != "rest":
        return ""
    path = call.request.path.rstrip("/")
    path = "/v1/tags/{resourceArn}" if path.startswith("/v1/tags/") else path
    return batch_paths().get((call.request.method, path), "")


def credential_scope(request: Request) -> list[str]:
    """KEY/date/region/service/aws4_request of the signature, in the header or presigned."""
    header = request.headers.get("Authorization", "")
    words = header.replace(",", " ").split()
    named = [word[len("Credential=") :] for word in words if word.startswith("Credential=")]
    found = (named or [request.args.get("X-Amz-Credential", "")])[0]
    if found:
        return found.split("/")
    # version 2, in which boto3 still writes S3's presigned addresses
    key = request.args.get("AWSAccessKeyId", "")
    if header.startswith("AWS ") and len(words) == 2:
        key = words[1].partition(":")[0]
    return [key, "", "", "s3", ""] if key else []


def to_python(value: Any, shape: Shape, path: str = "") -> Any:
    """A value off the wire in boto3's types. A value of the wrong kind is a ValueError."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == "structure":
        want(value, dict, path)
        known = shape.members.items()
        return {
            name: to_python(value[name], member, f"{path}.{name}")
            for name, member in known
            if value.get(name) is not None
        }
    if kind == "list":
        want(value, list, path)
        return [to_python(item, shape.member, path) for item in value if item is not None]
    if kind == "map":
        want(value, dict, path)
        return {
            name: to_python(item, shape.value, path)
            for name, item in value.items()
            if item is not None
        }
    if kind == "timestamp":
        return to_time(value)
    if kind == "blob":
        return value if isinstance(value, bytes) else base64.b64decode(value, validate=True)
    want(value, SCALARS.get(kind, object), path)
    if isinstance(value, bool) and kind != "boolean":
        raise ValueError(f"{path.lstrip('.')}: a boolean is not of type {kind}")
    return value


SCALARS: dict[str, Any] = {
    "string": str, "boolean": bool, "integer": int, "long": int,
    "float": (int, float), "double": (int, float),
}  # fmt: skip


def want(value: Any, kind: Any, path: str) -> None:
    if not isinstance(value, kind):
        raise ValueError(
            f"{path.lstrip('.') or 'the body'}: {type(value).__name__} is not expected"
        )


def to_time(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, int | float):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    return datetime.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
