"""What training and processing jobs have in common: their record, stopping them, their end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from byoa.local.alive import is_alive
from byoa.local.container import Handle
from byoa.local.files import now, read_json, write_json
from byoa.local.resources import RECORD, Records

STOP = "stop.json"
ENDED = {"Completed", "Failed", "Stopped"}
LONGEST_REASON = 1024
GONE = (
    "InternalServerError: the process that carried this job out is gone: it was killed, or this"
    " machine was restarted. Start the job again; what it saved as checkpoints is kept."
)


class JobError(Exception):
    """Why a job failed, as its FailureReason says it: "ClientError: …"."""


class StopAsked(Exception):  # noqa: N818
    """A job has to stop before its program runs; the argument says why, as `asked` does."""


@dataclass
class JobRecord:
    """record.json of a job: what describe answers. Its supervisor alone writes it."""

    folder: Path
    status: str  # "TrainingJobStatus"
    record: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.record = self.record or read_json(self.folder / RECORD)

    def update(self, **fields: Any) -> None:
        self.record.update(fields, LastModifiedTime=now())
        write_json(self.folder / RECORD, self.record)

    def move(self, secondary: str, message: str, **fields: Any) -> None:
        """The next secondary status; the one before ends now."""
        moment = now()
        transitions = self.record.setdefault("SecondaryStatusTransitions", [])
        if transitions:
            transitions[-1]["EndTime"] = moment
        transitions.append({"Status": secondary, "StartTime": moment, "StatusMessage": message})
        if fields.get(self.status) in ENDED:
            transitions[-1]["EndTime"] = moment
        self.update(SecondaryStatus=secondary, **fields)

    def stop_asked(self) -> bool:
        return (self.folder / STOP).exists()


def ask_to_stop(folder: Path) -> None:
    """The supervisor sees the file; describe says Stopping from now on."""
    write_json(folder / STOP, {"asked": now()})


def read_job(folder: Path, status: str) -> dict[str, Any] | None:
    """A job's record as describe shows it: Stopping once asked, Failed when nobody carries it on.

    None where there is none.
    """
    alive = is_alive(folder)  # first: a supervisor writes its last word before it goes
    record: dict[str, Any] | None = read_json(folder / RECORD)
    if record is None or record[status] in ENDED:
        return record
    if not alive:
        clear(folder, record)
        return _gone(folder, status, record)
    if (folder / STOP).exists():
        record[status] = "Stopping"
        if "SecondaryStatus" in record and record["SecondaryStatus"] != "Uploading":
            record["SecondaryStatus"] = "Stopping"
    return record


def read_jobs(records: Records, status: str) -> list[dict[str, Any]]:
    """All that are there; one may be deleted while we look."""
    found = (read_job(records.folder(name), status) for name in records.names())
    return [record for record in found if record is not None]


def _gone(folder: Path, status: str, record: dict[str, Any]) -> dict[str, Any]:
    """The record of a job whose supervisor died: Failed, on disk too where that can be written."""
    ended = f"{status.removesuffix('JobStatus')}EndTime"
    fields = {status: "Failed", "FailureReason": GONE, ended: now()}
    job = JobRecord(folder, status, record)
    try:
        if "SecondaryStatus" in record:
            job.move("Failed", GONE, **fields)
        else:
            job.update(**fields)
    except OSError:
        pass  # the disk is full, which may well be why it died
    return job.record


def clear(folder: Path, record: Mapping[str, Any]) -> None:
    """Removes what a dead supervisor left behind: containers, networks, the hosts' folders."""
    from byoa.local.ownership import remove_tree
    from byoa.local.sweep import sweep

    sweep(folder)
    image = record.get("AlgorithmSpecification", {}).get("TrainingImage")
    image = image or record.get("AppSpecification", {}).get("ImageUri")
    if image and (folder / "hosts").exists():
        remove_tree(folder / "hosts", image)


@dataclass
class Ended:
    """How the hosts of a job ended."""

    asked: str  # "" or why they were told to stop
    codes: dict[str, int]
    failed: str  # the host that failed first, or ""


def wait_for_hosts(
    handles: Mapping[str, Handle], asked: Callable[[], str], stop_seconds: float
) -> Ended:
    """Returns when all have ended. SIGTERM when one fails or `asked` says why; then SIGKILL."""
    codes: dict[str, int] = {}
    reason, failed = "", ""
    deadline, killed = float("inf"), False
    nap = threading.Event()
    while True:
        for host, handle in handles.items():
            code = None if host in codes else handle.poll()
            if code is not None:
                codes[host] = code
                failed = failed or (host if code and deadline == float("inf") else "")
        if len(codes) == len(handles):
            return Ended(reason, codes, failed)
        if deadline == float("inf"):
            reason = "" if failed else asked()
            if failed or reason:
                deadline = time.monotonic() + stop_seconds
                for handle in handles.values():
                    handle.terminate()
        elif time.monotonic() >= deadline and not killed:
            killed = True
            for handle in handles.values():
                handle.kill()
        nap.wait(0.05)


def failure_reason(folder: Path, code: int, why: str = "") -> str:
    """AWS's sentence of a failed algorithm: what output/failure says, then its exit code."""
    suffix = f", exit code: {code}"
    start = read_start(folder / "output" / "failure", LONGEST_REASON * 4)
    text = start.decode("utf-8", "replace").strip()
    if not text and why:
        text = why[:1].upper() + why[1:]
    prefix = "AlgorithmError: "
    return prefix + text[: LONGEST_REASON - len(prefix) - len(suffix)] + suffix


def read_start(path: Path, size: int) -> bytes:
    """The first bytes of a file; none where there is no plain file."""
    try:
        if path.is_symlink() or not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""
