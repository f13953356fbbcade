"""`python -m byoa.cli.reference > docs/cli.md`: every verb and flag, from the parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from byoa.cli.main import HELP, module_of, parser_for

HEAD = """\
# Every command

<!-- made by `python -m byoa.cli.reference`; do not edit -->

`byoa VERB --help` says the same. A flag may be written with `_` or `-`. Exit codes: 0 done,
1 something failed, 2 it was asked wrongly and nothing was done, 130 Ctrl-C. Results go to stdout,
progress to stderr.
"""


def main() -> None:
    print("\n".join(page()))


def page() -> Iterator[str]:
    yield HEAD
    for verb in HELP:
        module = module_of(verb)
        yield f"## byoa {verb}\n"
        yield f"{module.HELP[:1].upper()}{module.HELP[1:].rstrip('.')}.\n"
        yield f"```\n{module.EXAMPLES.rstrip()}\n```\n"
        yield from table(parser_for(verb, module))


def table(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "| flag | what it is |"
    yield "|---|---|"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield f"| `{name}` | {cell(inner.description or '')} |"
                yield from own_flags(f"`{name}` ", inner)
        elif action.help != argparse.SUPPRESS and action.dest != "help":
            yield f"| {names(action)} | {cell(words(action))} |"
    yield ""


def own_flags(before: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """A sub-verb's own arguments; what all of them have is the same everywhere."""
    for action in parser._actions:
        shared = any(action in group._group_actions for group in parser._action_groups[2:])
        hidden = action.dest == "help" or action.help == argparse.SUPPRESS
        if not hidden and not (shared and action.dest != "dry_run"):
            yield f"| {before}{names(action)} | {cell(words(action))} |"


def names(action: argparse.Action) -> str:
    shown = action.option_strings or [str(action.metavar or action.dest).upper()]
    return ", ".join(f"`{name}`" for name in shown)


def words(action: argparse.Action) -> str:
    """The help, the choices, and the default where it says something."""
    text = action.help or ""
    if action.choices:
        text += f" ({', '.join(str(choice) for choice in action.choices)})"
    if action.default not in (None, "", False, [], {}, argparse.SUPPRESS) and "(" not in text:
        text += f" [{action.default}]" if action.nargs != 0 else ""
    return text


def cell(text: str) -> str:
    return text.strip().replace("|", "\\|")


if __name__ == "__main__":
    main()
