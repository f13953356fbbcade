"""`byoa train`: the image's own algorithm."""

from __future__ import annotations

import argparse

from byoa.cli.task_flags import COMMON, TRAINING, add_flags, carry_out, flag
from byoa.plan.errors import UsageError
from byoa.task import Program

HELP = "Train the algorithm that is in the image, or in this folder (--on process)."
USAGE = "byoa train -p PROJECT -t TASK [-h NAME=VALUE …] [--data NAME=PLACE …] [flags]"
PASSES_ON = True
OWN_HELP = True
EXAMPLES = """\
  byoa train -p demo -t faces --data training=./pictures --on process
  byoa train -p demo -t faces --data training=s3://bucket/pictures/ -h epochs=10 --it ml.g5.xlarge
  byoa train -p demo -t faces --image mask-r-cnn:latest --data training=./pictures --on docker
  byoa train -p demo -t more --iit model faces model --data training=./pictures -h lr=0.001

-h NAME=VALUE (or --name value) sets a hyperparameter. The image's own list checks them before
anything is sent; -h alone is this help."""


class Hyperparameter(argparse.Action):
    """-h NAME=VALUE is one; -h and --help alone are the help."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        if values is None:
            parser.print_help()
            parser.exit()
        found = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*found, values])


WORDS = {
    "Algorithm": (
        flag(
            *("-h", "--help", "--hyperparameter"),
            dest="hyperparameters",
            nargs="?",
            action=Hyperparameter,
            metavar="NAME=VALUE",
            help="a hyperparameter; again for more; alone: this help",
        ),
    )
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_flags(parser, WORDS, COMMON, TRAINING)


def run(arguments: argparse.Namespace) -> int:
    if arguments.passed:
        raise UsageError(
            f"An algorithm takes hyperparameters, not {arguments.passed}: -h name=value"
        )
    return carry_out(arguments, Program())
