"""Asynchronous inference: input from storage, output to storage, a queue between.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
"""

from __future__ import annotations

import json
import queue
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from byoa.local.exchange import MARK, Answer
from byoa.local.invocation import Invocation, refuse
from byoa.plan.errors import ByoaError
from byoa.plan.storage import Storage

INLINE = 128_000
#: SageMaker chooses by itself where MaxConcurrentInvocationsPerInstance is not given; we say 4.
AT_ONCE = 4
#: AWS names no number; ours keeps a runaway client from filling this process.
LONGEST_QUEUE = 10_000
SECONDS, MOST_SECONDS = 900, 3600
TTL, SHORTEST_TTL, MOST_TTL = 21_600, 60, 21_600
WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Ticket:
    """One request that waits, with the places of its outcome."""

    request: Invocation
    source: str
    output: str
    failure: str
    expires: float


class AsyncRequests:
    """Takes requests at once; `invoke` answers them, a few at a time."""

    def __init__(
        self,
        config: Mapping[str, Any],
        storage: Storage,
        invoke: Callable[[Invocation], Answer],
    ) -> None:
        self.storage, self.invoke = storage, invoke
        self.closed = self.dropped = False
        self.output = config["OutputConfig"]["S3OutputPath"].rstrip("/")
        failures = config["OutputConfig"].get("S3FailurePath") or f"{self.output}/async-failures"
        self.failures = failures.rstrip("/")
        client = config.get("ClientConfig", {})
        self.waiting: queue.Queue[Ticket] = queue.Queue(LONGEST_QUEUE)
        self.threads = [
            threading.Thread(target=self.work, daemon=True)
            for _ in range(client.get("MaxConcurrentInvocationsPerInstance", AT_ONCE))
        ]
        for thread in self.threads:
            thread.start()

    def add(self, request: Invocation) -> Answer:
        """202 with the places of the outcome, or what is wrong with the request."""
        source = request.header("inputlocation")
        if not source and not request.body:
            return refuse("ValidationError", "InputLocation is missing.", 400)
        if len(request.body) > INLINE:
            return refuse("ValidationError", f"Body is longer than {INLINE} bytes.", 400)
        try:
            seconds = number(request, "invocationtimeoutseconds", SECONDS, 1, MOST_SECONDS)
            ttl = number(request, "requestttlseconds", TTL, SHORTEST_TTL, MOST_TTL)
        except ValueError as error:
            return refuse("ValidationError", str(error), 400)
        word, extension = str(uuid.uuid4()), request.header("s3outputpathextension").strip("/")
        folder = f"{self.output}/{extension}" if extension else self.output
        name = request.header("filename") or f"{word}.out"
        ticket = Ticket(
            Invocation(request.body, asked(request.headers), seconds),
            source,
            f"{folder}/{name}",
            f"{self.failures}/{word}-error.out",
            time.monotonic() + ttl,
        )
        try:
            self.waiting.put_nowait(ticket)
        except queue.Full:
            return refuse("ThrottlingException", f"{LONGEST_QUEUE} requests wait already.", 429)
        return accepted(request, ticket)

    def work(self) -> None:
        while not self.dropped:
            try:
                self.answer(self.waiting.get(timeout=WAIT))
            except queue.Empty:
                if self.closed:
                    return
            except Exception:  # of the storage: nowhere to tell it but in the supervisor's log
                traceback.print_exc()

    def answer(self, ticket: Ticket) -> None:
        if time.monotonic() > ticket.expires:
            self.fail(ticket, "RequestTTLExceeded: the request waited longer than it may.")
            return
        try:
            body = self.storage.read(ticket.source) if ticket.source else ticket.request.body
        except ByoaError as error:
            self.fail(ticket, f"The input {ticket.source} cannot be read: {error}")
            return
        answer = self.patiently(Invocation(body, ticket.request.headers, ticket.request.seconds))
        if answer.status < 300:
            self.storage.write(ticket.output, answer.body)
        else:
            self.fail(ticket, json.loads(answer.body)["Message"])

    def patiently(self, request: Invocation) -> Answer:
        """Waits while no container answers: a queue outlives the restart of one."""
        while (answer := self.invoke(request)).status == 503 and not self.dropped:
            time.sleep(WAIT)
        return answer

    def fail(self, ticket: Ticket, message: str) -> None:
        self.storage.write(ticket.failure, message.encode())

    def close(self, waiting: bool = True) -> None:
        """Takes nothing more and answers what waits, or drops it; returns at once."""
        self.closed, self.dropped = True, not waiting


def accepted(request: Invocation, ticket: Ticket) -> Answer:
    headers = {
        "content-type": "application/json",
        MARK + "outputlocation": ticket.output,
        MARK + "failurelocation": ticket.failure,
    }
    word = request.header("inference-id") or str(uuid.uuid4())
    return Answer(202, headers, json.dumps({"InferenceId": word}).encode())


def asked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as the container gets them: these two travel under other names until here."""
    named = {
        name: headers[MARK + name] for name in ("content-type", "accept") if MARK + name in headers
    }
    plain = ("content-type", "accept")
    return {**{key: value for key, value in headers.items() if key not in plain}, **named}


def number(request: Invocation, name: str, otherwise: int, least: int, most: int) -> int:
    text = request.header(name)
    if not text:
        return otherwise
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name} {text} is not between {least} and {most}.")
    return int(text)
