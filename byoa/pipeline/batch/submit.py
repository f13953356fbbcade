"""Submits what is outdated: image, machines, a manifest in S3, and only then the jobs."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from byoa.aws.batch import definition_arn
from byoa.aws.batch_home import Maker, ensure_queue
from byoa.aws.bucket import ensure_bucket
from byoa.aws.parallel import each
from byoa.aws.role import ensure_role, role_arn
from byoa.pipeline.batch import runs
from byoa.pipeline.batch.away import Away, read_records, unready
from byoa.pipeline.batch.home import Home
from byoa.pipeline.image import Builder, Image, Laid, laid
from byoa.plan.errors import UsageError
from byoa.plan.iam import TASKS, Access, batch_policy
from byoa.plan.layout import bucket_and_key
from byoa.plan.names import BATCH, role_name
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import jobs_of
from byoa.plan.pipeline.batch_requests import (
    AROUND,
    client_address,
    definition_request,
    levels,
    submit_request,
)
from byoa.plan.pipeline.manifest import Round, Run, RunTask
from byoa.plan.pipeline.model import Decision, Pipeline, Task
from byoa.plan.pipeline.needs import Size, sizes
from byoa.plan.pipeline.selection import Selection, chosen

MODES = ("incremental", "regular", "force")
#: SageMaker's own jobs: they would wait in a job of Batch for another job.
NOT_HERE = frozenset({"train", "process", "deploy"})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a submission."""

    selection: Selection = field(default_factory=Selection)
    mode: str = "incremental"
    overrides: Mapping[str, str] = field(default_factory=dict)
    ignore_git: bool = False
    there: bool = False  #: CodeBuild builds the image
    skip_docker: bool = False
    skip_tests: bool = False
    until_build: bool = False
    force_build: bool = False
    jobs: str = "batch"  #: whose jobs the states of a state machine are
    again: bool = False  #: though a run of the pipeline goes on


@dataclass
class Submission:
    """One submission, step by step; `plan` changes nothing but the records' cache."""

    home: Home
    asked: Asked
    laid: Laid
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def __post_init__(self) -> None:
        self.entry = self.home.project.entry
        project = self.home.project
        self.overrides = {**project.from_here(self.now), **self.asked.overrides}
        self.pipeline: Pipeline = project.loaded(self.overrides, self.laid.project)
        self.builder = Builder(
            place=self.home.place,
            project=self.home.project.name,
            target=self.home.target,
            say=self.home.say,
            there=self.asked.there,
            skip=self.asked.skip_docker,
            force=self.asked.force_build,
        )

    def plan(self) -> dict[str, Decision]:
        """Every task's decision, against the records in S3 alone."""
        self.environments = self.builder.environments(self.laid, self.pipeline.tasks)
        found = read_records(self.home.store, self.pipeline.tasks)
        held = self.home.store.held() if found else set()
        self.away = Away(self.pipeline, found, self.environments, held.__contains__)
        return self.away.plan(self.asked.selection)

    def names(self, decisions: Mapping[str, Decision]) -> list[str]:
        """What is submitted, in an order in which it can run."""
        wanted = (
            {"run", "perhaps"} if self.asked.mode == "incremental" else {"run", "perhaps", "keep"}
        )
        names = [name for name in self.pipeline.tasks if decisions[name].action in wanted]
        problems = unready(self.pipeline, names, self.away.found)
        problems += [
            f"{name} is a SageMaker job (class: {task.kind}), which no job of Batch can start"
            for name in names
            if (task := self.pipeline.tasks[name]).kind in NOT_HERE
        ]
        if problems:
            raise UsageError(
                "\n".join(problems) + "\nSubmit what they need, too, or choose others."
            )
        return names

    def run(self, decisions: Mapping[str, Decision], images: Mapping[str, Image]) -> Run:
        """The run's manifest; its definitions are not known yet."""
        names = self.names(decisions)
        size = sizes(self.pipeline.tasks, self.home.target)
        forced = self.forced
        tasks = {
            name: self.task(self.pipeline.tasks[name], size[name], images[name], decisions[name])
            for name in names
        }
        tasks = {name: replace(task, forced=name in forced) for name, task in tasks.items()}
        return Run(
            run=manifest.run_name(f"{self.now:%Y%m%d-%H%M%S}", secrets.token_hex(2)),
            pipeline=self.pipeline.name,
            project=self.home.project.name,
            target=self.home.target.name,
            service="batch",
            created=self.now.isoformat(timespec="seconds"),
            region=self.home.session.region,
            queue=self.home.target.queue,
            store=f"{self.home.store.base}/",
            entry=self.entry,
            overrides=self.overrides,
            mode=self.asked.mode,
            tasks=tasks,
            kept=tuple(name for name, one in decisions.items() if one.action == "keep"),
            tags={**self.home.tags, "byoa:pipeline": self.pipeline.name},
        )

    @property
    def forced(self) -> frozenset[str]:
        if self.asked.mode == "force":
            return chosen(self.pipeline, self.asked.selection).tasks
        return chosen(self.pipeline, self.asked.selection).forced

    def task(self, task: Task, size: Size, image: Image, decision: Decision) -> RunTask:
        limits = task.limits
        seconds = self.home.target.timeout
        if limits.seconds is not None:
            seconds = int(limits.seconds * limits.attempts) + AROUND
        return RunTask(
            needs=task.needs,
            family=task.family,
            image=image.uri,
            environment=image.environment,
            vcpus=size.vcpus,
            memory_mb=size.memory_mb,
            gpus=size.gpus,
            seconds=seconds,
            attempts=self.home.target.attempts,
            why=tuple(reason.text for reason in decision.reasons),
        )

    def definitions(self, run: Run, roles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """The job definitions, by image; each as big as its biggest task."""
        found: dict[str, Size] = {}
        for task in run.tasks.values():
            one = found.get(task.image, Size(0, 0))
            found[task.image] = max(
                one, Size(task.vcpus, task.memory_mb), key=lambda s: s.memory_mb
            )
        target, project = self.home.target, self.home.project.name
        return {
            image: definition_request(image, size, target, project, roles, run.region)
            for image, size in found.items()
        }

    def with_definitions(self, run: Run, queue: str, names: Mapping[str, str]) -> Run:
        """The run with its queue, and each task with the definition of its image."""
        tasks = {
            name: replace(task, definition=names[task.image]) for name, task in run.tasks.items()
        }
        return replace(run, queue=queue, tasks=tasks)


def submit(
    home: Home,
    asked: Asked,
    *,
    place: Callable[[Home, Submission, Run], Run] | None = None,
    begin: Callable[[Home, Run], Run] | None = None,
    service: str = "batch",
) -> Run | None:
    """The run, submitted; None where nothing is outdated, or only the image was wanted.

    `place` and `begin` are another service's instead of Batch's.
    """
    with laid(home.project.root, home.target, home.say, asked.ignore_git) as project:
        submission = Submission(home, asked, project)
        ensure_bucket(home.session, bucket_and_key(home.store.uri("x"))[0], home.tags)
        decisions = submission.plan()
        names = submission.names(decisions)
        if not names and not asked.until_build:
            home.say(f"all {len(decisions)} tasks are up to date in {home.store.base}/")
            return None
        alone(home, asked)
        images = submission.builder.images(project, submission.pipeline.tasks)
        if not asked.skip_tests:
            submission.builder.test(images, submission.entry, submission.overrides)
        if asked.until_build:
            return None
        run = replace(submission.run(decisions, images), service=service)
        run = (place or placed)(home, submission, run)
    return (begin or begun)(home, run)


def alone(home: Home, asked: Asked) -> None:
    """Ends when a run of the pipeline goes on: the two would make the same things twice."""
    there = [] if asked.again else runs.names(home)
    seen = runs.look(home, runs.find(home, there[-1])) if there else None
    if seen and seen.active:
        counts = ", ".join(f"{count} {word}" for word, count in seen.counts.most_common())
        raise UsageError(
            f"The run {seen.run.run} still goes on ({counts}). Watch it: byoa pipeline"
            f" status{home.said} --wait. Or cancel it first, or say --again."
        )


def placed(home: Home, submission: Submission, run: Run) -> Run:
    """The run with its queue and definitions, which are made if they are missing."""
    maker = Maker(session=home.session, project=home.project.name, tags=home.tags, say=home.say)
    gpus = any(task.gpus for task in run.tasks.values())
    roles = {"job": job_role(home, run, submission.pipeline)}
    queue = ensure_queue(maker, home.target, gpus)
    batch = home.session.client("batch")
    arns = {
        image: definition_arn(batch, request)
        for image, request in submission.definitions(run, roles).items()
    }
    return submission.with_definitions(run, queue, arns)


def job_role(home: Home, run: Run, pipeline: Pipeline) -> str:
    """The role that the tasks run as: the target's, or one that reaches the pipeline's things."""
    if home.target.role:
        return role_arn(home.session, home.target.role)
    if "File" in pipeline.clients and not (client_address(pipeline) or home.target.write):
        home.say(
            "Which bucket the File client writes to is its function's to say: if jobs may not"
            " reach it, name it in soopervisor.yaml, `write: [s3://BUCKET/FOLDER/]`"
        )
    name, policy = role_name(home.project.name, BATCH), batch_policy(access(home, run, pipeline))
    return ensure_role(home.session, name, policy, home.tags, TASKS)


def access(home: Home, run: Run, pipeline: Pipeline) -> Access:
    """What the tasks reach in S3: the pipeline's folder, the File client's, the target's."""
    session, target = home.session, home.target
    images = {task.image for task in run.tasks.values()} if target.machines.fargate else ()
    return Access(
        account=session.account, region=session.region, partition=session.partition,
        write=[run.store, *client_address(pipeline), *target.write], read=list(target.read),
        images=sorted(images),
    )  # fmt: skip


def begun(home: Home, run: Run) -> Run:
    """Writes the manifest, then submits; whatever happens then, `resume` and `cancel` find it."""
    write(home, run)
    jobs = jobs_of(run.works(run.tasks), manifest.prefix(run.run, 1))
    send(home, run, Round(number=1, jobs=tuple(jobs)))
    return run


def write(home: Home, run: Run) -> None:
    """The manifest, before anything of the run is submitted."""
    home.store.write(f"{run.place}run.json", manifest.written(run))
    home.store.write(manifest.index_name(run.run), b"{}")


@contextmanager
def quick_to_end(workers: int) -> Iterator[ThreadPoolExecutor]:
    """A pool that begins nothing more after an error or Ctrl-C."""
    with ThreadPoolExecutor(workers) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def send(home: Home, run: Run, submission: Round) -> Round:
    """Submits a round's jobs, each after those that it waits for; what was said stays known."""
    where = f"{run.place}rounds/{submission.number:04}.json"
    home.store.write(where, manifest.written(submission))
    ids: dict[str, str] = dict(submission.ids)
    lock = threading.Lock()

    def one(job: Any) -> None:
        made = home.batch.submit(submit_request(run, submission.number, job, ids))
        with lock:
            ids[job.name] = made

    try:
        with quick_to_end(home.batch.workers) as pool:
            for some in levels(submission.jobs):
                each(pool, one, [job for job in some if job.name not in ids])
    except BaseException:
        told = f"{len(ids)} of {len(submission.jobs)} jobs of the run {run.run} are submitted."
        hint = f"Go on: byoa pipeline resume{home.said}. Or end it: byoa pipeline cancel{home.said}"
        home.say(f"{told} {hint}")
        raise
    finally:
        done = replace(submission, ids=dict(ids))
        home.store.write(where, manifest.written(done))
    return done
