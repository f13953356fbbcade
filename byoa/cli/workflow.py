"""`byoa workflow`: state machines of Step Functions, from a file to a finished execution."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from byoa.cli.common import add_common
from byoa.plan.workflow.requests import LEVELS

HELP = "State machines on Step Functions: make, run, watch, stop, redrive, trigger, delete them."
EXAMPLES = """\
  byoa workflow init faces --template build-train-deploy
  byoa workflow create faces.py                     the state machine and its role
  byoa workflow run faces -i epochs=5 --wait        input checked, states shown as they go
  byoa workflow watch faces --page faces.html       in the terminal, and as a page that refreshes
  byoa workflow redrive faces                       go on where it failed
  byoa workflow trigger faces --s3 s3://bucket/new/ --marker _DONE
  byoa workflow export faces.py --format cloudformation"""

Sub = argparse.ArgumentParser
EXECUTION = "an execution's name (the newest one)"
STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="do", metavar="DO", required=True)
    for name, (text, add, dry) in DO.items():
        words: dict[str, Any] = {"help": text, "description": text, "allow_abbrev": False}
        sub = verbs.add_parser(name, **words)
        add(sub)
        add_common(sub, dry_run=dry)


def run(arguments: argparse.Namespace) -> int:
    """The module of the sub-verb is loaded when it is asked for: --help needs no AWS."""
    module, _, function = WHERE[arguments.do].partition(":")
    return int(getattr(import_module(f"byoa.cli.{module}"), function)(arguments))


def add_init(sub: Sub) -> None:
    import_module("byoa.cli.workflow_init").add_arguments(sub)


def add_file(sub: Sub) -> None:
    sub.add_argument("file", type=Path, metavar="FILE", help="a .py with a Workflow; .json, .yaml")
    sub.add_argument("--name", default="", help="which one of the file; a JSON file's name")
    sub.add_argument("--role", help="run as this role (one is made with just what is needed)")
    sub.add_argument(
        "--tag",
        nargs=2,
        action="append",
        default=[],
        metavar=("KEY", "VALUE"),
        help="again for more",
    )
    sub.add_argument("--log", choices=LEVELS, help="write executions to CloudWatch Logs (OFF)")
    sub.add_argument("--tracing", action="store_true", help="trace with X-Ray")
    sub.add_argument(
        "--publish", nargs="?", const="", metavar="TEXT", help="publish a version, described so"
    )


def add_delete(sub: Sub) -> None:
    add_name(sub)
    sub.add_argument("--force", action="store_true", help="stop what still runs")


def add_name(sub: Sub) -> None:
    sub.add_argument("name", metavar="NAME", help="the workflow's name or ARN")


def add_run(sub: Sub) -> None:
    add_name(sub)
    sub.add_argument(
        "-i", dest="inputs", action="append", default=[], metavar="KEY=VALUE",
        help="one input; KEY:=JSON for anything but text; again for more",
    )  # fmt: skip
    for flag, text in (
        ("--upload", "a file or folder of here: sent, its address is the input; again for more"),
        ("--zip", "a folder of here as a zip, without .dockerignore's; again for more"),
    ):
        words: dict[str, Any] = {"action": "append", "default": [], "metavar": "KEY=PATH"}
        sub.add_argument(flag, help=text, **words)
    sub.add_argument("--input", metavar="FILE", help="the whole input as JSON; - reads stdin")
    sub.add_argument(
        "--name", dest="execution", default="", help="the execution's name (a new one)"
    )
    sub.add_argument("--wait", action="store_true", help="watch it to its end")
    add_page(sub)


def add_page(sub: Sub) -> None:
    sub.add_argument("--page", type=Path, metavar="FILE.html", help="a page that refreshes itself")


def add_list(sub: Sub) -> None:
    sub.add_argument("name", nargs="?", metavar="NAME", help="its executions; else the workflows")
    sub.add_argument("--status", choices=STATUSES, default="", help="executions of this status")
    sub.add_argument("--most", type=int, default=50, help="so many executions (50)")


def add_execution(sub: Sub) -> None:
    sub.add_argument("name", metavar="NAME", help="a workflow's name, or an execution's ARN")
    sub.add_argument("execution", nargs="?", default="", metavar="EXECUTION", help=EXECUTION)


def add_watch(sub: Sub) -> None:
    add_execution(sub)
    add_page(sub)


def add_stop(sub: Sub) -> None:
    add_execution(sub)
    sub.add_argument("--cause", default="", help="why, for whoever reads it later")


def add_redrive(sub: Sub) -> None:
    add_execution(sub)
    sub.add_argument("--wait", action="store_true", help="watch it to its end")
    add_page(sub)


def add_render(sub: Sub) -> None:
    add_source(sub, ("mermaid", "svg", "html"))
    sub.add_argument("--execution", metavar="EXECUTION", help="coloured by its states; `last`")
    sub.add_argument("--open", action="store_true", help="what is within a step, too")


def add_export(sub: Sub) -> None:
    add_source(sub, ("asl", "cloudformation"))


def add_source(sub: Sub, formats: tuple[str, ...]) -> None:
    sub.add_argument("name", metavar="NAME_OR_FILE", help="a workflow, or a file as for create")
    sub.add_argument("--format", choices=formats, help=f"what to write ({formats[0]})")
    sub.add_argument("-o", dest="output", type=Path, metavar="FILE", help="write it there")


def add_trigger(sub: Sub) -> None:
    add_name(sub)
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument("--s3", metavar="s3://BUCKET/PREFIX", help="an object was created there")
    what.add_argument("--schedule", metavar="RATE", help='"rate(1 day)" or "cron(0 6 * * ? *)"')
    what.add_argument("--image", metavar="REPO[:TAG]", help="an image was pushed to ECR")
    what.add_argument("--push", metavar="REPO[:BRANCH]", help="a push to CodeCommit (main)")
    what.add_argument("--list", action="store_true", help="the triggers that there are")
    what.add_argument("--remove", metavar="TRIGGER", help="delete one by its name, or all")
    sub.add_argument("--suffix", default="", help="--s3: names that end so")
    sub.add_argument("--marker", default="", help="--s3: this file only, uploaded last")
    sub.add_argument(
        "-i", dest="inputs", action="append", default=[], metavar="KEY=VALUE",
        help="the execution's input; {key}, {time}, {tag} … are the event's; again for more",
    )  # fmt: skip


Add = Callable[[Sub], None]
#: Every sub-verb: what it does, its arguments, whether it can show what it would send.
DO: dict[str, tuple[str, Add, bool]] = {
    "init": ("write NAME.py, a workflow to begin with", add_init, False),
    "create": ("make the state machine and its role", add_file, True),
    "update": ("bring what is there to what the file says; tells what changed", add_file, True),
    "run": ("start an execution; the same name and input is the same one", add_run, True),
    "list": ("workflows, or the executions of one", add_list, False),
    "watch": ("an execution's states until it has ended; its exit code", add_watch, False),
    "stop": ("stop an execution and the jobs that it waits for", add_stop, False),
    "redrive": ("go on where an execution failed, within 14 days", add_redrive, False),
    "render": ("draw it: Mermaid, SVG or HTML", add_render, False),
    "export": ("its definition, or a CloudFormation template", add_export, False),
    "trigger": ("start it by an event: S3, a schedule, an image, a push", add_trigger, True),
    "delete": ("delete it and what was made for it", add_delete, True),
}
WHERE = {
    **{name: f"workflow_made:{name}" for name in ("create", "update", "delete", "list", "export")},
    **{name: f"workflow_runs:{name}" for name in ("run", "watch", "stop", "redrive", "render")},
    "list": "workflow_made:listing",
    "trigger": "workflow_trigger:trigger",
    "init": "workflow_init:run",
}
