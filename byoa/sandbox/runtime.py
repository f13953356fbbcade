"""SageMaker Runtime: a request goes as it is to the endpoint's own process, and its answer back.

That process speaks the runtime's REST API (byoa.local.front_door); limits, headers and ModelError
are its.
"""

from __future__ import annotations

import http.client
import re

from werkzeug.wrappers import Response

from byoa.local.exchange import exchange
from byoa.local.runtime import PATIENCE, Runtime
from byoa.plan.errors import ServiceError
from byoa.sandbox.hooks import Sandbox, not_implemented
from byoa.sandbox.sagemaker import root
from byoa.sandbox.wire import Call

PATH = re.compile(r"/endpoints/(?P<name>[^/]+)/(?P<word>invocations|async-invocations)")
OPERATIONS = {"invocations": "InvokeEndpoint", "async-invocations": "InvokeEndpointAsync"}
#: Headers of the connection, not of the message.
HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}
#: Larger than any limit of an endpoint: what is longer is not even read.
MOST_BYTES = 64 * 1024 * 1024


def runtime(sandbox: Sandbox, call: Call) -> Response:
    found = PATH.fullmatch(call.request.path)
    if found is None or call.request.method != "POST":
        raise not_implemented(call)
    operation, name = OPERATIONS[found["word"]], found["name"]
    address, key = Runtime(root(sandbox.state, call.region)).door(operation, name)
    if (call.request.content_length or 0) > MOST_BYTES:
        raise ServiceError("ValidationError", "The request is too large.", operation, 413)
    headers = {key.lower(): value for key, value in call.request.headers.items()}
    kept = {name: value for name, value in headers.items() if name not in HOP} | key
    try:
        answer = exchange(address, "POST", call.request.path, call.body, kept, seconds=PATIENCE)
    except (OSError, http.client.HTTPException) as error:
        text = f"Endpoint {name} went away during the request: {error!r}"
        raise ServiceError("ServiceUnavailable", text, operation, 503) from error
    passed = {key: value for key, value in answer.headers.items() if key not in HOP}
    return Response(answer.body, answer.status, passed)
