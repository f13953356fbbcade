"""`byoa pipeline nb`: the sources of notebook tasks, made ready for an editor and back."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from byoa.cli.pipeline_entry import add_entry, loaded
from byoa.plan.pipeline.model import Pipeline


def add_nb(parser: argparse.ArgumentParser) -> None:
    add_entry(parser)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--inject", "-i", action="store_true", help="put in the cell that a build would inject"
    )
    what.add_argument("--remove", "-r", action="store_true", help="take that cell out again")
    what.add_argument(
        "--format",
        metavar="FORMAT",
        help="change scripts and notebooks into py:percent, ipynb, md …, also in pipeline.yaml",
    )
    what.add_argument(
        "--pair", metavar="FOLDER", help="keep an .ipynb of every script in a folder beside it"
    )
    what.add_argument("--sync", "-s", action="store_true", help="bring pairs up to date")
    parser.add_argument(
        "tasks", nargs="*", metavar="TASK", help="names or patterns; a grid's file gets the first"
    )


def nb(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.notebook import edit

    pipeline = loaded(arguments)
    for file in edit.sources(pipeline, arguments.tasks):
        print(one(pipeline, file, arguments))
    return 0


def one(pipeline: Pipeline, file: object, arguments: argparse.Namespace) -> str:
    """Does it to one file, and says what was done."""
    from byoa.pipeline.notebook import edit

    assert isinstance(file, edit.File)
    name = os.path.relpath(file.path, pipeline.root)
    if arguments.inject:
        done = edit.inject(pipeline, file)
        whose = f"the parameters of {file.task.name}"
        others = f" (one of {file.shared_by} tasks)" if file.shared_by > 1 else ""
        return f"{name}: {'has' if done else 'had'} {whose}{others}"
    if arguments.remove:
        return f"{name}: {'injected cell removed' if edit.remove(file) else 'has none'}"
    if arguments.pair:
        edit.pair(file, arguments.pair)
        return f"{name}: paired with {arguments.pair}"
    if arguments.sync:
        edit.sync(file)
        return f"{name}: in step"
    new, told = edit.reformat(pipeline, file, arguments.format, entry_of(arguments))
    now = os.path.relpath(new, pipeline.root)
    return f"{name}: is {now}" + ("" if told else "; write that into pipeline.yaml")


def entry_of(arguments: argparse.Namespace) -> Path | None:
    """The file that names the sources, if it is one."""
    from byoa.pipeline.entry import beginning

    return beginning(arguments.entry_point, os.environ, Path.cwd()).file
