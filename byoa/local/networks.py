"""How the hosts of a job reach each other: a docker network, or loopback addresses."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping, Sequence

from byoa.local.docker import DockerError, docker

TRIES = 5


def loopback_addresses(names: Sequence[str]) -> dict[str, str]:
    """127.x.y.1, .2, …: every process job has its own few, which need no name server."""
    start = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250) + 1}"
    return {name: f"{start}.{number}" for number, name in enumerate(names, 1)}


class JobNetwork:
    """The docker network of a job; an internal one, with no way out, for an isolated job.

    Its addresses are fixed before a container starts, so that every host knows every other by name
    from its first moment on, and still does when one has ended.
    """

    def __init__(self, labels: Mapping[str, str], isolated: bool, names: Sequence[str]) -> None:
        self.name = f"byoa-{secrets.token_hex(8)}"
        self.words = [f"--label={key}={value}" for key, value in labels.items()]
        self.words += ["--internal"] if isolated else []
        free = self._make()
        self.gateway = str(free.network_address + 1)  # this machine, as the hosts see it
        first = int(free.network_address) + 2
        self.addresses = {
            name: str(ipaddress.ip_address(first + number)) for number, name in enumerate(names)
        }

    def _make(self) -> ipaddress.IPv4Network:
        """Docker picks a free range, but fixes addresses only in a range that it is given."""
        shape = "{{(index .IPAM.Config 0).Subnet}}"
        for left in reversed(range(TRIES)):
            docker("network", "create", *self.words, self.name)
            subnet = docker("network", "inspect", "--format", shape, self.name)
            docker("network", "rm", self.name)
            try:
                docker("network", "create", *self.words, "--subnet", subnet, self.name)
            except DockerError:  # somebody took it in between
                if not left:
                    raise
            else:
                break
        return ipaddress.IPv4Network(subnet)

    def close(self) -> None:
        try:
            docker("network", "rm", self.name)
        except DockerError:
            pass  # a container of it is still going; sweep removes it
