"""How a function's process is started: its code unpacked, its folders, its command."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from byoa import archive
from byoa.plan.errors import ServiceError
from byoa.sandbox.lambdas import environment
from byoa.sandbox.lambdas.function import Function
from byoa.sandbox.lambdas.libraries import libraries
from byoa.sandbox.state import State

START = Path(__file__).with_name("start.py")
#: Lambda's limit of an archive and its layers, unpacked.
MOST_BYTES = 262_144_000


@dataclass(frozen=True)
class Launched:
    """A process that runs a function, how to end it, and what it uses."""

    process: subprocess.Popen[bytes]
    kill: Callable[[], None]  #: ends it and all that it started; again is no harm
    memory: Callable[[], int]  #: bytes in use now; 0 when nobody can tell
    tidy: Callable[[], None]


def root(state: State) -> Path:
    return Path(state.folder) / "lambda"


def launch_zip(function: Function, state: State, stream: str, runtime_api: str) -> Launched:
    """The function's archive in a process of its own, with Lambda's libraries and no others."""
    home = root(state)
    shared = libraries(home / f"runtime-{sys.version_info.major}.{sys.version_info.minor}")
    folder = Path(tempfile.mkdtemp(dir=home, prefix=f"{function.name[:40]}."))
    task, layers, temporary = folder / "task", folder / "opt", folder / "tmp"
    unpack(function.code, task)
    for number, layer in enumerate(function.layers):
        unpack(layer, layers, f"layer{number}.zip")
    temporary.mkdir()
    read_only(task)
    process = subprocess.Popen(
        [
            sys.executable, "-S", "-s", str(START), str(task), str(shared), str(layers),
            function.handler,
        ],
        cwd=task,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={
            **environment.variables(function, state, stream, runtime_api),
            **environment.folders(task, shared, temporary),
            **environment.mark(state),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )  # fmt: skip
    return Launched(
        process,
        kill=lambda: kill_group(process),
        memory=lambda: memory_of(process.pid),
        tidy=lambda: remove(folder),
    )


def unpack(data: bytes, folder: Path, name: str = "code.zip") -> None:
    """An archive that is none, or leads out of its folder, is the function's fault."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = folder.parent / name
    packed.write_bytes(data)
    try:
        archive.unpack(packed, folder, MOST_BYTES)
    except archive.BadArchiveError as error:
        raise ServiceError(
            "InvalidZipFileException", f"Lambda could not unzip the deployment package: {error}",
            "Invoke", 502,
        ) from error  # fmt: skip
    packed.unlink()


def read_only(folder: Path) -> None:
    """As /var/task is. root writes all the same: nothing of the kind is passed on."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)


def remove(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL, as Lambda's: a function gets no signal that it could handle."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    if process.poll() is None:
        process.wait()


def memory_of(pid: int) -> int:
    """Bytes that a process and its children hold in memory. Where there is no /proc, 0."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):  # gone, or another system
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(memory_of(child) for child in children(pid))


def children(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found


def output(process: subprocess.Popen[bytes]) -> int:
    """A file number of what it writes, ours to close."""
    stream: IO[bytes] | None = process.stdout
    assert stream is not None
    number = os.dup(stream.fileno())
    stream.close()
    return number
