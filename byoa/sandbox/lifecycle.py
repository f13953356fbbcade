"""up and down: one server a home, found again by the second `up`, swept away by `down`."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from byoa.plan.errors import ByoaError, UsageError
from byoa.sandbox import pinned, sweep
from byoa.sandbox import state as states
from byoa.sandbox.state import State

#: moto needs about a second; the first start compiles its files, and a machine may be very busy.
START_SECONDS = 180.0


def up(
    folder: Path,
    port: int = 0,
    region: str = states.REGION,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[State, bool]:
    """A running sandbox, and whether it was started now. What a dead one left is swept first."""
    pinned.check()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = states.running(folder)
    if found is not None:
        return same_as_asked(found, port), False
    stale = states.read(folder)
    if stale is not None:
        down(folder, sleep=sleep)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = State(
        pid=0,
        port=port or free_port(),
        region=region,
        access_key="AKIA"
        + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16)),
        secret_key=secrets.token_urlsafe(30),
        token=secrets.token_hex(16),
        folder=str(folder),
    )
    check_port(state.port)
    start(folder, state)
    wait_for(folder, state, sleep)
    ours = states.running(folder)
    if ours is None:
        raise ByoaError(f"The sandbox did not stay up: see {folder / 'log'}")
    return ours, ours.token == state.token


def same_as_asked(state: State, port: int) -> State:
    if port and state.port != port:
        raise UsageError(
            f"The sandbox already runs on port {state.port}, not {port}: "
            "use it, or stop it first with: byoa sandbox down"
        )
    return state


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"Port {port} cannot be used ({error}): choose another with --port, "
                "or leave it out for a free one"
            ) from None


def start(folder: Path, state: State) -> None:
    """The server, as a process that outlives this command and its terminal."""
    with open(folder / "log", "wb") as log:
        subprocess.run(
            [sys.executable, "-m", "byoa.sandbox.server", str(folder), str(state.port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,  # it forks at once; another `up` may have been faster
            env={
                # The caller's own account is no business of anything in the sandbox.
                **{name: value for name, value in os.environ.items() if name[:4] != "AWS_"},
                sweep.MARK: state.token,
                "BYOA_SANDBOX_REGION": state.region,
                "BYOA_SANDBOX_KEYS": f"{state.access_key} {state.secret_key}",
            },
        )


def wait_for(folder: Path, state: State, sleep: Callable[[float], None]) -> None:
    """Returns once a server of this folder answers; says what its log says when it does not."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and states.alive(folder):
        found = states.read(folder)
        if found is not None and answers(found):
            return
        sleep(0.1)
    if states.alive(folder):
        sweep.end_processes(f"{sweep.MARK}={state.token}", 5.0, sleep)
    raise ByoaError(f"The sandbox did not start:\n{last_lines(folder / 'log')}")


def answers(state: State) -> bool:
    """Whether it is this very sandbox that listens on its port."""
    without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with without_proxy.open(f"{state.url}/_byoa/{state.token}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def last_lines(path: Path, count: int = 15) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])


def down(folder: Path, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Stops the server and all that it started, dead or alive; what was stopped, in words."""
    state = states.read(folder)
    if state is None:
        return []
    stopped = []
    if states.running(folder) is not None:
        stopped.append(f"stopped server on port {state.port}")
        stop(folder, state.pid, sleep)
    stopped += sweep.sweep(state, sleep)
    for name in ("local", "registry", "builds", "docker", "lambda", "batch"):
        shutil.rmtree(folder / name, ignore_errors=True)
    states.forget(folder)
    return stopped


def stop(folder: Path, pid: int, sleep: Callable[[float], None]) -> None:
    """SIGTERM, ten seconds, SIGKILL; the lock tells when it is gone."""
    for kind, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        try:
            os.kill(pid, kind)
        except ProcessLookupError:
            return
        end = time.monotonic() + seconds
        while states.alive(folder) and time.monotonic() < end:
            sleep(0.05)
        if not states.alive(folder):
            return
