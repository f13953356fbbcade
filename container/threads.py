"""How many threads a job's program computes with where its container may use a part of the cores.

Libraries start one a core of the machine, and a control group's limit (docker run --cpus 2) is none
of their business: 64 threads on two cores' time wait for each other, stopped for most of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from container.serving.resources import ROOT, cores

#: What OpenMP (torch's too), MKL, OpenBLAS and NumExpr ask.
VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def thread_variables(
    environ: Mapping[str, str], log: Callable[[str], None], root: Path = ROOT, processes: int = 1
) -> dict[str, str]:
    """The variables for each of the program's processes, which share the limit.

    None without a limit, or where the user has said it.
    """
    if "OMP_NUM_THREADS" in environ or not (root / "sys/fs/cgroup").is_dir():
        return {}
    allowed, there = cores(root), len(os.sched_getaffinity(0))
    if int(allowed + 0.5) >= there:
        return {}
    # To the next whole one: of 1.5 cores one thread would leave a third unused.
    threads = max(1, int(allowed / processes + 0.5))
    log(
        f"this container may use {allowed:g} of {there} cores: computing with {threads}"
        f" thread{'s' if threads > 1 else ''}{' a GPU' if processes > 1 else ''}"
        " (set OMP_NUM_THREADS for more)"
    )
    return dict.fromkeys(VARIABLES, str(threads))
