"""A task that is a shell script: placeholders filled in, run by bash or the user's own command."""

from __future__ import annotations

from byoa.pipeline.kinds.templates import rendered
from byoa.pipeline.order import Order
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.model import Task


class ShellError(ByoaError):
    """A script that ended with another exit code than 0."""


def run(task: Task, order: Order) -> None:
    """Runs the script in the root; what it prints is in the log at once.

    bash is not told to stop at the first error (Ploomber does not either): `set -e` does that.
    """
    from byoa.pipeline import clients
    from byoa.pipeline.clients.shell import ShellClient

    client = clients.of_task(task, order) or ShellClient()
    try:
        client.execute(rendered(task, order))
    except ByoaError as error:
        where = task.source.path or f"The script of {task.name}"
        raise ShellError(f"{where}: {error}") from None
