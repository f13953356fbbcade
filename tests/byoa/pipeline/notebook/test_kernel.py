"""Kernels of their own: another Python, other languages. The kernel here is ipykernel's."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from byoa.pipeline.notebook import kernel
from byoa.plan.pipeline.notebook_options import Options
from byoa.plan.pipeline.notebook_source import read
from tests.byoa.pipeline.notebook.conftest import Run, shown

KERNEL = {"executor_params": {"engine_name": "nbclient"}}


def ipynb(name, language="python"):
    metadata = {"kernelspec": {"name": name, "language": language, "display_name": name}}
    cell = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": []}
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4})


@pytest.mark.parametrize(
    "text, suffix, options, needed",
    [
        ("# %%\n1", ".py", Options(), ""),
        ("# %%\n1", ".py", Options(kernel="python3"), ""),
        ("# %%\n1", ".py", Options(kernel="other"), "other"),
        ("# %%\n1", ".py", Options(engine="nbclient"), "python3"),
        (ipynb("python3"), ".ipynb", Options(), ""),
        (ipynb("conda-env-gone"), ".ipynb", Options(), ""),
        (ipynb("conda-env-gone"), ".ipynb", Options(kernel="mine"), "mine"),
        (ipynb("ir", "R"), ".ipynb", Options(), "ir"),
        ("# %%\nx <- 1", ".R", Options(), "ir"),
        (ipynb("julia-1.10", "julia"), ".ipynb", Options(), "julia-1.10"),
    ],
)
def test_python_needs_no_kernel(text, suffix, options, needed, capsys):
    assert kernel.needed(read(text, suffix), options) == needed
    assert ("runs in this Python" in capsys.readouterr().out) is ("gone" in text and not needed)


def test_a_kernel_that_is_not_installed_is_a_sentence(run: Run):
    ran = run("# %%\nx <- 1\n", ".R")
    text = ran.facts["failure"]["text"]
    assert text.startswith("There is no kernel 'ir' here (there is ") and "IRkernel" in text


@pytest.fixture
def spec(tmp_path: Path, monkeypatch):
    """A kernel of this Python, found by its name only."""
    import sys

    folder = tmp_path / "jupyter" / "kernels" / "mine"
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    made = {"argv": command, "display_name": "mine", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(made))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipythondir"))
    return "mine"


def test_a_notebook_in_a_kernel_of_its_own(run: Run, spec):
    ran = run(
        "# %%\nimport os\nprint('from', os.path.basename(os.getcwd()))\n"
        "# %% tags=['ratio']\n0.5\n# %%\nimport pid\n# %%\nprint('after')\n",
        options={"kernelspec_name": spec, "local_execution": True},
    )
    assert ran.facts["failure"]["text"] == "ModuleNotFoundError: No module named 'pid'"
    assert ran.facts["failure"]["kinds"][:2] == ["ModuleNotFoundError", "KernelCellError"]
    first, second, third, fourth = shown(json.loads((ran.root / "nb.ipynb").read_text()))
    assert first[0]["text"] == "from scripts\n"
    assert second[0]["data"] == {"text/plain": "0.5"}
    assert third[0]["ename"] == "ModuleNotFoundError" and fourth == []
    assert "from scripts" in ran.log and "No module named 'pid'" in ran.log


def test_no_kernel_outlives_its_task(run: Run, spec):
    ran = run(
        "# %%\nimport os\nprint(os.getpid(), os.getppid())\n"
        "# %%\nimport signal\nos.kill(os.getppid(), signal.SIGTERM)\n"
        "import time\ntime.sleep(60)\n",
        options={"kernelspec_name": spec},
    )
    assert ran.facts["failure"]["kinds"][0] == "Stopped", ran.log
    held = json.loads((ran.root / "nb.ipynb").read_text())
    pid = int(shown(held)[0][0]["text"].split()[0])
    end = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
