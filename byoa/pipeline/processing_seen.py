"""A run's Processing jobs as SageMaker tells of them: how each is doing, what they used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from byoa.aws.belongings import Thing
from byoa.pipeline.batch import runs
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import ACTIVE, WELL, Seen, TaskSeen
from byoa.plan.cost import HOUR, price
from byoa.plan.errors import error_code
from byoa.plan.pipeline import manifest, processing_jobs
from byoa.plan.pipeline.manifest import Run

GROUP = "/aws/sagemaker/ProcessingJobs"
WORDS = {
    "InProgress": "running", "Stopping": "running", "Completed": "done", "Failed": "failed",
    "Stopped": "cancelled",
}  # fmt: skip


def needs_of(run: Run, task: str) -> list[str]:
    return [one for one in run.tasks[task].needs if one in run.tasks]


def look(home: Home, run: Run, *, whole: bool = False) -> Seen:
    """How each task is doing, by its last job; what waits for a failed one is skipped."""
    there = {one["ProcessingJobName"]: one for one in jobs_of(home, run)}
    last = processing_jobs.latest(run.run, run.tasks, there)
    ended = manifest.ended_of(home.store.names(f"{run.place}ended/"), run.tasks)
    tasks = {}
    for task in run.tasks:
        name, attempt = last.get(task, ("", 0))
        seen = seen_of(task, name, attempt, there.get(name, {}))
        if ended.get(task) in WELL and seen.status not in ACTIVE:
            seen = replace(seen, status=ended[task])
        tasks[task] = seen
    lost: set[str] = {name for name, one in tasks.items() if one.status in ("failed", "cancelled")}
    for task, one in tasks.items():
        if one.status == "not submitted" and lost.intersection(run.tasks[task].needs):
            tasks[task] = replace(one, status="skipped")
            lost.add(task)
    return Seen(run, [], runs.told(home, run, tasks, ended))


def jobs_of(home: Home, run: Run) -> Iterable[dict[str, Any]]:
    """The run's Processing jobs, by their names."""
    client = home.session.client("sagemaker")
    for page in client.get_paginator("list_processing_jobs").paginate(NameContains=run.run):
        yield from page["ProcessingJobSummaries"]


def seen_of(task: str, name: str, attempt: int, found: Mapping[str, Any]) -> TaskSeen:
    """A summary of SageMaker's in the words that Batch's descriptions have."""
    if not found:
        return TaskSeen(task, "not submitted")
    end = found.get("ProcessingEndTime")
    described = {
        "statusReason": found.get("FailureReason") or found.get("ExitMessage", ""),
        "startedAt": milliseconds(found.get("CreationTime")),
        "stoppedAt": milliseconds(end),
        "attempts": [{} for _ in range(attempt)] if end else [{} for _ in range(attempt - 1)],
        "container": {"logStreamName": f"{name}/"},
    }
    status = WORDS.get(found["ProcessingJobStatus"], "failed")
    return TaskSeen(task, status, name, name, described, group=GROUP)


def milliseconds(moment: Any) -> int:
    return int(moment.timestamp() * 1000) if moment else 0


def cost_rows(home: Home, run: Run) -> list[dict[str, Any]]:
    """Each task's machine, its seconds with all attempts, and dollars where a price is known.

    A job's seconds are from its creation to its end: SageMaker charges some less.
    """
    spent: dict[str, float] = {}
    for one in jobs_of(home, run):
        found = processing_jobs.latest(run.run, run.tasks, [one["ProcessingJobName"]])
        ran = milliseconds(one.get("ProcessingEndTime")) - milliseconds(one["CreationTime"])
        for task in found:
            spent[task] = spent.get(task, 0) + max(0, ran) / 1000
    rows: list[dict[str, Any]] = []
    for task in [name for name in run.tasks if spent.get(name)]:
        kind, seconds = processing_jobs.machine(run.tasks[task]), spent[task]
        hourly = price(kind, run.region)
        usd = None if hourly is None else round(hourly * seconds / HOUR, 6)
        rows.append({"task": task, "machine": kind, "seconds": round(seconds, 1), "usd": usd})
    whole = [row["usd"] for row in rows]
    usd = None if None in whole else round(sum(whole), 6)
    seconds = round(sum(spent.values()), 1)
    return [*rows, {"task": "all", "machine": "", "seconds": seconds, "usd": usd}]


def things(home: Home) -> Iterator[Thing]:
    """The jobs of the newest run that go on."""
    newest = runs.names(home)[-1:]
    run = runs.find(home, newest[0]) if newest else None
    if run is not None and run.on_sagemaker:
        for one in look(home, run).active:
            yield Thing("processing job", one.job, partial(stop, home, one.job))


def stop(home: Home, job: str) -> None:
    try:
        home.session.client("sagemaker").stop_processing_job(ProcessingJobName=job)
    except Exception as error:
        if error_code(error) != "ValidationException":  # it has ended meanwhile
            raise


def cancel(home: Home, run: Run) -> int:
    """Stops the jobs that go on; how many."""
    active = look(home, run).active
    for one in active:
        stop(home, one.job)
    return len(active)
