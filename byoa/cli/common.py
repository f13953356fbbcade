"""The flags that all verbs share, and the settings that they and byoa.toml make."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from byoa.place import PLACES
from byoa.plan.errors import UsageError
from byoa.plan.names import fitted
from byoa.settings import Settings, load


def add_common(
    parser: argparse.ArgumentParser, *, dry_run: bool = False, places: Sequence[str] = PLACES
) -> None:
    """--on, --project, --region …; --dry-run where there is something to send."""
    group = parser.add_argument_group("Where")
    group.add_argument(
        "--on", choices=places, help="where it runs (byoa.toml, else AWS if it can be reached)"
    )
    group.add_argument("--project", "--project_name", "-p", help="the project's name")
    group.add_argument("--region", help="the AWS region")
    group.add_argument("--profile", help="the AWS profile")
    group.add_argument("--bucket", "--bucket_name", "-b", help="the S3 bucket (made if missing)")
    group.add_argument("--prefix", help="a folder in the bucket, above the project's")
    group.add_argument("--config", type=Path, help="byoa.toml, if not here or in a folder above")
    group.add_argument("--json", action="store_true", help="results as JSON")
    if dry_run:
        group.add_argument(
            "--dry-run", action="store_true", help="print the requests as JSON, send nothing"
        )


def settings_of(arguments: argparse.Namespace) -> Settings:
    """byoa.toml, with the flags that were given on top."""
    names = ("on", "project", "region", "profile", "bucket", "prefix", "role", "image")
    given = {name: getattr(arguments, name, None) for name in names}
    return load(
        getattr(arguments, "config", None),
        {name: value for name, value in given.items() if value is not None},
    )


def own_endpoint(settings: Settings, command: str) -> str:
    """What `byoa deploy` calls the endpoint of byoa.toml's task, for a command without a name."""
    if not (settings.project and settings.task):
        raise UsageError(
            f"Which endpoint? `{command}`; without a name byoa.toml has to say name and task below"
            " [project]."
        )
    return fitted(f"{settings.project}-{settings.task}")
