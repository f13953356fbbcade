"""Which pipeline a verb is about: the flags, and the pipeline that they mean."""

from __future__ import annotations

import argparse

from byoa.plan.pipeline.model import Pipeline


def add_entry(parser: argparse.ArgumentParser) -> None:
    """-e; `--env--KEY VALUE` is taken by byoa.cli.pipeline before anything is parsed."""
    group = parser.add_argument_group("Which pipeline")
    group.add_argument(
        "--entry-point",
        "-e",
        metavar="WHAT",
        help="a pipeline.yaml, its folder, a module.factory, or a pattern of sources"
        " (pipeline.yaml here or in a folder above; ENTRY_POINT)",
    )


def loaded(arguments: argparse.Namespace) -> Pipeline:
    """The pipeline, with env.yaml's values that were given as --env--KEY."""
    from byoa.pipeline.load import load

    return load(arguments.entry_point, arguments.env)
