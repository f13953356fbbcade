"""One request to an endpoint and its answer, as SageMaker's runtime API gives it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from byoa.local.exchange import MARK, TO_CLIENT, TO_CONTAINER, Answer, exchange, only, unwired
from byoa.local.fleet import (
    ClosedError,
    Fleet,
    NoInstanceError,
    TooManyError,
    UnknownVariantError,
    Variant,
)
from byoa.local.many_models import NotLoadedError, NotReadyError, NotThereError

INVOKED = "x-amzn-invoked-production-variant"
ERROR_TYPE = "x-amzn-errortype"
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the"
    " latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the client sent; header names in lower case."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0  #: less than the endpoint's own limit, when the client wants that

    def header(self, name: str) -> str:
        """One of SageMaker's own headers."""
        return self.headers.get(MARK + name, "")


def refuse(kind: str, message: str, status: int, **more: object) -> Answer:
    """An error as the service gives it: boto3 makes an exception named `kind` of it."""
    headers = {"content-type": "application/json"}
    if kind:
        headers[ERROR_TYPE] = kind
    body = json.dumps({"Message": message, "message": message, **more}).encode()
    return Answer(status, headers, body)


def is_not_loaded(answer: Answer) -> bool:
    """Whether the container does not have the model, though we thought so."""
    return answer.status == 424 and json.loads(answer.body)["OriginalStatusCode"] == 404


@dataclass
class Endpoint:
    """The part of a running endpoint that answers requests. `fleet` changes with an update."""

    name: str
    arn: str
    log_arn: str
    fleet: Fleet
    captured: Callable[[Invocation, Answer, Variant], None] = lambda *_: None

    def invoke(self, request: Invocation) -> Answer:
        """The answer of one container; the fleet may be replaced meanwhile, nobody notices."""
        while True:
            fleet = self.fleet
            try:
                return self.ask(fleet, request)
            except ClosedError:
                if fleet is self.fleet:  # it is being deleted
                    return refuse("ValidationError", f"Endpoint {self.name} is Deleting.", 400)
            except UnknownVariantError:
                return refuse(
                    "ValidationError",
                    f"Variant {request.header('target-variant')} not found for Endpoint"
                    f" {self.name}: it has"
                    f" {', '.join(one.name for one in fleet.variants)}.",
                    400,
                )
            except TooManyError:
                return refuse("ThrottlingException", "Rate exceeded: MaxConcurrency reached.", 429)
            except NoInstanceError as error:
                return refuse("ServiceUnavailable", f"Endpoint {self.name}: {error}.", 503)

    def ask(self, fleet: Fleet, request: Invocation) -> Answer:
        with fleet.take(request.header("target-variant")) as (variant, instance):
            if len(request.body) > variant.limits.payload:
                return refuse(
                    "", f"HTTP content length exceeded {variant.limits.payload} bytes.", 413
                )
            answer = self.one_or_many(variant, instance.address, request)
        if answer.status < 300:
            self.captured(request, answer, variant)
        return answer

    def one_or_many(self, variant: Variant, address: str, request: Invocation) -> Answer:
        """The answer of the variant's model, or of the one of many that the client names."""
        models, target = variant.models, unwired(request.header("target-model"))
        if models is None:
            if target:
                text = "is not a multi-model endpoint and does not support target model header."
                return refuse("ValidationError", f"Endpoint {self.name} {text}", 400)
            return self.forward(variant, address, request)
        if not target:
            text = f"Endpoint {self.name} has many models, and the request is missing a target"
            return refuse("ValidationError", f"{text} model header: name a TargetModel.", 400)
        for last in (False, True):
            try:
                with models.ready(address, target, variant.limits.seconds) as path:
                    answer = self.forward(variant, address, request, path)
                    if last or not is_not_loaded(answer):
                        return answer
                    models.forget(address, path)
            except NotThereError as error:
                return refuse("ValidationError", str(error), 400)
            except NotReadyError:
                text = f"Model {target} is being loaded. Try again."
                return refuse("ModelNotReadyException", text, 429)
            except NotLoadedError as error:
                words = error.answer.body[:1024].decode(errors="replace")
                return self.model_error(variant, error.answer.status, words)
        raise AssertionError("the last time returns")

    def forward(
        self, variant: Variant, address: str, request: Invocation, path: str = "/invocations"
    ) -> Answer:
        """The container's answer, or SageMaker's about it."""
        try:
            answer = exchange(
                address,
                "POST",
                path,
                request.body,
                only(request.headers, TO_CONTAINER),
                min(request.seconds or variant.limits.seconds, variant.limits.seconds),
            )
        except TimeoutError:
            return self.model_error(variant, 0, TIMED_OUT)
        except (OSError, http.client.HTTPException) as error:
            return self.model_error(variant, 500, f"the container ended the request: {error!r}")
        if answer.status >= 300:
            words = answer.body[:1024].decode(errors="replace")
            return self.model_error(variant, answer.status, words)
        headers = only(answer.headers, TO_CLIENT)
        return Answer(200, {**headers, INVOKED: variant.name}, answer.body)

    def model_error(self, variant: Variant, status: int, words: str) -> Answer:
        kind = "client" if 400 <= status < 500 else "server"
        return refuse(
            "ModelError",
            f'Received {kind} error ({status}) from primary with message "{words}". See'
            f" {self.log_arn} (stream {variant.stream}) for more information.",
            424,
            OriginalStatusCode=status,
            OriginalMessage=words,
            LogStreamArn=self.log_arn,
        )
