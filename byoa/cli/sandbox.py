"""`byoa sandbox`: AWS's API on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from byoa.cli.show import emit, say
from byoa.plan.errors import ByoaError
from byoa.sandbox import environment, state

HELP = "AWS's API on this machine: jobs, endpoints and builds run here and cost nothing."
EXAMPLES = """
  byoa sandbox up                        start it (twice is once)
  eval "$(byoa sandbox env)"             point boto3, the AWS CLI and byoa at it
  aws s3 mb s3://my-bucket
  byoa sandbox status
  byoa sandbox down                      stop it and all that it started; its contents are gone
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("do", choices=sorted(DO), metavar="up|down|status|env")
    parser.add_argument("--port", type=int, default=0, help="up: the port (default: a free one)")
    parser.add_argument("--region", default=state.REGION, help="up: the region of `env`")
    parser.add_argument(
        "--shell", choices=environment.SHELLS, default="sh", help="env: whose words to use"
    )
    parser.add_argument("--json", action="store_true", help="results as JSON")


def run(arguments: argparse.Namespace) -> int:
    DO[arguments.do](arguments)
    return 0


def up(arguments: argparse.Namespace) -> None:
    from byoa.sandbox import lifecycle

    found, new = lifecycle.up(state.home(), arguments.port, arguments.region)
    say("The sandbox is up." if new else "The sandbox was up already.")
    say('Point your clients at it:  eval "$(byoa sandbox env)"')
    emit(shown(found), arguments)


def down(arguments: argparse.Namespace) -> None:
    from byoa.sandbox import lifecycle

    stopped = lifecycle.down(state.home())
    for line in stopped:
        say(line)
    if not stopped:
        say("No sandbox was up.")


def status(arguments: argparse.Namespace) -> None:
    emit(shown(running()), arguments)


def env(arguments: argparse.Namespace) -> None:
    found = running()
    if arguments.json:
        emit(environment.variables(found), arguments)
    else:
        emit(environment.exports(found, arguments.shell))


def running() -> state.State:
    found = state.running(state.home())
    if found is None:
        raise ByoaError("No sandbox is up: start one with: byoa sandbox up")
    return found


def shown(found: state.State) -> dict[str, Any]:
    return {name: getattr(found, name) for name in ("url", "region", "registry", "pid", "folder")}


DO = {"up": up, "down": down, "status": status, "env": env}
