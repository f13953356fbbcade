"""Runs on AWS Batch: found by their manifest in S3, and how each of their tasks is doing now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from byoa.aws.batch import JOB_GROUP, log_group, log_streams
from byoa.pipeline.batch.away import READERS, listed
from byoa.pipeline.batch.home import Home
from byoa.pipeline.services import service
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import Job
from byoa.plan.pipeline.manifest import Ended, Round, Run

#: What Batch says of a job, as we say it of a task.
WORDS = {
    "": "not submitted",
    "SUBMITTED": "waiting",
    "PENDING": "waiting",
    "RUNNABLE": "queued",
    "STARTING": "starting",
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "FAILED": "failed",
}
ACTIVE = frozenset({"waiting", "queued", "starting", "running"})
WELL = frozenset({"done", "kept"})
#: How a run ended in which some task is so: the first that there is.
ENDS = {
    "failed": "failed",
    "cancelled": "cancelled",
    "not submitted": "cut off",
    "gone": "cut off",  # Batch has forgotten the job, and it left no word
    "skipped": "skipped",
}
CANCELLED = "Cancelled with byoa pipeline cancel."
#: Errors are told of so many tasks: each is an object to be read.
MOST_TOLD = 50


@dataclass(frozen=True)
class TaskSeen:
    """One task of a run."""

    task: str
    status: str
    job: str = ""  #: an id, of an array's child id:n
    parent: str = ""  #: the id that others can wait for
    described: Mapping[str, Any] = field(default_factory=dict)
    ended: Ended | None = None
    group: str = JOB_GROUP  #: where its lines are, in CloudWatch

    @property
    def reason(self) -> str:
        """Why it failed: the task's own words, else Batch's."""
        if self.ended and self.ended.error:
            return self.ended.error
        container = self.described.get("container", {})
        words = [container.get("reason"), self.described.get("statusReason")]
        said = ", ".join(dict.fromkeys(str(one) for one in words if one))
        code = container.get("exitCode")
        return f"{said} (exit code {code})" if code else said

    @property
    def said(self) -> str:
        """What must be known of it: why it failed, or why Batch does not begin it.

        https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable.html
        """
        if self.status == "failed":
            return self.reason
        return str(self.described.get("statusReason", "")) if self.status == "queued" else ""

    @property
    def attempts(self) -> list[Mapping[str, Any]]:
        return list(self.described.get("attempts", ()))

    @property
    def interruptions(self) -> int:
        """How often its machine was taken away."""
        reasons = (str(one.get("statusReason", "")) for one in self.attempts)
        return sum(reason.startswith(("Host EC2", "Your Spot Task")) for reason in reasons)

    @property
    def streams(self) -> list[str]:
        return log_streams(self.described)

    @property
    def seconds(self) -> float | None:
        """Since it began, or from its beginning to its end."""
        begun, ended = self.described.get("startedAt"), self.described.get("stoppedAt")
        return (ended - begun) / 1000 if begun and ended else None


@dataclass
class Seen:
    """A run as it is now."""

    run: Run
    rounds: list[Round]
    tasks: dict[str, TaskSeen]

    @property
    def counts(self) -> Counter[str]:
        return Counter(one.status for one in self.tasks.values())

    @property
    def active(self) -> list[TaskSeen]:
        return [one for one in self.tasks.values() if one.status in ACTIVE]

    @property
    def undone(self) -> list[TaskSeen]:
        return [one for one in self.tasks.values() if one.status not in WELL]

    @property
    def word(self) -> str:
        """running; done; or how it ended otherwise."""
        if self.active:
            return "running"
        for status, word in ENDS.items():
            if self.counts[status]:
                return word
        return "done"

    @cached_property
    def ids(self) -> dict[str, str]:
        """All jobs' ids by name."""
        return {name: id_ for one in self.rounds for name, id_ in one.ids.items()}


def names(home: Home) -> list[str]:
    """All runs of the pipeline, the oldest first."""
    return listed(home.store, "index/")


def find(home: Home, run: str = "") -> Run:
    """A run by its name, or by how it ends; the newest one without."""
    there = names(home)
    fits = [name for name in there if name == run or (run and name.endswith(run))] or (
        there[-1:] if not run else []
    )
    if len(fits) != 1:
        said = f"has no run {run}" if run else "was never submitted"
        many = f" There are {', '.join(fits[-5:])}." if fits else ""
        raise NotFoundError(f"{home.project.pipeline} {said} in {home.store.base}/.{many}")
    where = f"{manifest.place(fits[0])}run.json"
    return manifest.read_run(home.store.read(where), home.store.uri(where))


def rounds_of(home: Home, run: Run) -> list[Round]:
    """The run's submissions; what a killed driver could not write down is asked of Batch."""
    found = []
    for name in home.store.names(f"{run.place}rounds/"):
        where = f"{run.place}rounds/{name}"
        one = manifest.read_round(home.store.read(where), home.store.uri(where))
        if any(job.name not in one.ids for job in one.jobs):
            prefix = manifest.prefix(run.run, one.number)
            ids = {job["jobName"]: job["jobId"] for job in home.batch.named(run.queue, prefix)}
            one = replace(one, ids={**ids, **one.ids})
        found.append(one)
    return found


def look(home: Home, run: Run, *, whole: bool = False) -> Seen:
    """How each task is doing; `whole` asks Batch for every child of every array."""
    if run.service != "batch":
        return service(run.service).look(home, run, whole=whole)
    return on_batch(home, run, whole=whole)


def on_batch(home: Home, run: Run, *, whole: bool = False) -> Seen:
    rounds = rounds_of(home, run)
    ended = manifest.ended_of(home.store.names(f"{run.place}ended/"), run.tasks)
    ids = [id_ for one in rounds for id_ in one.ids.values()]
    described = home.batch.describe(ids)
    wanted = children(rounds, described, {} if whole else ended)
    described |= home.batch.describe(wanted)
    tasks = {name: TaskSeen(name, "not submitted") for name in run.tasks}
    for one in rounds:
        for job in one.jobs:
            tasks |= {
                seen.task: seen for seen in seen_of(job, one.ids.get(job.name, ""), described)
            }
    tasks = {name: settled(seen, ended.get(name)) for name, seen in tasks.items()}
    return Seen(run, rounds, told(home, run, tasks, ended))


def look_at(home: Home, run: Run, task: str) -> TaskSeen | None:
    """One task alone: a run of thousands is not asked for whole."""
    if run.service != "batch":
        return look(home, run).tasks.get(task)
    found: TaskSeen | None = TaskSeen(task, "not submitted") if task in run.tasks else None
    for one in rounds_of(home, run):
        for job in one.jobs:
            if task in job.tasks and (id_ := one.ids.get(job.name)):
                own = f"{id_}:{job.tasks.index(task)}" if job.is_array else id_
                described = home.batch.describe([own, id_])
                found = next(seen for seen in seen_of(job, id_, described) if seen.task == task)
    return found and settled(found, None)


def children(
    rounds: Iterable[Round], described: Mapping[str, Any], ended: Mapping[str, str]
) -> list[str]:
    """The children of arrays of which more must be known than their parent says."""
    return [
        f"{id_}:{place}"
        for one in rounds
        for job in one.jobs
        if job.is_array and (id_ := one.ids.get(job.name)) and id_ in described
        for place, task in enumerate(job.tasks)
        if ended.get(task) not in WELL
    ]


def seen_of(job: Job, id_: str, described: Mapping[str, Any]) -> Iterable[TaskSeen]:
    for place, task in enumerate(job.tasks):
        own = f"{id_}:{place}" if job.is_array and id_ else id_
        found = described.get(own) or described.get(id_, {})
        status = WORDS.get(found.get("status", ""), "gone")
        if id_ and not found:
            status = "gone"  # Batch forgets a job after some days
        yield TaskSeen(task, status, own, id_, found, group=log_group(found))


def settled(seen: TaskSeen, outcome: str | None) -> TaskSeen:
    """With what the container itself wrote down, and Batch's reasons in our words."""
    own = seen.described.get("jobId") == seen.job
    if outcome in WELL:  # it is over when Batch says so, too: then its times are known
        return seen if own and seen.status in ACTIVE else replace(seen, status=str(outcome))
    if seen.status == "gone" and outcome:
        return replace(seen, status=outcome)
    if seen.status == "failed":
        reason = str(seen.described.get("statusReason", ""))
        if reason == CANCELLED:
            return replace(seen, status="cancelled")
        if reason.startswith("Dependent Job failed"):
            return replace(seen, status="skipped")
    return seen


def told(
    home: Home, run: Run, tasks: dict[str, TaskSeen], ended: Mapping[str, str]
) -> dict[str, TaskSeen]:
    """The tasks with their own words on why they failed."""
    failed = [
        name
        for name, seen in tasks.items()
        if seen.status == "failed" and ended.get(name) == "failed"
    ][:MOST_TOLD]
    with ThreadPoolExecutor(READERS) as pool:
        read = pool.map(lambda name: ended_of(home, run, name, "failed"), failed)
    for name, words in zip(failed, read):
        if words and words.job in {"", tasks[name].job}:  # not an earlier submission's
            tasks[name] = replace(tasks[name], ended=words)
    return tasks


def ended_of(home: Home, run: Run, task: str, outcome: str) -> Ended | None:
    where = manifest.ended_name(run.run, task, outcome)
    data = home.store.find(where)
    return manifest.read_ended(data, home.store.uri(where)) if data is not None else None
