"""Where the sandbox keeps its things, and what `up` wrote down for everybody else to read."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

ACCOUNT = "123456789012"  # moto's
REGION = "us-east-1"
#: Held by the server; it says again what state.json says, should that be damaged or removed.
LOCK = "alive"


def home(environment: Mapping[str, str] = os.environ) -> Path:
    """BYOA_HOME/sandbox, below ~/.byoa unless told otherwise."""
    base = environment.get("BYOA_HOME") or "~/.byoa"
    return Path(base).expanduser().absolute() / "sandbox"


@dataclass(frozen=True)
class State:
    """A sandbox that was started: how to reach it, and what tells it from another."""

    pid: int
    port: int
    region: str
    access_key: str  #: every signed request must carry it: the sandbox runs programs
    secret_key: str
    token: str  #: seals the registry's passwords, and marks all that the sandbox starts
    folder: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def registry(self) -> str:
        """What image addresses start with; docker takes it without TLS, being on loopback."""
        return f"127.0.0.1:{self.port}"


def read(folder: Path) -> State | None:
    """What the last `up` wrote, whether it still runs or not; None when there is nothing."""
    for name in ("state.json", LOCK):
        try:
            data = json.loads((folder / name).read_bytes())
            return State(**{field.name: data[field.name] for field in fields(State)})
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a full disk or a crash may leave anything
    return None


def write(folder: Path, state: State) -> None:
    """Writes it at once, for its owner's eyes alone: the key lets one run programs."""
    temporary = folder / f"state.json.{os.getpid()}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(state), file, indent=2)
    os.replace(temporary, folder / "state.json")
    (folder / LOCK).write_text(json.dumps(asdict(state)))  # written in place: it is locked


def forget(folder: Path) -> None:
    (folder / "state.json").unlink(missing_ok=True)
    (folder / LOCK).write_text("")


def running(folder: Path) -> State | None:
    """The sandbox that runs now. Its server holds a lock as long as it lives, however it dies."""
    state = read(folder)
    return state if state is not None and alive(folder) else None


def alive(folder: Path) -> bool:
    lock = hold(folder)
    if lock is None:
        return folder.is_dir()
    os.close(lock)
    return False


def hold(folder: Path) -> int | None:
    """The lock of a running server, or None when another holds it (or there is no folder)."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock
