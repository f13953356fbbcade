"""What is said when a build is over: each failure with its last words, then how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from byoa.pipeline.outcome import Outcome, Result
from byoa.plan.pipeline.model import Pipeline

LAST_LINES = 12
#: Of a great many failures the first ones are told whole.
TOLD_WHOLE = 10
STOPPED = {
    "interrupted": "Interrupted: what was finished is kept; build goes on from there.",
    "terminated": "Terminated: what was finished is kept; build goes on from there.",
    "early": "A task asked to stop early; what had begun was finished.",
}


def lines(pipeline: Pipeline, result: Result, *, shown: bool = False) -> Iterator[str]:
    """The lines for a person to read; who was shown a table needs no count of what went well."""
    failed = result.failed
    for outcome in failed[:TOLD_WHOLE]:
        yield from of_task(pipeline, outcome)
    if len(failed) > TOLD_WHOLE:
        more = ", ".join(outcome.task for outcome in failed[TOLD_WHOLE : TOLD_WHOLE + 10])
        yield f"and {len(failed) - TOLD_WHOLE} more failed: {more}{' …' * (len(failed) > 20)}"
    if result.failure is not None:
        yield f"{result.failure.text}"
    if result.stopped in STOPPED:
        yield STOPPED[result.stopped]
    if not shown or result.exit_code:
        yield counts(result)


def of_task(pipeline: Pipeline, outcome: Outcome) -> Iterator[str]:
    """A failure's first line, and the end of its log as far as that says more."""
    times = f" {outcome.attempts} times" if outcome.attempts > 1 else ""
    said = (outcome.failure.text if outcome.failure else "").splitlines() or [""]
    log = tail(Path(pipeline.root, outcome.log)) if outcome.log else []
    yield f"✗ {outcome.task} failed{times}: {said[0]}"
    yield from (f"  {line}" for line in said[1:] if line not in log)
    while log and log[-1].strip() in map(str.strip, said):
        log.pop()
    yield from (f"  │ {line}" for line in log)
    if outcome.log:
        yield f"  └ {outcome.log}"


def tail(log: Path) -> list[str]:
    """A log's last lines; all that is read is its end."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip()[:500] for line in text.rstrip().splitlines()[-LAST_LINES:]]


def counts(result: Result) -> str:
    """One line: 3 done, 12 up to date, 1 failed, 4 skipped because of it."""
    found: Counter[str] = Counter(outcome.outcome for outcome in result.outcomes.values())
    words = {
        "done": "done",
        "kept": "up to date",
        "failed": "failed",
        "skipped": "not run because of that",
        "cancelled": "not finished",
    }
    said = [f"{found[key]} {word}" for key, word in words.items() if found[key]]
    return f"{', '.join(said) or 'No task was asked for'}."
