"""One running `serve`: started, asked every few seconds how it is, started again when it dies."""

from __future__ import annotations

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from byoa.local.exchange import exchange
from byoa.plan.errors import ByoaError

#: Seconds. https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
PING_TIMEOUT = 2.0
#: Ours: the page says "every few seconds", and that failures replace the instance.
PING_EVERY = 5.0
PING_WHILE_STARTING = 0.25
LOOK_EVERY = 0.25
FAILED_PINGS = 3
LONGEST_BACKOFF = 30.0
LAST_LINES = 20
SHOWN_LINES, SHOWN = 4, 700


class Running(Protocol):
    """A started container or process."""

    address: str  #: "127.0.0.1:PORT"

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after 30 seconds; nothing is left of it afterwards."""


#: Starts one container; every line that it prints goes to the function.
Launch = Callable[[Callable[[str], None]], Running]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an instance is looked at, in seconds; tests are quicker."""

    ping_every: float = PING_EVERY
    while_starting: float = PING_WHILE_STARTING
    look_every: float = LOOK_EVERY


class Instance:
    """One container and the thread that looks after it. `take` and `give_back` count requests."""

    def __init__(
        self, launch: Launch, log: Callable[[str], None], patience: float, pace: Pace | None = None
    ) -> None:
        self.launch, self.log, self.patience, self.pace = launch, log, patience, pace or Pace()
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        self.healthy = self.was_healthy = False
        self.failure = ""  #: why it never became healthy
        self.restarts = 0
        self.busy = 0  #: requests in it, under the fleet's lock
        self.running: Running | None = None
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return self.running.address if self.running else ""

    def close(self) -> None:
        """Ends it, as SageMaker does; returns when it is gone."""
        self.closing.set()
        self.thread.join()

    def live(self) -> None:
        """Its thread: start, watch, again; a first start that fails is the end."""
        backoff = 0.0
        while not self.closing.wait(backoff):
            trouble = self.start()
            if not trouble:
                trouble, backoff = self.watch(), 0.0
            self.healthy = False
            if self.running:
                self.running.stop()
            if self.closing.is_set():
                return
            if not self.restarts and not self.was_healthy:
                self.failure = trouble
                return
            self.restarts += 1
            backoff = min(max(1.0, backoff * 2), LONGEST_BACKOFF) if backoff else 0.5
            self.log(f"[sagemaker] the container is started again: {trouble}")

    def start(self) -> str:
        """Starts it and waits for its first good /ping; what is wrong, or "" when nothing is."""
        end = time.monotonic() + self.patience
        try:
            self.running = self.launch(self.heard)
        except (OSError, ByoaError) as error:
            return f"it did not start: {error}"
        said = "it answers nothing"
        while not self.closing.wait(self.pace.while_starting):
            status = self.running.poll()
            if status is not None:
                return f"it ended with exit status {status}{self.last_words()}"
            said = self.ping()
            if not said:
                self.healthy = self.was_healthy = True
                return ""
            if time.monotonic() > end:
                return f"after {self.patience:g} s {said}{self.last_words()}"
        return "it was deleted"

    def watch(self) -> str:
        """Returns when it is closing, gone or ill: what happened."""
        assert self.running
        failed, next_ping = 0, time.monotonic() + self.pace.ping_every
        while not self.closing.wait(self.pace.look_every):
            status = self.running.poll()
            if status is not None:
                return f"it ended with exit status {status}{self.last_words()}"
            if time.monotonic() < next_ping:
                continue
            said = self.ping()
            failed = failed + 1 if said else 0
            if failed >= FAILED_PINGS:
                return f"{failed} pings failed, the last because {said}"
            next_ping = time.monotonic() + self.pace.ping_every
        return ""

    def ping(self) -> str:
        """What is wrong with the answer to /ping; "" when nothing is."""
        try:
            answer = exchange(self.address, "GET", "/ping", seconds=PING_TIMEOUT)
        except TimeoutError:
            return f"GET /ping got no answer within {PING_TIMEOUT:g} s"
        except (OSError, http.client.HTTPException) as error:
            return f"GET /ping failed: {error or type(error).__name__}"
        if answer.status == http.HTTPStatus.OK:
            return ""
        words = answer.body[:200].decode(errors="replace").strip()
        return f"GET /ping answered {answer.status}{f' ({words})' if words else ''}"

    def heard(self, line: str) -> None:
        self.lines.append(line)
        self.log(line)

    def last_words(self) -> str:
        """The end of its log, as far as a FailureReason has room for it."""
        lines = [line.strip() for line in self.lines if line[:1].strip()]  # not the indented ones
        lines = lines[-SHOWN_LINES:]
        return f"; its last lines: {' | '.join(lines)[-SHOWN:]}" if lines else ""
