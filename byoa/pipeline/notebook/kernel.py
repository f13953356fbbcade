"""Notebooks of other languages, or of another Python: by nbclient and the kernel that they name."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import signal
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from byoa.pipeline.extra import need
from byoa.pipeline.notebook.surroundings import Stopped, told_when_stopped
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline.notebook_options import Options
from byoa.plan.pipeline.notebook_source import Notebook

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
#: The kernels that are this very Python.
HERE = {"", "python3", "python"}
USUAL = {"python": "python3", "r": "ir", "bash": "bash"}
HINTS = {
    "ir": "in R: install.packages('IRkernel'); IRkernel::installspec()",
    "python3": "pip install ipykernel",
}
DEATH_SIGNAL = 1  # prctl


class KernelCellError(Exception):
    """What a cell raised in another process; a subclass has the name that it had there."""


def needed(source: Notebook, options: Options) -> str:
    """The kernel that has to run it; "" for this process."""
    asked = options.kernel or source.kernel
    if source.language != "python":
        return asked or USUAL.get(source.language) or unknown(source.language)
    if options.engine == "nbclient":
        return asked or "python3"
    if options.kernel not in HERE:
        return options.kernel
    if asked in HERE or asked in installed():
        return "" if asked in HERE else asked
    print(f"The kernel {asked!r} is not installed; the notebook runs in this Python.", flush=True)
    return ""


def unknown(language: str) -> str:
    raise ByoaError(
        f"The notebook does not say which kernel runs {language or 'it'}: set kernelspec_name."
    )


def installed() -> dict[str, str]:
    """The kernels of this machine, by name."""
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        return {}
    found: dict[str, str] = KernelSpecManager().find_kernel_specs()
    return found


def execute(notebook: dict[str, Any], name: str, options: Options, folder: Path) -> None:
    """Fills the cells' outputs; raises what a cell raised, when all that came before is kept."""
    client = client_of(notebook, name, options, folder)
    errors = need("nbclient", "A kernel").exceptions
    try:
        with told_when_stopped():
            in_a_thread(client)
    except errors.CellExecutionError as error:
        raise type(str(error.ename), (KernelCellError,), {"__module__": "builtins"})(
            error.evalue
        ) from None
    except errors.DeadKernelError:
        raise ByoaError(f"The kernel {name!r} died while it ran a cell.") from None
    finally:
        end(client)
        notebook["cells"] = [dict(cell) for cell in client.nb.cells]


def in_a_thread(client: Any) -> None:
    """In the main thread nbclient would take SIGTERM for itself, and put the kernel away twice."""
    how = {"preexec_fn": die_with_us} if sys.platform == "linux" else {}
    loop = asyncio.new_event_loop()
    task = loop.create_task(client.async_execute(**how))
    with closing(loop), ThreadPoolExecutor(1) as pool:
        try:
            pool.submit(loop.run_until_complete, task).result()
        except Stopped:
            loop.call_soon_threadsafe(task.cancel)
            raise


def client_of(notebook: Mapping[str, Any], name: str, options: Options, folder: Path) -> Any:
    nbclient = need("nbclient", f"A notebook for the kernel {name!r}")
    kernels = installed()
    if name not in kernels:
        hint = f" Install it: {HINTS[name]}." if name in HINTS else ""
        there = ", ".join(sorted(kernels)) or "none"
        raise ByoaError(f"There is no kernel {name!r} here (there is {there}).{hint}")
    nbformat = need("nbformat", "A notebook task")
    return nbclient.NotebookClient(
        nbformat.from_dict(dict(notebook)),
        kernel_name=name,
        timeout=options.cell_seconds or None,
        startup_timeout=options.start_seconds,
        record_timing=False,
        store_widget_state=False,
        skip_cells_with_tag="skip-execution",
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=told,
    )


def told(cell: Mapping[str, Any], **_: Any) -> None:
    """A cell's texts, into the log."""
    for output in cell.get("outputs", ()):
        kind = output["output_type"]
        data = output.get("data", {})
        text = output.get("text") if kind == "stream" else data.get("text/plain", "")
        if kind == "error":
            text = COLOURS.sub("", "\n".join(output["traceback"]))
        if text:
            print(text.rstrip("\n"), flush=True)


def die_with_us() -> None:
    """In the kernel, before it starts: SIGKILL when the task's process ends, however it ends."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def end(client: Any) -> None:
    """No kernel outlives its task."""
    provisioner = getattr(getattr(client, "km", None), "provisioner", None)
    process = getattr(provisioner, "process", None)
    if process is not None and process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
