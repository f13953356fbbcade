"""What happens to an invocation between HTTP and the queue, whichever way its bytes came.

Two ways lead here: `fast_http`, for requests as SageMaker and most clients write them, and Flask,
for the rest. The limits, the refusals and the line in the log are the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from container.serving import log
from container.serving.answers import Answer, error
from container.serving.bodies import too_large
from container.serving.broker import Broker
from container.serving.lanes import OverloadedError
from container.serving.metrics import Metrics
from container.serving.protocol import Head
from container.serving.received import IN_MEMORY, RefusedError, Whole
from container.serving.settings import Settings

SESSION_ID = "x-amzn-sagemaker-session-id"
BROWSER = frozenset(("origin", "sec-fetch-site"))
OUR_FAULT = Answer(500, b"")  # as what an exception of ours is counted
INFERENCE_ID = "x-amzn-sagemaker-inference-id"


class Body(Protocol):
    """A request's body that is still on its way."""

    def read(self, limit: int) -> Whole:
        """The whole of it, or a RefusedError."""
        ...

    def discard(self) -> None:
        """Read on for a moment, so that the client sees the answer and not a reset connection."""
        ...


@dataclass(slots=True)
class Request:
    """An invocation: header names are in lower case, a length of None means chunked."""

    headers: dict[str, str]
    query: dict[str, str]
    length: int | None
    body: Body
    bytes_in: int = 0

    def head(self) -> Head:
        """What a model process is told about it."""
        return {
            "content_type": self.headers.get("content-type", ""),
            "accept": self.headers.get("accept", ""),
            "headers": self.headers,
            "query": self.query,
        }


@dataclass(frozen=True, slots=True)
class Invocations:
    """Turns requests into answers."""

    settings: Settings
    broker: Broker
    metrics: Metrics | None = None  # None: nobody may ask for them

    def __post_init__(self) -> None:
        if self.metrics is not None:
            self.broker.counted = self.metrics.dispatched

    @property
    def brokers(self) -> list[Broker]:
        """All whose queues and processes there are to tell of."""
        return [self.broker]

    @property
    def many(self) -> bool:
        """Whether there is more than one model, each with a path of its own."""
        return False

    def answer_at(self, path: str, request: Request) -> Answer:
        """The answer of the model behind a path."""
        return self.answer(request)

    def ping(self) -> Answer:
        """200 and nothing, or 503 and why."""
        ready, code, reason = self.broker.health()
        if ready:
            return Answer(200, b"", "text/plain; charset=utf-8")
        return error(503, code, reason, {"Retry-After": "1", "X-Byoa-Reason": code})

    def answer(self, request: Request) -> Answer:
        """Queue the body for a model process and give back its answer; both are counted."""
        start = time.perf_counter()
        answer = OUR_FAULT
        try:
            answer = self._queued_or_refused(request, start)
            return answer
        finally:
            if self.metrics is not None:
                seconds, sizes = time.perf_counter() - start, (request.bytes_in, len(answer.body))
                self.metrics.count(answer.status, answer.times, seconds, sizes)

    def _queued_or_refused(self, request: Request, start: float) -> Answer:
        try:
            answer = self._answer(request)
            if not BROWSER.isdisjoint(request.headers):
                answer.headers["Server-Timing"] = server_timing(answer.times, start)
            return answer
        except RefusedError as refused:
            return refused.answer
        except OverloadedError as overloaded:
            request.body.discard()
            headers = {"Retry-After": str(overloaded.retry_after)}
            return error(503, "overloaded", str(overloaded), headers)

    def _answer(self, request: Request) -> Answer:
        deadline = time.monotonic() + self.settings.timeout
        self._refuse_early(request)
        limit = self.settings.max_payload
        known = request.length
        with self.broker.room(min(limit, IN_MEMORY) if known is None else known):
            body = request.body.read(limit)
            request.bytes_in = len(body)
            return self.broker.ask(request.head(), body, deadline)

    def _refuse_early(self, request: Request) -> None:
        limit = self.settings.max_payload
        if request.length is not None and request.length > limit:  # it takes no room meanwhile
            request.body.discard()
            raise RefusedError(too_large(limit))
        if request.headers.get(SESSION_ID):
            request.body.discard()
            message = "this model keeps no sessions: send the request without SessionId"
            raise RefusedError(error(400, "no_sessions", message))
        if not self.broker.accepting:
            request.body.discard()
            _, code, reason = self.broker.health()
            raise RefusedError(error(503, code, reason, {"Retry-After": "5"}))


def server_timing(times: Mapping[str, float], start: float) -> str:
    """Where the time went, as browsers show it (W3C Server Timing); milliseconds."""
    total = round((time.perf_counter() - start) * 1000, 3)
    return ", ".join(f"{name};dur={value}" for name, value in {**times, "total": total}.items())


def log_request(
    method: str, path: str, headers: Mapping[str, str], bytes_in: int, start: float, answer: Answer
) -> None:
    """One line; `start` is perf_counter's when the request began."""
    line: dict[str, Any] = {
        "method": method,
        "path": path,
        "status": answer.status,
        "ms": round((time.perf_counter() - start) * 1000, 3),
        **{f"{name}_ms": value for name, value in answer.times.items()},
        "bytes_in": bytes_in,
        "bytes_out": len(answer.body),
        "content_type": headers.get("content-type", ""),
    }
    if inference_id := headers.get(INFERENCE_ID):
        line["inference_id"] = inference_id
    log.access(line)
