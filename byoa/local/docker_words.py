"""A container as the words of `docker create`: pure, but for the names of our own variables."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping

from byoa.local.container import Container, Mount

#: Variables that would change what our own docker command does.
_OURS = ("DOCKER", "LD_", "DYLD_", "GO", "XDG_", "SSL_", "OTEL_")


def environment_words(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Variables for our docker command, which it passes on, and the words that say so.

    On a command line everyone on this machine could read their values.
    """
    passed, flags = {}, []
    for name, value in environment.items():
        ours = name in os.environ or name.startswith(_OURS) or name.lower().endswith("_proxy")
        if ours and os.environ.get(name) != value:
            flags += ["--env", f"{name}={value}"]
        else:
            passed[name] = value
            flags += ["--env", name]
    return passed, flags


def arguments_of(container: Container) -> list[str]:
    """The words after `docker create --name …`."""
    return [*_flags(container), container.image, *container.entrypoint[1:], *container.arguments]


def _flags(container: Container) -> Iterator[str]:
    memory = f"--shm-size={container.shm_mb}m" if container.shm_mb else "--ipc=none"
    yield from ("--init", "--hostname", "aws", memory)
    for name, value in container.labels.items():
        yield f"--label={name}={value}"
    for mount in container.mounts:
        yield f"--mount={mount_words(mount)}"
    for path, options in container.tmpfs.items():
        yield f"--tmpfs={path}:{options}" if options else f"--tmpfs={path}"
    for name, address in container.known_hosts.items():
        yield f"--add-host={name}:{address}"
    if container.network:
        yield f"--network={container.network}"
    if container.address:
        yield f"--ip={container.address}"
    if container.serves and container.network != "none":
        yield "--publish=127.0.0.1::8080"
    yield from _limits(container)
    if container.entrypoint:
        yield f"--entrypoint={container.entrypoint[0]}"


def _limits(container: Container) -> Iterator[str]:
    if container.user:
        yield f"--user={container.user}"
    if container.read_only:
        yield "--read-only"
    if not container.capabilities:
        yield from ("--cap-drop=ALL", "--security-opt=no-new-privileges")
    if container.memory_mb:
        yield from (f"--memory={container.memory_mb}m", f"--memory-swap={container.memory_mb}m")
    if container.cpus:
        yield f"--cpus={container.cpus}"
    if container.gpus:
        yield "--gpus=all"


def mount_words(mount: Mount) -> str:
    """--mount's value is a line of CSV: a comma or a quote in a path is quoted as one."""
    fields = ["type=bind", f"source={mount.source}", f"target={mount.target}"]
    if mount.read_only:
        fields.append("readonly")
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue()
