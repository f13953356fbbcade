"""`byoa pipeline`: tasks of pipeline.yaml, here and on AWS."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

HELP = "Experiments as a graph of tasks: plan, build, look at them, submit them to AWS."
EXAMPLES = """\
  byoa pipeline plan                     what would run, and why
  byoa pipeline build -j 4               run it; what is up to date is left alone
"""

#: Each sub-verb, its module in byoa/cli with functions add_<do>(parser) and <do>(arguments), its
#: help. `-` in a sub-verb is `_` in the functions' names.
DO: dict[str, tuple[str, str]] = {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="do", metavar="DO", required=True)
    for name, (module, text) in DO.items():
        words: dict[str, Any] = {"help": text, "description": text, "allow_abbrev": False}
        sub = verbs.add_parser(name, **words)
        getattr(import_module(f"byoa.cli.{module}"), f"add_{name.replace('-', '_')}")(sub)


def run(arguments: argparse.Namespace) -> int:
    """The sub-verb's own function; its module imports what is heavy when it is called."""
    module, _ = DO[arguments.do]
    function = getattr(import_module(f"byoa.cli.{module}"), arguments.do.replace("-", "_"))
    return int(function(arguments))
