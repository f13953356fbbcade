"""The models of a multi-model endpoint: loaded, asked, unloaded, each in a process of its own.

Lives in the event loop beside the HTTP side. Every model has a broker (queue, deadlines, retries)
as the one model of an ordinary endpoint has; what starts and ends its process is the zygote.
"""

from __future__ import annotations

import itertools
import math
import resource
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore

from container.serving import protocol
from container.serving.answers import Answer, error
from container.serving.broker import MAX_ANSWER, TICK
from container.serving.invocations import Invocations, Request
from container.serving.lanes import Limits
from container.serving.log import say
from container.serving.metrics import Metrics
from container.serving.model_tier import backoff
from container.serving.models_memory import Budget, anonymous
from container.serving.models_one import Model, ModelBroker
from container.serving.protocol import RECYCLE, Head
from container.serving.settings import LOAD_SECONDS, MIB, Settings

LOOK_EVERY = 0.05  # seconds between two looks at a process that loads
LAST_WORDS = 1.0  # from SIGTERM to SIGKILL, when nothing runs any more
MAX_LOAD_FAILURES = 3


class Models:
    """All that are loaded, in the order in which they were."""

    def __init__(
        self, settings: Settings, limits: Limits, metrics: Metrics | None, memory: int, at_once: int
    ) -> None:
        self.settings, self.limits, self.metrics = settings, limits, metrics
        self.budget = Budget(memory)
        self.models: dict[str, Model] = {}
        self.by_number: dict[int, Model] = {}
        self.zygote: socket.socket | None = None
        self.zygote_pid = 0
        self.draining_until = math.inf
        self._numbers = itertools.count(1)
        allow_many_files()
        self._turns = BoundedSemaphore(max(1, at_once))
        self._clock = gevent.spawn(self._watch)

    @property
    def draining(self) -> bool:
        """Whether the container stops."""
        return self.draining_until != math.inf

    # -- what the API asks ----------------------------------------------------------------------

    def find(self, name: str) -> Model | None:
        """A model that is loaded, or is being loaded."""
        model = self.models.get(name)
        return None if model is None or model.state == "unloading" else model

    def listed(self) -> list[Model]:
        """Those that are loaded, the oldest first."""
        return [model for model in self.models.values() if model.state == "ready"]

    def load(self, name: str, url: str, folder: Path) -> Answer:
        """Load a model from a folder; comes back when it can be asked, or never will be."""
        deadline = time.monotonic() + LOAD_SECONDS
        while (there := self.models.get(name)) is not None:
            if there.state != "unloading":
                return self._is_there(there, deadline)
            there.gone.wait(deadline - time.monotonic())
        number = next(self._numbers)
        model = Model(number, name, url, folder, ModelBroker(self.limits, self._clock))
        model.core = Invocations(self.settings, model.broker, self.metrics)
        model.broker.heard = model.heard
        model.broker.kill = lambda: self._signal(model, signal.SIGKILL)
        self.models[name] = self.by_number[number] = model
        try:
            with self._turns:
                answer = self._load(model, deadline)
        except BaseException:
            model.fail(error(500, "server_error", "the server failed (see the log)"))
            raise
        finally:
            if model.state == "loading":  # who unloads it meanwhile forgets it, too
                self._forget(model)
        return answer

    def _is_there(self, model: Model, deadline: float) -> Answer:
        model.outcome.wait(deadline - time.monotonic())
        if model.failure is not None:
            return model.failure
        return error(409, "already_loaded", f"the model {model.name!r} is loaded already")

    def _load(self, model: Model, deadline: float) -> Answer:
        if time.monotonic() > deadline:
            text = "other loads took all the time: ask again"
            return model.fail(error(504, "load_timeout", text))
        early = model.failure
        if early is not None:  # unloaded before it had its turn
            return early
        need = _in_a_thread(self.budget.need, model.url, model.folder)
        if not self._fits(need):
            return model.fail(self._no_memory(model, need))
        # One that is alone is tried, whatever we think that it needs.
        model.usage.reserved = model.usage.used = min(need, self.budget.total - self.used())
        self.start(model)
        while not model.outcome.wait(LOOK_EVERY):
            model.usage.loading(anonymous(self.zygote_pid))
            if not self._fits(0, model):
                model.fail(self._no_memory(model, model.usage.used))
            elif time.monotonic() > deadline:
                text = f"the model was not loaded within {LOAD_SECONDS:g} s"
                model.fail(error(504, "load_timeout", text))
        if model.failure is None and not self._fits(0, model):
            model.fail(self._no_memory(model, model.usage.used))
        if model.failure is not None:
            model.state = "loading"
            self._end(model, signal.SIGKILL)
            return model.failure
        self.budget.learn(model.url, model.usage.used)
        return Answer(200, b"{}")

    def unload(self, model: Model) -> Answer:
        """Let its requests end, then its process; comes back when its memory is free."""
        if model.state == "loading":
            model.fail(error(409, "unloaded", "the model was unloaded before it was loaded"))
            model.gone.wait(LOAD_SECONDS)
            return Answer(200, b"{}")
        model.state = "unloading"
        end = time.monotonic() + self.settings.drain
        while model.broker.asked and time.monotonic() < end:
            gevent.sleep(TICK)
        text = f"the model {model.name!r} was unloaded before this request was done"
        model.broker.end(error(503, "unloaded", text, {"Retry-After": "1"}))
        self.budget.grown(model.url, model.usage.used)
        self._end(model, signal.SIGTERM)
        self._forget(model)
        return Answer(200, b"{}")

    def invoke(self, model: Model, request: Request) -> Answer:
        """Ask a model, once it is loaded."""
        if not model.outcome.wait(self.settings.timeout):
            request.body.discard()
            return error(503, "loading", f"the model {model.name!r} is being loaded")
        if model.failure is not None:
            request.body.discard()
            return model.failure
        model.used_at = time.monotonic()
        assert model.core is not None
        return model.core.answer(request)

    # -- memory ---------------------------------------------------------------------------------

    def used(self) -> int:
        """Bytes of all models, with what those that are being loaded will probably need."""
        return sum(model.usage.used for model in self.models.values())

    def _fits(self, need: int, but: Model | None = None) -> bool:
        """Whether there is room; a model that would be alone is always tried."""
        while self.used() and self.used() + need > self.budget.total:
            idle = [m for m in self.listed() if m is not but and not m.broker.asked]
            if not self.settings.models_evict or not idle:
                return False
            oldest = min(idle, key=lambda model: model.used_at)
            say(f"unloading {oldest.name!r}: least recently used (BYOA_MODELS_EVICT=lru)")
            self.unload(oldest)
        return True

    def _no_memory(self, model: Model, need: int) -> Answer:
        loaded = sum(one.state == "ready" for one in self.models.values())
        text = (
            f"no memory for the model {model.name!r}: it needs {need // MIB} MiB or more, and"
            f" {loaded} loaded models use {self.used() // MIB} of {self.budget.total // MIB} MiB:"
            " unload one, or set BYOA_MODELS_MEMORY_MB on a larger machine"
        )
        return error(507, "no_memory", text)

    # -- processes ------------------------------------------------------------------------------

    def attend(self, sock: socket.socket, address: object = None) -> None:
        """Serve one connection: the zygote's, a model process's, or the supervisor's."""
        reader = protocol.Reader(sock, MAX_ANSWER)
        try:
            head, _ = reader.receive()
            if head["kind"] == "zygote":
                self._attend_zygote(sock, reader, head)
            elif head["kind"] == "drain":
                self.drain(head["seconds"])
            elif model := self.by_number.get(head.get("model", 0)):
                model.broker.attend(sock, address, reader, head)
        except (protocol.PeerGoneError, protocol.ProtocolError, OSError):
            pass
        finally:
            sock.close()

    def _attend_zygote(self, sock: socket.socket, reader: protocol.Reader, head: Head) -> None:
        self.zygote, self.zygote_pid = sock, head["pid"]
        for model in list(self.models.values()):
            if model.wanted:
                self.start(model)
        try:
            while True:
                head, _ = reader.receive()
                ended = self.by_number.get(head["number"])
                if ended is not None:
                    gevent.spawn(self._bury, ended, head["status"])
        finally:
            self.zygote = None
            for model in list(self.models.values()):
                if model.running:
                    gevent.spawn(self._bury, model, 128 + signal.SIGKILL)

    def start(self, model: Model) -> None:
        """Ask for a process; a zygote that is not there yet is asked when it comes."""
        model.wanted = True
        if model.running:
            return
        model.reason = ""
        facts = {"number": model.number, "name": model.name, "path": str(model.folder)}
        if self._tell(kind="start", memory=self.budget.total, **facts):
            model.starts()

    def _tell(self, **head: Any) -> bool:
        if self.zygote is None:
            return False
        try:
            protocol.send(self.zygote, head)
        except OSError:
            return False
        return True

    def _bury(self, model: Model, status: int) -> None:
        """A process ended: as we wanted, or it is started again, or its model is dropped."""
        model.ended()
        if model.state == "loading":
            model.fail(model.why(status))
        if model.state != "ready" or not model.wanted:
            return
        model.failures = 0 if status == RECYCLE or model.lasted() else model.failures + 1
        model.load_failures = 0 if model.was_ready else model.load_failures + 1
        if model.load_failures >= MAX_LOAD_FAILURES:
            say(f"model {model.name!r} died and cannot be loaded any more: dropped")
            model.failure = model.why(status)
            model.broker.end(model.failure)
            self._forget(model)
            return
        say(f"the process of model {model.name!r} ended (status {status}): starting it again")
        gevent.sleep(backoff(model.failures))
        if model.state == "ready" and model.wanted:
            self.start(model)

    def _end(self, model: Model, number: signal.Signals) -> None:
        """Its process is gone when this returns."""
        model.wanted = False
        while model.running:
            self._signal(model, number)
            if model.over.wait(LAST_WORDS):
                break
            number = signal.SIGKILL

    def _signal(self, model: Model, number: signal.Signals) -> None:
        self._tell(kind="signal", number=model.number, signal=int(number))

    def _forget(self, model: Model) -> None:
        model.state = "gone"
        if self.models.get(model.name) is model:
            del self.models[model.name]
        self.by_number.pop(model.number, None)
        model.gone.set()

    # -- always ---------------------------------------------------------------------------------

    def drain(self, seconds: float) -> None:
        """The container stops: answer what is here, take nothing new."""
        self.draining_until = time.monotonic() + seconds
        for model in self.models.values():
            model.broker.drain(seconds)

    def _watch(self) -> None:
        """One clock for all brokers, and a look at their memory every second."""
        for count in itertools.count():
            gevent.sleep(TICK)
            for model in list(self.models.values()):
                if model.broker.asked:
                    model.broker.answer_late()
            if count % int(1 / TICK) == 0:
                for model in self._asked_lately():
                    model.usage.look()
                    model.broker.kill_stuck()
                if self.settings.models_evict and self.used() > self.budget.total:
                    gevent.spawn(self._fits, 0)

    def _asked_lately(self) -> Iterator[Model]:
        now = time.monotonic()
        for model in list(self.models.values()):
            # one whose only client was answered 504 may still compute, for ever
            busy = model.broker.asked or any(lane.busy for lane in model.broker.lanes)
            if model.state == "ready" and (busy or now - model.used_at < 2):
                yield model


def allow_many_files() -> None:
    """A connection for each model's process, beside those of clients."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _in_a_thread(function: Any, *arguments: Any) -> Any:
    return gevent.get_hub().threadpool.apply(function, arguments)
