"""What a task has run: one small file a run, which is also the claim on it.

A run is claimed by writing its number's file, which only one driver can. The claim fixes the job's
name, so that a second driver with the same content finds, or starts, the very same job.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from byoa.plan.errors import ByoaError
from byoa.plan.fingerprint import differences
from byoa.plan.layout import TaskPlace
from byoa.plan.storage import Storage

LONGEST = 80
LAUNCHER = "byoa_launch.py"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run: the job's name and what it was made from."""

    number: int = 0
    job: str = ""
    kind: str = "training"
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""

    def named(self, text: str) -> str:
        """A text of the job with the user's script where it speaks of our launcher."""
        said = self.fingerprint.get("parameters", {})
        return text.replace(LAUNCHER, said.get("entry point") or "the command")


def latest(storage: Storage, place: TaskPlace) -> Run | None:
    """The last run of a task; None when there was none."""
    names = sorted(item.name for item in storage.objects(place.runs) if item.name[:6].isdigit())
    if not names:
        return None
    uri = place.runs + names[-1]
    try:
        return Run(**json.loads(storage.read(uri)))
    except (ValueError, TypeError) as error:
        raise ByoaError(f"{uri} is damaged ({error}). Delete that file: its run is lost.") from None


def claim(storage: Storage, place: TaskPlace, run: Run) -> bool:
    """Writes the run's file; False when another driver was faster."""
    text = json.dumps(asdict(run), indent=1, sort_keys=True)
    return storage.write(place.run(run.number), text.encode(), only_new=True)


@dataclass(frozen=True)
class Decision:
    """skip (the result is there), join (the job runs), create (claimed, never begun), or new."""

    action: str
    why: str


def decide(
    last: Run | None, status: str, fingerprint: Mapping[str, Any], force: str = ""
) -> Decision:
    """What to do about a task whose last run has this status ('' = there is no such job)."""
    if last is None:
        return Decision("new", "it has not run yet")
    if force:
        return Decision("new", force)
    changed = differences(last.fingerprint, fingerprint)
    if changed:
        return Decision("new", f"changed since {last.job}: {'; '.join(changed)}")
    if status == "":
        return Decision("create", f"{last.job} was claimed and never begun")
    if status == "Completed":
        return Decision("skip", f"{last.job} did the same and is complete")
    if status in {"InProgress", "Pending"}:
        return Decision("join", f"{last.job} is already at it")
    return Decision("new", f"{last.job} is {status}")


def shown(value: str) -> str:
    """A parameter as the record keeps it; a long one as its hash."""
    return value if len(value) <= LONGEST else hidden(value)


def hidden(value: str) -> str:
    """What may be a secret, as a hash: enough to see that it changed."""
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]
