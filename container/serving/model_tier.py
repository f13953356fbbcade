"""Starts the model processes and decides about each that dies: again, later, or the end."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass

from container import threads
from container.serving import nursery
from container.serving.child import Child, Command, Forked
from container.serving.log import say
from container.serving.plan import ModelProcess, Plan
from container.serving.protocol import BROKER_GONE, RECYCLE
from container.serving.surroundings import Surroundings
from container.serving.together import Together, adopts

MODULES = {False: "model_process", True: "zygote"}
LONGEST_BACKOFF = 30.0
LASTING = 60.0  # a process that served this long starts again with no delay
MAX_LOAD_FAILURES = 5
NICENESS = 5  # /ping and the broker come first when every core computes


@dataclass(slots=True)
class Slot:
    """A place for one model process, and its history."""

    spec: ModelProcess
    child: Forked | None = None
    ready_fd: int = -1
    started: float = 0.0
    start_at: float = 0.0
    failures: int = 0  # deaths in a row, for the back-off
    load_failures: int = 0  # those before it was ready, in a row
    ever_ready: bool = False


class ModelTier:
    """All model processes."""

    def __init__(self, surroundings: Surroundings, plan: Plan) -> None:
        self.surroundings = surroundings
        self.slots = [Slot(spec) for spec in plan.processes]
        self.stopping = False
        self.together: Together | None = None
        self.sharing = self._may_share()

    def _may_share(self) -> bool:
        settings, gpus = self.surroundings.settings, [slot.spec.gpu for slot in self.slots]
        return not (settings.multi_model or any(gpus)) and adopts() and nursery.wanted(settings)

    @property
    def children(self) -> list[Forked]:
        """The processes that there are now."""
        nurseries: list[Forked] = [self.together.child] if self.together else []
        return [*nurseries, *(slot.child for slot in self.slots if slot.child is not None)]

    def start_due(self) -> None:
        """Start every slot that is empty and whose back-off is over."""
        if self.together is not None:
            return
        now = time.monotonic()
        due = [slot for slot in self.slots if slot.child is None and now >= slot.start_at]
        if self.sharing and len(due) > 1:
            self._start(*due)
        else:
            for slot in due:
                self._start(slot)

    def learn(self) -> None:
        """Take over what was forked for us."""
        born = self.together.born() if self.together else {}
        for slot in self.slots:
            if slot.spec.index in born:
                slot.child = Forked(f"model process {slot.spec.index}", born[slot.spec.index])

    def _part(self, together: Together) -> None:
        """It is gone: whoever it did not fork is started for itself, now and later."""
        self.learn()
        together.close()
        self.together = None
        for slot in self.slots:
            if slot.child is None and slot.ready_fd >= 0:
                os.close(slot.ready_fd)
                slot.ready_fd, self.sharing = -1, False

    def _start(self, *slots: Slot) -> None:
        """One process; or one that forks all of them."""
        spec, around = slots[0].spec, self.surroundings
        environ = {**around.environ, **dict.fromkeys(threads.VARIABLES, str(spec.threads))}
        if spec.gpu is not None:
            environ["CUDA_VISIBLE_DEVICES"] = spec.gpu
        pipes = [_pipe() for _ in slots]
        device = "cpu" if spec.gpu is None else "gpu"
        indexes = nursery.SEPARATOR.join(str(slot.spec.index) for slot in slots)
        ready = nursery.SEPARATOR.join(str(writer) for _, writer in pipes)
        arguments = [indexes, around.broker_socket, spec.memory, ready, device]
        multi = around.settings.multi_model
        if multi and around.identity:  # it decides for each model, when that is there
            arguments.append(f"{around.identity.uid}:{around.identity.gid}")
        if len(slots) > 1:
            pipes.append(_pipe())
            arguments.append(pipes[-1][1])
        command = Command(
            f"model process {indexes}",
            [sys.executable, "-m", f"container.serving.{MODULES[multi]}", *map(str, arguments)],
            environ,
            None if multi else around.identity,
            pass_fds=tuple(writer for _, writer in pipes),
            niceness=NICENESS,
        )
        child = Child(command)
        for slot, (reader, _) in zip(slots, pipes):
            slot.ready_fd, slot.started = reader, time.monotonic()
        if len(slots) > 1:
            self.together = Together(child, pipes[-1][0])
        else:
            slots[0].child = child
        for _, writer in pipes:
            os.close(writer)

    def watch(self) -> int | None:
        """Decide about processes that died; an exit status when the container has to end."""
        if self.together is not None and not self.together.child.alive:
            self._part(self.together)
        for slot in self.slots:
            if slot.child is not None and not slot.child.alive:
                status = self._bury(slot, slot.child)
                if status is not None:
                    return status
        return None

    def _bury(self, slot: Slot, child: Forked) -> int | None:
        child.send_group(signal.SIGKILL)
        status = child.exit_status or 0
        was_ready = read_ready(slot.ready_fd)
        slot.child, slot.ready_fd = None, -1
        if status == BROKER_GONE and self.surroundings.settings.multi_model:
            if not self.stopping:  # then it ended in its turn
                say("the HTTP worker died, and with it what it knew of the models: ending")
            return status
        slot.ever_ready = slot.ever_ready or was_ready
        if was_ready and (status == RECYCLE or time.monotonic() - slot.started > LASTING):
            slot.failures = 0
        slot.failures += status != RECYCLE
        slot.load_failures = 0 if was_ready else slot.load_failures + 1
        if not was_ready and (not slot.ever_ready or slot.load_failures >= MAX_LOAD_FAILURES):
            say(f"{child.name} could not load the model{describe(status)}: ending")
            return status or 1
        delay = backoff(slot.failures)
        slot.start_at = time.monotonic() + delay
        if status != RECYCLE:
            say(f"{child.name} died{describe(status)}: restarting it in {delay:g} s")
        return None


def _pipe() -> tuple[int, int]:
    """Both ends, of which ours does not wait."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    return reader, writer


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 0, 1, 2, 4, … 30."""
    return min(LONGEST_BACKOFF, 2.0 ** (failures - 2)) if failures > 1 else 0.0


def describe(status: int) -> str:
    """An exit status in words."""
    if status == 128 + signal.SIGKILL:
        return (
            " (killed; if no line above says why, for memory: lower SAGEMAKER_MODEL_SERVER_WORKERS)"
        )
    if status > 128:
        return f" (signal {status - 128})"
    return f" (exit status {status})"


def read_ready(fd: int) -> bool:
    """Whether the process that had the other end of this pipe said that it was ready."""
    try:
        return os.read(fd, 1) == b"r"
    except BlockingIOError:  # something that it started still holds the other end
        return False
    finally:
        os.close(fd)
