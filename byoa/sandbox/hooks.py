"""THE table: every request that does not go straight to moto, and who answers it.

A handler takes the Call and gives a Response, or None to let moto answer. What moto has no answer
for becomes an AWS error that says so, not a page of HTML.
"""

from __future__ import annotations

import importlib
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from byoa.plan.errors import ServiceError
from byoa.sandbox import answers, wire
from byoa.sandbox.state import State
from byoa.sandbox.wire import Call

Handler = Callable[["Sandbox", Call], Response | None]


@dataclass(frozen=True)
class Hook:
    """Requests of a service whose operation (or, without one, path) matches; handler by name."""

    service: str
    pattern: str
    handler: str  #: module:function in byoa.sandbox, loaded when it is first needed

    def matches(self, call: Call) -> bool:
        asked = call.operation if call.operation else call.request.path
        return call.service == self.service and re.fullmatch(self.pattern, asked) is not None


HOOKS: tuple[Hook, ...] = (
    Hook("sagemaker", "/endpoints/.+", "runtime:runtime"),
    Hook("sagemaker", "[A-Z][A-Za-z]+", "sagemaker:sagemaker"),
    Hook("logs", ".+", "logs:logs"),
    Hook("ecr", ".+", "ecr:ecr"),
    Hook("codebuild", ".+", "codebuild.api:codebuild"),
    Hook("batch", ".+", "batch.api:batch"),
    Hook("lambda", r"/\d{4}-\d\d-\d\d/functions/[^/]+/invocations/?", "lambdas.api:invoke"),
    Hook("lambda", r"/\d{4}-\d\d-\d\d/functions(/.*)?", "lambdas.api:change"),
    Hook("stepfunctions", ".+", "stepfunctions.api:states"),
    Hook("events", ".+", "events.api:events"),
    Hook("cloudformation", ".+", "cloudformation.api:cloudformation"),
    Hook("iam", "CreateRole|UpdateAssumeRolePolicy", "iam:trust_policy"),
    Hook("s3", "/[^/]+/?", "events.buckets:notification"),
    Hook("s3", "/[^/]+/?", "s3:create_bucket"),
    Hook("s3", "(?s)/[^/]+/.+", "s3:conditional"),
)


@dataclass
class Sandbox:
    """What a handler may need: who we are, and moto to ask."""

    state: State
    moto: Any  #: its WSGI application

    def ask_moto(self, call: Call) -> Response:
        """Moto's own answer to this request."""
        if call.protocol != "rest":
            call.body  # noqa: B018  read and put back: moto finds it where it was
        try:
            return Response.from_app(self.moto, call.request.environ, buffered=False)
        except NotImplementedError:
            raise not_implemented(call) from None
        except Exception:  # moto stumbled: its traceback is in the log, the client gets an error
            traceback.print_exc()
            raise ServiceError(
                "InternalFailure",
                f"moto failed in {asked(call)}: see the sandbox's log",
                call.operation,
                500,
            ) from None


class Application:
    """The WSGI application of the sandbox: doors, then hooks, then moto."""

    def __init__(self, sandbox: Sandbox, doors: Iterable[Handler]) -> None:
        self.sandbox = sandbox
        self.doors = tuple(doors)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self.respond(Request(environ))(environ, start_response)

    def respond(self, request: Request) -> Response:
        call = Call(request)
        try:
            call = wire.call_of(request)
            for door in self.doors:
                response = door(self.sandbox, call)
                if response is not None:
                    return response
            for hook in HOOKS:
                if hook.matches(call):
                    response = handler(hook.handler)(self.sandbox, call)
                    if response is not None:
                        return response
            return clean(call, self.sandbox.ask_moto(call))
        except ServiceError as error:
            return answers.refusal(call, error)
        except Exception as error:  # a bug of ours: told, and kept in the log
            traceback.print_exc()
            text = f"The sandbox failed in {asked(call)}: {type(error).__name__}: {error}"
            failure = ServiceError("InternalFailure", text, call.operation, 500)
            return answers.refusal(call, failure)


def handler(name: str) -> Handler:
    module, _, function = name.partition(":")
    found: Handler = getattr(importlib.import_module(f"byoa.sandbox.{module}"), function)
    return found


def clean(call: Call, response: Response) -> Response:
    """Moto's page for what it has not got as an error that clients read."""
    if response.status_code == 500 and response.mimetype == "text/html":
        raise not_implemented(call)
    return response


def not_implemented(call: Call) -> ServiceError:
    """501 and 400: botocore repeats a 500, and the answer would not change."""
    return ServiceError(
        "NotImplemented" if call.service == "s3" else "UnknownOperationException",
        f"{call.service or 'This'} {asked(call)} is not implemented in the sandbox",
        call.operation,
        501 if call.service == "s3" else 400,
    )


def asked(call: Call) -> str:
    return call.operation or f"{call.request.method} {call.request.path}"
