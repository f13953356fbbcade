"""What a job made: its figures and addresses, and its files brought here."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa import archive, jobs
from byoa.aws import logs
from byoa.follow import metrics
from byoa.place import Place
from byoa.plan import cost
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.layout import TaskPlace
from byoa.progress import bar, say
from byoa.record import Run

PARTS = ("model", "output", "state")


@dataclass(frozen=True)
class Wanted:
    """Where to, and which of model, output and state; the logs always."""

    folder: Path
    parts: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"-o {self.folder} is no folder. Name one, or a new one.")


def summary(
    place: Place, where: TaskPlace, run: Run, described: Mapping[str, Any]
) -> dict[str, Any]:
    """A job for the reader: how it is, what it reached, cost and left where."""
    bill = cost.after(described, place.region)
    found: dict[str, Any] = {
        "task": where.name,
        "job": run.job,
        "status": jobs.status_of(described),
        "reason": run.named(described.get("FailureReason", "")),
        "metrics": metrics(described),
        "interruptions": bill.interruptions,
        "seconds": bill.run_seconds,
        "billable_seconds": bill.seconds,
        "saving_percent": bill.saving,
        "usd": None if place.is_local else bill.usd,
    }
    for part in PARTS if run.kind == "training" else PARTS[1:]:
        uri = address(where, run, part)
        if any(True for _ in place.storage.objects(uri)):
            found[part] = uri
    return {name: value for name, value in found.items() if value not in (None, {}, 0, "")}


def address(where: TaskPlace, run: Run, part: str) -> str:
    if part == "state":
        return where.state
    if run.kind == "processing":
        return where.output_of(run.job)
    return where.model(run.job) if part == "model" else where.result(run.job)


def download(place: Place, where: TaskPlace, run: Run, wanted: Wanted) -> dict[str, int]:
    """OUT/logs, OUT/model, OUT/output, OUT/state, archives unpacked; how many files of each."""
    saved = logs.save(place.logs, jobs.group(run.kind), f"{run.job}/", wanted.folder / "logs")
    counts = {"logs": len(saved)}
    for part in wanted.parts:
        try:
            counts[part] = fetch(place, address(where, run, part), wanted.folder / part)
        except NotFoundError:
            counts[part] = 0
    for part, count in counts.items():
        say(f"{count} files in {wanted.folder / part}" if count else f"{run.job} left no {part}")
    return counts


def fetch(place: Place, uri: str, folder: Path) -> int:
    """What lies at an address; of an archive its contents."""
    with bar(f"fetching {uri.rpartition('/')[2] or uri}") as progress:
        if not uri.endswith(".tar.gz"):
            return len(place.storage.download(uri, folder, progress))
        with tempfile.TemporaryDirectory(prefix="byoa-download-") as scratch:
            (packed,) = place.storage.download(uri, Path(scratch), progress)
            return len(archive.unpack(packed, folder))
