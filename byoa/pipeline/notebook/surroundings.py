"""What a notebook changes of the process that runs it, and puts back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

INLINE = "module://matplotlib_inline.backend_inline"
NO_INPUT = "nobody can answer: a notebook task runs unattended. Make it a parameter"


class Stopped(BaseException):
    """SIGTERM, told to the cell that runs so that what it has shown is kept."""


@contextmanager
def figures_inline() -> Iterator[None]:
    """matplotlib draws into cells when it is imported from now on."""
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = INLINE
    try:
        yield
    finally:
        os.environ.pop("MPLBACKEND")
        os.environ.update({} if before is None else {"MPLBACKEND": before})


def refuse(what: str) -> Callable[..., NoReturn]:
    def refused(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError(f"{what}: {NO_INPUT}.")

    return refused


@contextmanager
def kept(owner: Any, *names: str) -> Iterator[None]:
    """What these names mean before is what they mean after."""
    missing = object()
    before = {name: getattr(owner, name, missing) for name in names}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is not missing:
                setattr(owner, name, value)
            elif hasattr(owner, name):
                delattr(owner, name)


@contextmanager
def told_when_stopped() -> Iterator[None]:
    """SIGTERM raises Stopped in the running cell, once."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Stopped("the task was stopped")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
