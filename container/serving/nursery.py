"""What model processes share: imported and read once, by a process that all are forked from.

A predictor with a `preload_fn(model_dir)` asks for it. The process imports it, calls that function,
forks, tells the supervisor who is who and is gone: its children are the supervisor's then, as if it
had started them. Whatever goes wrong before is no failure: it ends without a word about processes,
and each is started for itself and hears the same.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import NoReturn

from container import stand_ins
from container.family import stay_with_parent
from container.serving import handler as handlers
from container.serving.handler import Handler
from container.serving.log import say
from container.serving.settings import Settings

SEPARATOR = ","  # between the numbers, and between the descriptors, of several processes
FUNCTION = "preload_fn"
GO = b"g"


def wanted(settings: Settings) -> bool:
    """Whether the predictor has such a function, as far as its text tells."""
    try:
        return FUNCTION.encode() in handlers.find(settings).read_bytes()
    except (handlers.HandlerError, OSError):
        return False


def fork(indexes: str, ready_fds: str, report_fd: int) -> tuple[int, int, Handler]:
    """One return in each new process: its number, its descriptor, and the predictor; none here."""
    supervisor, me = os.getppid(), os.getpid()
    handler = _preloaded()
    numbers = [int(index) for index in indexes.split(SEPARATOR)]
    ready = [int(fd) for fd in ready_fds.split(SEPARATOR)]
    reader, writer = os.pipe()
    born = []
    for place, number in enumerate(numbers):
        pid = os.fork()
        if pid == 0:
            for fd in (writer, report_fd, *ready[:place], *ready[place + 1 :]):
                os.close(fd)
            _become_the_supervisors(reader, me, supervisor)
            return number, ready[place], handler
        born.append(f"{number} {pid}\n")
    os.write(report_fd, "".join(born).encode())
    os.write(writer, GO * len(born))
    os._exit(0)


def _preloaded() -> Handler:
    """The predictor, imported, when it has done what it can do for all."""
    settings = Settings.from_environment(os.environ)
    stand_ins.offer()
    gc.disable()  # imports leave nothing to collect, and a fork wants pages that nobody touches
    try:
        handler = handlers.load(handlers.find(settings))
        if handler.preload_fn is not None:
            handlers.call(handler.preload_fn, str(settings.root.model), context=None)
    except BaseException:  # who loads the model hears the same, and says so
        _leave()
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        say(f"model processes share nothing: {FUNCTION} starts threads, which no fork survives")
        _leave()
    gc.freeze()
    gc.enable()
    sys.stdout.flush()
    sys.stderr.flush()
    return handler


def _become_the_supervisors(reader: int, nursery: int, supervisor: int) -> None:
    """Wait until we are known and our parent is gone; then die with the supervisor, not before."""
    os.setsid()
    if os.read(reader, 1) != GO:
        _leave()
    os.close(reader)
    while os.getppid() == nursery:
        time.sleep(0.0005)
    stay_with_parent()
    if os.getppid() != supervisor:
        _leave()


def _leave() -> NoReturn:
    """Without what the predictor's modules do at exit: nothing of it has begun."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
