"""A supervisor that outlives the driver, and the way to see whether it still lives.

A lock on a file, taken before the supervisor starts and handed down to it, is given back by the
kernel when it ends, however it ends: no process number that could be another's by now.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from byoa.local.files import write_json

LOCK = "alive.lock"
WORK = "work.json"
LOG = "supervisor.log"


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """The lock of a folder, while its record is written and its supervisor is started."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def spawn(root: Path, folder: Path, kind: str, supervise: Sequence[str], lock: int) -> None:
    """Starts `supervise FOLDER` as a process of its own; byoa.local.supervise does `kind`."""
    write_json(folder / WORK, {"kind": kind, "root": str(root)})
    with (folder / LOG).open("ab") as log:
        # It forks at once and this first process ends: nobody here has to wait for the other.
        done = subprocess.run(
            [*supervise, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,  # not where the user stands: a random.py there would be imported
            pass_fds=[lock],
            start_new_session=True,
            check=False,
        )
    if done.returncode:
        tail = (folder / LOG).read_text(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"The supervisor did not start: {' '.join(tail)} (see {folder / LOG})")


def is_alive(folder: Path) -> bool:
    """Whether the supervisor of a folder runs. Ask before you read its record, not after."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
