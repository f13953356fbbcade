"""`byoa data`: a task's state and results, as simple-sagemaker's `ssm data`."""

from __future__ import annotations

import argparse

from byoa import results
from byoa.cli.common import add_common, settings_of
from byoa.cli.show import emit
from byoa.cli.task_flags import COMMON, wanted
from byoa.cli.task_place import last_of
from byoa.place import open_place
from byoa.plan.errors import UsageError
from byoa.plan.layout import ProjectPlace

HELP = "Clean a task's state, or download what its last job made."
EXAMPLES = """\
  byoa data -p demo -t first --clean_state
  byoa data -p demo -t first -o ./out --download_model --download_output"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--task_name", "-t", help="the task's name (byoa.toml's task)")
    parser.add_argument("--clean_state", "--cs", action="store_true", help="delete its state")
    parser.add_argument("--force_running", "--fr", action="store_true", help=argparse.SUPPRESS)
    for names, options in COMMON["Output"]:
        parser.add_argument(*names, **options)
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    settings, keep = settings_of(arguments), wanted(arguments)
    if not (keep or arguments.clean_state):
        raise UsageError("Nothing is asked for. Give --clean_state, or a folder: -o OUT.")
    place = open_place(settings)
    task = settings.need_task(arguments.task_name)
    where = ProjectPlace(place.storage.base, settings.need_project()).task(task)
    done = {}
    if arguments.clean_state:
        done["deleted"] = place.storage.delete(where.state)
    if keep:
        done |= results.download(place, where, last_of(place, where).run, keep)
    emit(done, arguments)
    return 0
