"""`--on sagemaker`: a run as Processing jobs, each started here when its upstream is done.

SageMaker has no dependsOn, so somebody has to stay awake: `submit`, or after it `resume`, which
joins what is under way. A job is named after its run and task: two who drive start it once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from byoa.aws.role import ensure_role, role_arn
from byoa.pipeline.batch import runs, submit
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import ACTIVE, WELL, Seen, TaskSeen
from byoa.pipeline.batch.watch import PATIENCE, News, pause_of, tell_end
from byoa.pipeline.show import Show
from byoa.plan.advice import passes_by
from byoa.plan.errors import error_code
from byoa.plan.iam import Access, role_policy
from byoa.plan.names import role_name
from byoa.plan.pipeline import manifest, processing_jobs
from byoa.plan.pipeline.batch_jobs import Job, Wait
from byoa.plan.pipeline.manifest import Round, Run

if TYPE_CHECKING:
    from byoa.pipeline.batch.submit import Asked, Submission

GROUP = "/aws/sagemaker/ProcessingJobs"
WORDS = {
    "InProgress": "running", "Stopping": "running", "Completed": "done", "Failed": "failed",
    "Stopped": "cancelled",
}  # fmt: skip
#: CreateProcessingJob of a job that is there: somebody else was faster, or we were before a cut.
THERE = ("ResourceInUse", "ValidationException")
#: The account may have no more machines of the kind now.
FULL = "ResourceLimitExceeded"
TICK = 0.1


def dry_run(home: Home, asked: Asked) -> list[dict[str, Any]]:
    from byoa.pipeline.batch.dry import planned_run
    from byoa.pipeline.image import laid

    with laid(home.project.root, home.target, home.say, asked.ignore_git) as project:
        run = planned_run(home, submit.Submission(home, asked, project))
    if run is None:
        return []
    run = replace(run, role=home.target.role or role_address(home), service="sagemaker")
    processing_jobs.machines(run.tasks)
    return [
        {
            "operation": "sagemaker.CreateProcessingJob",
            "request": processing_jobs.request(run, task, 1),
        }
        for task in run.tasks
    ]


def role_address(home: Home) -> str:
    session = home.session
    name = role_name(home.project.name)
    return f"arn:{session.partition}:iam::{session.account}:role/{name}"


def submitted(home: Home, asked: Asked, wait: bool, as_json: bool) -> int:
    """Starts the run and stays with it: nobody else would start what comes next."""
    run = submit.submit(home, asked, place=placed, begin=begun, service="sagemaker")
    if run is None:
        return 0
    home.say(
        f"run {run.run}: {len(run.tasks)} tasks. SageMaker starts none by itself: this stays"
        f" to the end; after Ctrl-C `byoa pipeline resume{home.said}` goes on, from anywhere"
    )
    return Drive(home, run).go(as_json)


def placed(home: Home, submission: Submission, run: Run) -> Run:
    """The run with its role; UsageError when some task fits on no machine."""
    processing_jobs.machines(run.tasks)
    session = home.session
    if home.target.role:
        return replace(run, role=role_arn(session, home.target.role))
    images = {task.image for task in run.tasks.values() if "://" not in task.image}
    access = Access(
        account=session.account, region=session.region, partition=session.partition,
        write=[run.store, *home.target.write], read=list(home.target.read), images=sorted(images),
    )  # fmt: skip
    name = role_name(home.project.name)
    return replace(run, role=ensure_role(session, name, role_policy(access), home.tags))


def begun(home: Home, run: Run) -> Run:
    """Writes the manifest and all jobs' names; none is started yet."""
    submit.write(home, run)
    names = {task: processing_jobs.job_name(run.run, task) for task in run.tasks}
    jobs = tuple(
        Job(names[task], (task,), tuple(Wait(names[one]) for one in needs_of(run, task)))
        for task in run.tasks
    )
    where = f"{run.place}rounds/0001.json"
    home.store.write(where, manifest.written(Round(number=1, jobs=jobs)))
    return run


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


@dataclass
class Drive:
    """Starts what is ready, looks, and starts more, until nothing is left to be done."""

    home: Home
    run: Run
    again: set[str] = field(default_factory=set)  #: failed before; to be started anew
    sleep: Callable[[float], None] = time.sleep

    def go(self, as_json: bool = False) -> int:
        """0 when every task is done; Ctrl-C leaves what runs running."""
        show = Show(self.run.tasks)
        news = News(show.event)
        try:
            seen = self.drive(news, show)
        except KeyboardInterrupt:
            show.close()
            self.home.say(
                f"\nWhat runs goes on; what comes next does not begin. Go on: {self.said}"
            )
            return 130
        show.close()
        return tell_end(self.home, self.run, seen, as_json)

    @property
    def said(self) -> str:
        return f"byoa pipeline resume{self.home.said}"

    def drive(self, news: News, show: Show) -> Seen:
        patience = PATIENCE
        while True:
            try:
                seen = look(self.home, self.run)
                started, patience = self.start(seen), PATIENCE
            except Exception as error:
                patience -= 1
                if not patience or not passes_by(error):
                    raise
                started = 0
            else:
                news.take(seen)
                if not started and not seen.active and not self.ready(seen):
                    return seen
            for _ in range(round(pause_of(self.home) / TICK)):
                show.tick()
                self.sleep(TICK)

    def ready(self, seen: Seen) -> list[str]:
        """The tasks that can begin: never begun, or ended by SageMaker and not by themselves."""
        return [
            name
            for name, one in seen.tasks.items()
            if self.begins(one)
            and all(seen.tasks[need].status in WELL for need in needs_of(self.run, name))
        ]

    def begins(self, one: TaskSeen) -> bool:
        if one.status in ("not submitted", "skipped") or one.task in self.again:
            return one.status not in (*ACTIVE, *WELL)
        tries = len(one.attempts)
        lost = processing_jobs.AGAIN.search(one.reason) is not None
        return one.status == "failed" and lost and tries < self.run.tasks[one.task].attempts

    def start(self, seen: Seen) -> int:
        """How many were started; one for which there is no room is tried again later."""
        client, count = self.home.session.client("sagemaker"), 0
        for name in self.ready(seen):
            attempt = len(seen.tasks[name].attempts) + 1
            try:
                client.create_processing_job(**processing_jobs.request(self.run, name, attempt))
            except Exception as error:
                if error_code(error) == FULL and (seen.active or count):
                    return count  # one that ends will make room
                if error_code(error) not in THERE or "exist" not in str(error):
                    raise
            self.again.discard(name)
            count += 1
        return count


def cancel(home: Home, run: Run) -> int:
    """Stops the jobs that go on; how many."""
    client, active = home.session.client("sagemaker"), look(home, run).active
    for one in active:
        try:
            client.stop_processing_job(ProcessingJobName=one.job)
        except Exception as error:
            if error_code(error) != "ValidationException":  # it has ended meanwhile
                raise
    return len(active)


def resume(home: Home, run: Run) -> list[str]:
    """Goes on with the run to its end, and joins what is under way; the tasks that it was about."""
    seen = look(home, run)
    stay(home, run, seen=seen)
    return [one.task for one in seen.undone]


def stay(home: Home, run: Run, as_json: bool = False, seen: Seen | None = None) -> int:
    """The same; the exit code."""
    undone = (seen or look(home, run)).undone
    again = {one.task for one in undone if one.status not in ACTIVE}
    return Drive(home, run, again).go(as_json)
