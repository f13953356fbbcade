"""`byoa workflow trigger`: what starts a workflow."""

from __future__ import annotations

import argparse
from typing import Any

from byoa.cli.common import settings_of
from byoa.cli.show import emit, say
from byoa.plan.errors import UsageError
from byoa.plan.workflow import events
from byoa.plan.workflow.events import Trigger
from byoa.plan.workflow.inputs import schema_of, typed
from byoa.plan.workflow.outputs import outputs
from byoa.workflow import triggers
from byoa.workflow.deployment import definition_of
from byoa.workflow.home import open_home


def trigger(arguments: argparse.Namespace) -> int:
    home = open_home(settings_of(arguments))
    found = triggers.machine_of(home, arguments.name)
    if arguments.list:
        emit(list(triggers.listed(home, found)), arguments)
        return 0
    if arguments.remove:
        for name in triggers.remove(home, found, arguments.remove):
            say(f"removed trigger {name}")
        return 0
    definition = definition_of(found)
    words = typed(schema_of(definition), arguments.inputs)
    given = words or None
    asked = asked_for(arguments, definition, given)
    if arguments.dry_run:
        triggers.check(asked, found, given)
        emit(triggers.planned(home, found, asked, given), argparse.Namespace(json=True))
        return 0
    name = triggers.add(home, found, asked, given)
    emit({"trigger": name, "on": f"{asked.kind} {asked.what}", "starts": found["name"]}, arguments)
    return 0


def asked_for(arguments: argparse.Namespace, definition: Any, given: Any) -> Trigger:
    """The trigger that the flags describe."""
    if (arguments.suffix or arguments.marker) and not arguments.s3:
        raise UsageError("--suffix and --marker say which objects of --s3. Leave them out here.")
    if arguments.s3:
        written = outputs(definition, given)
        made = events.s3_trigger(arguments.s3, arguments.suffix, arguments.marker, written)
        if not (arguments.suffix or arguments.marker):
            say("Every object is an execution of its own. For one of many files: --marker NAME.")
        return made
    if arguments.schedule:
        return events.schedule_trigger(arguments.schedule)
    if arguments.image:
        return events.image_trigger(arguments.image)
    return events.push_trigger(arguments.push)
