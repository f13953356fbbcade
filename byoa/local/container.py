"""What a container is asked to be, and what a running one answers; docker and process alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PROCESS = "process://"
ML = "/opt/ml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """A folder of this machine in the container; for a process it lies where it is."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One container. `base` is the folder of this machine that stands for /opt/ml."""

    image: str  # "process:///folder/of/algorithm", or what docker calls it
    base: Path
    workdir: Path | None = None  # of a process that does not start in base
    arguments: tuple[str, ...] = ()  # "train"; in place of the image's CMD
    entrypoint: tuple[str, ...] = ()  # in place of the image's ENTRYPOINT, when given
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    network: str = ""  # "" = docker's own, "none", or the name of a network
    address: str = ""  # its address on that network
    known_hosts: Mapping[str, str] = field(default_factory=dict)  # names that resolve: to address
    serves: bool = False  # port 8080 is published on a free port of 127.0.0.1
    user: str = ""
    read_only: bool = False  # its root file system
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    capabilities: bool = True  # False: --cap-drop ALL, no-new-privileges
    memory_mb: int = 0
    cpus: float = 0.0
    gpus: bool = False
    shm_mb: int = 64  # 0: there is no /dev/shm
    labels: Mapping[str, str] = field(default_factory=dict)


class Handle(Protocol):
    """A container that was started."""

    address: str  #: "127.0.0.1:PORT" of one that serves

    def poll(self) -> int | None:
        """Its exit code, once it and its log have ended."""

    def terminate(self) -> None:
        """SIGTERM to its first process."""

    def kill(self) -> None:
        """SIGKILL to all of it."""

    def why(self) -> str:
        """What else is known about its end: that memory ran out, that it never started."""

    def close(self) -> None:
        """Ends it if it runs, and leaves nothing of it. Safe to call twice."""


#: Called with every line of its output, without the line end, from another thread.
OnLine = Callable[[str], None]


def start(container: Container, on_line: OnLine) -> Handle:
    """Starts it in the way that its image asks for."""
    if container.image.startswith(PROCESS):
        from byoa.local.process import start_process

        return start_process(container, on_line)
    from byoa.local.docker import start_container

    return start_container(container, on_line)
