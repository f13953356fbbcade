"""Where on AWS a pipeline runs: the flags of every verb that reaches there."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byoa.pipeline.batch.home import Home

SERVICES = ("batch", "sagemaker", "stepfunctions")


def add_place(parser: argparse.ArgumentParser, *, here: bool = False) -> None:
    """--on, --sandbox, --region …; with `here` the verb is about this machine without --on."""
    group = parser.add_argument_group("On AWS")
    told = "(this machine)" if here else "(batch)"
    group.add_argument("--on", choices=SERVICES, help=f"the service that runs it {told}")
    group.add_argument("--sandbox", action="store_true", help="in the sandbox on this machine")
    group.add_argument(
        "--target", metavar="NAME", help="the section of soopervisor.yaml (its only one)"
    )
    group.add_argument("--project", help="the project's name (byoa.toml, else the folder's)")
    group.add_argument("--region", help="the AWS region")
    group.add_argument("--profile", help="the AWS profile")
    group.add_argument("--bucket", help="the S3 bucket (made if missing)")
    group.add_argument("--prefix", help="a folder in the bucket, above the project's")
    group.add_argument("--config", type=Path, help="byoa.toml, if not here or in a folder above")


def home_of(arguments: argparse.Namespace) -> Home:
    """The project and its place on AWS, as flags, soopervisor.yaml and byoa.toml say."""
    from byoa.pipeline.batch.home import open_home, project_at
    from byoa.settings import load

    names = ("region", "profile", "bucket", "prefix", "project")
    given = {name: getattr(arguments, name, None) for name in names}
    settings = load(arguments.config, {name: value for name, value in given.items() if value})
    project = project_at(arguments.entry_point, arguments.target, settings)
    home = open_home(project, settings, arguments.sandbox)
    return replace(home, service=arguments.on or home.service)
