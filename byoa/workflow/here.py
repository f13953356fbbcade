"""What a workflow's file may ask: the names of what `byoa setup` has made for its project."""

from __future__ import annotations

from contextvars import ContextVar

from byoa.plan.infrastructure import Infrastructure
from byoa.settings import Settings, load
from byoa.workflow.home import open_home

#: The command's settings while it reads the file; without a command byoa.toml's.
ASKED: ContextVar[Settings | None] = ContextVar("asked", default=None)


def infrastructure(**given: str) -> Infrastructure:
    """The project's names, in the account and region that the command (or byoa.toml) works with."""
    settings = load(None, given) if given else ASKED.get() or load()
    project = settings.need_project()
    return Infrastructure(project=project, **open_home(settings).where)
