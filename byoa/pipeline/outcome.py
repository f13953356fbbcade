"""What became of a build and of each task in it, and the events that say so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from byoa.pipeline.commit import staged_path
from byoa.pipeline.hashes import stamped
from byoa.pipeline.worker import Digests, Failure
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.model import Task

Became = Literal["done", "kept", "failed", "skipped", "cancelled"]
#: Why what needs such a task is not run.
FATES = {"failed": "failed", "cancelled": "was not finished", "skipped": "was not run"}
EXIT_CODES = {"interrupted": 130, "terminated": 143}


@dataclass
class Outcome:
    """What became of one task."""

    task: str
    outcome: Became
    failure: Failure | None = None
    seconds: float = 0
    cpu_seconds: float = 0
    peak_mb: float = 0
    attempts: int = 0
    log: str = ""  #: relative to the root; "" where the task said nothing
    metrics: Mapping[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        return {
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_mb": round(self.peak_mb, 1),
        }

    def facts(self, run: str, started: str) -> dict[str, Any]:
        """What the task's record says beside its fingerprint and products."""
        return {
            "run": run,
            "started": started,
            **self.figures(),
            "attempts": self.attempts,
            "log": self.log,
            "metrics": dict(self.metrics),
        }

    def event(self) -> dict[str, Any]:
        said: dict[str, Any] = {"event": "task-end", "task": self.task, "outcome": self.outcome}
        if self.attempts:
            said |= {"attempt": self.attempts, **self.figures()}
        if self.log:
            said["log"] = self.log
        if self.failure:
            said["error"] = self.failure.text
        return said


@dataclass(repr=False)
class Result:
    """What became of a build: a task's outcome by its name."""

    run: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    stopped: str = ""  #: interrupted, terminated or early: why it ended before its end
    failure: Failure | None = None  #: of a hook of the pipeline's own
    begun: bool = False  #: whether there was anything to do: then there is a run

    @property
    def failed(self) -> list[Outcome]:
        return [one for one in self.outcomes.values() if one.outcome == "failed"]

    @property
    def exit_code(self) -> int:
        """0 when all is done, 1 when something failed, 130 and 143 as the shell has it."""
        return EXIT_CODES.get(self.stopped, 1 if self.failed or self.failure else 0)

    def __repr__(self) -> str:
        """Short: a session shows it after `dag.build()`."""
        counts = Counter(one.outcome for one in self.outcomes.values())
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        return f"Result({self.run!r}: {said or 'no tasks'})"

    @property
    def word(self) -> str:
        return self.stopped or ("failed" if self.exit_code else "done")


def failure_of(error: ByoaError | OSError) -> Failure:
    return Failure(str(error), tuple(kind.__name__ for kind in type(error).__mro__[:-1]))


def still_true(digests: Digests, task: Task, staged: Path) -> dict[str, str]:
    """The digests of what nobody has changed since the task read it, after its end perhaps."""
    return {
        key: digest
        for key, (digest, stamp) in digests.items()
        if stamp and stamped(staged_path(task.products[key], staged)) == tuple(stamp)
    }
