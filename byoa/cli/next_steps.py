"""The line that says what can be done now: whole commands, and as short as they work."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from byoa.cli.show import say
from byoa.settings import load

#: What decides where a command looks; what byoa.toml says of it need not be said again.
WHERE = {
    "-p": "project",
    "--on": "on",
    "--region": "region",
    "--profile": "profile",
    "--bucket": "bucket",
    "--prefix": "prefix",
}


def say_next(
    arguments: argparse.Namespace, verbs: Sequence[str], task: str = "", *, project: bool = True
) -> None:
    """`Next: byoa VERB …   byoa VERB …`, each with the flags that it needs from here."""
    which = words(arguments, task, project=project)
    say("Next: " + "   ".join(" ".join(["byoa", verb, *which]) for verb in verbs))


def words(arguments: argparse.Namespace, task: str = "", *, project: bool = True) -> list[str]:
    """The flags that this command was given and the next one needs, too."""
    config: Path | None = getattr(arguments, "config", None)
    own = load(config)
    found = ["--config", str(config)] if config else []
    for flag, name in WHERE.items():
        said = getattr(arguments, name, None)
        if said and said != getattr(own, name) and (project or name != "project"):
            found += [flag, said]
    found += ["-t", task] if task and task != own.task else []
    return [shlex.quote(word) for word in found]
