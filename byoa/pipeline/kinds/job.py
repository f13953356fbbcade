"""Tasks that are SageMaker jobs, and the task that deploys: the driver's own flow, as a task."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from byoa import follow, jobs, record, results, run
from byoa.deploy import deploy_task
from byoa.pipeline import job_tasks
from byoa.pipeline.order import Order
from byoa.place import Place
from byoa.plan.errors import JobFailedError, NotFoundError, UsageError
from byoa.plan.layout import TaskPlace
from byoa.plan.pipeline.job_options import best_of
from byoa.plan.pipeline.model import SINGLE, Task
from byoa.plan.pipeline.records import SUFFIX as RECORD
from byoa.plan.pipeline.records import file_name, read
from byoa.progress import say
from byoa.project import Project, task_of

ARCHIVES = (".tar.gz", ".tgz")


class Stopped(BaseException):
    """The attempt was ended from outside: Ctrl-C, a time limit."""


def train(task: Task, order: Order) -> None:
    """Runs a training job to its end and brings what it made to the task's products."""
    finish(task, order, job(task, order, {}))


def process(task: Task, order: Order) -> None:
    """Runs a Processing job to its end; its output folder is the product."""
    finish(task, order, job(task, order, {"kind": "processing"}))


def job(task: Task, order: Order, more: Mapping[str, Any]) -> tuple[Project, run.Outcome]:
    root = Path(order.root)
    project = job_tasks.project_of(task, root)
    wanted = {**job_tasks.wanted_of(task, root, upstream_paths(order)), **more}
    script = wanted.pop("script", None)
    name = job_tasks.name_of(task)
    whole = task_of(project, name, {"script": script} if script else {}, wanted)
    whole = replace(whole, force=whole.force or order.force)
    with stopping(project.place, project.where.task(name)):
        outcome = run.run_task(whole, project.place, project.settings)
    if outcome.action == "detached":
        raise JobFailedError(f"The job {outcome.run.job} was left to itself by Ctrl-C.")
    return project, outcome


@contextmanager
def stopping(place: Place, where: TaskPlace) -> Iterator[None]:
    """A job is stopped with the task that waits for it: nobody would look at it again."""
    before = signal.signal(signal.SIGTERM, stopped)
    try:
        yield
    except Stopped:
        last = record.latest(place.storage, where)
        if last and jobs.status(place, last.kind, last.job) not in jobs.OVER:
            jobs.stop(place, last.kind, last.job)
            say(f"{last.job}: stopped")
        raise JobFailedError("The job was stopped with its task.") from None
    finally:
        signal.signal(signal.SIGTERM, before)


def stopped(number: int, frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second one would cut the stopping short
    raise Stopped


def finish(task: Task, order: Order, ended: tuple[Project, run.Outcome]) -> None:
    """Each product from its part of the job; the job's figures are the task's metrics."""
    project, outcome = ended
    described = outcome.described or jobs.describe(project.place, outcome.run.kind, outcome.run.job)
    figures = follow.metrics(described or {})
    order.metrics.update(figures)
    for key, path in order.products.items():
        target = Path(str(path))
        if key == "metrics":
            target.write_text(json.dumps(figures, indent=1, sort_keys=True))
            continue
        part = key or ("model" if outcome.run.kind == "training" else "output")
        bring(project.place, results.address(outcome.where, outcome.run, part), target, part)


def bring(place: Place, uri: str, target: Path, part: str) -> None:
    """An archive where the product's name says so, else a folder with what is in it."""
    try:
        if not target.name.endswith(ARCHIVES) or not uri.endswith(ARCHIVES):
            target.mkdir(parents=True, exist_ok=True)
            results.fetch(place, uri, target)
            return
        with tempfile.TemporaryDirectory(prefix=".byoa-", dir=target.parent) as scratch:
            (packed,) = place.storage.download(uri, Path(scratch))
            packed.replace(target)
    except NotFoundError:
        raise UsageError(
            f"The job left no {part}. Take {part!r} out of the task's products, or write it in the"
            " job."
        ) from None


def upstream_paths(order: Order) -> dict[str, dict[str, str]]:
    """{task: {product key: path}} of all that the task may read."""
    return {
        task: {key: str(place) for key, place in places.items()}
        for tasks in order.upstream.values()
        for task, places in tasks.items()
    }


def deploy(task: Task, order: Order) -> None:
    """Deploys one upstream's model, or the best of several; the product says which and where."""
    root = Path(order.root)
    project = job_tasks.project_of(task, root)
    options = {
        name: value
        for name, value in task.options.items()
        if name not in {*job_tasks.SETTINGS, "model", "best"}
    }
    image = job_tasks.image_of(task, root).uri
    chosen, told = choose(task, order)
    wanted = {**options, "image": image, "model": chosen, "environment": environment(task)}
    found = deploy_task(project.place, project.settings, **wanted)
    said = {"endpoint": found["EndpointName"], "status": found["EndpointStatus"], **told}
    Path(str(order.products[SINGLE])).write_text(json.dumps(said, indent=1) + "\n")


def environment(task: Task) -> dict[str, str]:
    """The container's variables: the option, and the task's params."""
    said = {**task.options.get("environment", {}), **task.params}
    return {name: str(value) for name, value in said.items()}


def choose(task: Task, order: Order) -> tuple[str, dict[str, Any]]:
    """The model's path or address; the task that made it and its figure, where one decided."""
    paths, best = upstream_paths(order), task.options.get("best")
    if not best:
        item = task.options["model"]
        return job_tasks.where_of(item, Path(order.root), paths), {"model": item}
    candidates = list(order.upstream.get(best["of"], paths))
    figures = {name: metrics_of(order, name) for name in candidates}
    name = best_of(figures, best["metric"], best.get("mode", "max"))
    key = best.get("product", "model" if "model" in paths[name] else next(iter(paths[name])))
    say(f"the best is {name}: {best['metric']} {figures[name][best['metric']]:.6g}")
    told = {"task": name, "metric": best["metric"], "value": figures[name][best["metric"]]}
    among = {one: found.get(best["metric"]) for one, found in figures.items()}
    return paths[name][key], {**told, "among": among}


def metrics_of(order: Order, task: str) -> Mapping[str, float]:
    """What the record of an upstream task holds."""
    path = Path(order.home, "records", f"{file_name(task)}{RECORD}")
    return read(path.read_bytes(), task).metrics
