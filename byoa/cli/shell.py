"""`byoa shell`: a shell command on one or many instances."""

from __future__ import annotations

import argparse
from pathlib import Path

from byoa.cli.task_flags import CODE, COMMON, TRAINING, add_flags, carry_out, flag
from byoa.plan.errors import UsageError
from byoa.task import Program

HELP = "Run a shell command on one or many instances."
USAGE = 'byoa shell -p PROJECT -t TASK --cmd_line "COMMAND" [flags]'
PASSES_ON = True
EXAMPLES = """\
  byoa shell -p demo -t cpu --cmd_line "nproc && free -g" --on process
  byoa shell -p demo -t gpu --cmd_line "cat /proc/cpuinfo && nvidia-smi" --it ml.g5.xlarge -o ./out
  byoa shell -p demo -t make --cmd_line "make test" --dir_files ./project --ic 2

The command sees $SM_* and $SSM_* variables: $SM_CHANNEL_DATA, $SM_MODEL_DIR, $SSM_STATE …"""
COMMAND = {
    "Code": (
        flag("--cmd_line", "--cmd", required=True, help="the command, for bash"),
        flag("--dir_files", type=Path, help="a folder whose files lie where the command runs"),
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, COMMAND, CODE, COMMON, TRAINING)


def run(arguments: argparse.Namespace) -> int:
    return carry_out(arguments, program(arguments))


def program(arguments: argparse.Namespace) -> Program:
    if arguments.passed:
        raise UsageError(
            f"A shell command has no arguments {arguments.passed}: write them into it."
        )
    if not arguments.cmd_line.strip():
        raise UsageError("--cmd_line is empty. Give it a command.")
    files = arguments.dir_files
    if files and not files.is_dir():
        raise UsageError(f"--dir_files {files} is no folder. Name one.")
    beside = sorted(files.iterdir()) if files else []
    named = [path for some in arguments.dependencies for path in some]
    return Program(shell=arguments.cmd_line, dependencies=[*named, *beside])
