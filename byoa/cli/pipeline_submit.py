"""`byoa pipeline init` and `submit`: a project made ready for AWS, and sent there."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from byoa.cli.pipeline_entry import add_entry
from byoa.cli.pipeline_place import add_place, home_of
from byoa.cli.pipeline_select import add_selection, selection_of
from byoa.plan.errors import UsageError

if TYPE_CHECKING:
    from byoa.pipeline.batch.submit import Asked


def add_submit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("section", nargs="?", metavar="TARGET", help="as --target")
    add_entry(parser)
    add_selection(parser)
    add_place(parser)
    group = parser.add_argument_group("How")
    group.add_argument(
        "--mode", "-m", default="incremental", choices=("incremental", "regular", "force"),
        help="only what is outdated in S3 (default); all, decided there; all, whatever its state",
    )  # fmt: skip
    group.add_argument("--task", "-t", metavar="TASK", help="this one task alone")
    group.add_argument("--wait", action="store_true", help="watch it to its end; its exit code")
    group.add_argument(
        "--until-build", "-u", action="store_true", help="build and push the image, submit nothing"
    )
    group.add_argument("--skip-tests", "-s", action="store_true", help="do not try the image first")
    group.add_argument(
        "--skip-docker", "-S", action="store_true", help="take the image that was pushed last"
    )
    group.add_argument(
        "--ignore-git", "-i", action="store_true", help="all files travel, not git's alone"
    )
    group.add_argument(
        "--jobs", choices=("batch", "sagemaker"), default="batch",
        help="--on stepfunctions: whose jobs its states are (batch)",
    )  # fmt: skip
    group.add_argument("--codebuild", action="store_true", help="let AWS build the image")
    group.add_argument("--rebuild", action="store_true", help="build though nothing changed")
    group.add_argument(
        "--again", action="store_true", help="though a run of this pipeline is still going on"
    )
    group.add_argument(
        "--dry-run", action="store_true", help="print every request as JSON, send nothing"
    )
    group.add_argument("--json", action="store_true", help="results as JSON")


def submit(arguments: argparse.Namespace) -> int:
    from byoa.pipeline.services import service

    arguments.target = arguments.target or arguments.section
    there = service(arguments.on or "batch")
    home, asked = home_of(arguments), asked_of(arguments)
    if arguments.dry_run:
        print(json.dumps(there.dry_run(home, asked), indent=2, default=str))
        return 0
    return int(there.submitted(home, asked, arguments.wait, arguments.json))


def asked_of(arguments: argparse.Namespace) -> Asked:
    from dataclasses import replace

    from byoa.pipeline.batch.submit import Asked

    selection = selection_of(arguments)
    if arguments.task:
        if not selection.is_all:
            raise UsageError("--task names one task alone. Leave --only, --until and such out.")
        selection = replace(selection, only=(arguments.task,), skip_upstream=True)
    return Asked(
        selection=selection,
        mode=arguments.mode,
        overrides=dict(arguments.env),
        ignore_git=arguments.ignore_git,
        there=arguments.codebuild,
        skip_docker=arguments.skip_docker,
        skip_tests=arguments.skip_tests,
        until_build=arguments.until_build,
        force_build=arguments.rebuild,
        again=arguments.again,
        jobs=arguments.jobs,
    )
