"""What tasks made on AWS, brought to its places here; from then on it is up to date here, too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from byoa.pipeline.batch.away import fetch, read_records
from byoa.pipeline.batch.home import Home
from byoa.pipeline.lock import alone
from byoa.pipeline.state import State, folder_of
from byoa.plan.pipeline.model import Pipeline, Record


def download(home: Home, pipeline: Pipeline, names: Iterable[str]) -> dict[str, Record]:
    """The records that were taken over; what lies here already is not read again."""
    found = read_records(home.store, names)
    with alone(folder_of(pipeline), wait=True):
        state = State(pipeline)
        order = [found[name] for name in pipeline.tasks if name in found]
        fetch(home.store, pipeline, order, state)
        state.save()
    return found


def paths(pipeline: Pipeline, records: Iterable[Record]) -> list[str]:
    """Where the files of those records lie, below the root."""
    return [
        str(Path(made.path))
        for record in records
        for key, made in record.products.items()
        if key in pipeline.tasks[record.task].products
        and pipeline.tasks[record.task].products[key].is_file
    ]
