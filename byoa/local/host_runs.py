"""The containers of one job, one a host: started, logged, waited for, put away."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from byoa.local.container import PROCESS, Container, Handle, start
from byoa.local.docker import DockerError
from byoa.local.job import Ended, JobError, wait_for_hosts
from byoa.local.networks import JobNetwork
from byoa.local.opt_ml import Host
from byoa.local.relay import Relay, loopback_ports, through
from byoa.local.supervise import Around
from byoa.local.sweep import labels

#: A process sees the user's home; isolated, it must not find the account that is set up there.
NO_CREDENTIALS = {
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class HostRuns:
    """`start` each host, `wait` for all, `close` always."""

    def __init__(self, folder: Path, around: Around, hosts: Sequence[Host], isolated: bool) -> None:
        self.folder, self.around, self.hosts, self.isolated = folder, around, hosts, isolated
        self.handles: dict[str, Handle] = {}
        self.network: JobNetwork | None = None
        self.relays: list[Relay] = []

    def start(
        self,
        containers: Sequence[Container],
        group: str,
        job: str,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        """One container a host, each with its own log stream JOB/HOST-EPOCH."""
        epoch = int(time.time())
        try:
            if len(self.hosts) > 1 and not containers[0].image.startswith(PROCESS):
                self._join_hosts()
            for host, container in zip(self.hosts, containers):
                stream = f"{job}/{host.name}-{epoch}"

                def take(line: str, stream: str = stream) -> None:
                    self.around.logs.append(group, stream, line)
                    if on_line:
                        on_line(line)

                self.handles[host.name] = start(self._joined(host, container), take)
        except (DockerError, OSError) as error:
            raise JobError(
                f"InternalServerError: the container cannot be started: {error}"
            ) from error

    def _join_hosts(self) -> None:
        names = [host.address for host in self.hosts]
        self.network = JobNetwork(labels(self.folder, self.around.root), self.isolated, names)
        if not self.isolated:
            for port in loopback_ports(self.around.environment):
                self.relays.append(Relay(self.network.gateway, port))

    def _joined(self, host: Host, container: Container) -> Container:
        """The container on its network, known by its name, marked as this job's."""
        environment = dict(container.environment)
        if self.isolated and container.image.startswith(PROCESS):
            environment = {**NO_CREDENTIALS, **environment}
        if self.network:
            network, known = self.network.name, self.network.addresses
            ours = {
                name: environment[name] for name in self.around.environment if name in environment
            }
            environment |= through(self.network.gateway, ours) if self.relays else {}
        else:
            # Several processes find each other on this machine's loopback, and so keep its network.
            alone = len(self.hosts) == 1
            network = "none" if self.isolated and alone else self.around.network
            known = {host.address: "127.0.0.1"}
        return dataclasses.replace(
            container,
            environment=environment,
            network=network,
            address=known[host.address] if self.network else "",
            known_hosts=known,
            memory_mb=int(self.around.memory_mb),
            cpus=self.around.cpus,
            labels=labels(self.folder, self.around.root),
        )

    def wait(self, asked: Callable[[], str]) -> Ended:
        return wait_for_hosts(self.handles, asked, self.around.stop_seconds)

    def why(self, host: str) -> str:
        return self.handles[host].why()

    def close(self) -> None:
        for handle in self.handles.values():
            handle.close()
        for relay in self.relays:
            relay.close()
        if self.network:
            self.network.close()
