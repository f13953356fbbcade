"""The Python API: the same nouns and the same functions as the command.

import byoa
project = byoa.Project("faces", on="process")
run = project.run("first", "train.py", inputs={"data": "./pictures"}, instance_count=2)
run.wait()
print(run.metrics)
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from byoa import follow, jobs, record, results, run
from byoa.place import open_place
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.layout import ProjectPlace, TaskPlace
from byoa.plan.processing import ProcessingJob
from byoa.plan.templates import over
from byoa.plan.training import TrainingJob
from byoa.settings import Settings, load
from byoa.task import Image, Input, Program, Task


class Project:
    """Tasks of one name, in one place; settings as in byoa.toml: on, region, bucket, role …"""

    def __init__(self, name: str, **settings: str) -> None:
        self._open(load(None, {"project": name, **settings}))

    @classmethod
    def of(cls, settings: Settings) -> Project:
        """The project of settings that were read already."""
        project = cls.__new__(cls)
        project._open(settings)
        return project

    def _open(self, settings: Settings) -> None:
        self.settings = settings
        self.place = open_place(settings)
        self.where = ProjectPlace(self.place.storage.base, settings.need_project())

    def run(
        self, task: str, script: str | Path, arguments: Sequence[str] = (), **wanted: Any
    ) -> Job:
        """Starts a script; a complete run of the same is taken as it is. Fields: see `task_of`."""
        return self._start(task, {"script": Path(script), "arguments": arguments}, wanted)

    def shell(self, task: str, command: str, **wanted: Any) -> Job:
        return self._start(task, {"shell": command}, wanted)

    def train(self, task: str, **wanted: Any) -> Job:
        """Starts the image's own algorithm."""
        return self._start(task, {}, wanted)

    def process(self, task: str, script: str | Path | None = None, **wanted: Any) -> Job:
        code = {"script": Path(script)} if script else {}
        return self._start(task, code, {"kind": "processing", **wanted})

    def job(self, task: str) -> Job:
        """The last job of a task."""
        found = record.latest(self.place.storage, self.where.task(task))
        if found is None:
            raise NotFoundError(f"The task {task!r} has not run on {self.place.name}.")
        return Job(self, self.where.task(task), found)

    def deploy(self, task: str, **wanted: Any) -> dict[str, Any]:
        """Deploys a task's model; see byoa.deploy.deploy_task for what can be wanted."""
        from byoa.deploy import deploy_task

        return deploy_task(self.place, self.settings, task, **wanted)

    def _start(self, name: str, code: dict[str, Any], wanted: dict[str, Any]) -> Job:
        task = task_of(self, name, code, wanted)
        outcome = run.run_task(task, self.place, self.settings, detach=True)
        return Job(self, outcome.where, outcome.run)


def task_of(project: Project, name: str, code: dict[str, Any], wanted: dict[str, Any]) -> Task:
    """A Task of keywords: its own fields, Program's, and those of plan's job; each by its name.

    `image` is an address or an Image, `inputs` {channel: path, address or (task, "model")},
    `hyperparameters` any JSON, `instance_type` one or several.
    """
    left = {"image": "", "inputs": {}, "hyperparameters": {}, **wanted}
    kind = left.get("kind", "training")
    image, inputs = left.pop("image"), left.pop("inputs")
    settings = project.settings
    defaults = settings.hyperparameters if kind == "training" else {}
    values = {**defaults, **left.pop("hyperparameters")}
    types = left.pop("instance_type", settings.instance_type) or ()
    left["tags"] = {**settings.tags, **left.get("tags", {})}
    own = {
        "types": [types] if isinstance(types, str) else types,
        "program": Program(**{**code, **take(left, Program)}),
        **take(left, Task),
    }
    job = take(left, TrainingJob if kind == "training" else ProcessingJob)
    if left:
        raise UsageError(f"A task has no {', '.join(left)}. See byoa.task for what it has.")
    return Task(
        project=settings.project,
        name=name,
        image=image if isinstance(image, Image) else Image(uri=str(image)),
        inputs=[input_of(channel, item) for channel, item in inputs.items()],
        hyperparameters={k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()},
        job={**job, "extra": over(settings.request.get(kind, {}), job.get("extra", {}))},
        **own,
    )


def take(wanted: dict[str, Any], kind: Any) -> dict[str, Any]:
    """The keywords that are fields of a dataclass, taken out of `wanted`."""
    names = {item.name for item in dataclasses.fields(kind)} & wanted.keys()
    return {name: wanted.pop(name) for name in names}


def input_of(channel: str, item: Any) -> Input:
    if isinstance(item, tuple):
        return Input(name=channel, where=item[0], made=item[1])
    return item if isinstance(item, Input) else Input(name=channel, where=str(item))


@dataclasses.dataclass(frozen=True)
class Job:
    """One job of a task; everything is asked for anew."""

    project: Project
    where: TaskPlace
    run: record.Run

    @property
    def name(self) -> str:
        return self.run.job

    @property
    def described(self) -> Mapping[str, Any]:
        """AWS's own description."""
        return jobs.describe(self.project.place, self.run.kind, self.name) or {}

    @property
    def status(self) -> str:
        return jobs.status_of(self.described)

    @property
    def metrics(self) -> dict[str, float]:
        return follow.metrics(self.described)

    @property
    def summary(self) -> dict[str, Any]:
        return results.summary(self.project.place, self.where, self.run, self.described)

    def wait(self, quiet: bool = False) -> Job:
        """Until it has ended; JobFailedError with its last lines if it did not complete."""
        run.end_of(follow.watch(self.project.place, self.run, quiet=quiet))
        return self

    def logs(self) -> Iterator[Any]:
        """Its lines so far: host, time, text."""
        return follow.Watch(self.project.place, self.run).lines(follow=False)

    def stop(self) -> None:
        jobs.stop(self.project.place, self.run.kind, self.name)

    def download(self, folder: str | Path, parts: Sequence[str] = results.PARTS) -> dict[str, int]:
        wanted = results.Wanted(Path(folder), parts)
        return results.download(self.project.place, self.where, self.run, wanted)
