"""SageMaker on this machine: the same requests, carried out in docker or as plain processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byoa.local.logs import Logs as Logs
    from byoa.local.runtime import Runtime as Runtime
    from byoa.local.sagemaker import SageMaker as SageMaker

__all__ = ["Logs", "Runtime", "SageMaker"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: a supervisor that starts needs a fraction of it."""
    if name not in __all__:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"byoa.local.{name.lower()}"), name)
