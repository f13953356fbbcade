"""The routes of SageMaker's contract as a Flask app; every error is JSON.

It answers what is not the ordinary case: other routes and methods, chunked bodies, queries. The
ordinary `POST /invocations` and `GET /ping` do not come here (`fast_http`).
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import PathConverter

from container.serving.answers import Answer, error, our_fault
from container.serving.bodies import WsgiBody
from container.serving.invocations import Invocations, Request, log_request
from container.serving.playground.page import build
from container.serving.settings import MIB

SILENT = ("/ping", "/metrics")
CODES = {404: "not_found", 405: "method_not_allowed"}
MAX_BATCH_MB = 100  # SageMaker: MaxConcurrentTransforms × MaxPayloadInMB must not exceed it


def create_app(invocations: Invocations) -> Flask:
    """The WSGI application."""
    app = Flask("container.serving", static_folder=None)
    app.extensions["invocations"] = invocations  # the short way looks for it here
    views = Views(invocations)
    app.add_url_rule("/ping", view_func=views.ping)
    app.add_url_rule("/invocations", view_func=views.invocations, methods=["POST"])
    app.add_url_rule("/execution-parameters", view_func=views.execution_parameters)
    if invocations.metrics is not None:
        app.add_url_rule("/metrics", view_func=views.metrics)
    if invocations.many:
        add_models(app, invocations)
    elif invocations.settings.playground:
        page = build()
        app.add_url_rule("/", "playground", lambda: Response(page.body, headers=page.headers))
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(Exception, on_exception)
    app.before_request(start_clock)
    app.after_request(log_response)
    return app


@dataclass(frozen=True, slots=True)
class Views:
    """The routes, with what they need."""

    core: Invocations

    def ping(self) -> Response:
        """200 and nothing, or 503 and why."""
        return to_response(self.core.ping())

    def execution_parameters(self) -> Response:
        """What batch transform should do, unless the job says otherwise."""
        payload = self.core.settings.max_payload // MIB
        limits = self.core.broker.limits
        count = max(1, min(limits.processes * limits.max_batch, MAX_BATCH_MB))
        return jsonify(
            MaxConcurrentTransforms=count,
            BatchStrategy="SINGLE_RECORD",
            MaxPayloadInMB=max(1, min(payload, MAX_BATCH_MB // count)),
        )

    def metrics(self) -> Response:
        """All figures as Prometheus reads them."""
        from container.serving.metrics_page import page  # who is never asked does not load it

        return to_response(page(self.core, request.headers.get("Accept", "")))

    def invocations(self) -> Response:
        """Queue the body for a model process and give back its answer."""
        return answered(self.core.answer)


def answered(answer_to: Callable[[Request], Answer]) -> Response:
    """What is said to this request, which has a body."""
    chunked = bool(request.environ.get("HTTP_TRANSFER_ENCODING"))
    length = None if chunked else request.content_length
    if length is None and not chunked and request.method == "POST":
        message = "send the body with a Content-Length, or chunked"
        return to_response(error(411, "length_required", message))
    asked = Request(
        headers=headers(),
        query=request.args.to_dict(),
        length=length,
        body=WsgiBody(request.environ["wsgi.input"], length),
    )
    answer = answer_to(asked)
    g.bytes_in, g.times = asked.bytes_in, answer.times
    return to_response(answer)


class Anything(PathConverter):
    """A path that may begin with a slash: a model's name is any text."""

    regex = ".*?"
    part_isolating = False  # else it ends at a slash


def add_models(app: Flask, invocations: Invocations) -> None:
    """The routes of a multi-model container. Flask sees the path unquoted, the API as it came."""
    # Here: who serves one model does not load it.
    from container.serving.models_api import ModelsApi, NoModel

    assert isinstance(invocations, NoModel) and invocations.models is not None
    api = ModelsApi(invocations.models)

    def models(rest: str = "") -> Response:
        path = request.environ["RAW_URI"]
        return answered(lambda asked: api.answer(request.method, path, asked.query, asked))

    app.url_map.merge_slashes = False
    app.url_map.converters["anything"] = Anything
    methods = ["GET", "POST", "DELETE", "PUT", "PATCH"]
    for rule in ("/models", "/models/<anything:rest>"):
        app.add_url_rule(rule, view_func=models, methods=methods)


def headers() -> dict[str, str]:
    """The request's, their names in lower case."""
    return {name.lower(): value for name, value in request.headers}


def to_response(answer: Answer) -> Response:
    """An answer as Flask wants it."""
    return Response(answer.body, answer.status, answer.headers, content_type=answer.content_type)


def on_http_error(exception: HTTPException) -> Response:
    """404, 405 and their like."""
    status = exception.code or 500
    code = CODES.get(status, exception.name.lower().replace(" ", "_"))
    allowed = getattr(exception, "valid_methods", None)
    names = {"Allow": ", ".join(sorted(allowed))} if allowed else None
    message = f"{request.method} {request.path}: {exception.name}"
    return to_response(error(status, code, message, names))


def on_exception(exception: Exception) -> Response:
    """Our own fault."""
    traceback.print_exception(exception)
    return to_response(our_fault(exception))


def start_clock() -> None:
    """Remember when the request began."""
    g.start = time.perf_counter()


def log_response(response: Response) -> Response:
    """One line, but for what asks every few seconds."""
    if request.path not in SILENT:
        body = response.get_data()
        answer = Answer(response.status_code, body, times=g.get("times", {}))
        bytes_in = g.get("bytes_in", 0)
        log_request(request.method, request.path, headers(), bytes_in, g.start, answer)
    return response
