"""`byoa pipeline plan` and `mark-done`: what would run and why; and what is to count as done."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.cli.pipeline_place import add_place, home_of
from byoa.cli.pipeline_select import add_selection, names, selection_of
from byoa.cli.show import say

if TYPE_CHECKING:
    from byoa.plan.pipeline.model import Decision, Pipeline

#: From so many points of a grid on that run for the same reason they are one line.
MANY = 24
WORDS = {"run": "run", "perhaps": "perhaps", "keep": "up to date", "left out": "left out"}


def add_plan(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    add_selection(parser)
    add_place(parser, here=True)
    parser.add_argument("--all", "-a", action="store_true", help="what is up to date, too")
    parser.add_argument("--json", action="store_true", help="as JSON, every task with its reasons")
    parser.add_argument(
        "--check", action="store_true", help="exit code 1 where something would run (for CI)"
    )


def plan(arguments: argparse.Namespace) -> int:
    pipeline, found, most = there(arguments) if arguments.on else here(arguments)
    waits = [name for name, one in found.items() if one.action in ("run", "perhaps")]
    if arguments.json:
        print(
            json.dumps(
                [as_data(pipeline, one) for one in found.values()], indent=2, ensure_ascii=False
            )
        )
    else:
        for line in lines(pipeline, found, everything=arguments.all):
            print(line)
        if most and waits:
            print(most)
    return int(bool(arguments.check and waits))


def here(arguments: argparse.Namespace) -> tuple[Pipeline, Mapping[str, Decision], str]:
    """The decisions by what lies on this disk."""
    from byoa.pipeline.state import State

    pipeline = loaded(arguments)
    return pipeline, State(pipeline).plan(selection_of(arguments)), ""


def there(arguments: argparse.Namespace) -> tuple[Pipeline, Mapping[str, Decision], str]:
    """The decisions by what lies in S3, and the most that what runs can use."""
    from byoa.pipeline.batch.bound import bounded
    from byoa.pipeline.batch.submit import Asked
    from byoa.plan.pipeline.usage import in_words

    asked = Asked(selection=selection_of(arguments), overrides=dict(arguments.env))
    pipeline, found, usage = bounded(home_of(arguments), asked)
    if usage is None:
        return pipeline, found, "no bound: a task without a time-out may run for ever"
    return pipeline, found, f"at most {in_words(usage)}: every attempt to its time-out"


def as_data(pipeline: Pipeline, one: Decision) -> dict[str, Any]:
    """A decision for programs."""
    return {
        "task": one.task,
        "action": one.action,
        "reasons": [{"kind": reason.kind, "text": reason.text} for reason in one.reasons],
        "family": pipeline.tasks[one.task].family,
    }


def lines(
    pipeline: Pipeline, found: Mapping[str, Decision], *, everything: bool = False
) -> Iterator[str]:
    """The table of what runs, then how many of each there are."""
    from byoa.plan.pipeline.report import terminal

    shown = [one for one in found.values() if everything or one.action in ("run", "perhaps")]
    if shown:
        columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
        yield from terminal.table(
            ("task", "action", "why"), rows(pipeline, shown, everything), columns
        )
    counts = {word: sum(one.action == word for one in found.values()) for word in WORDS}
    said = [f"{count} {WORDS[word]}" for word, count in counts.items() if count]
    yield ", ".join(said) or "no tasks"


def rows(
    pipeline: Pipeline, shown: Sequence[Decision], everything: bool
) -> list[tuple[str, str, str]]:
    """A line a task; points of a large grid that have the same reasons are one."""
    from byoa.plan.pipeline.reasons import in_words

    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in shown:
        why = in_words(one.reasons)
        family = pipeline.tasks[one.task].family
        groups.setdefault((family or one.task, one.action, why), []).append(one.task)
    made = []
    for (family, action, why), tasks in groups.items():
        if len(tasks) >= MANY and not everything:
            made.append((f"{family} ({len(tasks)} tasks)", WORDS[action], why))
        else:
            made += [(task, WORDS[action], why) for task in tasks]
    return made


def add_mark_done(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    parser.add_argument(
        "tasks", nargs="+", metavar="TASK", help="names, a grid's name or patterns: 'fit-*'"
    )
    parser.add_argument("--dry-run", action="store_true", help="say which, and do nothing")


def mark_done(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.lock import alone
    from byoa.pipeline.state import State, folder_of
    from byoa.plan.pipeline.selection import named

    pipeline = loaded(arguments)
    chosen = named(pipeline, names([arguments.tasks]))
    with alone(folder_of(pipeline)):
        state = State(pipeline)
        wanted = [
            pipeline.tasks[name]
            for name, one in state.plan().items()
            if name in chosen and one.action != "keep"
        ]
        for task in wanted:
            state.acceptable(task)
        for task in wanted if not arguments.dry_run else ():
            state.accept(task)
        state.save()
    for task in wanted:
        print(task.name)
    say(f"{len(wanted)} {'would be' if arguments.dry_run else 'are'} taken as done; "
        f"up to date already: {len(chosen) - len(wanted)}")  # fmt: skip
    return 0
