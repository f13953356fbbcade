"""Fewer cores than the machine has: a control group's quota, as a container's, or an affinity."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
PERIOD = 100_000
JOIN = 'echo $$ > "$0" && exec "$@"'


@contextmanager
def cores(count: float) -> Iterator[list[str]]:
    """What to put before a command so that it gets so many cores; empty where nothing can."""
    group = _group(count)
    if group is not None:
        try:
            yield ["sh", "-c", JOIN, str(group / "cgroup.procs")]
        finally:
            group.rmdir()
    elif count >= len(os.sched_getaffinity(0)):
        yield []
    elif shutil.which("taskset") and count == int(count):
        yield ["taskset", "-c", f"0-{int(count) - 1}"]
    else:
        raise SystemExit(f"{count} cores: needs root, for a control group")


def _group(count: float) -> Path | None:
    """A new control group with this quota, version 1 or 2; None where we may not make one."""
    first = MOUNT / "cpu" if (MOUNT / "cpu/cpu.cfs_quota_us").exists() else None
    group = (first or MOUNT) / f"byoa-bench-{os.getpid()}"
    quota = int(count * PERIOD)
    try:
        group.mkdir()
        if first:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
    except OSError:
        if group.is_dir():
            group.rmdir()
        return None
    return group
