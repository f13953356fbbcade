"""What a sandbox started and may have left: processes by their mark, containers by their label."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from byoa.local.sweep import LABEL
from byoa.sandbox.state import State

#: Carried by every process of the sandbox: those that got away are found by it.
MARK = "BYOA_SANDBOX"


def sweep(state: State, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Ends them all, the processes first: a supervisor cleans up after itself when it is asked."""
    return [
        *end_processes(f"{MARK}={state.token}", 8.0, sleep),
        *remove_containers(Path(state.folder)),
        *forget_images(state.registry),
    ]


def end_processes(
    mark: str, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """SIGTERM, then SIGKILL; again until none is left, for one may start another meanwhile."""
    stopped: dict[int, str] = {}
    for kind, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 3.0), (signal.SIGKILL, 3.0)):
        found = processes(mark)
        stopped.update(found)
        for pid in found:
            send(pid, kind)
        end = time.monotonic() + patience
        while processes(mark) and time.monotonic() < end:
            sleep(0.05)
    return [f"stopped process {pid}: {command}" for pid, command in sorted(stopped.items())]


def send(pid: int, kind: signal.Signals) -> None:
    try:
        os.kill(pid, kind)
    except (ProcessLookupError, PermissionError):
        pass


def processes(mark: str) -> dict[int, str]:
    """Pid and command of everything that carries a mark, NAME=value, in its environment."""
    if Path("/proc/self/environ").exists():
        return proc_processes(mark.encode())
    return ps_processes(mark)


def proc_processes(mark: bytes) -> dict[int, str]:
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found[int(process.name)] = command.strip()[:120]
        except (OSError, UnicodeDecodeError):  # gone, or not ours
            continue
    found.pop(os.getpid(), None)
    return found


def ps_processes(mark: str) -> dict[int, str]:
    """Where there is no /proc (macOS), `ps -E` shows one's own processes' environment."""
    listing = subprocess.run(
        ["ps", "-axwwE", "-o", "pid=,command="], capture_output=True, text=True, check=False
    )
    found = {}
    for line in listing.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if mark in command.split() and int(pid) != os.getpid():
            found[int(pid)] = command[:120]
    return found


def remove_containers(folder: Path) -> list[str]:
    """Containers and networks of jobs and endpoints below a folder, if there is docker at all."""
    if shutil.which("docker") is None:
        return []
    removed = []
    for kind, listing, remove in (
        ("container", ["ps", "--all"], ["rm", "--force", "--volumes"]),
        ("network", ["network", "ls"], ["network", "rm"]),
    ):
        form = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
        listed = docker(*listing, "--filter", f"label={LABEL}", "--format", form).splitlines()
        for line in listed:
            name, _, owner = line.partition(" ")
            if Path(owner).is_relative_to(folder):
                docker(*remove, name)
                removed.append(f"removed {kind} {name}")
    return removed


def forget_images(registry: str) -> list[str]:
    """Takes the names of a registry that is gone off this machine's images."""
    if shutil.which("docker") is None:
        return []
    form = "{{.Repository}}:{{.Tag}}@{{.Digest}}"
    found = docker("images", "--all", "--digests", "--format", form).splitlines()
    names = set()
    for line in found:
        if line.startswith(f"{registry}/"):
            tagged, _, digest = line.partition("@")
            repository, _, tag = tagged.rpartition(":")
            names.add(tagged if tag != "<none>" else f"{repository}@{digest}")
    if names:
        docker("image", "rm", "--no-prune", *sorted(names))
    return [f"removed image name {name}" for name in sorted(names)]


def docker(*arguments: str) -> str:
    """Its stdout; nothing when no daemon answers: then nothing of ours can run in it."""
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
