"""`byoa process`: a Processing job, of a script or of the image's own program."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.task_flags import CODE, COMMON, add_flags, carry_out, flag
from byoa.plan.errors import UsageError
from byoa.task import Program

HELP = "Run a Processing job: a script, or a program of the image."
USAGE = "byoa process -p PROJECT -t TASK (--code SCRIPT | --entrypoint PROGRAM) [flags] [-- words]"
PASSES_ON = True
EXAMPLES = """\
  byoa process -p demo -t clean --code clean.py -i ./raw -o ./out --download_output --on process
  byoa process -p demo -t count --entrypoint wc -l --arguments /etc/passwd --image debian:bookworm
  byoa process -p demo -t clean --code clean.py --env LEVEL 3 -- --strict

Inputs lie in /opt/ml/processing/input/data/NAME, what is written to /opt/ml/processing/output is
kept, /opt/ml/processing/state too, and the next run finds that in …/state_prev."""
SCRIPT = {
    "Code": (
        flag("--code", type=Path, help="the script"),
        flag("--entrypoint", "-e", nargs="+", default=[], help="a program of the image instead"),
        flag("--command", nargs="+", default=[], help="what runs the script (python3)"),
        flag("--arguments", nargs="+", default=[], help="of the script; or put them after --"),
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, SCRIPT, CODE, COMMON)


def run(arguments: argparse.Namespace) -> int:
    return carry_out(arguments, program(arguments), "processing")


def program(arguments: argparse.Namespace) -> Program:
    if bool(arguments.code) == bool(arguments.entrypoint):
        raise UsageError("Give --code SCRIPT, or --entrypoint PROGRAM of the image: one of them.")
    if arguments.unknown:
        raise UsageError(
            f"A Processing job has no hyperparameters, as {arguments.unknown[0]} would be one."
            " Put what is for the script after --"
        )
    return Program(
        script=arguments.code,
        dependencies=[path for some in arguments.dependencies for path in some],
        command=arguments.command or arguments.entrypoint,
        arguments=[*arguments.arguments, *arguments.passed],
    )
