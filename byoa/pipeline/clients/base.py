"""What every client is, and how one is made from what pipeline.yaml says."""

from __future__ import annotations

import logging
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from typing import Any

from byoa.plan.errors import UsageError
from byoa.plan.pipeline.model import Dotted

#: The root of the pipeline whose clients are being made.
_root: ContextVar[str] = ContextVar("root", default="")


class Client(ABC):
    """A connection that opens when it is first used, and travels to other processes closed."""

    #: attributes that hold what is open
    TRANSIENT: tuple[str, ...] = ()

    @property
    def _logger(self) -> logging.Logger:
        return logging.getLogger(f"{__name__}.{type(self).__name__}")

    @property
    @abstractmethod
    def connection(self) -> Any:
        """The open connection."""

    @abstractmethod
    def execute(self, code: str) -> object:
        """Runs code where the client leads."""

    @abstractmethod
    def close(self) -> None:
        """Closes what is open; it opens again when it is used again."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, **dict.fromkeys(self.TRANSIENT)}


def project_root(given: str | os.PathLike[str] | None, who: str) -> Path:
    """What paths in a store are relative to: given, the pipeline's root, or found upwards."""
    if given:
        return Path(given).resolve()
    if _root.get():
        return Path(_root.get()).resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if any(folder.glob("pipeline*.yaml")) or (folder / "setup.py").is_file():
            return folder.resolve()
    raise UsageError(
        f"{who}: there is no pipeline.yaml in {here} or above it. Pass path_to_project_root."
    )


class Clients:
    """A pipeline's clients, each made once in a process."""

    def __init__(self, root: str, import_from: tuple[str, ...] = ()) -> None:
        self.root, self.folders = root, [str(Path(root, one)) for one in import_from or ("",)]
        #: with what made each: an object that is gone could lend its id to another
        self._made: dict[str, tuple[Dotted, Any]] = {}

    def of(self, dotted: Dotted) -> Any:
        """What the user's function gives."""
        thing = dotted.path if dotted.object is None else id(dotted.object)
        key = f"{thing}({sorted(dotted.arguments.items())!r})"
        if key not in self._made:
            with making(self.root, self.folders):
                client = function(dotted)(**dotted.arguments)
            if client is None:
                raise UsageError(f"The client {dotted.path} is None. Return one from the function.")
            self._made[key] = (dotted, client)
        return self._made[key][1]

    def close(self) -> None:
        for _, client in self._made.values():
            client.close() if hasattr(client, "close") else None
        self._made.clear()


def function(dotted: Dotted) -> Any:
    """The user's function by its name; what is wrong with the name is one sentence."""
    if dotted.object is not None:
        return dotted.object
    module, _, name = dotted.path.replace("::", ".").rpartition(".")
    if not module:
        raise UsageError(f"{dotted.path!r} is no client: write MODULE.FUNCTION.")
    try:
        found = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the user's module is there and lacks something itself
        raise UsageError(f"The client {dotted.path}: there is no module {error.name!r}.") from None
    if not hasattr(found, name):
        raise UsageError(f"The client {dotted.path}: {module} has no {name!r}.")
    return getattr(found, name)


@contextmanager
def making(root: str, folders: list[str]) -> Iterator[None]:
    """While a client is made: the root is known, the user's modules can be imported."""
    from byoa.pipeline.ploomber.finder import install

    install()
    token = _root.set(root)
    sys.path[:0] = [one for one in folders if one not in sys.path]
    try:
        yield
    finally:
        _root.reset(token)


def is_database(client: Any) -> bool:
    """Whether there is a connection to ask; looking at it would open it."""
    return hasattr(type(client), "connection") or "connection" in getattr(client, "__dict__", {})


def wanted(own: Dotted | None, shared: Mapping[str, Dotted], *classes: str) -> Dotted | None:
    """A task's or product's own client, else the pipeline's for the first class that has one."""
    return own or next((shared[name] for name in classes if name in shared), None)
