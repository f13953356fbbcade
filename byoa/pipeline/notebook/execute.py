"""Runs a notebook's code cells in this process, one after another, until one fails."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from byoa.pipeline.notebook.outputs import Outputs

SKIP = "skip-execution"
MAY_FAIL = "raises-exception"


class CellTimeoutError(Exception):
    """A cell took longer than executor_params.execution_timeout allows."""


def execute(notebook: dict[str, Any], folder: Path | None, cell_seconds: float = 0) -> None:
    """Fills the cells' outputs; raises what a cell raised, when all that came before is kept."""
    from byoa.pipeline.notebook.shell import opened

    outputs = Outputs()
    with opened(outputs, folder) as shell:
        for cell in notebook["cells"]:
            tags = cell["metadata"].get("tags", ())
            if cell["cell_type"] != "code" or SKIP in tags or not cell["source"].strip():
                continue
            error = run_cell(shell, outputs, cell, cell_seconds)
            if isinstance(error, SystemExit) and error.code in (None, 0):
                return  # as papermill has it: the notebook wanted no more, and that is fine
            if error is not None and MAY_FAIL not in tags:
                raise without_the_shell(error)


def run_cell(
    shell: Any, outputs: Outputs, cell: dict[str, Any], seconds: float
) -> BaseException | None:
    """Runs one cell; gives what it raised."""
    outputs.begin()
    with within(seconds):
        result = shell.run_cell(cell["source"], store_history=True)
    shell.streams.sync()
    cell["outputs"] = outputs.end()
    cell["execution_count"] = shell.execution_count - 1
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error


def without_the_shell(error: BaseException) -> BaseException:
    """The error with the frames of the cells and of what they call, without IPython's."""
    frame = error.__traceback__
    while frame is not None and not frame.tb_frame.f_code.co_filename.startswith("<ipython-input"):
        frame = frame.tb_next
    return error.with_traceback(frame) if frame is not None else error


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """CellTimeoutError in the running cell when the time is over; 0 is no limit."""

    def over(number: int, frame: FrameType | None) -> None:
        raise CellTimeoutError(f"the cell took longer than {seconds:g} s (execution_timeout)")

    if not seconds:
        yield
        return
    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
