"""What there is to see of a run on AWS: each task as the service tells it, records out of S3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from byoa.aws.logs import follow
from byoa.pipeline import report
from byoa.pipeline.batch import runs
from byoa.pipeline.batch.away import read_records
from byoa.pipeline.batch.home import Home
from byoa.plan.pipeline.manifest import Run as Submitted
from byoa.plan.pipeline.model import Pipeline, Record
from byoa.plan.pipeline.report.ran import (
    ENDS,
    RUNNING,
    STATUSES,
    WAITING,
    Ran,
    Run,
    number,
    seconds_of,
)
from byoa.plan.pipeline.report.seen import View, view

#: Failed tasks whose last lines are asked for.
TOLD = 10


def gather(home: Home, pipeline: Pipeline, submitted: Submitted, beside: Path) -> View:
    """A run on AWS as a page has it; links lead to what `download` has brought here."""
    seen = runs.look(home, submitted, whole=True)
    records = read_records(home.store, pipeline.tasks)
    run = run_of(seen, records)
    tails = [one for one in seen.tasks.values() if one.status == "failed"][:TOLD]
    root = Path(pipeline.root)
    details: dict[str, dict[str, Any]] = {
        name: {"links": tuple(report.links(task.products, "", root, beside))}
        for name, task in pipeline.tasks.items()
    }
    for one in tails:
        if one.task in details:
            details[one.task] |= {"links": (), "tail": tail(home, one)}
    made = f"made by byoa at {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    command = f"byoa pipeline submit{home.said}"
    sources = tuple(report.sources(pipeline))
    return view(pipeline, records, {}, run, details, command=command, made=made, sources=sources)


def run_of(seen: runs.Seen, records: Mapping[str, Record]) -> Run:
    """The run as one of this machine's: when each task began, how long it took."""
    tasks = {name: ran_of(one, records.get(name), seen.run.run) for name, one in seen.tasks.items()}
    ends = [(one.started or 0.0) + one.seconds for one in tasks.values() if one.started is not None]
    return Run(
        run=seen.run.run,
        started=seconds_of(seen.run.created),
        ended=max(ends) if ends and not seen.active else None,
        outcome=seen.word,
        tasks=tasks,
    )


def ran_of(seen: runs.TaskSeen, record: Record | None, run: str) -> Ran:
    """One task; what only the container could measure is in its record."""
    own = record if record is not None and record.run == run else None
    began = number(seen.described.get("startedAt")) / 1000 or None
    status = seen.status if seen.status in ENDS else WAITING
    if seen.status in (RUNNING, "starting"):
        status = RUNNING
    return Ran(
        status=status if status in STATUSES else WAITING,
        started=began,
        seconds=number(seen.seconds),
        cpu_seconds=own.cpu_seconds if own else 0.0,
        peak_mb=own.peak_mb if own else 0.0,
        attempts=len(seen.attempts),
        error=seen.reason if seen.status == "failed" else "",
    )


def tail(home: Home, seen: runs.TaskSeen) -> str:
    """The last lines of its last attempt, as far as the service has them."""
    for stream in seen.streams[-1:]:
        lines = [line.text for line in follow(home.place.logs, seen.group, stream)]
        return "\n".join(lines[-report.TAIL_LINES :])
    return ""
