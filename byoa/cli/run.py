"""`byoa run`: a user's script as it is, on one or many instances."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.task_flags import CODE, COMMON, TRAINING, add_flags, carry_out, flag
from byoa.task import Program

HELP = "Run a .py or .sh script as it is, on one or many instances."
USAGE = "byoa run -p PROJECT -t TASK -e SCRIPT [flags] [--name value …] [-- words]"
PASSES_ON = True
EXAMPLES = """\
  byoa run -p demo -t first -e train.py --on process
  byoa run -p demo -t wide -s ./code -e train.py --it ml.g5.xlarge --ic 2 --epochs 3 -- --verbose
  byoa run -p demo -t next -e score.py --iit trained first model -o ./out --download_output
  byoa run -p demo -t odd -e go.sh --df "RUN pip install lightgbm" --no_spot --dry-run

What byoa does not know, `--name value`, is a hyperparameter; what follows -- goes to the script
as it is. A complete task is not run again unless its code, data, parameters or image changed."""
SCRIPT = {
    "Code": (
        flag("--source_dir", "-s", type=Path, help="the folder to send"),
        flag("--entry_point", "-e", type=Path, required=True, help="the script in it"),
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, SCRIPT, CODE, COMMON, TRAINING)


def run(arguments: argparse.Namespace) -> int:
    return carry_out(arguments, program(arguments))


def program(arguments: argparse.Namespace) -> Program:
    return Program(
        script=arguments.entry_point,
        source=arguments.source_dir,
        dependencies=[path for some in arguments.dependencies for path in some],
        arguments=arguments.passed,
    )
