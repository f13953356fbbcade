"""The three routes of SageMaker's contract as a Flask app; every error is JSON."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from container.serving import log
from container.serving.answers import Answer, error
from container.serving.bodies import RefusedError, discard, read_body
from container.serving.broker import Broker
from container.serving.lanes import OverloadedError
from container.serving.settings import MIB, Settings

PREFIX = "X-Amzn-SageMaker-"
CODES = {404: "not_found", 405: "method_not_allowed"}
MAX_BATCH_MB = 100  # SageMaker: MaxConcurrentTransforms × MaxPayloadInMB must not exceed it


def create_app(settings: Settings, broker: Broker) -> Flask:
    """The WSGI application."""
    app = Flask("container.serving", static_folder=None)
    views = Views(settings, broker)
    app.add_url_rule("/ping", view_func=views.ping)
    app.add_url_rule("/invocations", view_func=views.invocations, methods=["POST"])
    app.add_url_rule("/execution-parameters", view_func=views.execution_parameters)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_exception)
    app.before_request(start_clock)
    app.after_request(log_request)
    return app


@dataclass(frozen=True, slots=True)
class Views:
    """The routes, with what they need."""

    settings: Settings
    broker: Broker

    def ping(self) -> Response:
        """200 and nothing, or 503 and why."""
        ready, code, reason = self.broker.health()
        if ready:
            return Response(status=200, mimetype="text/plain")
        return to_response(error(503, code, reason, {"Retry-After": "1", "X-Byoa-Reason": code}))

    def execution_parameters(self) -> Response:
        """What batch transform should do, unless the job says otherwise."""
        payload = self.settings.max_payload // MIB
        count = self.broker.limits.processes * self.broker.limits.max_batch
        count = max(1, min(count, MAX_BATCH_MB))
        return jsonify(
            MaxConcurrentTransforms=count,
            BatchStrategy="SINGLE_RECORD",
            MaxPayloadInMB=max(1, min(payload, MAX_BATCH_MB // count)),
        )

    def invocations(self) -> Response:
        """Queue the body for a model process and give back its answer."""
        try:
            answer = self._invoke()
        except RefusedError as refused:
            answer = refused.answer
        except OverloadedError as overloaded:
            discard(request.environ["wsgi.input"])
            headers = {"Retry-After": str(overloaded.retry_after)}
            answer = error(503, "overloaded", str(overloaded), headers)
        g.times = answer.times
        return to_response(answer)

    def _invoke(self) -> Answer:
        deadline = time.monotonic() + self.settings.timeout
        length = announced_length()
        self._refuse_early()
        with self.broker.room(self.settings.max_payload if length is None else length):
            stream = request.environ["wsgi.input"]
            body = read_body(stream, length, self.settings.max_payload)
            g.bytes_in = len(body)
            return self.broker.ask(request_head(), body, deadline)

    def _refuse_early(self) -> None:
        stream = request.environ["wsgi.input"]
        if request.headers.get(PREFIX + "Session-Id"):
            discard(stream)
            message = "this model keeps no sessions: send the request without SessionId"
            raise RefusedError(error(400, "no_sessions", message))
        if not self.broker.accepting:
            discard(stream)
            _, code, reason = self.broker.health()
            raise RefusedError(error(503, code, reason, {"Retry-After": "5"}))


def announced_length() -> int | None:
    """Content-Length; None for a chunked body, whose end tells its length."""
    if request.environ.get("HTTP_TRANSFER_ENCODING"):
        return None
    if request.content_length is None:
        message = "send the body with a Content-Length, or chunked"
        raise RefusedError(error(411, "length_required", message))
    return request.content_length


def request_head() -> dict[str, Any]:
    """What a model process is told about the request."""
    return {
        "content_type": request.headers.get("Content-Type", ""),
        "accept": request.headers.get("Accept", ""),
        "headers": {name.lower(): value for name, value in request.headers},
        "query": request.args.to_dict(),
    }


def to_response(answer: Answer) -> Response:
    """An answer as Flask wants it."""
    return Response(answer.body, answer.status, answer.headers, content_type=answer.content_type)


def on_http_error(exception: HTTPException) -> Response:
    """404, 405 and their like."""
    status = exception.code or 500
    code = CODES.get(status, exception.name.lower().replace(" ", "_"))
    allowed = getattr(exception, "valid_methods", None)
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else None
    message = f"{request.method} {request.path}: {exception.name}"
    return to_response(error(status, code, message, headers))


def on_exception(exception: Exception) -> Response:
    """Our own fault."""
    traceback.print_exception(exception)
    name = type(exception).__name__
    return to_response(error(500, "server_error", f"the server failed: {name} (see the log)"))


def start_clock() -> None:
    """Remember when the request began."""
    g.start = time.perf_counter()


def log_request(response: Response) -> Response:
    """One line, but for /ping."""
    if request.path == "/ping":
        return response
    line: dict[str, object] = {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "ms": round((time.perf_counter() - g.start) * 1000, 3),
        **{f"{name}_ms": value for name, value in g.get("times", {}).items()},
        "bytes_in": g.get("bytes_in", 0),
        "bytes_out": response.content_length or 0,
        "content_type": request.headers.get("Content-Type", ""),
    }
    inference_id = request.headers.get(PREFIX + "Inference-Id")
    if inference_id:
        line["inference_id"] = inference_id
    log.access(line)
    return response
