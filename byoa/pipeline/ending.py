"""What is said when a build is over: each failure with its last words, then how it went."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from byoa.pipeline.outcome import Outcome, Result
from byoa.plan.pipeline.model import Pipeline

LAST_LINES = 12
#: Of a line, as many letters are shown; the log has all.
WIDEST = 500
#: Colours and moves of the cursor, and other signs that are no letters.
STEERS = re.compile(
    r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
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
    yield f"✗ {outcome.task} failed{times}: {shown(said[0])}"
    yield from (f"  {shown(line)}" for line in said[1:] if line not in log)
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
    return [shown(line.rstrip()) for line in text.rstrip().splitlines()[-LAST_LINES:]]


def shown(line: str) -> str:
    """What a terminal may be given: not too long, and nothing that steers it."""
    cut = line if len(line) <= WIDEST else f"{line[:WIDEST]}…"
    return STEERS.sub("", cut).expandtabs()


def counts(result: Result) -> str:
    """One line: 3 done, 12 up to date, 1 failed, 4 skipped because of it."""
    found: Counter[str] = Counter(outcome.outcome for outcome in result.outcomes.values())
    words = {
        "done": "done",
        "kept": "up to date",
        "failed": "failed",
        "skipped": "not run because of that" if found["failed"] else "not run",
        "cancelled": "not finished",
    }
    said = [f"{found[key]} {word}" for key, word in words.items() if found[key]]
    return f"{', '.join(said) or 'No task was asked for'}."
