"""How the hosts of a job reach each other: a docker network, or loopback addresses."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path

from byoa.local.docker import DockerError, docker
from byoa.local.sweep import LABEL


def loopback_addresses(names: Sequence[str]) -> dict[str, str]:
    """127.x.y.1, .2, …: every process job has its own few, which need no name server."""
    start = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250) + 1}"
    return {name: f"{start}.{number}" for number, name in enumerate(names, 1)}


class JobNetwork:
    """The docker network of a job; an internal one, with no way out, for an isolated job."""

    def __init__(self, folder: Path, isolated: bool) -> None:
        self.name = f"byoa-{secrets.token_hex(8)}"
        inside = ["--internal"] if isolated else []
        docker("network", "create", *inside, "--label", f"{LABEL}={folder}", self.name)

    def close(self) -> None:
        try:
            docker("network", "rm", self.name)
        except DockerError:
            pass  # a container of it is still going; sweep removes it
