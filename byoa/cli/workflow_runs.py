"""run, watch, stop, redrive and render of `byoa workflow`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from byoa.aws.statemachines import OVER
from byoa.cli.common import settings_of
from byoa.cli.show import emit, say
from byoa.cli.workflow_made import put, source
from byoa.plan.errors import UsageError
from byoa.plan.workflow import picture
from byoa.plan.workflow.inputs import parted, schema_of, typed
from byoa.plan.workflow.schema import Schema
from byoa.workflow import files, runs
from byoa.workflow.deployment import definition_of
from byoa.workflow.home import Home, open_home
from byoa.workflow.watch import Watched, end_of, summary
from byoa.workflow.watch import watch as watch_to_end

LINE = 200
#: What a picture's name ends in.
PICTURES = {".svg": "svg", ".html": "html", ".htm": "html", ".mmd": "mermaid", ".md": "mermaid"}


def run(arguments: argparse.Namespace) -> int:
    home = open_home(settings_of(arguments))
    found = home.machine(arguments.name)
    given = given_input(arguments, schema_of(definition_of(found)), sent(arguments, home, found))
    if arguments.dry_run:
        name = arguments.execution or runs.new_name()
        emit({"start_execution": runs.start_request(found, name, given)}, dry())
        return 0
    started = runs.start(home, found["stateMachineArn"], given, arguments.execution)
    say(f"execution {started['name']} of {found['name']}: {started['status']}")
    if arguments.wait:
        return follow(home, started["executionArn"], arguments)
    emit(
        {
            "workflow": found["name"],
            "execution": started["name"],
            "status": started["status"],
            "arn": started["executionArn"],
        },
        arguments,
    )
    say(f"Next: byoa workflow watch {found['name']} {started['name']}{home.said}")
    return 0


def sent(arguments: argparse.Namespace, home: Home, found: Mapping[str, Any]) -> list[str]:
    """--upload's and --zip's addresses, as words of -i; a dry run sends nothing."""
    if not (arguments.upload or arguments.zip):
        return []
    from byoa.workflow.uploads import Uploads

    uploads = Uploads(home, settings_of(arguments), found)
    kinds = (
        ("--upload", arguments.upload, uploads.send),
        ("--zip", arguments.zip, uploads.send_zip),
    )
    return [
        f"{name}={send(name, Path(path).expanduser(), arguments.dry_run)}"
        for flag, words, send in kinds
        for name, _, path in (parted(word, flag) for word in words)
    ]


def given_input(arguments: argparse.Namespace, schema: Schema, more: list[str]) -> Any:
    """--input's JSON with the -i words on top."""
    base = read_input(arguments.input) if arguments.input else {}
    words = typed(schema, [*arguments.inputs, *more])
    if words and not isinstance(base, dict):
        raise UsageError(f"--input {arguments.input} is no object, so that -i has no place in it.")
    return over(base, words) if words else base


def over(base: dict[str, Any], words: dict[str, Any]) -> dict[str, Any]:
    made = dict(base)
    for key, value in words.items():
        below = made.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        made[key] = over(below, value) if both and below is not None else value
    return made


def read_input(path: str) -> Any:
    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--input {path} is no JSON: {error}. Mend it.") from error


def dry() -> argparse.Namespace:
    return argparse.Namespace(json=True)


def follow(home: Home, arn: str, arguments: argparse.Namespace) -> int:
    """Watches to the end: 0 if it succeeded. Ctrl-C leaves it running."""
    try:
        watched = watch_to_end(home, arn, page=arguments.page)
    except KeyboardInterrupt:
        where = " ".join(arn.partition(":execution:")[2].split(":"))
        say(f"\nThe execution runs on. Watch it: byoa workflow watch {where}{home.said}")
        say(f"Stop it: byoa workflow stop {where}{home.said}")
        return 130
    told = summary(watched)
    emit(told if arguments.json else {**told, **texts(told)}, arguments)
    end_of(watched)
    return 0


def texts(told: Mapping[str, Any]) -> dict[str, str]:
    """Input and output as a line each; all of it is --json's to show."""
    whole = {name: json.dumps(told[name]) for name in ("input", "output")}
    return {
        name: text if len(text) <= LINE else f"{text[:LINE]}… (--json shows all)"
        for name, text in whole.items()
    }


def watch(arguments: argparse.Namespace) -> int:
    home = open_home(settings_of(arguments))
    found = runs.find(home, arguments.name, arguments.execution)
    return follow(home, found["executionArn"], arguments)


def stop(arguments: argparse.Namespace) -> int:
    home = open_home(settings_of(arguments))
    found = runs.find(home, arguments.name, arguments.execution)
    if found["status"] in OVER:
        say(f"execution {found['name']} has ended already: nothing is stopped")
    runs.stop(home, found, "Stopped", arguments.cause or "Stopped with byoa workflow stop.")
    ended = runs.ended(home, found["executionArn"])
    emit({"execution": ended["name"], "status": ended["status"]}, arguments)
    return 0


def redrive(arguments: argparse.Namespace) -> int:
    home = open_home(settings_of(arguments))
    found = runs.find(home, arguments.name, arguments.execution)
    runs.redrive(home, found)
    say(f"execution {found['name']}: redriven")
    if arguments.wait:
        return follow(home, found["executionArn"], arguments)
    where = " ".join(found["executionArn"].partition(":execution:")[2].split(":"))
    say(f"Next: byoa workflow watch {where}{home.said}")
    return 0


def render(arguments: argparse.Namespace) -> int:
    chosen = arguments.format or format_of(arguments.output)
    if arguments.execution:
        put(coloured(arguments, chosen), arguments.output)
        return 0
    made = source(arguments)
    draw = getattr(picture, chosen)
    more: dict[str, Any] = {} if chosen == "mermaid" else {"title": made.name}
    if chosen != "html":  # which holds both
        more["opened"] = arguments.open
    put(draw(made.definition, **more), arguments.output)
    return 0


def format_of(output: Path | None) -> str:
    """What a file's name says that it holds."""
    kind = PICTURES.get(output.suffix) if output else "mermaid"
    if kind is None:
        raise UsageError(
            f"-o {output}: byoa draws {', '.join(PICTURES)}. Name it so, or say --format."
        )
    return kind


def coloured(arguments: argparse.Namespace, chosen: str) -> str:
    """The picture of one execution."""
    if files.is_file(arguments.name):
        raise UsageError(f"{arguments.name} is a file, and executions are of workflows. Name one.")
    home = open_home(settings_of(arguments))
    name = "" if arguments.execution == "last" else arguments.execution
    watched = Watched(home, runs.find(home, arguments.name, name)["executionArn"])
    watched.look()
    return watched.drawn(chosen, opened=arguments.open)
