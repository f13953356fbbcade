"""The process that all models of a multi-model endpoint are forked from.

Run as `python -m container.serving.zygote` with a model process's arguments. It imports what the
image's own predictor imports, once, and then forks a process for every model: a model starts in
hundredths of a second, shares the libraries' memory with all others, and gives back its own when
it ends. It computes nothing and has one thread, so that a fork of it is a whole process: where an
import starts threads, models are forked from a zygote that has imported nothing.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from container import stand_ins
from container.family import DieWithParent, stay_with_parent
from container.serving import defaults as _defaults  # noqa: F401 - shared by all that are forked
from container.serving import handler as handlers
from container.serving import protocol
from container.serving.log import say
from container.serving.models_process import ModelRoot, become
from container.serving.privileges import Becoming, Identity, for_a_while
from container.serving.settings import Settings

NO_PRELOAD = "--no-preload"
BLAS = "OPENBLAS_NUM_THREADS"  # the one library that starts its threads at import
LAST_WORDS = 0.8  # seconds that models have to end after SIGTERM


class StopError(BaseException):
    """SIGTERM came."""


@dataclass(slots=True)
class Zygote:
    """The connection to the broker, and the models that were forked: pid -> number."""

    settings: Settings
    address: str
    sock: socket.socket
    wakes: tuple[int, int]
    identity: Identity | None
    models: dict[int, int] = field(default_factory=dict)

    def run(self) -> NoReturn:
        """Fork and reap until the broker is gone, which is a PeerGoneError."""
        protocol.send(self.sock, {"kind": "zygote", "pid": os.getpid()})
        while True:
            waited: list[Any] = [self.sock, self.wakes[0]]
            ready, _, _ = select.select(waited, [], [])
            if self.wakes[0] in ready:
                os.read(self.wakes[0], 4096)
                self.reap()
            if self.sock in ready:
                self.obey(protocol.receive(self.sock, 0)[0])

    def obey(self, head: protocol.Head) -> None:
        """Start a model's process, or signal it."""
        if head["kind"] == "start":
            self.fork(head)
            return
        pid = next((pid for pid, number in self.models.items() if number == head["number"]), None)
        if pid is not None:
            os.kill(pid, head["signal"])

    def fork(self, head: protocol.Head) -> None:
        """One more process, or the news that there can be none."""
        die_with_parent = DieWithParent()
        try:
            pid = os.fork()
        except OSError as error:
            say(f"no process for a model: {error}")
            self.tell(head["number"], 128 + signal.SIGKILL)
            return
        if pid == 0:
            self.be_a_model(head, die_with_parent)
        self.models[pid] = head["number"]

    def be_a_model(self, head: protocol.Head, die_with_parent: DieWithParent) -> NoReturn:
        """In the new process: whatever happens, it never comes back into the zygote's own loop."""
        status = 1
        try:
            self.leave_family()
            if self.identity is not None:
                obstacle = Becoming(self.identity, Path(head["path"])).obstacle
                if obstacle:
                    say(f"model {head['name']!r} runs as root: nobody cannot read {obstacle}")
            die_with_parent()  # last: a change of user undoes it
            status = become(head, self.address, self.settings)
        except BaseException:
            traceback.print_exc()
        finally:
            _end(status)

    def leave_family(self) -> None:
        """What a child must not share with us."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        self.sock.close()
        for end in self.wakes:
            os.close(end)

    def reap(self) -> None:
        """Tell of every process that ended, and kill what it started and left."""
        while self.models:
            pid, wait_status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(wait_status)
            number = self.models.pop(pid, None)
            if number is not None:
                _kill_group(pid)
                self.tell(number, code if code >= 0 else 128 - code)

    def tell(self, number: int, status: int) -> None:
        """How a model's process ended; nobody to hear it is the end of the container."""
        with suppress(OSError):
            protocol.send(self.sock, {"kind": "ended", "number": number, "status": status})

    def end(self) -> None:
        """Nothing of ours is left when we are gone: they die with us."""
        for pid in self.models:
            os.kill(pid, signal.SIGTERM)
        while self.models and select.select([self.wakes[0]], [], [], LAST_WORDS)[0]:
            os.read(self.wakes[0], 4096)
            self.reap()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _end(status: int) -> NoReturn:
    """Without the clean-up of the process that we were forked from."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def preload(settings: Settings) -> None:
    """Import the image's own predictor; a model that brings its own code imports that itself."""
    nothing = replace(settings, root=ModelRoot(settings.root.base, settings.models_folder / "-"))
    stand_ins.offer()
    try:
        handlers.load(handlers.find(nothing))
    except handlers.HandlerError:
        return
    except BaseException as error:  # who loads a model hears the same, and why
        say(f"not preloaded: {type(error).__name__}: {error}")


def threads() -> int:
    """How many threads we have now."""
    return len(os.listdir("/proc/self/task"))  # noqa: PTH208


def _stop(number: int, frame: FrameType | None) -> None:
    raise StopError


def _heard(number: int, frame: FrameType | None) -> None:
    """The byte in the wake-up pipe is what counts."""


def main() -> int:
    """Preload, then fork until SIGTERM."""
    address, ready_fd, identity = sys.argv[2], int(sys.argv[4]), told_identity(sys.argv[6:])
    settings = Settings.from_environment(os.environ)
    if settings.models_preload and sys.argv[-1] != NO_PRELOAD:
        chosen = os.environ.get(BLAS, "")
        os.environ[BLAS] = "1"
        with for_a_while(identity):
            preload(settings)
        stay_with_parent()  # a change of user undid it
        os.environ[BLAS] = chosen
        if threads() > 1:
            say("not preloaded: the predictor's imports start threads, which no fork survives")
            os.set_inheritable(ready_fd, True)
            command = [sys.executable, "-m", __spec__.name, *sys.argv[1:], NO_PRELOAD]
            os.execv(sys.executable, command)
    os.set_inheritable(ready_fd, False)
    gc.collect()
    gc.freeze()  # no collection touches, and so copies, what the models share
    return _run(settings, address, ready_fd, identity)


def told_identity(words: list[str]) -> Identity | None:
    """Who the models' processes are to become."""
    uid, _, gid = (words or [""])[0].partition(":")
    return Identity(int(uid), int(gid)) if gid else None


def _run(settings: Settings, address: str, ready_fd: int, identity: Identity | None) -> int:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(address)
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _heard)
    signal.signal(signal.SIGTERM, _stop)
    zygote = Zygote(settings, address, sock, (reader, writer), identity)
    os.write(ready_fd, b"r")
    os.close(ready_fd)
    try:
        try:
            zygote.run()
        except (protocol.PeerGoneError, OSError):
            zygote.end()  # gunicorn starts another worker, and that one knows none of our models
            return protocol.BROKER_GONE
    except StopError:
        zygote.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
