"""A warm process that forks a fresh one for every attempt of a task, watches it, buries it.

The modules that many tasks import are loaded here once; an attempt is a fork of this process, so
it starts in a millisecond and still shares no state with another. Where forking is unsafe (macOS,
BYOA_PIPELINE_FORK=0) an attempt is an interpreter of its own; all else is the same.

The driver talks to it over a socket; when that closes, every attempt is ended and so is this.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from byoa.pipeline import attempts, watch, wire, worker
from byoa.pipeline.order import Order
from byoa.plan.pipeline.model import Task

#: How long SIGTERM may be answered before SIGKILL; jobs elsewhere have to be stopped there first.
GRACE = {"train": 20.0, "process": 20.0, "deploy": 20.0}
USUAL_GRACE = 5.0


@dataclass
class Attempt:
    """A process that runs a task now."""

    name: str
    pid: int
    told: int  #: the reading end of the pipe on which it tells its facts
    started: float
    deadline: float | None
    memory_mb: int | None
    grace: float
    heard: bytearray = field(default_factory=bytearray)
    silent: bool = False  #: it has told all that it will
    ended_for: str = ""  #: timeout, memory or cancelled: why it was told to end
    kill_at: float | None = None

    def end(self, why: str, now: float) -> None:
        """SIGTERM to all of it; SIGKILL follows when it does not end."""
        if self.ended_for:
            return
        self.ended_for, self.kill_at = why, now + self.grace
        self.signal(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """To its whole group; in its first moment it has none yet."""
        for send_to in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                send_to(self.pid, number)
                return


class Template:
    """The loop: orders come in, attempts are forked, ends are told."""

    def __init__(self, driver: socket.socket, tasks: Mapping[str, Task], forks: bool) -> None:
        self.driver, self.reader, self.tasks = driver, wire.Reader(driver), tasks
        self.forks = forks
        self.running: dict[int, Attempt] = {}
        self.leaving = False

    def serve(self) -> None:
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM):  # the driver hears them and says so
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        self.pipes = (wake, woken)
        watch.become_subreaper()
        while not (self.leaving and not self.running):
            by_fd = {one.told: one for one in self.running.values() if not one.silent}
            sources = [wake, *by_fd, *([] if self.leaving else [self.driver.fileno()])]
            ready = select.select(sources, [], [], self.patience())[0]
            for source in ready:
                if source in by_fd:
                    listen(by_fd[source])
            if wake in ready:
                with suppress(BlockingIOError):
                    os.read(wake, 4096)
            self.bury()
            if not self.leaving and self.driver.fileno() in ready:
                for message in self.reader.messages():
                    self.obey(message)
            self.look_after(time.monotonic())
        watch.kill_below()

    def patience(self) -> float | None:
        """Until when nobody has to be looked at."""
        now = time.monotonic()
        times = [now + 0.1 for one in self.running.values() if one.memory_mb and not one.kill_at]
        for one in self.running.values():
            times += [at for at in (one.kill_at or one.deadline,) if at is not None]
        return max(0.0, min(times) - now) if times else None

    def obey(self, message: Any) -> None:
        if message is None:  # the driver is gone, however it ended
            self.leaving = True
            self.end_all("cancelled")
            return
        what, *rest = message
        if what == "start":
            self.start(*rest)
        elif what == "preload":
            wire.send(self.driver, ("preloaded", watch.preload(*rest)))
        elif what == "cancel":
            for one in self.running.values():
                if one.name == rest[0]:
                    one.end("cancelled", time.monotonic())

    def end_all(self, why: str) -> None:
        for one in self.running.values():
            one.end(why, time.monotonic())

    def start(self, task: Task | str, order: Order, grace: float | None) -> None:
        task = self.tasks[task] if isinstance(task, str) else task
        read, write = os.pipe()
        os.set_blocking(read, False)
        began = time.monotonic()
        pid = (
            self.forked(task, order, write) if self.forks else attempts.spawned(task, order, write)
        )
        os.close(write)
        wire.send(self.driver, ("started", task.name, pid))
        seconds = task.limits.seconds
        self.running[pid] = Attempt(
            name=task.name,
            pid=pid,
            told=read,
            started=began,
            deadline=began + seconds if seconds else None,
            memory_mb=task.limits.memory_mb,
            grace=GRACE.get(task.kind, USUAL_GRACE) if grace is None else grace,
        )

    def forked(self, task: Task, order: Order, write: int) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        try:
            signal.set_wakeup_fd(-1)
            os.setsid()
            attempts.die_with(parent)
            self.driver.close()
            for number in (*self.pipes, *(one.told for one in self.running.values())):
                os.close(number)
            attempts.own_output(order.log)
            watch.first_to_go()
            attempts.run(task, order, write)
        except BaseException as error:  # run() ends the process itself: there is no log, or so
            with suppress(BaseException):
                attempts.tell(worker.Facts(worker.told(error, task.name)), write)
        finally:
            os._exit(70)

    def bury(self) -> None:
        """Takes leave of all that have ended, and kills what they left behind."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            attempt = self.running.pop(pid, None)
            if attempt is None:
                continue
            ended = time.monotonic()
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            listen(attempt)
            os.close(attempt.told)
            facts = facts_of(attempt, os.waitstatus_to_exitcode(status))
            facts |= {
                "seconds": ended - attempt.started,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "peak_mb": usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
            }
            watch.kill_strays(pid)
            with suppress(OSError):  # nobody is left to be told
                wire.send(self.driver, ("ended", attempt.name, facts))

    def look_after(self, now: float) -> None:
        """Ends whoever takes too long or too much; kills whoever does not end."""
        for one in self.running.values():
            if one.kill_at is not None:
                if now >= one.kill_at:
                    one.signal(signal.SIGKILL)
                    one.kill_at = now + 1
            elif one.deadline is not None and now >= one.deadline:
                one.end("timeout", now)
            elif one.memory_mb and watch.memory_of(one.pid, one.memory_mb) > one.memory_mb:
                one.end("memory", now)
                one.kill_at = now + 1  # it takes more every moment


def listen(attempt: Attempt) -> None:
    """Takes what an attempt has told so far."""
    with suppress(BlockingIOError):
        while data := os.read(attempt.told, 1 << 16):
            attempt.heard += data
        attempt.silent = True


def facts_of(attempt: Attempt, code: int) -> dict[str, Any]:
    """What an attempt told, or why it could not tell."""
    try:
        facts: dict[str, Any] = json.loads(attempt.heard)
    except ValueError:
        facts = {"failure": None, "metrics": {}, "digests": {}, "told": False}
    if "told" not in facts and not code and not facts["failure"]:
        return facts  # it was done before it heard that it should end
    if attempt.ended_for:
        facts["failure"] = {"text": "", "kinds": [attempt.ended_for], "traceback": ""}
    elif code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        meant = " (the machine may have run out of memory)" if -code == signal.SIGKILL else ""
        text = f"its process was ended by {name}{meant}"
        facts["failure"] = {"text": text, "kinds": ["killed"], "traceback": ""}
    elif "told" in facts:
        text = f"its process ended by itself, with exit code {code}, before the task was done"
        facts["failure"] = {"text": text, "kinds": ["exit"], "traceback": ""}
    return facts


def warm(number: int) -> None:
    """What the template's interpreter does: it serves the driver at the other end of a socket."""
    forks = os.environ.get("BYOA_PIPELINE_FORK", "1" if sys.platform == "linux" else "0") != "0"
    with socket.socket(fileno=number) as driver:
        Template(driver, {}, forks).serve()


def launch(tasks: Mapping[str, Task], log: Path, here: bool) -> tuple[int, socket.socket]:
    """Starts a template; `here` forks it from this process, for functions that no file has."""
    ours, theirs = socket.socketpair()
    if here:
        with warnings.catch_warnings():  # threads of a notebook server's, which do not matter here
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            forked_here(ours, theirs, tasks, log)
    else:
        pid = spawn_template(theirs, log)
    theirs.close()
    return pid, ours


def forked_here(
    ours: socket.socket, theirs: socket.socket, tasks: Mapping[str, Task], log: Path
) -> NoReturn:
    try:
        ours.close()
        os.setsid()
        attempts.own_output(str(log))
        Template(theirs, tasks, forks=True).serve()
    finally:
        os._exit(0)


def spawn_template(theirs: socket.socket, log: Path) -> int:
    number = theirs.fileno()
    os.set_inheritable(number, True)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-c", attempts.program("template.warm", number)],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ],
            setpgroup=0,
        )
    finally:
        os.close(output)
        os.set_inheritable(number, False)
