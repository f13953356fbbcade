"""The supervisor's side of `nursery`: the process that model processes are forked from."""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import dataclass

from container.serving.child import Child

_PR_GET_CHILD_SUBREAPER = 37


def adopts() -> bool:
    """Whether a process whose parent is gone becomes our child: else we would not hear of it."""
    if sys.platform != "linux":
        return False
    answer = ctypes.c_int()
    ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value) or os.getpid() == 1


@dataclass(slots=True)
class Together:
    """That process, for the short time that it lives, and where it reports."""

    child: Child
    report_fd: int

    def born(self) -> dict[int, int]:
        """Number -> pid of the model processes that it forked and that we have not heard of."""
        try:
            lines = os.read(self.report_fd, 1 << 16).decode().splitlines()
        except BlockingIOError:
            return {}
        return {int(number): int(pid) for number, pid in (line.split() for line in lines)}

    def close(self) -> None:
        """Nothing more will be reported."""
        os.close(self.report_fd)
