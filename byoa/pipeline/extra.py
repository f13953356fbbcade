"""Packages of the extra `pipeline`: there, or one sentence on how they get there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from byoa.plan.errors import ByoaError

#: Packages that the extra does not bring: whoever uses them names them in the own requirements.
OWN = {"pandas", "pyarrow"}


def need(module: str, what: str) -> Any:
    """The module; ByoaError when its package is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise  # it is there, and lacks something itself
        get = package if package in OWN else "'byoa[pipeline]'"
        raise ByoaError(
            f"{what} needs {package}, which is not here. Run: pip install {get}"
        ) from None
