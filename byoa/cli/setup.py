"""`byoa setup`: the project's infrastructure on AWS, planned, shown, then applied."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit, say
from byoa.plan.errors import UsageError

if TYPE_CHECKING:
    from byoa.plan.infrastructure import Infrastructure

HELP = "a project's bucket, functions, builds and workflow on AWS"
EXAMPLES = """\
byoa setup -p cells                       show what would change, ask, do it
byoa setup -p cells --yes                 do not ask
byoa setup -p cells --schedule "rate(1 day)"
byoa setup -p cells --trigger-prefix incoming/data/ --trigger-suffix _READY
byoa setup -p cells --set LogDays=90      a parameter of infrastructure/template.yml
byoa setup -p cells --policy              what whoever runs this must be allowed
"""
#: Flags that are parameters of the template.
FLAGS = {
    "schedule": ("Schedule", "WHEN", "start by itself: rate(1 day), cron(0 6 * * ? *); '' ends it"),
    "trigger_prefix": ("TriggerPrefix", "FOLDER", "start on uploads below incoming/…; '' ends it"),
    "trigger_suffix": ("TriggerSuffix", "END", "only on uploads whose names end so (a marker)"),
    "trigger_image": ("TriggerImageTag", "TAG", "start on a pushed image of that tag"),
    "trigger_push": ("TriggerRepository", "REPO[:BRANCH]", "start on a push to CodeCommit"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common(parser, dry_run=True)
    parser.add_argument("--yes", "-y", action="store_true", help="do it without asking")
    group = parser.add_argument_group("What starts the workflow")
    for name, (_, metavar, text) in FLAGS.items():
        group.add_argument(f"--{name.replace('_', '-')}", metavar=metavar, help=text)
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], help="a template's parameter"
    )
    parser.add_argument(
        "--policy", action="store_true", help="print the IAM policy that setup and teardown need"
    )


def run(arguments: argparse.Namespace) -> int:
    from byoa.infrastructure import Setup
    from byoa.place import open_place

    settings = settings_of(arguments)
    setup = Setup(open_place(settings), settings.need_project(), parameters(arguments), say)
    if arguments.policy:
        return policy(setup.names, setup.code_bucket)
    if arguments.dry_run:
        request = setup.request(setup.stack.find())
        if not arguments.json:
            size = len(request["TemplateBody"].encode())
            request["TemplateBody"] = f"infrastructure/template.yml ({size:,} bytes; see --json)"
        print(
            json.dumps({"uploads": sorted(setup.uploads), "create_change_set": request}, indent=2)
        )
        return 0
    shown: list[dict[str, str]] = []

    def agreed(rows: list[dict[str, str]]) -> bool:
        shown.extend(rows)
        if not arguments.json:
            used = [key for key in rows[0] if any(row[key] for row in rows)]
            emit([{key: row[key] for key in used} for row in rows])
        return bool(arguments.yes) or asked(len(rows))

    made = setup.run(agreed)
    if arguments.json:
        emit({"changes": shown, "outputs": made or {}}, arguments)
    elif made is not None:
        emit(made)
    return 1 if made is None else 0


def policy(names: Infrastructure, bucket: str) -> int:
    from byoa.plan.iam import setup_policy

    print(json.dumps(setup_policy(names, bucket), indent=1))
    return 0


def parameters(arguments: argparse.Namespace) -> dict[str, str]:
    """The template's parameters that were given; what was not stays what it is."""
    said = {}
    for one in arguments.set:
        name, equals, value = one.partition("=")
        if not equals or not name.isalnum():
            raise UsageError(f"--set {one!r} is not NAME=VALUE.")
        said[name] = value
    for flag, (name, _, _) in FLAGS.items():
        if (value := getattr(arguments, flag)) is not None:
            said[name] = value
    if said.get("TriggerRepository"):
        said["TriggerRepository"], colon, branch = said["TriggerRepository"].partition(":")
        said |= {"TriggerBranch": branch} if colon else {}
    checked(said)
    return said


def checked(said: dict[str, str]) -> None:
    """The mistakes that CloudFormation would tell less well."""
    prefix, schedule = said.get("TriggerPrefix", ""), said.get("Schedule", "")
    if prefix and not prefix.startswith("incoming/"):
        raise UsageError(
            f"--trigger-prefix is {prefix!r}. Take a folder below incoming/: there nothing of the"
            " stack can write, so that no run starts the next one. For a bucket of your own say"
            " byoa workflow trigger."
        )
    if schedule:
        from byoa.plan.workflow.schedule import checked as checked_schedule

        checked_schedule(schedule)


def asked(count: int) -> bool:
    """The answer of a person; without one nothing is done."""
    if not sys.stdin.isatty():
        say("nothing was done: say --yes")
        return False
    print(f"Apply these {count} changes? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
