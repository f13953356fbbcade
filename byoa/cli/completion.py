"""`byoa completion`: the script that lets a shell complete verbs, flags and their values."""

from __future__ import annotations

import argparse

HELP = "Prints the completion script of a shell."
EXAMPLES = """\
  eval "$(byoa completion bash)"                         now
  byoa completion bash > ~/.local/share/bash-completion/completions/byoa
  byoa completion zsh > "${fpath[1]}/_byoa\""""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def run(arguments: argparse.Namespace) -> int:
    import shtab

    from byoa.cli.main import whole_parser

    print(shtab.complete(whole_parser(), shell=arguments.shell))
    return 0
