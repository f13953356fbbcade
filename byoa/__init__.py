"""byoa: bring your own algorithm to Amazon SageMaker, or run it here with the same requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from byoa.project import Job as Job
    from byoa.project import Project as Project

__version__ = "0.1.0"
__all__ = ["Job", "Project"]


def __getattr__(name: str) -> Any:
    """Loaded when asked for: `import byoa` alone costs nothing."""
    if name not in __all__:
        raise AttributeError(f"byoa has no {name!r}")
    from byoa import project

    return getattr(project, name)
