"""The process in which a build uses the user's clients (aside starts it).

Their modules are imported here and not in the driver, and the root is the current folder: a URL
like sqlite:///data.db means what it means in a task. Questions come in on stdin, pickled; who asks
is our own parent. When it is gone, this process is.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, BinaryIO

from byoa.plan.pipeline.model import Dotted

#: Products travel while tasks run, records before: so many at once.
WORKERS = 8


@dataclass(frozen=True)
class Question:
    """What a client is to do."""

    number: int
    client: Dotted
    what: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of it; a failure is a sentence, and says whether a thing is only not there."""

    number: int
    value: Any = None
    failure: str = ""
    missing: bool = False


def upload(client: Any, local: str) -> None:
    client.upload(local)


def download(client: Any, local: str, destination: str) -> None:
    client.download(local, destination)


def tells(client: Any) -> bool:
    """Whether the client says NotFoundError for what it has not got, and nothing else for it."""
    from byoa.pipeline.clients.storage import AbstractStorageClient

    return isinstance(client, AbstractStorageClient)


def there(client: Any, schema: str, name: str) -> bool:
    from byoa.pipeline import relations
    from byoa.pipeline.clients.base import is_database

    return relations.there(client, schema, name) if is_database(client) else True


#: Databases are asked in the main thread: connections of SQLite's belong to one.
DOES: dict[str, Callable[..., Any]] = {"upload": upload, "download": download}
DOES_AT_ONCE: dict[str, Callable[..., Any]] = {"there": there, "tells": tells}


def answer(question: Question, client: Any) -> Answer:
    from byoa.plan.errors import ByoaError, NotFoundError

    try:
        do = (DOES | DOES_AT_ONCE)[question.what]
        return Answer(question.number, do(client, *question.arguments))
    except Exception as error:
        said = str(error) if isinstance(error, ByoaError) else f"{type(error).__name__}: {error}"
        gone = isinstance(error, NotFoundError | FileNotFoundError)
        return Answer(question.number, failure=said, missing=gone)


def made(question: Question, clients: Any) -> tuple[Any, Answer | None]:
    """The question's client, or why it cannot be made."""
    from byoa.plan.errors import ByoaError

    try:
        return clients.of(question.client), None
    except ByoaError as error:
        return None, Answer(question.number, failure=str(error))
    except BaseException as error:  # of the user's own code
        said = f"{type(error).__name__}: {error}"
        why = f"The client {question.client.path} cannot be made: {said}"
        return None, Answer(question.number, failure=why)


def serve(root: str, import_from: tuple[str, ...], source: BinaryIO, target: BinaryIO) -> None:
    from byoa.pipeline.relations import clients

    lock, pool = Lock(), ThreadPoolExecutor(WORKERS)

    def reply(one: Answer) -> None:
        with lock:
            pickle.dump(one, target)
            target.flush()

    while True:
        try:
            question: Question = pickle.load(source)  # noqa: S301 - from our parent
        except EOFError:
            return
        client, failed = made(question, clients(root, import_from))
        if failed:
            reply(failed)
        elif question.what in DOES:
            pool.submit(reply_with, reply, question, client)
        else:
            reply(answer(question, client))


def reply_with(reply: Callable[[Answer], None], question: Question, client: Any) -> None:
    reply(answer(question, client))


def main() -> None:
    root, *import_from = sys.argv[1:]
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the user's code prints is no answer
    os.chdir(root)
    try:
        serve(root, tuple(import_from), sys.stdin.buffer, target)
    finally:
        sys.stderr.flush()
        os._exit(0)  # whatever is still on its way: nobody waits for it
