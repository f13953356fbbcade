"""Lambda's API: invocations run here, functions are moto's; a changed one gets new processes."""

from __future__ import annotations

import atexit
import base64
import json
import os
import re
import sys
import threading
import time
import uuid
from urllib.parse import unquote

from werkzeug.wrappers import Response

from byoa.local.log_files import LogWriter
from byoa.plan.errors import ServiceError
from byoa.sandbox.hooks import Sandbox
from byoa.sandbox.lambdas import asynchronous, checks, extras
from byoa.sandbox.lambdas.function import Function, find, moto_function, split
from byoa.sandbox.lambdas.launch import launch_zip
from byoa.sandbox.lambdas.launch import root as lambda_root
from byoa.sandbox.lambdas.launch_image import launch_image
from byoa.sandbox.lambdas.log import FunctionLog, stream_name
from byoa.sandbox.lambdas.pool import Pool
from byoa.sandbox.lambdas.runtime_api import Event
from byoa.sandbox.lambdas.worker import Outcome, Worker
from byoa.sandbox.policies import may
from byoa.sandbox.sagemaker import root
from byoa.sandbox.state import ACCOUNT, State
from byoa.sandbox.wire import Call

PATH = re.compile(r"/\d{4}-\d\d-\d\d/functions/(?P<name>[^/]+)/invocations/?")
CHANGE = re.compile(r"/\d{4}-\d\d-\d\d/functions(?:/(?P<name>[^/]+))?(?:/(?P<what>[^/]+))?/?")
MOST_BYTES = 6_291_456
MOST_ASYNC_BYTES = 1_048_576
POOLS: dict[str, Pool] = {}
LOCK = threading.Lock()


def pool(state: State) -> Pool:
    with LOCK:
        if state.token not in POOLS:
            POOLS[state.token] = Pool(lambda function: start(function, state))
            atexit.register(POOLS[state.token].end_all)
        return POOLS[state.token]


def start(function: Function, state: State) -> Worker:
    """A new process of a function, and the stream that it logs to."""
    lambda_root(state).mkdir(exist_ok=True)
    stream = stream_name(function)
    writer = LogWriter(root(state, function.region)) if may_log(function, stream) else None
    log = FunctionLog(writer, function.log_group, stream)
    launch = launch_image if function.package == "Image" else launch_zip
    if launch is launch_zip:
        here = f"python:{sys.version_info.major}.{sys.version_info.minor}"
        log.line(f"INIT_START Runtime Version: {here} (the sandbox's, for {function.runtime})")
    return Worker(function, log, lambda address: launch(function, state, stream, address))


def may_log(function: Function, stream: str) -> bool:
    """Lambda writes lines with the function's role: without its leave there are none."""
    where = f"arn:aws:logs:{function.region}:{ACCOUNT}:log-group:{function.log_group}"
    allowed = may(function.role, "logs:PutLogEvents", f"{where}:log-stream:{stream}", {})
    if not allowed:
        print(f"{function.name}: no log, {function.role} may not logs:PutLogEvents on {where}")
    return allowed


def invoke(sandbox: Sandbox, call: Call) -> Response:
    """POST /2015-03-31/functions/NAME/invocations"""
    found = PATH.fullmatch(call.request.path)
    assert found is not None
    call.operation = "Invoke"
    region = call.region or sandbox.state.region
    headers = call.request.headers
    qualifier = call.request.args.get("Qualifier")
    function = find(region, unquote(found["name"]), qualifier)
    kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
    payload = read_payload(call, MOST_ASYNC_BYTES if kind == "Event" else MOST_BYTES)
    version = {"X-Amz-Executed-Version": function.version}
    if kind == "DryRun":
        return Response(b"", 204)
    event = new_event(function, payload, headers.get("X-Amz-Client-Context", ""))
    if kind == "Event":
        asynchronous.send(sandbox.state, pool(sandbox.state), function, event)
        return Response(b"", 202, {"x-amzn-RequestId": event.id})
    outcome = run(sandbox.state, function, event)
    answer = {**version, "x-amzn-RequestId": event.id}
    if outcome.error:
        answer["X-Amz-Function-Error"] = outcome.error
    if headers.get("X-Amz-Log-Type") == "Tail":
        answer["X-Amz-Log-Result"] = base64.b64encode(outcome.log).decode()
    return Response(outcome.payload, 200, answer, content_type="application/json")


def run(state: State, function: Function, event: Event) -> Outcome:
    reserved = moto_function(function.region, function.name).reserved_concurrency
    return pool(state).invoke(function, event, None if reserved is None else int(reserved))


def new_event(function: Function, payload: bytes, context: str = "") -> Event:
    request = str(uuid.uuid4())
    headers = {
        "Lambda-Runtime-Aws-Request-Id": request,
        "Lambda-Runtime-Invoked-Function-Arn": function.arn,
        "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{os.urandom(12).hex()}",
    }
    if context:
        headers["Lambda-Runtime-Client-Context"] = base64.b64decode(context).decode()
    return Event(request, payload, headers)


def read_payload(call: Call, most: int) -> bytes:
    """The event as JSON text; nothing is {}."""
    size = call.request.content_length or 0
    if size > most or len(call.body) > most:
        text = f"Request must be smaller than {most} bytes for the InvokeFunction operation"
        raise ServiceError("RequestTooLargeException", text, "Invoke", 413)
    payload = call.body or b"{}"
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        text = f"Could not parse request body into json: {error}"
        raise ServiceError("InvalidRequestContentException", text, "Invoke") from None
    return payload


def change(sandbox: Sandbox, call: Call) -> Response | None:
    """Create, update, delete: checked as Lambda does, kept by moto; then old processes end."""
    found = CHANGE.fullmatch(call.request.path)
    if found is None:
        return None
    region = call.region or sandbox.state.region
    name, what = found["name"] and unquote(found["name"]), found["what"]
    checks.check(call, name, what)
    response = sandbox.ask_moto(call)
    if response.status_code < 300:
        if call.operation in {"CreateFunction", "UpdateFunctionConfiguration"}:
            given = call.parameters
            extras.keep(region, given["FunctionName"], given, changed=name is not None)
        if name and call.request.method in {"PUT", "DELETE"}:
            pool(sandbox.state).retire(region, split(name)[0])
    return extras.shown(region, response)
