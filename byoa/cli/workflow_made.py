"""create, update, delete, list and export of `byoa workflow`."""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from byoa.aws import statemachines
from byoa.cli.common import settings_of
from byoa.cli.show import emit, say
from byoa.plan.errors import ByoaError
from byoa.plan.workflow.requests import PROJECT
from byoa.settings import Settings
from byoa.workflow import deployment, files, removal, runs
from byoa.workflow.deployment import Outcome
from byoa.workflow.here import ASKED
from byoa.workflow.home import Home, open_home
from byoa.workflow.machine import Wanted
from byoa.workflow.workflow import Workflow


def wanted_of(arguments: argparse.Namespace, settings: Settings) -> tuple[Wanted, Workflow]:
    """The file's workflow with the flags on top."""
    ASKED.set(settings)
    made = files.load(arguments.file, arguments.name)
    made.role = arguments.role or made.role or settings.role
    made.tags = {**made.tags, **dict(arguments.tag)}
    made.log_level = arguments.log or made.log_level
    made.tracing = arguments.tracing or made.tracing
    return made.wanted(arguments.publish), made


def create(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    wanted, _ = wanted_of(arguments, settings)
    home = open_home(settings)
    if arguments.dry_run:
        return dry_run(home, wanted)
    done = deployment.create(home, wanted)
    if done.action == "unchanged" and done.changes:
        raise ByoaError(
            f"The workflow {wanted.name} is there already, and the file differs: "
            f"{'; '.join(done.changes)}. Change it: byoa workflow update {arguments.file}"
        )
    return tell(home, done, wanted, arguments)


def update(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    wanted, _ = wanted_of(arguments, settings)
    home = open_home(settings)
    if arguments.dry_run:
        return dry_run(home, wanted)
    return tell(home, deployment.update(home, wanted), wanted, arguments)


def dry_run(home: Home, wanted: Wanted) -> int:
    emit(deployment.dry_run(home, wanted), argparse.Namespace(json=True))
    return 0


def tell(home: Home, done: Outcome, wanted: Wanted, arguments: argparse.Namespace) -> int:
    for line in done.changes:
        say(line)
    version = {"version": done.version} if done.version else {}
    emit({"workflow": wanted.name, "action": done.action, **version, "arn": done.arn}, arguments)
    given = "".join(f" -i {name}=…" for name in wanted.schema if name[-1:] != "?")
    say(f"Next: byoa workflow run {wanted.name}{given} --wait{home.said}")
    return 0


def delete(arguments: argparse.Namespace) -> int:
    home = open_home(settings_of(arguments))
    if arguments.dry_run:
        found = removal.things(home, home.machine(arguments.name))
        emit([{"kind": thing.kind, "name": thing.name} for thing in found], arguments)
        return 0
    removal.delete(home, arguments.name, arguments.force)
    return 0


def listing(arguments: argparse.Namespace) -> int:
    """A workflow's executions, or the project's workflows (all of them without a project)."""
    home = open_home(settings_of(arguments))
    if arguments.name:
        emit(list(runs.listed(home, arguments.name, arguments.status, arguments.most)), arguments)
        return 0
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda one: row_of(home, one), machines(home)))
    emit([row for row in rows if row], arguments)
    return 0


def machines(home: Home) -> list[dict[str, Any]]:
    return sorted(statemachines.machines(home.states), key=lambda one: str(one["name"]))


def row_of(home: Home, found: dict[str, Any]) -> dict[str, Any] | None:
    arn = found["stateMachineArn"]
    project = statemachines.tags(home.states, arn).get(PROJECT, "")
    if home.project and project != home.project:
        return None
    last = next(statemachines.executions(home.states, arn, most=1), {})
    return {
        "workflow": found["name"],
        "project": project or "-",
        "created": found["creationDate"],
        "last": last.get("name", "-"),
        "status": last.get("status", "-"),
    }


def export(arguments: argparse.Namespace) -> int:
    made = source(arguments)
    written: Any = made.definition
    if arguments.format == "cloudformation":
        from byoa.plan.workflow.cloudformation import template

        logs = made.log_level != "OFF"
        written = template(
            made.definition, name=made.name, tags=made.tags, logs=logs, tracing=made.tracing
        )
    put(json.dumps(written, indent=2) + "\n", arguments.output)
    return 0


def source(arguments: argparse.Namespace) -> Workflow:
    """The workflow of a file, or of Step Functions."""
    if files.is_file(arguments.name):
        ASKED.set(settings_of(arguments))
        return files.load(Path(arguments.name))
    home = open_home(settings_of(arguments))
    return Workflow.of(home, home.machine(arguments.name))


def put(text: str, path: Path | None) -> None:
    if path is None:
        print(text, end="")
    else:
        path.write_text(text, encoding="utf-8")
        say(f"wrote {path}")
