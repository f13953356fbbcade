"""What a job made: its figures and addresses, and its files brought here."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from byoa import archive, files, jobs
from byoa.aws import logs
from byoa.follow import metrics
from byoa.place import Place
from byoa.plan import cost
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.layout import TaskPlace
from byoa.progress import bar, say
from byoa.record import Run

PARTS = ("model", "output", "state")
#: What a training job may leave in its output for people to read.
REPORT = "report.html"
LIGHT = 50 << 20


@dataclass(frozen=True)
class Wanted:
    """Where to, and which of model, output and state; the logs always."""

    folder: Path
    parts: Sequence[str] = ()
    report: bool = False  #: and the report, if the job left one

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
    page = wanted.folder / REPORT if wanted.report else None
    if counts.get("output"):
        page = report_in(wanted.folder / "output")
    elif page and not brought(place, where, run, page):
        page = None
    if page:
        say(f"Its report: {page}")
    return counts


def brought(place: Place, where: TaskPlace, run: Run, page: Path) -> bool:
    """The report alone, where there is one and it is little work."""
    try:
        light = is_light(place, where, run)
        if light:
            report(place, where, run, page)
    except NotFoundError:
        return False
    return light


def report(place: Place, where: TaskPlace, run: Run, path: Path) -> None:
    """Brings the report of a job's output to a file. NotFoundError when it left none."""
    if path.is_dir():
        raise UsageError(f"-o {path} is a folder. Name the file: -o {path / REPORT}")
    with tempfile.TemporaryDirectory(prefix="byoa-report-") as scratch:
        try:
            fetch(place, address(where, run, "output"), Path(scratch))
        except NotFoundError:
            raise NotFoundError(f"The job {run.job} left no output, and no report in it.") from None
        page = report_in(Path(scratch))
        if page is None:
            held = sorted(one.name for one in Path(scratch).rglob("*") if one.is_file())
            raise NotFoundError(
                f"The job {run.job} left no {REPORT} in its output; there is {files.some(held)}."
                " Get all of it: byoa download"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(path, page.read_bytes())


def report_in(folder: Path) -> Path | None:
    """The report, the one that lies highest."""
    return min(folder.rglob(REPORT), key=lambda path: len(path.parts), default=None)


def is_light(place: Place, where: TaskPlace, run: Run) -> bool:
    """Whether a job's output is there and small enough to look for a report in it unasked."""
    found = [one.size for one in place.storage.objects(address(where, run, "output"))]
    return bool(found) and sum(found) <= LIGHT


def fetch(place: Place, uri: str, folder: Path) -> int:
    """What lies at an address; of an archive its contents."""
    with bar(f"fetching {uri.rpartition('/')[2] or uri}") as progress:
        if not uri.endswith(".tar.gz"):
            return len(place.storage.download(uri, folder, progress))
        with tempfile.TemporaryDirectory(prefix="byoa-download-") as scratch:
            (packed,) = place.storage.download(uri, Path(scratch), progress)
            return len(archive.unpack(packed, folder))
