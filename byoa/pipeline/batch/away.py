"""What a pipeline has in S3: records of its tasks, and what they decide; nothing of this disk's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from byoa.pipeline.state import State
from byoa.pipeline.store import ContentStore
from byoa.plan.errors import ByoaError, error_code
from byoa.plan.pipeline import decide as deciding
from byoa.plan.pipeline import manifest, records
from byoa.plan.pipeline.model import Decision, Pipeline, Reason, Record, Task
from byoa.plan.pipeline.selection import Selection, chosen

#: Small objects are read so many at a time.
READERS = 24


@dataclass
class Away:
    """The records in S3 against the pipeline as it is here.

    `environments` says of each task what its image is made of besides the project's files, and
    `held` which contents the store has.
    """

    pipeline: Pipeline
    found: Mapping[str, Record]
    environments: Mapping[str, str] = field(default_factory=dict)
    held: Callable[[str], bool] = lambda digest: True
    home: Path | None = None

    def __post_init__(self) -> None:
        self.state = State(self.pipeline, images=self.environments, home=self.home)

    def plan(self, selection: Selection) -> dict[str, Decision]:
        """Every task's decision against S3."""
        which = chosen(self.pipeline, selection)
        return deciding.plan(self.pipeline, which, self.look, self.digests)

    def decide(self, task: Task, forced: bool = False) -> Decision:
        """One task's, once its upstream is done."""
        of = deciding.upstream_of(task, self.pipeline, lambda name: self.digests(self.task(name)))
        return deciding.decision(task.name, self.look(task), of, forced)

    def task(self, name: str) -> Task:
        return self.pipeline.tasks[name]

    def look(self, task: Task) -> deciding.Look:
        record = self.found.get(task.name)
        lost = [] if record is None else list(self.lost(task, record))
        troubles = tuple(Reason("product", f"product {path} is not in S3") for path in lost)
        return deciding.Look(self.state.fingerprint(task), record, troubles)

    def lost(self, task: Task, record: Record) -> Iterable[str]:
        for key, made in record.products.items():
            if key in task.products and task.products[key].is_file and not self.held(made.digest):
                yield made.path

    def digests(self, task: Task) -> dict[str, str]:
        """What the task's record says that it made; of the user's own file, what it is."""
        if task.kind in deciding.GIVEN:
            return self.state.digests(task)
        record = self.found.get(task.name)
        made = record.products if record else {}
        return {key: made[key].digest if key in made else "" for key in task.products}


def read_records(store: ContentStore, tasks: Iterable[str]) -> dict[str, Record]:
    """The last record of each of the tasks that has one; one that cannot be read is none."""
    wanted = {manifest.record_name(task): task for task in tasks}
    if len(wanted) > READERS:
        there = {f"records/{name}" for name in listed(store, "records/")}
        wanted = {name: task for name, task in wanted.items() if name in there}
    with ThreadPoolExecutor(READERS) as pool:
        read = pool.map(store.find, wanted)
    found = {task: parsed(data, task) for task, data in zip(wanted.values(), read)}
    return {task: record for task, record in found.items() if record is not None}


def listed(store: ContentStore, below: str) -> list[str]:
    """The documents below a name; none where the bucket itself is not made yet."""
    try:
        return store.names(below)
    except Exception as error:
        if error_code(error) != "NoSuchBucket":
            raise
        return []


def parsed(data: bytes | None, task: str) -> Record | None:
    try:
        return records.read(data, task) if data is not None else None
    except records.UnreadableError:
        return None


def unready(pipeline: Pipeline, names: Iterable[str], found: Mapping[str, Record]) -> list[str]:
    """Sentences on upstream that is neither submitted nor done in S3."""
    names = set(names)
    return [
        f"{name} needs {need}, which is not submitted and has no record in S3"
        for name in pipeline.tasks
        if name in names
        for need in pipeline.tasks[name].needs
        if need not in names and need not in found
    ]


def fetch(store: ContentStore, pipeline: Pipeline, wanted: Iterable[Record], state: State) -> None:
    """Brings the products of those records to their places, checked, and adopts the records."""
    some = list(wanted)
    files = [
        (made.digest, Path(pipeline.root, pipeline.tasks[record.task].products[key].path))
        for record in some
        for key, made in record.products.items()
        if key in pipeline.tasks[record.task].products
        and pipeline.tasks[record.task].products[key].is_file
    ]
    for record in some:
        same_places(pipeline, record)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda one: store.fetch(*one), files):
            pass
    for record in some:
        state.adopt(record)


def same_places(pipeline: Pipeline, record: Record) -> None:
    """Ends when the record's products are not the task's: it was made for other paths."""
    products = pipeline.tasks[record.task].products
    for key, made in record.products.items():
        if key in products and products[key].is_file and made.path != products[key].path:
            raise ByoaError(
                f"{record.task}'s record in S3 is of {made.path}, and its product is now"
                f" {products[key].path}. Submit that task, too."
            )
