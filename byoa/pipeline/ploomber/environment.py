"""Env, with_env and load_env: env.yaml for functions that make pipelines and clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.pipeline.env import Env as Values
from byoa.plan.pipeline.problems import Problems

LEVELS = 6
#: The environments that are in use: with_env's, one within the other.
CURRENT: list[Env] = []


class Part(Mapping[str, Any]):
    """A mapping whose keys are attributes, too."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in self._values:
            raise AttributeError(f"env has no {name!r}; it has {', '.join(map(str, self._values))}")
        return shaped(self._values[name])

    def __getitem__(self, name: str) -> Any:
        return shaped(self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self._values)!r})"


def shaped(value: Any) -> Any:
    return Part(value) if isinstance(value, Mapping) else value


class Env(Part):
    """The values of an env.yaml; `path` and what is in it are paths."""

    def __init__(
        self, source: Any = "env.yaml", overrides: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(values_of(source, overrides or {}))

    @classmethod
    def load(cls) -> Env:
        """The environment in use: of the with_env function that called this one."""
        if not CURRENT:
            raise UsageError("There is no environment: no @with_env function has been called.")
        return CURRENT[-1]


def values_of(source: Any, overrides: Mapping[str, str]) -> dict[str, Any]:
    from byoa.pipeline.built_in import built_in
    from byoa.pipeline.env_file import env_values

    folder = Path.cwd()
    raw: Mapping[str, Any] = source if isinstance(source, Mapping) else {}
    if not isinstance(source, Mapping):
        file = found(Path(source or "env.yaml"))
        raw, folder = env_values(file), file.parent
    problems = Problems(str(source))
    values = Values(raw, overrides, built_in(folder, folder), problems, str(source))
    problems.end()
    known = {key: values.value_of(key) for key in ("user", "cwd", "root", "here")}
    return {**known, **{key: pathed(key, one) for key, one in values.values.items()}}


def pathed(key: str, value: Any) -> Any:
    """What is said under `path` is a Path."""
    if key != "path":
        return value
    if isinstance(value, Mapping):
        return {name: pathed(key, inner) for name, inner in value.items()}
    return Path(value).expanduser() if isinstance(value, str) else value


def found(path: Path) -> Path:
    """The file here or above."""
    folder = Path.cwd().resolve()
    for place in [folder, *folder.parents][:LEVELS]:
        if (place / path).is_file():
            return place / path
    raise NotFoundError(f"There is no {path} in {folder} or above.")


def with_env(source: Any) -> Any:
    """Calls the function with env.yaml's values first; env__a__b=… replaces one of them."""
    if callable(source) and not isinstance(source, (Mapping, os.PathLike)):
        return _with_env(source, "env.yaml")
    return lambda function: _with_env(function, source)


def _with_env(function: Callable[..., Any], source: Any) -> Callable[..., Any]:
    @wraps(function)
    def called(*args: Any, **keywords: Any) -> Any:
        said = {key for key in keywords if key.startswith("env__")}
        replaced = {key.removeprefix("env__"): keywords.pop(key) for key in sorted(said)}
        CURRENT.append(Env(source, replaced))
        try:
            return function(CURRENT[-1], *args, **keywords)
        finally:
            CURRENT.pop()

    called.takes_env = True  # type: ignore[attr-defined]
    return called


def load_env(function: Callable[..., Any]) -> Callable[..., Any]:
    """Calls the function with the environment in use first."""

    @wraps(function)
    def called(*args: Any, **keywords: Any) -> Any:
        return function(Env.load(), *args, **keywords)

    return called
