"""`byoa run`: a user's script as it is, on one or many instances."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.common import settings_of
from byoa.cli.task_flags import CODE, COMMON, TRAINING, add_flags, carry_out, flag
from byoa.plan.errors import UsageError
from byoa.plan.names import PLAIN, fitted
from byoa.task import Program

HELP = "Run a .py or .sh script as it is, on one or many instances."
USAGE = "byoa run SCRIPT -p PROJECT [-t TASK] [flags] [--name value …] [-- words]"
PASSES_ON = True
EXAMPLES = """\
  byoa run train.py -p demo --epochs 3 --on process
  byoa run -p demo -t wide -s ./code -e train.py --it ml.g5.xlarge --ic 2 --epochs 3 -- --verbose
  byoa run -p demo -t next -e score.py --iit trained first model -o ./out --download_output
  byoa run -p demo -t odd -e go.sh --df "RUN pip install lightgbm" --no_spot --dry-run

What byoa does not know, `--name value`, is a hyperparameter; what follows -- goes to the script
as it is. The task is called as the script, unless -t or byoa.toml says another name. A complete
task is not run again unless its code, data, parameters or image changed."""
SCRIPT = {
    "Code": (
        flag("--source_dir", "-s", type=Path, help="the folder to send"),
        flag("--entry_point", "-e", type=Path, help="the script (in it), if not named at once"),
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, SCRIPT, CODE, COMMON, TRAINING)


def run(arguments: argparse.Namespace) -> int:
    take_script(arguments)
    if not (arguments.task_name or settings_of(arguments).task):
        stem = arguments.entry_point.stem
        arguments.task_name = stem if PLAIN.fullmatch(stem) else fitted(stem)
    return carry_out(arguments, program(arguments))


def take_script(arguments: argparse.Namespace) -> None:
    """Makes the first word that is no --name value pair the script, as `python` takes it."""
    words, at = arguments.unknown, 0
    if arguments.entry_point:
        return
    while at < len(words) and words[at].startswith("--"):
        at += 1 if "=" in words[at] else 2
    if at >= len(words):
        first = "" if not swallowed(arguments) else " first: a flag before it took it for its own"
        raise UsageError(f"No script is named. Say which{first}: byoa run train.py …")
    arguments.entry_point = Path(words[at])
    arguments.unknown = [*words[:at], *words[at + 1 :]]


def swallowed(arguments: argparse.Namespace) -> bool:
    """Whether a script's name went to a flag that takes several words, or to an unknown one."""
    words = [word for some in arguments.input_path + arguments.dependencies for word in some]
    return any(str(word).endswith((".py", ".sh")) for word in [*words, *arguments.unknown])


def program(arguments: argparse.Namespace) -> Program:
    return Program(
        script=arguments.entry_point,
        source=arguments.source_dir,
        dependencies=[path for some in arguments.dependencies for path in some],
        arguments=arguments.passed,
    )
