"""One process of a function: an event at a time, as long as it lives."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from byoa.sandbox.lambdas.function import Function
from byoa.sandbox.lambdas.launch import Launched, output
from byoa.sandbox.lambdas.log import FunctionLog, Pipe
from byoa.sandbox.lambdas.runtime_api import Event, News, RuntimeApi

#: What Lambda gives a process to get ready; its time counts from then on.
INIT_SECONDS = 10.0
#: How often a working process's memory is looked at.
LOOK_SECONDS = 0.05
#: Answers may be this long: 6 MB and what JSON puts around them.
MOST_ANSWER = 6_291_556
MB = 1024 * 1024
KILLED = 137

Launch = Callable[[str], Launched]  #: from the Runtime API's address


@dataclass(frozen=True)
class Outcome:
    """What Invoke answers."""

    payload: bytes
    error: str = ""  #: Unhandled, when the function failed
    log: bytes = b""


class Worker:
    """Starts at once; `invoke` waits until it is ready."""

    def __init__(self, function: Function, log: FunctionLog, launch: Launch) -> None:
        self.function, self.log = function, log
        self.api = RuntimeApi(ours_alone=function.package != "Image")
        self.init = 0.0  #: seconds; told in the first report
        self.ready = self.dead = False
        self.peak = 0
        try:
            self.launched = launch(self.api.address)
        except BaseException:
            self.api.close()
            raise
        self.began = time.monotonic()
        self.pipe = Pipe(output(self.launched.process), log)
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self.launched.process.wait()
        self.api.news.put(News("exit"))

    def end(self) -> None:
        """No trace is left of it but its log."""
        self.dead = True
        self.launched.kill()
        self.api.close()
        self.pipe.ended.wait(2.0)
        self.launched.tidy()

    def invoke(self, event: Event) -> Outcome:
        """Runs one event to its end; a process that does not survive it is `dead` after."""
        self.log.last.clear()
        failure = None if self.ready else self.get_ready(event)
        self.log.line(f"START RequestId: {event.id} Version: {self.function.version}")
        started = time.monotonic()
        if failure is None:
            end = int((time.time() + self.function.timeout) * 1000)
            event.headers["Lambda-Runtime-Deadline-Ms"] = str(end)
            self.api.events.put(event)
            news = self.next_news(started + self.function.timeout, event.id)
        else:
            news = failure
        seconds = time.monotonic() - started
        payload, error, status = self.judge(news, event)
        self.pipe.drain()
        if status == "timeout":
            self.log.line(f"{stamp()} {event.id} {timed_out(self.function)}")
        self.log.line(f"END RequestId: {event.id}")
        self.log.line(self.report(event, seconds, status))
        return Outcome(payload, error, self.log.tail())

    def get_ready(self, event: Event) -> News | None:
        """Waits for the first request for an event; the news of why there is none."""
        news = self.next_news(self.began + INIT_SECONDS)
        if news.kind == "timeout":  # Lambda starts counting anew, within the function's own time
            news = self.next_news(time.monotonic() + self.function.timeout)
        self.init = time.monotonic() - self.began
        self.ready = news.kind == "ready"
        return None if self.ready else news

    def next_news(self, end: float, wanted: str = "") -> News:
        """What the process does next, or that it took too long or too much memory for it."""
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return News("timeout")
            try:
                news = self.api.news.get(timeout=min(left, LOOK_SECONDS))
            except queue.Empty:
                used = self.launched.memory()
                self.peak = max(self.peak, used)
                if used > self.function.memory * MB:
                    return News("memory")
                continue
            if wanted and (news.kind == "ready" or (news.id and news.id != wanted)):
                continue  # it asks for the next event already, or answers one that is over
            return news

    def judge(self, news: News, event: Event) -> tuple[bytes, str, str]:
        """Payload, FunctionError and the report's status."""
        self.peak = max(self.peak, self.launched.memory())
        if news.kind == "response" and len(news.body) <= MOST_ANSWER:
            return news.body, "", ""
        if news.kind == "response":
            text = f"Response payload size exceeded maximum allowed payload size ({MOST_ANSWER} bytes)."  # noqa: E501
            return failed("Function.ResponseSizeTooLarge", text), "Unhandled", "error"
        if news.kind == "error":
            return news.body, "Unhandled", "error"
        code = self.launched.process.poll()
        self.end()
        if news.kind == "init_error":
            return news.body, "Unhandled", "error"
        if news.kind == "timeout":
            text = f"RequestId: {event.id} Error: {timed_out(self.function)}"
            return failed("Sandbox.Timedout", text), "Unhandled", "timeout"
        # docker says 137 of a container that the kernel ended for its memory
        memory = news.kind == "memory" or code == KILLED
        kind = "Runtime.OutOfMemory" if memory else "Runtime.ExitError"
        text = f"RequestId: {event.id} Error: {why_ended(None if memory else code)}"
        return failed(kind, text), "Unhandled", "error"

    def report(self, event: Event, seconds: float, status: str) -> str:
        took = min(seconds, float(self.function.timeout)) * 1000
        fields = [
            f"REPORT RequestId: {event.id}",
            f"Duration: {took:.2f} ms",
            f"Billed Duration: {-int(-took // 1)} ms",
            f"Memory Size: {self.function.memory} MB",
            f"Max Memory Used: {min(-(-self.peak // MB), self.function.memory)} MB",
        ]
        if self.init:
            fields.append(f"Init Duration: {self.init * 1000:.2f} ms")
            self.init = 0.0
        if status:
            fields.append(f"Status: {status}")
        return "\t".join([*fields, ""])


def why_ended(code: int | None) -> str:
    """What Lambda says of a process that is gone: None, when it was killed."""
    if code == 0:
        return "Runtime exited without providing a reason"
    known = {None: "signal: killed", -9: "signal: killed", -11: "signal: segmentation fault"}
    plain = f"exit status {code}" if (code or 0) > 0 else f"signal: {-(code or 0)}"
    return f"Runtime exited with error: {known.get(code, plain)}"


def failed(kind: str, text: str) -> bytes:
    data: dict[str, Any] = {"errorType": kind, "errorMessage": text}
    return json.dumps(data).encode()


def timed_out(function: Function) -> str:
    return f"Task timed out after {function.timeout:.2f} seconds"


def stamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
