"""Processes of attempts: their memory, what they leave behind, what they have in common."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from byoa.pipeline.ploomber import finder

SUBREAPER = 36  # prctl: whoever loses its parent below us becomes our child
MB = 1 << 20
SUPERVISORS = {b"byoa.local.supervise", b"byoa.sandbox.supervise"}
#: What a limit of data leaves above the task's own: stacks of threads that are never touched.
SLACK = 2 << 30
#: Each brings an OpenBLAS of its own, which starts its threads anew in a fork.
OPENBLAS = frozenset({"numpy", "scipy.linalg"})
#: Must not have been loaded before a fork: they start threads or talk to devices sooner or later.
NOT_BEFORE_FORK = frozenset(
    {"tensorflow", "jax", "jaxlib", "grpc", "pyspark", "ray", "cupy", "pycuda", "mpi4py", "tkinter"}
)


def prctl(what: int, value: int) -> None:
    """Sets an attribute of this process, where there are such (Linux)."""
    with suppress(OSError, AttributeError):
        libc().prctl(what, value, 0, 0, 0)


@cache
def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def become_subreaper() -> None:
    """Orphans below this process become its children (Linux), so that it can end them."""
    prctl(SUBREAPER, 1)


def children() -> list[int]:
    """This process's own children, as far as the system tells (Linux)."""
    try:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def kill_strays(ended: int) -> None:
    """SIGKILL to what an ended attempt left behind: orphans tell by their session whose they are.

    Who made a session of its own cannot be told from another attempt's; it ends with the template.
    """
    for pid in children():
        with suppress(OSError):
            if os.getsid(pid) == ended:
                os.kill(pid, signal.SIGKILL)


def outlives(pid: int) -> bool:
    """Whether it is a supervisor of a job or an endpoint: those go on by themselves."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return not SUPERVISORS.isdisjoint(words)


def kill_below() -> None:
    """SIGKILL to all that is left below this process and does not outlive it."""
    for _ in range(100):
        left = [pid for pid in children() if not outlives(pid)]
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not left:
            return
        time.sleep(0.01)


def below(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            text = (thread / "children").read_text()
            found += [one for word in text.split() for one in below(int(word))]
    return found


def memory_of(pid: int, limit_mb: int) -> float:
    """The memory of a process and those below it, in MB; what it shares counts in part.

    The cheap figure counts what forks share fully; only when that is above the limit the exact
    one is read.
    """
    pids = below(pid)
    whole = sum(resident(one) for one in pids)
    return whole if whole <= limit_mb else sum(proportional(one) for one in pids)


def resident(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def proportional(pid: int) -> float:
    """Pages of its own, and of shared ones a part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return resident(pid)
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def first_to_go() -> None:
    """When the machine runs out of memory, the kernel takes a task, not what looks after tasks."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def limit_memory(limit_mb: int | None) -> None:
    """One allocation far above the limit is refused at once, as a MemoryError with a traceback."""
    if limit_mb is None or sys.platform != "linux":
        return
    import resource

    lines = Path("/proc/self/status").read_text().splitlines()
    used = next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:")), 0)
    most = used + limit_mb * MB + SLACK
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with suppress(ValueError, OSError):
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def preload(modules: Iterable[str], calls: Iterable[str], path: Iterable[str]) -> str:
    """Loads what many tasks import; the name of the one that started a thread, or nothing.

    A module that cannot be imported is left to the task that wants it: its error is told there.
    """
    finder.install()
    sys.path[:0] = [folder for folder in path if folder not in sys.path]
    with suppress(Exception):  # every fork would look through these folders anew
        importlib.util.find_spec("byoa_no_such_module")
    for name in modules:
        if name.partition(".")[0] in NOT_BEFORE_FORK:
            continue
        threads, had = native_threads(), OPENBLAS & sys.modules.keys()
        with suppress(BaseException), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
        if threading.active_count() > 1:
            return name
        if native_threads() > threads and OPENBLAS & sys.modules.keys() == had:
            return name
    for call in calls:
        module, _, function = call.partition(":")
        with suppress(Exception):
            getattr(importlib.import_module(module), function)()
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    gc.collect()
    gc.freeze()
    return ""


def native_threads() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 1
