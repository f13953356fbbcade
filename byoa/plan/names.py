"""Names that AWS takes: of projects, tasks and jobs; unique, and sorted by their time."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone

from byoa.plan.errors import UsageError

LONGEST_JOB = 63
#: What the name of CodeBuild's role ends in: no project's name holds a "+".
BUILD = "+build"
#: The same of Batch's jobs and of the machines that they run on.
BATCH = "+batch"
MACHINES = "+machines"
PLAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")


def checked(name: str, what: str = "task") -> str:
    """The name of a project or a task as it is; UsageError when a folder of S3 cannot have it."""
    if not PLAIN.fullmatch(name):
        said = repr(name[:60]) if name else "empty"
        raise UsageError(
            f"the {what} name is {said} - take up to 100 letters, digits, '-', '_' and '.', with a "
            f"letter or a digit at both ends, such as {fitted(name, 40) if name else f'my-{what}'}"
        )
    return name


def job_name(task: str, now: datetime, unique: str) -> str:
    """A new job's name: `<task>-<date>-<time>-<unique>`, in UTC, at most 63 characters.

    `unique` is 4 to 8 hex digits of chance: it keeps two drivers of one second apart.
    """
    suffix = f"-{now.astimezone(timezone.utc):%Y%m%d-%H%M%S}-{unique}"
    return fitted(task, LONGEST_JOB - len(suffix)) + suffix


def task_of(job: str) -> str:
    """The task in the front of a job's name."""
    return re.sub(r"-\d{8}-\d{6}-[0-9a-f]{4,8}$", "", job)


def fitted(text: str, longest: int = LONGEST_JOB) -> str:
    """Any text as letters, digits and hyphens; what does not fit gives way to the text's hash."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
    if plain and len(plain) <= longest:
        return plain
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    head = plain[: max(0, longest - len(mark) - 1)].rstrip("-")
    return f"{head}-{mark}" if head else mark[:longest]


def role_name(project: str, end: str = "") -> str:
    """The role that a project's jobs run as: one role a project, whatever the project's name."""
    name = f"byoa-{project}{end}"
    return name if len(name) <= 64 else fitted(name, 64)
