"""The three routes of SageMaker's contract as a Flask app; every error is JSON."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from typing import Any

import gevent
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from container.serving import log
from container.serving.answers import JSON, Answer, error, error_body
from container.serving.broker import Broker, OverloadedError
from container.serving.settings import MIB, Settings

PREFIX = "X-Amzn-SageMaker-"
CHUNK = MIB
CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
MAX_BATCH_MB = 100  # SageMaker: MaxConcurrentTransforms × MaxPayloadInMB must not exceed it


class RefusedError(Exception):
    """The request is answered without asking a model."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def create_app(settings: Settings, broker: Broker) -> Flask:
    """The WSGI application."""
    app = Flask("container.serving", static_folder=None)
    views = Views(settings, broker)
    app.add_url_rule("/ping", view_func=views.ping, methods=["GET"])
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
            return Response(status=200)
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
            headers = {"Retry-After": str(overloaded.retry_after)}
            answer = error(503, "overloaded", str(overloaded), headers)
        g.times = answer.times
        return to_response(answer)

    def _invoke(self) -> Answer:
        start = time.monotonic()
        self._refuse_early()
        size = self._announced_size()
        self.broker.admit(size)
        try:
            body = read_body(self.settings.max_payload, self.settings.timeout)
            g.bytes_in = len(body)
            return self.broker.ask(request_head(), body, start + self.settings.timeout)
        finally:
            self.broker.release(size)

    def _refuse_early(self) -> None:
        if request.headers.get(PREFIX + "Session-Id"):
            message = "this model keeps no sessions: send the request without SessionId"
            raise RefusedError(error(400, "no_sessions", message))
        if not self.broker.accepting:
            _, code, reason = self.broker.health()
            raise RefusedError(error(503, code, reason, {"Retry-After": "5"}))

    def _announced_size(self) -> int:
        if request.environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
            return 0
        if request.content_length is None:
            message = "send the body with a Content-Length, or chunked"
            raise RefusedError(error(411, "length_required", message))
        if request.content_length > self.settings.max_payload:
            raise RefusedError(too_large(self.settings.max_payload))
        return request.content_length


def read_body(limit: int, seconds: float) -> bytes:
    """The whole body, within its limits of size and time; read in big pieces, kept once."""
    stream = request.environ["wsgi.input"]
    pieces: list[bytes] = []
    total = 0
    with gevent.Timeout(seconds, RefusedError(late_body(seconds))):
        while piece := stream.read(CHUNK):
            total += len(piece)
            if total > limit:
                raise RefusedError(too_large(limit))
            pieces.append(piece)
    if request.content_length is not None and total != request.content_length:
        message = f"Content-Length says {request.content_length} bytes, {total} came"
        raise RefusedError(error(400, "truncated", message, {"Connection": "close"}))
    return b"".join(pieces)


def request_head() -> dict[str, Any]:
    """What a model process is told about the request."""
    headers = {name.lower(): value for name, value in request.headers}
    return {
        "content_type": request.headers.get("Content-Type", ""),
        "accept": request.headers.get("Accept", ""),
        "headers": headers,
        "query": request.args.to_dict(),
    }


def too_large(limit: int) -> Answer:
    """413, and the connection ends: the rest of the body is not wanted."""
    message = f"the body is larger than {limit // MIB} MiB (SAGEMAKER_MAX_PAYLOAD_IN_MB)"
    return error(413, "too_large", message, {"Connection": "close"})


def late_body(seconds: float) -> Answer:
    """408 for a client that takes forever to send."""
    message = f"the body did not arrive within {seconds:g} s"
    return error(408, "body_timeout", message, {"Connection": "close"})


def to_response(answer: Answer) -> Response:
    """An answer as Flask wants it."""
    return Response(answer.body, answer.status, answer.headers, content_type=answer.content_type)


def on_http_error(exception: HTTPException) -> Response:
    """404, 405 and their like."""
    status = exception.code or 500
    code = CODES.get(status, exception.name.lower().replace(" ", "_"))
    response = Response(
        error_body(code, f"{request.method} {request.path}: {exception.name}"),
        status,
        content_type=JSON,
    )
    allowed = getattr(exception, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(allowed)
    return response


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
    if request.path != "/ping":
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
