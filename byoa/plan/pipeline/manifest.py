"""A run on AWS as it is written down in S3 before anything is submitted, and what it left there.

BASE/records/TASK.json               the last record of each task, with its products' digests
BASE/objects/SHA256                  products by content (byoa.pipeline.store)
BASE/runs/RUN/run.json               what was asked for, and every task of it
BASE/runs/RUN/rounds/0001.json       the jobs of one submission; `resume` writes the next
BASE/runs/RUN/ids/0001.json          their ids, as far as the driver came
BASE/runs/RUN/ended/TASK.OUTCOME.json  how a task ended there: done, kept or failed
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.batch_jobs import Job, Wait, Work
from byoa.plan.pipeline.records import file_name

VERSION = 1
RUNS = "runs/"
OUTCOMES = ("done", "kept", "failed")
Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class RunTask:
    """One task of a run: what it waits for, where and in what it runs, why it was submitted."""

    needs: tuple[str, ...] = ()
    family: str = ""
    image: str = ""
    environment: str = ""  #: the hash of what the image is made of besides the project's files
    definition: str = ""  #: the job definition's ARN
    vcpus: float = 1
    memory_mb: int = 2048
    gpus: int = 0
    seconds: int | None = None
    attempts: int = 1
    forced: bool = False
    why: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was submitted, whole: from it alone another machine can go on."""

    run: str
    pipeline: str
    project: str
    target: str
    service: str  #: batch, sagemaker or stepfunctions
    created: str  #: ISO 8601, UTC
    region: str
    queue: str
    store: str  #: s3://bucket/…/, BASE above
    entry: str  #: the pipeline's file, below the folder that the image holds
    overrides: Mapping[str, str] = field(default_factory=dict)
    mode: str = "incremental"
    tasks: Mapping[str, RunTask] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    role: str = ""  #: what SageMaker's jobs run as

    @property
    def place(self) -> str:
        return place(self.run)

    @property
    def on_sagemaker(self) -> bool:
        """Whether its tasks are SageMaker's Processing jobs, whoever begins them; else Batch's."""
        return bool(self.role)

    def works(self, names: Iterable[str]) -> dict[str, Work]:
        """The named tasks, for batch_jobs."""
        wanted = set(names)
        return {
            name: Work(name, task.needs, task.family, shape(task))
            for name, task in self.tasks.items()
            if name in wanted
        }


def shape(task: RunTask) -> tuple[Any, ...]:
    """In what the points of a grid must be equal to be one array."""
    return (
        task.definition, task.vcpus, task.memory_mb, task.gpus, task.seconds, task.attempts,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Round:
    """One submission of a run: its jobs in order, with the ids of those that are known."""

    number: int
    jobs: tuple[Job, ...]
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a task ended in its container."""

    task: str
    outcome: str
    seconds: float = 0
    cpu_seconds: float = 0
    peak_mb: float = 0
    error: str = ""
    job: str = ""
    at: str = ""
    why: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)  #: done and kept: as in records/


def place(run: str) -> str:
    return f"{RUNS}{run}/"


def prefix(run: str, number: int) -> str:
    """What the names of a round's jobs begin with."""
    return f"{run}-{number}-"


def run_name(now: str, unique: str) -> str:
    """Sorted by time: 20261122-141500-a1b2; `now` is 20261122-141500."""
    return f"{now}-{unique}"


def record_name(task: str) -> str:
    return f"records/{file_name(task)}.json"


def ended_name(run: str, task: str, outcome: str) -> str:
    return f"{place(run)}ended/{file_name(task)}.{outcome}.json"


def ended_of(names: Iterable[str], tasks: Iterable[str]) -> dict[str, str]:
    """Task → outcome, by the names of what was left below ended/; the best of several."""
    of = {file_name(task): task for task in tasks}
    found: dict[str, str] = {}
    for name in names:
        task, _, outcome = name.removesuffix(".json").rpartition(".")
        if task in of and outcome in OUTCOMES:
            best = min(OUTCOMES.index(outcome), OUTCOMES.index(found.get(of[task], "failed")))
            found[of[task]] = OUTCOMES[best]
    return found


def index_name(run: str) -> str:
    """A name a run, in a folder of its own: a list of runs is not a list of all that they left."""
    return f"index/{run}"


def log_name(run: str, task: str) -> str:
    return f"{place(run)}logs/{file_name(task)}.log"


def object_of(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def json_of(part: Mapping[str, Any]) -> str:
    return json.dumps(part, ensure_ascii=False)


def written(document: Run | Round | Ended) -> bytes:
    """A document as JSON."""
    said = {"version": VERSION, **dataclasses.asdict(document)}
    return json.dumps(said, indent=1, ensure_ascii=False).encode()


def read_run(data: bytes, where: str) -> Run:
    with sound(where):
        said = parsed(data, where)
        tasks = {name: build(RunTask, one) for name, one in said.pop("tasks").items()}
        return build(Run, {**said, "tasks": tasks})


def read_round(data: bytes, where: str) -> Round:
    with sound(where):
        said = parsed(data, where)
        jobs = tuple(
            Job(one["name"], tuple(one["tasks"]), tuple(Wait(**wait) for wait in one["waits"]))
            for one in said.pop("jobs")
        )
        return build(Round, {**said, "jobs": jobs})


def read_ended(data: bytes, where: str) -> Ended:
    with sound(where):
        return build(Ended, parsed(data, where))


@contextmanager
def sound(where: str) -> Iterator[None]:
    """What is not a document of ours is told with its place."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ByoaError(f"{where} is damaged ({error}). Submit the pipeline anew.") from None


def parsed(data: bytes, where: str) -> dict[str, Any]:
    """The object, without its version; one of a newer byoa is told, not guessed."""
    said = json.loads(data)
    version = said.pop("version")
    if version != VERSION:
        told = f"{where} is of version {version}, and this byoa knows {VERSION}. Update it."
        raise ByoaError(told)
    return dict(said)


def build(kind: type[Made], said: Mapping[str, Any]) -> Made:
    """A dataclass from JSON: lists become tuples."""
    return kind(**{key: tuple(one) if isinstance(one, list) else one for key, one in said.items()})
