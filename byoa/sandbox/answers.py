"""AWS's protocols on the way back: an output or an error as its client expects it."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import Shape
from werkzeug.wrappers import Response

from byoa.plan.errors import ServiceError
from byoa.sandbox import cbor
from byoa.sandbox.wire import Call


def to_wire(value: Any, shape: Shape | None, binary: bool) -> Any:
    """What the model knows of an output, in the types of JSON (or, binary, of CBOR)."""
    if shape is None or value is None:
        return None
    kind = shape.type_name
    if kind == "structure":
        return {
            name: to_wire(value[name], member, binary)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [to_wire(item, shape.member, binary) for item in value]
    if kind == "map":
        return {name: to_wire(item, shape.value, binary) for name, item in value.items()}
    if kind == "timestamp":
        return value if binary else round(value.timestamp(), 3)
    if kind == "blob":
        return value if binary else base64.b64encode(value).decode()
    return value


def answer(call: Call, output: Mapping[str, Any] | None) -> Response:
    """The operation's output as its client expects it."""
    binary = call.protocol == "cbor"
    data = to_wire(dict(output or {}), call.model.output_shape, binary) or {}
    return packed(data, 200, binary)


def packed(data: dict[str, Any], status: int, binary: bool) -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    if binary:
        headers["Smithy-Protocol"] = "rpc-v2-cbor"
        return Response(cbor.dumps(data), status, headers, content_type="application/cbor")
    return Response(json.dumps(data), status, headers, content_type="application/x-amz-json-1.1")


def refusal(call: Call, error: ServiceError) -> Response:
    """The error as its service's protocol spells it; the extra members of a modelled error too."""
    code = error.response["Error"]["Code"]
    message = error.response["Error"]["Message"]
    status = int(error.response["ResponseMetadata"].get("HTTPStatusCode", 400))
    if call.protocol == "query" or (call.service == "s3" and call.protocol == "rest"):
        return xml_refusal(call, code, message, status)
    more = {
        name: value
        for name, value in error.response.items()
        if name not in {"Error", "ResponseMetadata"}
    }
    data = {"__type": code, "message": message, "Message": message, **more}
    response = packed(data, status, call.protocol == "cbor")
    response.headers["x-amzn-ErrorType"] = code
    return response


def xml_refusal(call: Call, code: str, message: str, status: int) -> Response:
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if call.protocol == "query":
        inner = f"<Error><Type>Sender</Type>{inner}</Error>"
        text = f"<ErrorResponse>{inner}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    else:
        text = f"<Error>{inner}<RequestId>{uuid.uuid4()}</RequestId></Error>"
    return Response(text, status, content_type="text/xml")
