"""What a sandbox started and may have left: processes by their mark, containers by their label."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

LABEL = "byoa.sandbox"


def sweep(folder: Path, token: str, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Ends them all, the processes first: a supervisor cleans up after itself when it is asked."""
    return [*end_processes(folder, token, sleep), *remove_containers(token)]


def end_processes(folder: Path, token: str, sleep: Callable[[float], None]) -> list[str]:
    """SIGTERM, then SIGKILL; again until none is left, for one may start another meanwhile."""
    stopped: dict[int, str] = {}
    for kind, seconds in ((signal.SIGTERM, 8.0), (signal.SIGKILL, 3.0), (signal.SIGKILL, 3.0)):
        found = processes(folder, token)
        stopped.update(found)
        for pid in found:
            send(pid, kind)
        end = time.monotonic() + seconds
        while processes(folder, token) and time.monotonic() < end:
            sleep(0.05)
    return [f"process {pid}: {command}" for pid, command in sorted(stopped.items())]


def send(pid: int, kind: signal.Signals) -> None:
    try:
        os.kill(pid, kind)
    except (ProcessLookupError, PermissionError):
        pass


def processes(folder: Path, token: str) -> dict[int, str]:
    """Pid and command of everything that carries the sandbox's mark in its environment."""
    mark = f"BYOA_SANDBOX={token}"
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


def remove_containers(token: str) -> list[str]:
    """Containers and networks that carry the sandbox's label, if there is docker at all."""
    if shutil.which("docker") is None:
        return []
    removed = []
    for kind, listing, remove in (
        ("container", ["ps", "--all"], ["rm", "--force", "--volumes"]),
        ("network", ["network", "ls"], ["network", "rm"]),
    ):
        found = docker(*listing, "--quiet", "--filter", f"label={LABEL}={token}").split()
        if found:
            docker(*remove, *found)
        removed += [f"{kind} {name}" for name in found]
    return removed


def docker(*arguments: str) -> str:
    """Its stdout; nothing when no daemon answers: then nothing of ours can run in it."""
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
