"""`Runtime`: boto3's `sagemaker-runtime` for the endpoints that run on this machine."""

from __future__ import annotations

import http.client
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from byoa.local.endpoint_files import EndpointFiles
from byoa.local.exchange import MARK, Answer, exchange, wire
from byoa.local.front_door import KEY
from byoa.local.invocation import ERROR_TYPE, INVOKED
from byoa.local.resources import ACCOUNT
from byoa.plan.errors import ServiceError

#: Longer than any endpoint takes by itself; async requests return at once.
PATIENCE = 3700.0
HEADERS = {
    "ContentType": "content-type",
    "Accept": "accept",
    "CustomAttributes": MARK + "custom-attributes",
    "TargetModel": MARK + "target-model",
    "TargetVariant": MARK + "target-variant",
    "TargetContainerHostname": MARK + "target-container-hostname",
    "InferenceId": MARK + "inference-id",
    "EnableExplanations": MARK + "enable-explanations",
    "InferenceComponentName": MARK + "inference-component",
    "SessionId": MARK + "session-id",
}
#: Of the asynchronous request only, or under another name there.
ASYNC = {
    "ContentType": MARK + "content-type",
    "Accept": MARK + "accept",
    "InputLocation": MARK + "inputlocation",
    "S3OutputPathExtension": MARK + "s3outputpathextension",
    "Filename": MARK + "filename",
    "RequestTTLSeconds": MARK + "requestttlseconds",
    "InvocationTimeoutSeconds": MARK + "invocationtimeoutseconds",
}


class Runtime:
    """invoke_endpoint and invoke_endpoint_async with boto3's arguments, answers and errors."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        """Sends `Body` to the endpoint; answer["Body"].read() is what its model says."""
        answer = self.post("InvokeEndpoint", "invocations", request)
        fields = {
            "ContentType": answer.headers.get("content-type"),
            "InvokedProductionVariant": answer.headers.get(INVOKED),
            "CustomAttributes": answer.headers.get(MARK + "custom-attributes"),
            "NewSessionId": answer.headers.get(MARK + "new-session-id"),
            "ClosedSessionId": answer.headers.get(MARK + "closed-session-id"),
        }
        found = {name: value for name, value in fields.items() if value is not None}
        return {"Body": io.BytesIO(answer.body), **found}

    def invoke_endpoint_async(self, **request: Any) -> dict[str, Any]:
        """Queues the object at `InputLocation`; the answer says where the result will be."""
        answer = self.post("InvokeEndpointAsync", "async-invocations", request)
        return {
            "InferenceId": json.loads(answer.body)["InferenceId"],
            "OutputLocation": answer.headers[MARK + "outputlocation"],
            "FailureLocation": answer.headers[MARK + "failurelocation"],
        }

    def post(self, operation: str, word: str, request: Mapping[str, Any]) -> Answer:
        options = dict(request)
        name, body = options.pop("EndpointName"), as_bytes(options.pop("Body", b""))
        known = {**HEADERS, **(ASYNC if "Async" in operation else {})}
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise TypeError(f"{operation} has no argument {unknown[0]}")
        headers = {
            known[key]: wire(str(value)) for key, value in options.items() if value is not None
        }
        path = f"/endpoints/{name}/{word}"
        address, key = self.door(operation, name)
        try:
            answer = exchange(address, "POST", path, body, {**headers, **key}, seconds=PATIENCE)
        except (OSError, http.client.HTTPException) as error:
            message = f"Endpoint {name} went away during the request: {error!r}"
            raise ServiceError("ServiceUnavailable", message, operation, 503) from error
        if answer.status >= 300:
            raise refused(operation, answer)
        return answer

    def door(self, operation: str, name: str) -> tuple[str, dict[str, str]]:
        """Where the endpoint listens, and the header it wants; AWS's error when nobody does."""
        record = EndpointFiles.of(self.root, name).described()
        where = f"Endpoint {name} of account {ACCOUNT}"
        if record is None:
            raise ServiceError("ValidationError", f"{where} not found.", operation)
        if not record.get("Port") or record["EndpointStatus"] not in {"InService", "Updating"}:
            status, reason = record["EndpointStatus"], record.get("FailureReason", "")
            text = f"{where} is {status}, not InService. {reason}".strip()
            raise ServiceError("ValidationError", text, operation)
        return f"127.0.0.1:{record['Port']}", {KEY: record["Key"]}


def as_bytes(body: bytes | bytearray | str | IO[bytes]) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body) if isinstance(body, bytes | bytearray) else body.read()


def refused(operation: str, answer: Answer) -> ServiceError:
    """The error that boto3 makes of such an answer: ModelError's fields lie beside Error."""
    fields = json.loads(answer.body)
    message = fields.pop("Message")
    fields.pop("message", None)
    code = answer.headers.get(ERROR_TYPE, str(answer.status))
    error = ServiceError(code, message, operation, answer.status)
    error.response.update(fields)
    return error
