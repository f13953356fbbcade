"""`byoa pipeline build` and `task`: run what has to run, tell it while it goes on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.cli.pipeline_select import add_selection, selection_of
from byoa.plan.errors import NotFoundError
from byoa.plan.pipeline.model import Pipeline
from byoa.plan.pipeline.selection import Selection, hint
from byoa.progress import say

if TYPE_CHECKING:
    from byoa.pipeline.build import Options
    from byoa.pipeline.outcome import Result


def add_build(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    add_selection(parser)
    group = parser.add_argument_group("How")
    group.add_argument(
        "--jobs", "-j", type=at_least_one, metavar="N", help="tasks at once (the cores)"
    )
    end = group.add_mutually_exclusive_group()
    end.add_argument("--fail-fast", action="store_true", help="begin nothing after a failure")
    end.add_argument(
        "--keep-going",
        action="store_true",
        help="a failure stops what depends on it, nothing else (as it is without this)",
    )
    add_how(group)


def add_how(group: Any) -> None:
    group.add_argument(
        "--debug", "-d", action="store_true", help="one by one; a debugger where it fails"
    )
    group.add_argument(
        "--no-wait", action="store_true", help="refuse while another build of it runs"
    )
    group.add_argument("--quiet", "-q", action="store_true", help="only what failed")
    group.add_argument("--json", action="store_true", help="the result as JSON on stdout")


def build(arguments: argparse.Namespace) -> int:
    return built(loaded(arguments), selection_of(arguments), arguments)


def built(pipeline: Pipeline, selection: Selection, arguments: argparse.Namespace) -> int:
    from byoa.pipeline.build import build as run
    from byoa.pipeline.show import asked_for

    for note in pipeline.notes:
        say(f"note: {note}")
    show = asked_for(pipeline, selection, quiet=arguments.quiet or arguments.debug)
    result = run(pipeline, selection, options_of(arguments), watcher=show)
    if result.begun:
        show.close()
    return told(pipeline, result, arguments)


def options_of(arguments: argparse.Namespace) -> Options:
    from byoa.pipeline.build import Options

    return Options(
        jobs=getattr(arguments, "jobs", None),
        fail_fast=getattr(arguments, "fail_fast", False),
        wait=not arguments.no_wait,
        debug=arguments.debug,
        argv=tuple(sys.argv),
    )


def told(pipeline: Pipeline, result: Result, arguments: argparse.Namespace) -> int:
    """Every failure with its last words, then the count; the exit code."""
    from byoa.pipeline.ending import lines

    if arguments.json:
        print(json.dumps(as_json(result), indent=1))
    for line in lines(pipeline, result, shown=result.begun and not arguments.quiet):
        if not arguments.quiet or result.exit_code:
            print(line, file=sys.stderr)
    return result.exit_code


def as_json(result: Result) -> Mapping[str, Any]:
    tasks = {
        name: {key: value for key, value in asdict(one).items() if key != "task"}
        for name, one in result.outcomes.items()
    }
    return {"run": result.run if result.begun else "", "outcome": result.word, "tasks": tasks}


def at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def add_task(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    parser.add_argument("name", metavar="TASK", help="the task's name")
    what = parser.add_argument_group("What to do with it")
    what.add_argument("--source", "-s", action="store_true", help="print its source")
    what.add_argument("--status", "-st", action="store_true", help="whether it would run, and why")
    what.add_argument("--on-finish", "-of", action="store_true", help="call its on_finish hook")
    what.add_argument(
        "--build", "-b", action="store_true", help="build it (what is done without these flags)"
    )
    what.add_argument("--force", "-f", action="store_true", help="build it though it is up to date")
    add_how(parser.add_argument_group("How"))


def task(arguments: argparse.Namespace) -> int:
    """One task alone: what it needs has to be there."""
    pipeline = loaded(arguments)
    name = arguments.name
    if name not in pipeline.tasks:
        raise NotFoundError(f"No task is called {name}. {hint(pipeline, [name])}")
    if arguments.source:
        from byoa.pipeline.written import source_of

        source = pipeline.tasks[name].source
        print(source_of(pipeline.root, pipeline.import_from, source))
    if arguments.status:
        tell_status(pipeline, name)
    if arguments.on_finish:
        from byoa.pipeline.hooks import finish_task

        finish_task(pipeline, pipeline.tasks[name])
    if arguments.build or not (arguments.source or arguments.status or arguments.on_finish):
        force = (name,) if arguments.force else ()
        return built(pipeline, Selection(only=(name,), skip_upstream=True, force=force), arguments)
    return 0


def tell_status(pipeline: Pipeline, name: str) -> None:
    from byoa.pipeline.state import State

    found = State(pipeline).plan(Selection(only=(name,)))[name]
    why = "; ".join(reason.text for reason in found.reasons)
    words = {"run": "it would run", "perhaps": "it would run", "keep": "it is up to date"}
    print(f"{name}: {words[found.action]}{': ' if why else ''}{why}")
