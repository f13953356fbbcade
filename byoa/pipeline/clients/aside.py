"""Asks the user's clients in a process of their own (see agent); made when it is first needed."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import weakref
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from byoa.pipeline.clients.agent import Answer, Question, answer, made
from byoa.pipeline.clients.base import is_database
from byoa.plan.errors import ByoaError, NotFoundError
from byoa.plan.pipeline.model import Dotted, Pipeline

ENDED = "The process of the pipeline's clients ended. What it said last stands above. Build again."
#: So long a process that nobody needs any more may take to see that.
PATIENCE = 10.0


class Aside:
    """A pipeline's clients, asked elsewhere. Answers are futures."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._numbers, self._open, self._lock = count(), dict[int, Future[Any]](), Lock()
        self._end: weakref.finalize[Any, Any] | None = None

    def ask(self, client: Dotted, what: str, *arguments: Any) -> Future[Any]:
        question = Question(next(self._numbers), client, what, arguments)
        future: Future[Any] = Future()
        if client.object is not None:  # from Python: it is in this process alone
            from byoa.pipeline.relations import clients

            own, failed = made(question, clients(self.pipeline.root, self.pipeline.import_from))
            settle(future, failed or answer(question, own))
            if is_database(own):  # tasks may be forked from here: not with one that is open
                own.close()
            return future
        with self._lock:
            self._open[question.number] = future
        self._send(question)
        return future

    def _send(self, question: Question) -> None:
        process = self._process
        try:
            assert process.stdin is not None
            pickle.dump(question, process.stdin)
            process.stdin.flush()
        except OSError:
            lose(self._open, self._lock)

    @cached_property
    def _process(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", "from byoa.pipeline.clients.agent import main; main()"]
        process = subprocess.Popen(
            [*words, self.pipeline.root, *self.pipeline.import_from],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            start_new_session=True,  # Ctrl-C is the driver's to hear
        )
        self._end = weakref.finalize(self, end, process)
        given = (process, self._open, self._lock)
        Thread(target=listen, args=given, name="clients", daemon=True).start()
        return process

    def close(self) -> None:
        """Ends the process, and what is still on its way; the next question starts another."""
        if self._end is not None:
            self._end()
            del self._process
            self._end = None
        if (relations := sys.modules.get("byoa.pipeline.relations")) is not None:
            relations.forget(self.pipeline.root)


def listen(process: subprocess.Popen[bytes], open_: dict[int, Future[Any]], lock: Lock) -> None:
    """Hands answers to those who wait for them; knows nothing that would keep its owner alive."""
    assert process.stdout is not None
    with suppress(Exception):  # the process's end, however it comes
        while True:
            one: Answer = pickle.load(process.stdout)  # noqa: S301 - from our child
            with lock:
                future = open_.pop(one.number)
            settle(future, one)
    lose(open_, lock)


def lose(open_: dict[int, Future[Any]], lock: Lock) -> None:
    """No answer comes any more."""
    with lock:
        left = list(open_.values())
        open_.clear()
    for future in left:
        settle(future, Answer(-1, failure=ENDED))


def end(process: subprocess.Popen[bytes]) -> None:
    """The process sees that nobody asks any more, and goes."""
    with suppress(OSError):
        process.stdin.close() if process.stdin else None
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def settle(future: Future[Any], one: Answer) -> None:
    if one.failure:
        kind = NotFoundError if one.missing else ByoaError
        future.set_exception(kind(one.failure))
    else:
        future.set_result(one.value)


def environment() -> Mapping[str, str]:
    """This process's, and where byoa itself is found when it is not installed."""
    here = Path(__file__).resolve().parents[3]
    if here.name in {"site-packages", "dist-packages"}:
        return os.environ
    paths = [str(here), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
