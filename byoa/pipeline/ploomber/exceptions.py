"""Ploomber's exceptions that user code raises or catches."""

from __future__ import annotations

from byoa.pipeline.api import DAGBuildEarlyStop
from byoa.plan.errors import ByoaError, UsageError


class DAGBuildError(ByoaError):
    """Tasks failed."""


class TaskBuildError(ByoaError):
    """A task failed."""


class MissingClientError(ByoaError):
    """There is no client for a task or product."""


class CallbackCheckAborted(ByoaError):  # noqa: N818 - Ploomber's name
    """A hook ended the build."""


class DAGRenderError(UsageError):
    """A pipeline that cannot be."""


class DAGSpecInitializationError(UsageError):
    """A pipeline.yaml that cannot be."""


class TaskInitializationError(UsageError):
    """A task that cannot be."""


class SourceInitializationError(UsageError):
    """A source that cannot be."""


__all__ = [
    "CallbackCheckAborted",
    "DAGBuildEarlyStop",
    "DAGBuildError",
    "DAGRenderError",
    "DAGSpecInitializationError",
    "MissingClientError",
    "SourceInitializationError",
    "TaskBuildError",
    "TaskInitializationError",
]
