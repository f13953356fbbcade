"""Finds the user's predictor, imports it, and says exactly which of the two failed.

The convention is sagemaker-inference-toolkit's: model_fn, then input_fn, predict_fn and output_fn,
or transform_fn; defaults.py has those that are left out. Ours, optional: predict_batch_fn
for micro-batches, warm_up_fn for /ping, preload_fn for what model processes can share.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from container.serving.settings import Settings

Function: TypeAlias = Callable[..., Any]
NAMES = ("predictor.py", "inference.py")
CONVENTION = ("model_fn", "input_fn", "predict_fn", "output_fn")


class HandlerError(Exception):
    """There is no predictor where one was looked for, or it lacks what it must have."""


@dataclass(frozen=True, slots=True)
class Handler:
    """The user's functions; each is called through `call`, which knows who wants the context."""

    path: Path
    model_fn: Function | None
    input_fn: Function | None
    predict_fn: Function | None
    output_fn: Function | None
    transform_fn: Function | None
    predict_batch_fn: Function | None
    warm_up_fn: Function | None
    model_warmup_fn: Function | None
    pre_model_fn: Function | None
    preload_fn: Function | None


def candidates(settings: Settings) -> list[Path]:
    """Where a predictor can be, the first that exists wins."""
    root = settings.root
    folders = [root.model / "code", root.code]
    if settings.submitted and not settings.submitted.startswith("s3://"):
        folders.insert(0, Path(settings.submitted.removeprefix("file://")))
    found: list[Path] = []
    if settings.program:  # SageMaker's toolkit also takes it without the .py
        name = settings.program.removesuffix(".py") + ".py"
        found += [folder / name for folder in folders]
        if settings.algorithm:
            found.append(settings.algorithm / name)
    else:
        found += [folder / "inference.py" for folder in folders]
        if settings.algorithm:
            found += [settings.algorithm / name for name in NAMES]
    return found


def find(settings: Settings) -> Path:
    """The predictor's file, or a HandlerError that lists where it was looked for."""
    looked = candidates(settings)
    for path in looked:
        if path.is_file():
            return path
    places = ", ".join(str(path) for path in looked)
    if settings.submitted and settings.submitted.startswith("s3://"):
        places += f"; SAGEMAKER_SUBMIT_DIRECTORY is {settings.submitted}, and serve fetches nothing"
    raise HandlerError(
        f"no predictor found (looked for {places}): put inference.py into the model's code folder,"
        " or name its file in SAGEMAKER_PROGRAM"
    )


def load(path: Path) -> Handler:
    """Import the file and pick its functions. The user's own exception comes through as it is."""
    module = _import(path)
    functions: dict[str, Any] = {
        name: getattr(module, name, None) for name in Handler.__slots__ if "_fn" in name
    }
    if not any(functions.values()):
        raise HandlerError(
            f"{path} has no {', no '.join(CONVENTION)} and no transform_fn:"
            " define model_fn(model_dir) at least"
        )
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise HandlerError(f"{name} in {path} is not a function: make it one")
    return Handler(path=path, **functions)


def call(function: Function, *arguments: Any, context: Any) -> Any:
    """Call a handler function, with the context where it takes one argument more."""
    if _wants_context(function, len(arguments)):
        return function(*arguments, context)
    return function(*arguments)


@lru_cache(maxsize=64)
def wants_bytes(function: Function) -> bool:
    """Whether an input_fn declares its body as bytes: then text comes as it was sent, too."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    return bool(parameters) and parameters[0].annotation in (bytes, "bytes")


def _import(path: Path) -> ModuleType:
    """Import a file under its own name; its folder comes first, as in SageMaker's toolkits."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise HandlerError(f"{path} is not a Python file: name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=64)
def _wants_context(function: Function, given: int) -> bool:
    """Whether one more argument than the convention's is required, or is called context."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin that does not tell
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    extra = [parameter for parameter in parameters if parameter.kind in kinds][given:]
    return bool(extra) and (
        extra[0].default is inspect.Parameter.empty or extra[0].name in ("context", "ctx")
    )
