"""A task's inputs: folders here, addresses, what other tasks made; as channels of its job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from byoa import jobs, progress, record
from byoa.code import ARCHIVE
from byoa.place import Place
from byoa.plan.errors import UsageError
from byoa.plan.layout import ProjectPlace, TaskPlace
from byoa.plan.training import Channel
from byoa.task import Input


@dataclass(frozen=True)
class Ready:
    """A channel, and the fingerprint of what it holds."""

    channel: Channel
    fingerprint: str


def prepare(item: Input, place: Place, task: TaskPlace, project: ProjectPlace, dry: bool) -> Ready:
    """Brings local files to the storage; then the channel. A dry run sends nothing."""
    if item.made:
        uri = made_uri(item, place, project)
        if not any(True for _ in place.storage.objects(uri)):
            raise UsageError(
                f"The task {item.where} left no {item.made}: the input {item.name} would be empty."
            )
    elif "://" in item.where:
        uri = joined(item.where, item.subdir)
        # SageMaker takes an address for a prefix: s3://bucket/data would bring data2/ along
        if not uri.endswith("/") and any(True for _ in place.storage.objects(f"{uri}/")):
            uri += "/"
    else:
        uri = task.input(item.name)
        folder = Path(item.where, item.subdir).expanduser()
        if not folder.exists():
            raise UsageError(f"The input {item.name} is {folder}, which does not exist here.")
        if not dry:
            return Ready(channel(item, uri), send(place, folder, uri))
    return Ready(channel(item, uri), "" if dry else place.storage.fingerprint(uri))


def send(place: Place, folder: Path, uri: str) -> str:
    """What is gone here is removed there: the folder of an input is the task's own."""
    with progress.bar(f"sending {folder}") as shown:
        done = place.storage.sync(folder, uri, delete=True, progress=shown)
    for sentence in done.left_out:
        progress.say(f"left out: {sentence}")
    if not (done.uploaded or done.unchanged):
        raise UsageError(f"{folder} holds no file, and a job cannot start with an empty input.")
    if done.uploaded or done.deleted:
        gone = f", {len(done.deleted)} removed" if done.deleted else ""
        progress.say(
            f"{folder}: {len(done.uploaded)} files sent ({progress.size(done.sent_bytes)}),"
            f" {len(done.unchanged)} unchanged{gone}"
        )
    return done.fingerprint


def channel(item: Input, uri: str) -> Channel:
    return Channel(name=item.name, uri=uri, distribution=item.distribution, mode=item.mode)


def made_uri(item: Input, place: Place, project: ProjectPlace) -> str:
    """Where a task's last job left what it made. The task must be complete."""
    task = project.task(item.where)
    run = record.latest(place.storage, task)
    status = jobs.status(place, run.kind, run.job) if run else "never run"
    if run is None or status != "Completed":
        raise UsageError(
            f"The input {item.name} is the {item.made} of the task {item.where}, which is {status}."
            " Run that one first: it must be Completed."
        )
    if item.made == "state":
        return joined(task.state, item.subdir)
    if item.made == "source":
        return task.source(run.job) + ARCHIVE
    if item.made == "output" and run.kind == "processing":
        return joined(task.output_of(run.job), item.subdir)
    if item.subdir:
        raise UsageError(f"The output of {item.where} is an archive: leave {item.subdir!r} out.")
    return task.model(run.job) if item.made == "model" else task.result(run.job)


def joined(uri: str, subdir: str) -> str:
    return f"{uri.rstrip('/')}/{subdir.strip('/')}/" if subdir.strip("/") else uri
