"""The hosts of a job: who we are, who leads, which network interface joins them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from container.errors import ConfigurationError, HostError

DEFAULT_HOST = "algo-1"
DEFAULT_INTERFACE = "eth0"
DEFAULT_GROUP = "homogeneousCluster"
MASTER_PORT = 7777
WAIT_IN_A_JOB = 300.0
WAIT_LOCALLY = 30.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """resourceconfig.json, checked. A missing file is a cluster of one."""

    hosts: tuple[str, ...]
    current_host: str
    instance_type: str
    group: str
    groups: tuple[dict[str, Any], ...]
    interface: str

    @property
    def rank(self) -> int:
        """Our place in `hosts`. The number in a name means nothing: algo-10 sorts before algo-2."""
        return self.hosts.index(self.current_host)

    @property
    def is_local(self) -> bool:
        """Whether the SDK's local mode, or nobody, started us: not a SageMaker instance."""
        return self.instance_type.startswith("local")


def read_cluster(config: Mapping[str, Any]) -> Cluster:
    """The cluster that a resourceconfig.json describes; of what is optional null is nothing."""
    needed = ("hosts", "current_host")
    given: Mapping[str, Any] = {
        name: value for name, value in config.items() if value is not None or name in needed
    }
    hosts = given.get("hosts", [given.get("current_host", DEFAULT_HOST)])
    if not (isinstance(hosts, list) and hosts and all(isinstance(host, str) for host in hosts)):
        raise ConfigurationError(
            f"resourceconfig.json: hosts is {hosts!r}. Make it a list of host names."
        )
    current = given.get("current_host", hosts[0] if len(hosts) == 1 else None)
    if current not in hosts:
        raise ConfigurationError(
            f"resourceconfig.json: current_host {current!r} is not one of hosts {hosts}. Add it."
        )
    return Cluster(
        hosts=tuple(hosts),
        current_host=current,
        instance_type=str(given.get("current_instance_type", "local")),
        group=str(given.get("current_group_name", DEFAULT_GROUP)),
        groups=_groups(given.get("instance_groups", [])),
        interface=str(given.get("network_interface_name", DEFAULT_INTERFACE)),
    )


def _groups(groups: object) -> tuple[dict[str, Any], ...]:
    named = isinstance(groups, list) and all(
        isinstance(group, dict)
        and isinstance(group.get("instance_group_name"), str)
        and isinstance(group.get("hosts"), list)
        for group in groups
    )
    if not named:
        raise ConfigurationError(
            "resourceconfig.json: instance_groups is not a list of objects with"
            " instance_group_name and hosts. Correct it, or leave it out."
        )
    return tuple(groups)  # type: ignore[arg-type]


def network_variables(cluster: Cluster, interfaces: frozenset[str]) -> dict[str, str]:
    """What NCCL and gloo need to find the other hosts.

    On SageMaker every host calls itself `aws`, so NCCL would take them for one machine: it is
    told the host's real name. An interface is named only where it exists: local mode says `ethwe`,
    and trusting that kills NCCL.
    """
    if len(cluster.hosts) == 1:
        return {}
    variables = {"NCCL_HOSTID": cluster.current_host}
    if cluster.interface in interfaces:
        variables["NCCL_SOCKET_IFNAME"] = cluster.interface
        variables["GLOO_SOCKET_IFNAME"] = cluster.interface
    return variables


def interfaces() -> frozenset[str]:
    """The names of this machine's network interfaces."""
    try:
        return frozenset(name for _, name in socket.if_nameindex())
    except OSError:
        return frozenset()


def wait_seconds(environ: Mapping[str, str]) -> float:
    """How long to wait for the other hosts' names: BYOA_HOST_WAIT, or what fits the place."""
    given = environ.get("BYOA_HOST_WAIT")
    if given:
        try:
            return max(0.0, float(given))
        except ValueError:
            raise ConfigurationError(
                f"BYOA_HOST_WAIT is {given!r}. Give it a number of seconds."
            ) from None
    if environ.get("SM_STUDIO_LOCAL_MODE", "").lower() == "true":
        return 0.0  # Studio's network has no names at all
    return WAIT_IN_A_JOB if "TRAINING_JOB_ARN" in environ else WAIT_LOCALLY


def wait_for_hosts(
    cluster: Cluster,
    seconds: float,
    stopped: Callable[[float], bool],
    resolve: Callable[[str], object] = socket.gethostbyname,
) -> None:
    """Returns when every other host has an address, or a stop was asked for.

    Names appear late while a cluster starts. `stopped` waits a moment and says whether to give up.
    """
    if len(cluster.hosts) == 1 or seconds == 0:
        return
    found: set[str] = set()
    others = [host for host in cluster.hosts if host != cluster.current_host]
    for host in others:
        # A look-up can block for many seconds in C, where no signal is noticed: so it has a thread.
        threading.Thread(
            target=_look_up, args=(host, found, seconds, resolve), name=f"dns-{host}", daemon=True
        ).start()
    deadline = time.monotonic() + seconds
    while missing := [host for host in others if host not in found]:
        left = deadline - time.monotonic()
        if left <= 0:
            raise HostError(_unknown(missing, seconds))
        if stopped(min(left, 0.2)):
            return


def _look_up(host: str, found: set[str], seconds: float, resolve: Callable[[str], object]) -> None:
    deadline, pause = time.monotonic() + seconds, 0.1
    while time.monotonic() < deadline:
        try:
            resolve(host)
        except (OSError, UnicodeError):
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            found.add(host)
            return


def _unknown(missing: list[str], seconds: float) -> str:
    names = ", ".join(missing)
    what = "host" if len(missing) == 1 else "hosts"
    return (
        f"{what} {names} of this job got no address within {seconds:g} s."
        f" Look at the log of {names}: the container there may not have started."
        " BYOA_HOST_WAIT (seconds) allows a longer wait."
    )
