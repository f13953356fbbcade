"""A run that stopped, or is to stop: ended, or gone on with from any machine."""

from __future__ import annotations

from byoa.pipeline.batch import runs
from byoa.pipeline.batch.home import Home
from byoa.pipeline.batch.runs import ACTIVE, CANCELLED, Seen
from byoa.pipeline.batch.submit import send
from byoa.pipeline.services import service
from byoa.plan.pipeline import manifest
from byoa.plan.pipeline.batch_jobs import jobs_of
from byoa.plan.pipeline.manifest import Round, Run


def cancel(home: Home, run: Run) -> int:
    """Ends all jobs of a run that go on; how many."""
    if run.service != "batch":
        return service(run.service).cancel(home, run)
    seen = runs.look(home, run)
    described = home.batch.describe(seen.ids.values())
    active = [
        id_
        for id_ in seen.ids.values()
        if described.get(id_, {}).get("status", "") not in ("", "SUCCEEDED", "FAILED")
    ]
    home.batch.end(active, CANCELLED)
    return len(active)


def resume(home: Home, run: Run) -> list[str]:
    """Submits what of a run is neither done nor under way, in the very image; the tasks' names."""
    if run.service != "batch":
        return service(run.service).resume(home, run)
    seen = runs.look(home, run)
    todo = outstanding(seen)
    if held := in_vain(seen, todo):
        home.say(
            f"{len(held)} tasks need others of a grid that go on beside failed ones, and what waits"
            " for such a grid fails with it. They are left out: resume again when those are done."
        )
        todo = [name for name in todo if name not in held]
    if todo:
        number = max((one.number for one in seen.rounds), default=0) + 1
        started = {one.task: one.parent for one in seen.active if one.task not in todo}
        jobs = jobs_of(run.works(todo), manifest.prefix(run.run, number), started)
        send(home, run, Round(number=number, jobs=tuple(jobs)))
    return todo


def in_vain(seen: Seen, todo: list[str]) -> set[str]:
    """What of `todo` would wait for an array that ends as failed, since a part of it already has.

    A job can wait for an array or for its like in another, not for one child of it.
    """
    failed = {one.parent for one in seen.undone if one.status not in ACTIVE and one.job}
    lost = {one.task for one in seen.active if one.parent in failed}
    found: set[str] = set()
    for name in seen.run.tasks:  # in an order in which they can run
        if name in todo and any(
            need in found or need in lost for need in seen.run.tasks[name].needs
        ):
            found.add(name)
    return found


def outstanding(seen: Seen) -> list[str]:
    """What must be submitted again, in order: what ended badly or never began, and what waits for
    such a thing in vain."""
    found: dict[str, None] = {}
    active = {one.task for one in seen.active}
    undone = {one.task for one in seen.undone}
    for name, task in seen.run.tasks.items():
        waits_in_vain = name in active and any(need in found for need in task.needs)
        if (name in undone and name not in active) or waits_in_vain:
            found[name] = None
    return list(found)
