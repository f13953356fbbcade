"""What an exception that ended a program tells the person who sent the job."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from container import failure
from container.traceback_text import HEADER, last_exception

LONGEST_PLACE = 160
MOST_PLACES = 3
# A program's own sentence for its user needs no frames: exceptions below a class of this name.
SENTENCE_CLASS = "InputError"

_STANDARD_LIBRARY = os.path.dirname(os.__file__)  # noqa: PTH120


def record(error: BaseException, path: str, environ: Mapping[str, str]) -> None:
    """Writes the failure file for an exception, unless there is one or it is no failure."""
    text = describe(error, environ)
    if text:
        failure.write(Path(path), text)


def describe(error: BaseException, environ: Mapping[str, str]) -> str:
    """The failure text: type and message, advice, then the innermost frames.

    Empty for what is no failure of its own: an interrupt, or an exit that says nothing.
    """
    if isinstance(error, SystemExit):
        return _describe_exit(error, environ)
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return ""
    if is_sentence(error):
        return failure.compose(_headline(error), environ)
    details = [*_causes(error), *_places(error.__traceback__), *_rank(environ)]
    return failure.compose(_headline(error), environ, "\n".join(details))


def _describe_exit(error: SystemExit, environ: Mapping[str, str]) -> str:
    """sys.exit says why in its argument, in argparse's frame, or in what was being handled."""
    if error.code is None or error.code == 0:
        return ""
    if not isinstance(error.code, int):
        return failure.compose(f"SystemExit: {error.code}", environ)
    said = _argparse_message(error.__traceback__)
    if said:
        return failure.compose(f"ArgumentError: {said}", environ)
    handled = error.__context__
    return "" if handled is None or isinstance(handled, SystemExit) else describe(handled, environ)


def _argparse_message(trace: TracebackType | None) -> str:
    """What an ArgumentParser printed before it exited, which is nowhere in the exception."""
    while trace is not None:
        code = trace.tb_frame.f_code
        message = trace.tb_frame.f_locals.get("message")
        if code.co_name == "error" and code.co_filename.endswith("argparse.py"):
            return str(message)
        trace = trace.tb_next
    return ""


def is_sentence(error: BaseException) -> bool:
    """Whether the message is meant for the person who sent the job."""
    return any(base.__name__ == SENTENCE_CLASS for base in type(error).__mro__)


def _causes(error: BaseException) -> list[str]:
    """What lies behind an exception: its cause, or the members of a group."""
    causes = [error.__cause__, *getattr(error, "exceptions", ())]
    return [
        f"Caused by {_headline(cause)}"
        for cause in causes
        # A worker's traceback as text is chained to the exception that was sent from there.
        if isinstance(cause, BaseException) and "RemoteTraceback" not in type(cause).__name__
    ]


def _headline(error: BaseException) -> str:
    name = type(error).__name__
    try:
        message = str(error).strip()
    except Exception:
        message = "its message cannot be shown"
    if HEADER in message:
        # A worker's exception, told by another: a data loader's, or a spawned process's.
        return last_exception(message.splitlines()) or f"{name}: {message}"
    return f"{name}: {message}" if message else f"{name}: no message{_last_line(error)}"


def _last_line(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f", at `{frames[-1].line}`" if frames and frames[-1].line else ""


def _places(trace: TracebackType | None) -> list[str]:
    """The innermost frames, the user's own code before that of libraries."""
    frames = traceback.extract_tb(trace)
    own = [frame for frame in frames if not _is_library(frame.filename)]
    chosen = (own or frames)[-MOST_PLACES:]
    if frames and frames[-1].line and frames[-1] not in chosen:
        chosen = [*chosen[-MOST_PLACES + 1 :], frames[-1]]
    return [
        f"at {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"[:LONGEST_PLACE]
        for frame in reversed(chosen)
    ]


def _is_library(filename: str) -> bool:
    return "-packages/" in filename or filename.startswith(("<frozen", _STANDARD_LIBRARY))


def _rank(environ: Mapping[str, str]) -> list[str]:
    rank = environ.get("RANK")
    if not rank:
        return []
    return [f"on rank {rank} of {environ.get('WORLD_SIZE', '?')}, {environ.get('SM_CURRENT_HOST')}"]
