"""Tasks that do nothing: their products are there already, made elsewhere.

What is downstream follows their content, as everybody's: Ploomber never reruns after a Link and
always after an Input.
"""

from __future__ import annotations

from pathlib import Path

from byoa.pipeline.order import Order
from byoa.pipeline.worker import TaskError
from byoa.plan.pipeline.model import Task


def run(task: Task, order: Order) -> None:
    """Ends with a sentence when what the task stands for is not there."""
    for place in order.final.values():
        if isinstance(place, Path) and not place.exists():
            raise TaskError(f"Task {task.name!r} stands for {place}, which is not there.")
