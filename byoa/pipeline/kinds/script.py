"""A task that is a plain script (class: ScriptRunner): its parameters injected, no report."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import which

from byoa.pipeline.kinds.notebook import parameters, read
from byoa.pipeline.order import Order
from byoa.plan.errors import ByoaError
from byoa.plan.pipeline import injected, notebook_check, notebook_options, notebook_source
from byoa.plan.pipeline.model import Task

INTERPRETERS = {"r": ("Rscript", ".R"), "julia": ("julia", ".jl"), "bash": ("bash", ".sh")}


class ScriptError(ByoaError):
    """A script that ended with another exit code than 0."""


def run(task: Task, order: Order) -> None:
    """Runs the script in an interpreter of its own; what it prints is in the log at once."""
    source = read(task, order)
    values = parameters(task, order)
    analysis = notebook_options.analysis_of(task.options.get("static_analysis", "regular"))
    if analysis != "disable":
        notebook_check.check(source, values, task.source.path, analysis)
    whole = injected.into(source, values)
    text = "\n\n".join(cell.source for cell in whole.code) + "\n"
    folder = Path(order.root, task.source.path).parent if task.source.path else Path(order.root)
    call(text, interpreter(source), folder)


def interpreter(source: notebook_source.Notebook) -> tuple[str, str]:
    """The program that runs it, and the suffix that it wants."""
    if source.language == "python":
        return sys.executable, ".py"
    program, suffix = INTERPRETERS.get(source.language, ("", ""))
    if not program or which(program) is None:
        raise ByoaError(
            f"A script in {source.language} needs {program or 'its interpreter'}, which is not"
            " here. Install it, or make the task a notebook with a kernel."
        )
    return program, suffix


def call(text: str, program: tuple[str, str], folder: Path) -> None:
    """Runs a text as a script in its source's folder, as Ploomber's ScriptRunner does."""
    path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder)]))
    with tempfile.TemporaryDirectory() as place:
        script = Path(place, f"script{program[1]}")
        script.write_text(text, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        ended = subprocess.run([program[0], script], check=False, cwd=folder, env=environment)
    if ended.returncode:
        raise ScriptError(f"The script ended with exit code {ended.returncode}; its log says why.")
