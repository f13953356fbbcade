"""The line that says what can be done now: whole commands, and as short as they work."""

from __future__ import annotations

import argparse
import http.client
import shlex
from collections.abc import Sequence
from pathlib import Path

from byoa.cli.common import own_endpoint
from byoa.cli.show import say
from byoa.files import home
from byoa.local.endpoint_files import EndpointFiles
from byoa.local.exchange import exchange
from byoa.place import LOCAL, Place
from byoa.settings import load

#: Seconds that a page may take: nobody waits for a line of help.
PATIENCE = 2.0

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


def say_deployed(arguments: argparse.Namespace, place: Place, endpoint: str) -> None:
    """How the endpoint is asked, watched and ended; on this machine its page, too."""
    own = load(getattr(arguments, "config", None))
    mine = own.project and own.task and own_endpoint(own, "") == endpoint
    name = "" if mine else f" {shlex.quote(endpoint)}"
    verbs = [f"invoke{name} FILE", f"logs {shlex.quote(endpoint)}", f"undeploy{name}"]
    say_next(arguments, verbs, project=False)
    if place.name in LOCAL and (page := page_of(endpoint)):
        say(f"In a browser: {page}")


def page_of(endpoint: str) -> str:
    """The address of the playground that an endpoint of this machine has; "" where it has none."""
    for address in EndpointFiles.of(home(), endpoint).record.get("Addresses", ()):
        try:
            answer = exchange(address, "GET", "/", b"", {}, seconds=PATIENCE)
        except (OSError, http.client.HTTPException):
            continue
        if answer.status == 200:
            return f"http://{address}/"
    return ""


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
