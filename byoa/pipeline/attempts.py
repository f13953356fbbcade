"""The process of one attempt, from its first moment to its last: forked, or an interpreter anew."""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from byoa.pipeline import watch, worker
from byoa.pipeline.order import Order
from byoa.plan.pipeline.model import Task

DEATH_SIGNAL = 1  # prctl


def run(task: Task, order: Order, write: int) -> NoReturn:
    """The whole life of an attempt's process."""
    worker.fresh_signals()
    watch.limit_memory(task.limits.memory_mb)
    new_random_numbers()
    faulthandler.enable(2)  # a crash in C code says in the log where it was
    facts = worker.attempt(task, order)
    last_words()
    tell(facts, write)
    os._exit(0)


def tell(facts: worker.Facts, write: int) -> None:
    """Sends what came of it to the process that started this one."""
    data = json.dumps(asdict(facts)).encode()
    while data:
        data = data[os.write(write, data) :]


def last_words() -> None:
    """What an interpreter does at its end: atexit's functions, buffers. Never waits for threads."""
    import atexit

    from byoa.pipeline.worker import end_pools

    for end in (end_pools, atexit._run_exitfuncs):
        with suppress(Exception):
            end()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def new_random_numbers() -> None:
    """numpy's own generator would be the same one in every fork; Python's is made new by itself."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        with suppress(Exception):
            numpy.random.seed()


def own_output(log: str) -> None:
    """stdout and stderr are the log, line by line; there is no stdin."""
    number = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (number, 1), (number, 2)):
        os.dup2(old, new)
    os.closerange(max(nothing, number), max(nothing, number) + 1)
    os.close(min(nothing, number))
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115


def die_with(parent: int) -> None:
    """SIGKILL when the process that started this one ends, however it ends (Linux)."""
    watch.prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(70)


def spawned(task: Task, order: Order, write: int) -> int:
    """An attempt in a fresh interpreter; the order is its stdin."""
    import tempfile

    with tempfile.TemporaryFile() as stdin:
        stdin.write(pickle.dumps((task, order)))
        stdin.flush()
        stdin.seek(0)
        log = os.open(order.log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            return os.posix_spawn(
                sys.executable,
                [sys.executable, "-c", program("attempts.fresh", write), str(write)],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, stdin.fileno(), 0),
                    (os.POSIX_SPAWN_DUP2, log, 1),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                    (os.POSIX_SPAWN_DUP2, write, write),
                ],
                setpgroup=0,
                setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGCHLD],
            )
        finally:
            os.close(log)


def program(what: str, number: int) -> str:
    """A program for `python -c` that calls a function (`template.warm`) with a descriptor."""
    folder = str(Path(__file__).parents[2])
    return (
        f"import sys; sys.path[:1] = []; sys.path.append({folder!r});"
        f" from byoa.pipeline import {what.partition('.')[0]}; {what}({number})"
    )


def fresh(write: int) -> None:
    """What the interpreter of one attempt does."""
    die_with(os.getppid())
    with open(0, "rb", closefd=False) as stdin:
        task, order = pickle.load(stdin)  # noqa: S301 our own
    own_output(order.log)
    watch.first_to_go()
    run(task, order, write)
