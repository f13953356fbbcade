"""Pipelines here: read from disk, decided by byoa.plan.pipeline, run, recorded, shown.

From Python: `Pipeline` and `Task` say what pipeline.yaml says, with functions in place of names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byoa.pipeline.api import DAGBuildEarlyStop as DAGBuildEarlyStop
    from byoa.pipeline.api import Pipeline as Pipeline
    from byoa.pipeline.api import Task as Task

HOMES = {"Pipeline": "api", "Task": "api", "DAGBuildEarlyStop": "api"}
__all__ = ["DAGBuildEarlyStop", "Pipeline", "Task"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: the package itself costs nothing."""
    if name not in HOMES:
        raise AttributeError(f"byoa.pipeline has no {name!r}")
    return getattr(import_module(f"byoa.pipeline.{HOMES[name]}"), name)
