"""All that a project left, found by its tag and its place in storage, removed in its order.

Finished jobs stay on AWS: they cost nothing, and are the only record of what was spent. On this
machine their folders take room, so there they go, too.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from byoa.aws import batch_belongings, belongings, infrastructure
from byoa.aws.belongings import TAG, Thing
from byoa.place import Place
from byoa.plan.advice import explain, situation
from byoa.plan.errors import NotFoundError
from byoa.plan.infrastructure import PACKAGES
from byoa.plan.layout import ProjectPlace
from byoa.plan.storage import Stored
from byoa.progress import say

#: boto3's words for each kind; what uses another thing comes before it.
KINDS = {
    "training job": ("training_job", "TrainingJob", "TrainingJobSummaries"),
    "processing job": ("processing_job", "ProcessingJob", "ProcessingJobSummaries"),
    "transform job": ("transform_job", "TransformJob", "TransformJobSummaries"),
    "tuning job": (
        "hyper_parameter_tuning_job", "HyperParameterTuningJob", "HyperParameterTuningJobSummaries",
    ),
    "endpoint": ("endpoint", "Endpoint", "Endpoints"),
    "endpoint config": ("endpoint_config", "EndpointConfig", "EndpointConfigs"),
    "model": ("model", "Model", "Models"),
}  # fmt: skip
RUNNING = {"InProgress", "Stopping"}
GONE = {"gone", "already-ended", "role-missing", "repository-missing", "bucket-missing"}
#: How plan.names.job_name ends.
JOB = re.compile(r".+-\d{8}-\d{6}-[0-9a-f]{4,8}")


@dataclass
class Found:
    """What is there, in the order in which it is removed; sentences on what could not be seen."""

    things: list[Thing] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  #: sentences on what is not removed, and how

    def add(self, things: Callable[[], Iterable[Thing]]) -> list[Thing]:
        """One kind of thing; that AWS does not let us see it hides no other kind."""
        try:
            new = list(things())
        except Exception as error:
            told = explain(error)
            if told is None:
                raise
            self.unseen.append(str(told))
            return []
        self.things += new
        return new


def find(place: Place, project: str, everything: bool = False, delete_data: bool = False) -> Found:
    """What `byoa clean` removes; with `everything` what `byoa teardown` removes."""
    found, home = Found(), ProjectPlace(place.storage.base, project).uri
    stored = _objects(place, home)
    if not everything:  # a stack that is rolled back reads its packages again
        stored = [one for one in stored if not one.name.startswith(PACKAGES)]
    if everything and place.session is not None:
        found.add(partial(infrastructure.stack, place.session, project, say))
    if place.session is not None:  # what starts jobs goes before the jobs
        from byoa.workflow.home import Home
        from byoa.workflow.removal import of_project

        found.add(partial(of_project, Home(place.name, place.session, project), everything))
    if everything and place.session is not None:
        found.add(partial(batch_belongings.batch, place.session, project))
    for kind in KINDS:
        new = found.add(partial(tagged, place, project, kind))
        if kind == "endpoint" and place.session is not None:
            for one in new:
                found.add(partial(belongings.beside_endpoint, place.session, one.name))
    names = sorted({*jobs_of(stored), *recorded(place, home, stored)} - {""})
    found.add(partial(belongings.job_logs, place.logs, names))
    if place.session is not None:
        found.add(partial(belongings.build_project, place.session, project))
        found.add(partial(belongings.uploads, place.session, home))
    if stored:
        name = f"{home} ({len(stored)} object{'s' * (len(stored) > 1)})"
        found.things.append(Thing("stored", name, partial(delete, place, home, stored)))
    if everything and place.session is not None:
        found.add(
            partial(infrastructure.data, place.session, project, delete_data, found.kept.append)
        )
        found.add(partial(belongings.image_repositories, place.session, project))
        found.add(partial(belongings.roles, place.session, project))
        found.add(partial(belongings.bucket, place.session, home))
    return found


def remove(things: Iterable[Thing], say: Callable[[str], None]) -> list[str]:
    """Removes each thing; a sentence for each that is still there."""
    failed = []
    for thing in things:
        try:
            thing.remove()
            say(f"removed {thing.kind} {thing.name}")
        except Exception as error:
            told = explain(error)
            if told is None and not isinstance(error, OSError):
                raise
            if situation(error) not in GONE:
                failed.append(f"{thing.kind} {thing.name} is still there: {told or error}")
    return failed


def _objects(place: Place, home: str) -> list[Stored]:
    try:
        return list(place.storage.objects(home))
    except Exception as error:
        if situation(error) in GONE:  # no bucket
            return []
        raise


def delete(place: Place, home: str, stored: Sequence[Stored]) -> None:
    """What was found below the project: by its folders where one of them stays."""
    if len(stored) == len(_objects(place, home)):
        place.storage.delete(home)
        return
    parts = (one.name.partition("/") for one in stored)
    for name in sorted({folder + slash for folder, slash, _ in parts}):
        place.storage.delete(home + name)


def jobs_of(stored: Iterable[Stored]) -> list[str]:
    """The jobs that wrote below the project: PROJECT/TASK/JOB/…"""
    paths = (one.name.split("/") for one in stored)
    return sorted({path[1] for path in paths if len(path) > 2 and JOB.fullmatch(path[1])})


def recorded(place: Place, home: str, stored: Iterable[Stored]) -> Iterator[str]:
    """The jobs of the tasks' records: one that failed wrote nothing, and has a log all the same."""
    runs = [home + one.name for one in stored if one.name.split("/")[1:2] == ["runs"]]
    with ThreadPoolExecutor(8) as pool:
        for text in pool.map(partial(text_of, place), runs):
            with suppress(ValueError, AttributeError):  # damaged: it goes with what is stored
                yield str(json.loads(text).get("job", ""))


def text_of(place: Place, uri: str) -> str:
    try:
        return place.storage.read(uri).decode(errors="replace")
    except NotFoundError:  # somebody else is at it
        return ""


def tagged(place: Place, project: str, kind: str) -> Iterator[Thing]:
    """What of a kind carries the project's tag; tags are asked for by eight at once."""
    snake, camel, key = KINDS[kind]
    method = getattr(place.sagemaker, f"list_{snake}s", None)
    ended = place.session is None or not kind.endswith("job")  # on AWS such a job stays, untouched
    asked = [{}] if ended else [{"StatusEquals": status} for status in sorted(RUNNING)]
    items = [item for words in asked for item in listed(method, key, **words)] if method else []
    with ThreadPoolExecutor(8) as pool:
        mine = pool.map(lambda item: has_tag(place.sagemaker, item[f"{camel}Arn"], project), items)
        ours = [item for item, ours in zip(items, mine) if ours]
    delete = getattr(place.sagemaker, f"delete_{snake}", None)
    for item in ours:
        name = item[f"{camel}Name"]
        if item.get(f"{camel}Status") in RUNNING and kind.endswith("job"):
            yield Thing(f"running {kind}", name, partial(stop, place, kind, name))
        if delete and ended:
            remove = partial(delete, **{f"{camel}Name": name})
            if kind == "endpoint" and place.session is not None:
                remove = partial(delete_endpoint, place.sagemaker, name)
            yield Thing(kind, name, remove)


def delete_endpoint(
    sagemaker: Any, name: str, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Deletes it and waits: while it goes it writes to the log group that is removed next."""
    sagemaker.delete_endpoint(EndpointName=name)
    for pause in [0.2] * 10 + [3.0] * 60:
        try:
            sagemaker.describe_endpoint(EndpointName=name)
        except Exception as error:
            if situation(error) not in GONE:
                raise
            return
        sleep(pause)


def has_tag(sagemaker: Any, arn: str, project: str) -> bool:
    try:
        tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    except Exception as error:
        if situation(error) in GONE:  # deleted meanwhile
            return False
        raise
    return {"Key": TAG, "Value": project} in tags


def listed(method: Callable[..., Any], key: str, **words: Any) -> Iterator[dict[str, Any]]:
    """All pages of a list; byoa.local has no paginators."""
    words["MaxResults"] = 100
    while True:
        page = method(**words)
        yield from page[key]
        if not page.get("NextToken"):
            return
        words["NextToken"] = page["NextToken"]


def stop(
    place: Place, kind: str, name: str, *, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Stops a job and waits: while it stops it still writes to what is removed next."""
    snake, camel, _ = KINDS[kind]
    words = {f"{camel}Name": name}
    try:
        getattr(place.sagemaker, f"stop_{snake}")(**words)
    except Exception as error:
        if situation(error) != "already-ended":  # or it is Stopping, and yet writes
            raise
    describe = getattr(place.sagemaker, f"describe_{snake}")
    for _ in range(150):
        if describe(**words)[f"{camel}Status"] not in RUNNING:
            return
        sleep(2.0)
    raise TimeoutError("it did not stop within 300 s")
