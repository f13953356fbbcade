"""`byoa status`: how a job is doing, or all of a project."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from byoa import jobs, results
from byoa.cli.common import settings_of
from byoa.cli.show import cell, emit, say, table
from byoa.cli.status_rows import Row, Rows, of_endpoint, of_job
from byoa.cli.status_table import as_data, fitting, job_bar, lines
from byoa.cli.task_place import Found, add_job, find
from byoa.follow import RUNS_ON, step_text
from byoa.place import Place, open_place
from byoa.plan.errors import NotFoundError, UsageError
from byoa.plan.pipeline.report.terminal import cut
from byoa.screen import has_colours, is_live, live, size

HELP = "How a task's last job, a job or an endpoint of that name, or all of a project is doing."
EXAMPLES = """\
  byoa status -p demo                           every task's last job, every endpoint
  byoa status -p demo --watch                   as a table that goes on until all have ended
  byoa status -p demo -t first --watch
  byoa status first-20261122-080522-065fba --on process --json
  byoa status demo-faces                        an endpoint

Exit code with --watch: 0 when all completed, 1 when something did not."""
#: Seconds between two looks: AWS counts how often it is asked.
PAUSES = {True: 2.0, False: 5.0}
Lines = list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", "-w", action="store_true", help="anew until all have ended")
    add_job(parser)


def run(arguments: argparse.Namespace) -> int:
    try:
        return of_one(arguments) if arguments.job or arguments.task_name else of_all(arguments)
    except KeyboardInterrupt:
        say(RUNS_ON)
        return 130


def of_all(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    if not settings.project:
        raise UsageError("Name a job, a task (-t) or a project (-p): `byoa list` shows them.")
    place = open_place(settings)
    rows = Rows(place, settings.project)
    found = rows.look()
    if arguments.watch:
        found = watched(place, found, rows.look, fitting)
    if arguments.json:
        emit([as_data(row) for row in found], arguments)
    elif not found:
        say(
            f"The project {settings.project} has no job and no endpoint on {place.name} among the"
            f" newest {rows.most} of each kind."
        )
    else:
        print_table(found)
    return code(found) if arguments.watch else 0


def of_one(arguments: argparse.Namespace) -> int:
    try:
        found = find(arguments)
    except NotFoundError:
        place = open_place(settings_of(arguments))
        served = of_endpoint(place, arguments.job) if arguments.job else None
        if served is None:
            raise
        return of_served(place, served, arguments)
    row = of_job(found.place, found.run.kind, found.run.job, found.described)
    if arguments.watch:
        seen, shown = [found], [told(found)]

        def look() -> list[Row]:
            one = seen[0] = again(seen[0])
            shown[0] = told(one)  # here and not while drawing: it asks S3
            return [of_job(one.place, one.run.kind, one.run.job, one.described)]

        def draw(now: list[Row], columns: int) -> Lines:
            return [*(cut(line, columns) for line in shown[0]), job_bar(now[0], columns)]

        (row,) = watched(found.place, [row], look, draw)
        found = seen[0]
    show(found, arguments)
    return code([row]) if arguments.watch else 0


def of_served(place: Place, row: Row, arguments: argparse.Namespace) -> int:
    """An endpoint by its name; --watch until nothing is being done to it any more."""

    def look() -> list[Row]:
        found = of_endpoint(place, row.name)
        return [found] if found else []

    found = watched(place, [row], look, fitting) if arguments.watch else [row]
    if not found:
        say(f"The endpoint {row.name} is deleted.")
    elif arguments.json:
        emit(as_data(found[0]), arguments)
    else:
        print_table(found)
    return code(found) if arguments.watch else 0


def again(found: Found) -> Found:
    """The same job, asked once more. It is found by its name: a newer one of the task is not."""
    described = jobs.describe(found.place, found.run.kind, found.run.job)
    return Found(found.place, found.where, found.run, described or found.described)


def watched(
    place: Place,
    found: list[Row],
    look: Callable[[], list[Row]],
    draw: Callable[[list[Row], int], Lines],
) -> list[Row]:
    """Looks until nothing goes on any more; drawn meanwhile where it is a terminal."""
    now, pause = [found], PAUSES[place.is_local]
    if not is_live(sys.stderr):
        while any(row.goes_on for row in now[0]):
            time.sleep(pause)
            now[0] = look()
        return now[0]
    with live(sys.stderr, lambda columns: draw(now[0], columns)) as screen:
        while any(row.goes_on for row in now[0]):
            time.sleep(pause)
            now[0] = look()
            screen.draw()
    return now[0]


def print_table(found: list[Row]) -> None:
    """As wide as the terminal; all of it in a pipe."""
    wide = size()[0] if is_live(sys.stdout) else 10_000
    print("\n".join(lines(found, wide, coloured=has_colours(sys.stdout))))


def code(found: list[Row]) -> int:
    return int(not all(row.is_well for row in found))


def told(found: Found) -> Lines:
    """A job's figures and steps, as lines."""
    data = results.summary(found.place, found.where, found.run, found.described)
    rows = table([[f"{name}:", cell(value)] for name, value in data.items()]).split("\n")
    return [*rows, *(f"  {step_text(step)}" for step in steps(found))]


def steps(found: Found) -> list[Any]:
    return list(found.described.get("SecondaryStatusTransitions", []))


def show(found: Found, arguments: argparse.Namespace) -> None:
    if arguments.json:
        data = results.summary(found.place, found.where, found.run, found.described)
        emit({**data, "steps": steps(found)}, arguments)
    else:
        print("\n".join(told(found)))
